"""`tilth audit` and `tilth audit sign`: the audit of a model carried out, recorded and signed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tilth.errors import CheckFailed, UsageError, closest, counted
from tilth.evaluation.audit import Entry
from tilth.pipelines.audit import Audit, audited, examine, risk_path
from tilth.pipelines.audit_evidence import Evidence
from tilth.pipelines.audit_records import record_audit
from tilth.pipelines.audit_signatures import check_signer, signing, withdrawal
from tilth.projects import Project
from tilth.types import JSONObject

__all__ = ["Carried", "Signed", "carry_out", "sign"]


@dataclass(frozen=True)
class Carried:
    """An audit that was carried out, with the evidence and the number of the run that records it."""

    audit: Audit
    evidence: Evidence
    run: int


@dataclass(frozen=True)
class Signed:
    """What signing came to.

    Args:
        audit: as it is afterwards.
        signed: the risks that were signed, or whose signature was taken back.
        left: the risks that were asked for and are not signed, with the reason.
        others: the risks that are others' to sign, where all were asked for.
    """

    audit: Audit
    signed: tuple[str, ...]
    left: tuple[tuple[str, str], ...] = ()
    others: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> JSONObject:
        """The audit as it is afterwards, with what was signed."""
        left: JSONObject = dict((*self.left, *self.others))
        return {**self.audit.to_json(), "signed_now": list(self.signed), "left": left}

    def failure(self) -> CheckFailed | None:
        """That something that was asked for could not be done; None where all was."""
        left = self.left if self.left or self.signed else self.others
        if not left:
            return None
        shown = "\n".join(f"    {name}: {why}" for name, why in left)
        return CheckFailed(
            f"{len(left)} of {counted(len(left) + len(self.signed), 'risk')} left as before:\n{shown}",
            where=self.audit.version.reference,
        )


def carry_out(project: Project, reference: str | None = None) -> Carried:
    """Measure the risks of a model version and record what was found.

    Args:
        project: the project.
        reference: "name@3", "challenger", "3"; default: the challenger, or else the champion.

    Raises:
        NotFoundError: no such version.
        ProjectError: no audit.toml, or a mistake in it.
        StoreError: a file of the model is gone or damaged.
    """
    with project.store() as store:
        found, evidence = audited(project, store, reference)
        return Carried(found, evidence, record_audit(project, store, found).number)


def sign(
    project: Project,
    reference: str | None = None,
    risks: Sequence[str] | None = None,
    *,
    who: str,
    note: str | None = None,
    withdraw: bool = False,
) -> Signed:
    """Sign risks of a model version, or take signatures back.

    A risk whose bound does not hold is not signed: no signature would let the model out. Nor is one that is
    somebody else's to sign.

    Args:
        project: the project.
        reference: which version; default: the challenger, or else the champion.
        risks: their names; None: all that are there to be signed.
        who: who signs.
        note: what else is to be kept.
        withdraw: take the signatures back.

    Raises:
        UsageError: no such risk, or no name to sign with.
        NotFoundError: no such version, or no signature to take back.
        ProjectError: no audit.toml, or a mistake in it.
    """
    check_signer(who, note)
    with project.store() as store:
        found, evidence = audited(project, store, reference)
        wanted = _wanted(project, found, risks)
        others = {_name(entry): why for entry in wanted if (why := _not_theirs(entry, who))}
        left = {
            _name(entry): why
            for entry in wanted
            if _name(entry) not in others and (why := _hindrance(entry, withdraw))
        }
        if risks is not None:
            left, others = {**others, **left}, {}
        taken = [entry for entry in wanted if _name(entry) not in {**left, **others}]
        version = found.version
        store.record_remarks(
            [
                withdrawal(version, entry.finding, who)
                if withdraw
                else signing(version, entry.finding, who, note)
                for entry in taken
            ]
        )
        after = examine(project, store, version, evidence)
    return Signed(after, tuple(map(_name, taken)), tuple(left.items()), tuple(others.items()))


def _name(entry: Entry) -> str:
    return entry.finding.risk.name


def _wanted(project: Project, audit: Audit, names: Sequence[str] | None) -> list[Entry]:
    if names is None:
        return list(audit.entries)
    known = {entry.finding.risk.name: entry for entry in audit.entries}
    for name in names:
        if name not in known:
            near = closest(name, known)
            raise UsageError(
                f"there is no risk '{name}'",
                where=str(risk_path(project)),
                expected="one of " + ", ".join(known),
                mend=f"did you mean '{near}'?" if near else None,
            )
    return [known[name] for name in dict.fromkeys(names)]


def _not_theirs(entry: Entry, who: str) -> str | None:
    """Whose a risk is to sign, where it is somebody else's."""
    owner = entry.finding.risk.owner
    same = owner is None or " ".join(owner.split()).casefold() == " ".join(who.split()).casefold()
    return None if same else f"it is {owner}'s to sign"


def _hindrance(entry: Entry, withdraw: bool) -> str | None:
    """Why a risk cannot be signed, or a signature not be taken back; None where it can be done."""
    if withdraw:
        return "nobody has signed it" if entry.signature is None else None
    verdict = entry.finding.verdict
    return None if verdict.passed else f"it does not hold: {verdict.reason}"
