"""The audit of a registered model: its risks measured, signed and recorded, and the gate before a release."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tilth.errors import CheckFailed, NotFoundError, ProjectError
from tilth.evaluation.audit import Entry
from tilth.evaluation.risks import CardWords, RiskFile, read_risks
from tilth.pipelines.audit_evidence import Evidence
from tilth.pipelines.audit_report import audit_report
from tilth.pipelines.audit_signatures import signatures
from tilth.pipelines.versions import find_version
from tilth.projects import Project
from tilth.store import Artifact, ModelVersion, Store
from tilth.types import JSONObject

__all__ = ["Audit", "Gate", "audited", "examine", "risk_path"]


@dataclass(frozen=True)
class Audit:
    """What the risks of audit.toml come to for one version of a model.

    Args:
        version: the version.
        aliases: those that name it.
        entries: the risks in the order of the file, each with what was found and who signed.
        is_required: whether no version may be promoted without.
        champion: the version that "champion" is here; None: there is nothing to compare with yet.
        card: what people say of the model.
        file: the name of the file of risks.
        text: what it says.
    """

    version: ModelVersion
    aliases: tuple[str, ...]
    entries: tuple[Entry, ...]
    is_required: bool
    champion: int | None = None
    card: CardWords = field(default_factory=CardWords)
    file: str = "audit.toml"
    text: str = ""

    @property
    def is_passed(self) -> bool:
        """Whether every bound holds."""
        return all(entry.finding.verdict.passed for entry in self.entries)

    @property
    def lacks(self) -> tuple[str, ...]:
        """Why the model may not go out, in words, bounds that do not hold first; empty where it may."""
        failed_first = sorted(self.entries, key=lambda entry: entry.finding.verdict.passed)
        return tuple(entry.lacks for entry in failed_first if entry.lacks is not None)

    @property
    def holds(self) -> bool:
        """Whether every bound holds and, where the project demands an audit, all is signed."""
        return self.is_passed and not (self.is_required and self.lacks)

    def to_json(self) -> JSONObject:
        """The audit as JSON values."""
        return {
            "model": self.version.name,
            "version": self.version.version,
            "aliases": list(self.aliases),
            "champion": self.champion,
            "audit": hashlib.sha256(self.text.encode()).hexdigest(),
            "required": self.is_required,
            "passed": self.is_passed,
            "signed": all(entry.is_signed for entry in self.entries),
            "holds": self.holds,
            "lacks": list(self.lacks),
            "risks": [entry.to_json() for entry in self.entries],
        }

    def report(self) -> str:
        """The audit for people: a line for each risk, and what keeps the model in."""
        names = f" ({', '.join(self.aliases)})" if self.aliases else ""
        has_rival = any(entry.finding.risk.check.baseline == "champion" for entry in self.entries)
        rival = "" if self.champion is None else f", against {self.version.name}@{self.champion}"
        title = f"audit of {self.version.reference}{names}{rival if has_rival else ''}"
        return audit_report(title, self.entries, is_required=self.is_required)


def risk_path(project: Project) -> Path:
    """The file that names the risks."""
    return project.directory / project.configuration.audit.risks


def audited(project: Project, store: Store, reference: str | None) -> tuple[Audit, Evidence]:
    """The audit of a version, and the evidence.

    Args:
        project: the project.
        store: its open store.
        reference: "name@3", "challenger", "3"; default: the challenger, or else the champion.

    Raises:
        NotFoundError: no such version.
        ProjectError: no audit.toml, or a mistake in it.
        StoreError: a file of the model is gone or damaged.
    """
    version = _version(project, store, reference)
    evidence = _evidence(project, store, version.artifact, version.properties, version.version)
    return examine(project, store, version, evidence), evidence


def examine(project: Project, store: Store, version: ModelVersion, evidence: Evidence) -> Audit:
    """The audit of a version by the audit.toml of this moment.

    Raises:
        ProjectError: no audit.toml, or a mistake in it.
    """
    text = _text(project)
    found = _risks(project, text)
    findings = [evidence.finding(risk) for risk in found.risks]
    signed = signatures(store, version, findings)
    aliases = store.aliases(version.name).items()
    return Audit(
        version,
        tuple(alias for alias, number in aliases if number == version.version),
        tuple(Entry(finding, signed.get(finding.risk.name)) for finding in findings),
        project.configuration.audit.required,
        evidence.champion,
        found.card,
        risk_path(project).name,
        text,
    )


class Gate:
    """Lets a version become the champion, or says why not; open where the project demands no audit.

    What takes long is done before a transaction, in `prepare`. In it the file, the signatures and the
    champion of that moment count: what has changed meanwhile is measured again.

    Args:
        project: whose versions.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._evidence: Evidence | None = None
        self.audit: Audit | None = None
        """What the version that was looked at last came to; None where it was not audited."""

    @cached_property
    def is_open(self) -> bool:
        """Whether no audit is demanded."""
        return not self._project.configuration.audit.required

    def prepare(self, store: Store, model: Artifact, properties: JSONObject) -> None:
        """Measure the risks of a model that is or will be registered so."""
        if self.is_open:
            return
        self._evidence = _evidence(self._project, store, model, properties)
        try:
            risks = _risks(self._project, _text(self._project)).risks
        except ProjectError:
            return  # `obstacles` tells of it
        for risk in risks:
            self._evidence.finding(risk)

    def obstacles(self, store: Store, version: ModelVersion) -> tuple[str, ...]:
        """Why the version may not become the champion; empty where it may."""
        if self.is_open:
            return ()
        given = (self._project, store, version.artifact, version.properties, version.version)
        if self._evidence is None or self._evidence.champion != _number(_rival(*given[:2], version.version)):
            self._evidence = _evidence(*given)
        try:
            self.audit = examine(self._project, store, version, self._evidence)
        except ProjectError as error:
            more = "; ".join(part for part in (error.where, error.mend) if part)
            return (f"{error.what} ({more})" if more else error.what,)
        return self.audit.lacks

    def pass_or_fail(self, store: Store, version: ModelVersion) -> None:
        """Raise where the version may not become the champion.

        Raises:
            CheckFailed: with all reasons.
        """
        reasons = self.obstacles(store, version)
        if reasons:
            shown = "\n".join(f"    {reason}" for reason in reasons)
            raise CheckFailed(
                f"{version.reference} may not be promoted, since its audit does not hold:\n{shown}",
                where=f"{self._project.directory}, tilth.toml, [audit] required = true",
                mend="tilth audit shows what was found; tilth audit sign signs what holds",
            )


def _version(project: Project, store: Store, reference: str | None) -> ModelVersion:
    if reference is not None:
        return find_version(project, store, reference)
    aliases = store.aliases(project.name)
    for alias in ("challenger", "champion"):
        if alias in aliases:
            return store.model_version(project.name, aliases[alias])
    raise NotFoundError(
        f"'{project.name}' has no model to audit", where=str(project.directory), mend="carry out: tilth run"
    )


def _evidence(
    project: Project,
    store: Store,
    model: Artifact,
    properties: JSONObject,
    version: int | None = None,
) -> Evidence:
    return Evidence(project, model.digest, properties, _rival(project, store, version))


def _rival(project: Project, store: Store, version: int | None) -> ModelVersion | None:
    """The champion; for the champion itself the one that it replaced, so that its audit stays as it was."""
    number = store.aliases(project.name).get("champion")
    if number is not None and number == version:
        moves = [each for each in store.alias_history(project.name, "champion") if each.version == number]
        number = moves[0].previous if moves else None
    return None if number is None else store.model_version(project.name, number)


def _number(version: ModelVersion | None) -> int | None:
    return None if version is None else version.version


def _text(project: Project) -> str:
    path = risk_path(project)
    if not path.exists():
        raise ProjectError(
            f"there is no {project.configuration.audit.risks} here",
            where=str(path.parent),
            mend="write a first one with: tilth audit init",
        )
    return project.read_text(path)


def _risks(project: Project, text: str) -> RiskFile:
    return read_risks(text, where=str(risk_path(project)))
