"""Who has signed which risk of which version, and whether it still holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from tilth.errors import UsageError
from tilth.evaluation.audit import Finding, Signature
from tilth.store import ModelVersion, Remark, Said, Store
from tilth.types import JSONObject

__all__ = ["check_signer", "signatures", "signing", "withdrawal"]

_KIND = "signature"
_LONGEST_NAME = 200
_LONGEST_NOTE = 2000


def signatures(store: Store, version: ModelVersion, findings: Sequence[Finding]) -> dict[str, Signature]:
    """The signatures of a version by the names of its risks; those that do not hold any more say why."""
    remarks = store.remarks(version.name, _KIND, subject=version.reference)
    newest = {remark.name: remark for remark in remarks}
    found = {}
    for finding in findings:
        remark = newest.get(finding.risk.name)
        if remark is not None and isinstance(remark.value, dict):
            found[finding.risk.name] = _signature(remark, remark.value, version, finding)
    return found


def signing(version: ModelVersion, finding: Finding, who: str, note: str | None = None) -> Said:
    """That somebody signs a risk: bound to the risk, the model, its evaluation and the result."""
    return Said(
        version.name,
        _KIND,
        version.reference,
        finding.risk.name,
        {**_bound(version, finding), "note": note},
        who,
    )


def withdrawal(version: ModelVersion, finding: Finding, who: str) -> Said:
    """That a signature is taken back."""
    return Said(version.name, _KIND, version.reference, finding.risk.name, None, who)


def check_signer(who: str, note: str | None) -> None:
    """Refuse what is no name of a person, or a note that is a book.

    Raises:
        UsageError: it is.
    """
    if not who.strip() or len(who) > _LONGEST_NAME or not who.isprintable():
        raise UsageError(
            f"{who[:_LONGEST_NAME]!r} is no name to sign with",
            where="--as",
            expected=f"a name in one line, at most {_LONGEST_NAME} characters",
        )
    if note is not None and len(note) > _LONGEST_NOTE:
        raise UsageError(
            f"the note has {len(note):,} characters", where="--note", expected=f"at most {_LONGEST_NOTE:,}"
        )


def _bound(version: ModelVersion, finding: Finding) -> JSONObject:
    """All that a signature holds for."""
    return {
        "risk": finding.risk.digest,
        "model": version.artifact.digest,
        "measured": version.properties.get("measured"),
        "outcome": finding.outcome,
    }


_CHANGED = {
    "risk": "the risk has been changed since",
    "model": "it was given for another model",
    "measured": "the model has been evaluated to something else since",
}


def _signature(
    remark: Remark, value: Mapping[str, object], version: ModelVersion, finding: Finding
) -> Signature:
    now = _bound(version, finding)
    void = next((why for key, why in _CHANGED.items() if value.get(key) != now[key]), None)
    if void is None and value.get("outcome") != now["outcome"]:
        void = f"the result was '{value.get('outcome')}' and is '{now['outcome']}' now"
    return Signature(remark.who, remark.made, cast("str | None", value.get("note")), void)
