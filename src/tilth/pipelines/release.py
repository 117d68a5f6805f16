"""Registering model versions and moving their aliases: champion, challenger."""

from __future__ import annotations

import getpass
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tilth.errors import TilthError, UsageError
from tilth.pipelines.audit import Gate
from tilth.pipelines.audit_records import record_audit
from tilth.pipelines.publishing import publish_aliases
from tilth.pipelines.versions import find_version
from tilth.projects import Project
from tilth.store import AliasChange, Artifact, ModelVersion, Move, Run, Store
from tilth.types import JSONObject

__all__ = ["Registration", "Release", "promote", "register", "rollback"]


@dataclass(frozen=True)
class Registration:
    """What registering a model came to.

    Args:
        model: the version, new or found.
        alias: which alias it carries now.
        changed: whether anything was recorded.
        replaces: the champion of before, when this is the same graph with other properties.
        obstacles: why the audit keeps it from being the champion, which it would be otherwise.
    """

    model: ModelVersion
    alias: str
    changed: bool
    replaces: int | None = None
    obstacles: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """One line for people."""
        if self.obstacles:
            more = f", and {len(self.obstacles) - 1} more" if len(self.obstacles) > 1 else ""
            return (
                f"{self.model.reference} is the challenger, since the audit keeps it from being the "
                f"champion: {self.obstacles[0]}{more}; see tilth audit"
            )
        if not self.changed:
            return f"{self.model.reference} is the {self.alias} already"
        if self.replaces is not None:
            before = f"{self.model.name}@{self.replaces}"
            return (
                f"{self.model.reference}, the graph of {before} with new schema or reference, is the champion"
            )
        if self.alias == "champion":
            return f"{self.model.reference}, the first, is the champion"
        return f"{self.model.reference} is the challenger; tilth promote makes it the champion"

    def to_json(self) -> JSONObject:
        """The registration as JSON values; the same for the same model."""
        return {"model": self.model.name, "version": self.model.version, "alias": self.alias}


@dataclass(frozen=True)
class Release:
    """The version that is the champion now, and what else to know."""

    model: ModelVersion
    notes: tuple[str, ...] = ()


def register(
    project: Project, store: Store, run: Run, made: Mapping[str, Artifact], label: JSONObject
) -> Registration:
    """Register a model that passed its checks, with all that serving and monitoring need beside its graph.

    The first becomes the champion; a later one the challenger, until it is promoted. The champion's own graph
    with another schema or reference becomes the champion at once: it answers the same, so there is nothing to
    decide. Registering the same again changes nothing. Where the project demands an audit, nobody becomes the
    champion of itself whom the audit would not let out: it is the challenger, and people sign and promote it.
    """
    properties = _properties(project, made, label)
    gate = Gate(project)
    if not gate.is_open and _would_be_crowned(store, project.name, made["model"]):
        gate.prepare(store, made["model"], properties)  # what takes long, while others may still write
    with store.transaction():
        known = _known(store, project.name, made["model"], properties)
        version = known or store.register_model(project.name, made["model"], run, properties)
        aliases = store.aliases(project.name)
        champion = aliases.get("champion")
        present = store.model_version(project.name, champion) if champion else None
        if present is not None and present.artifact.digest != version.artifact.digest:
            changed = aliases.get("challenger") != version.version
            if changed:
                _move(store, "challenger", version, f"run {run.number}", "register")
            return Registration(version, "challenger", changed or known is None)
        if champion == version.version:
            return Registration(version, "champion", changed=False)
        obstacles = gate.obstacles(store, version)
        if obstacles:
            changed = aliases.get("challenger") != version.version
            if changed:
                _move(store, "challenger", version, f"run {run.number}", "register")
            return Registration(version, "challenger", changed or known is None, obstacles=obstacles)
        why = f"run {run.number}" if champion is None else "same graph, new schema or reference"
        _crown(store, version, why, "register")
        if gate.audit is not None:
            record_audit(project, store, gate.audit, why=f"register: {why}")
        return Registration(version, "champion", changed=True, replaces=champion)


def _would_be_crowned(store: Store, name: str, model: Artifact) -> bool:
    """Whether a model becomes the champion of itself, as far as can be told before the transaction."""
    champion = store.aliases(name).get("champion")
    return champion is None or store.model_version(name, champion).artifact.digest == model.digest


def _properties(project: Project, made: Mapping[str, Artifact], label: JSONObject) -> JSONObject:
    """What a version is beside its graph: digests of what it came with, its label encoding, how data is read.

    `measured` is the digest of the model's own evaluation, without the champion and the checks of the day.
    """
    properties: JSONObject = {name: artifact.digest for name, artifact in made.items() if name != "model"}
    properties["label"] = label
    properties["missing"] = list(project.configuration.data.missing)
    if "evaluation" in made:
        document = json.loads(project.artifacts().read_bytes(made["evaluation"].digest, ".json"))
        text = json.dumps(document["test"], sort_keys=True)
        properties["measured"] = hashlib.sha256(text.encode()).hexdigest()
    return properties


def _known(store: Store, name: str, model: Artifact, properties: JSONObject) -> ModelVersion | None:
    """The version that this is already, whichever champion it was compared with when it was evaluated."""

    def own(given: JSONObject) -> JSONObject:
        return {key: value for key, value in given.items() if key != "evaluation"}

    for version in store.model_versions(name):
        if version.artifact.digest == model.digest and own(version.properties) == own(properties):
            return version
    return None


def promote(project: Project, reference: str | None = None, *, why: str = "promoted by hand") -> Release:
    """Make a model version the champion.

    Args:
        project: the project.
        reference: "name@3", "name@challenger", "3"; default: the challenger.
        why: recorded with the change.

    Raises:
        NotFoundError: no such version.
        UsageError: it is the champion already, or of another model.
        CheckFailed: the project demands an audit, and that does not hold or is not signed.
    """
    with project.store() as store:
        gate = Gate(project)
        asked = find_version(project, store, reference or "challenger")
        gate.prepare(store, asked.artifact, asked.properties)  # what takes long, while others may still write
        with store.transaction():
            version = find_version(project, store, reference or "challenger")
            if store.aliases(project.name).get("champion") == version.version:
                raise UsageError(f"{version.reference} is the champion already")
            gate.pass_or_fail(store, version)
            _crown(store, version, why, "promote")
            if gate.audit is not None:
                record_audit(project, store, gate.audit, why=f"promote: {why}")
        return Release(version, _publish(project, store))


def rollback(project: Project, *, why: str = "by hand") -> Release:
    """Go back to the champion before the present one; once more, to the one before that.

    Raises:
        UsageError: there was none.
    """
    with project.store() as store:
        with store.transaction():
            champions = _champions(store.alias_history(project.name, "champion"))
            if len(champions) < 2:
                raise _no_champion_before(project, store)
            version = store.model_version(project.name, champions[-2])
            _crown(store, version, f"rollback: {why}", "rollback")
        return Release(version, _publish(project, store))


def _champions(history: Sequence[AliasChange]) -> list[int]:
    """The champions that can be gone back to, the present one last: a rollback takes away what came after."""
    stack: list[int] = []
    for change in history:
        if change.kind == "rollback":
            while stack and stack[-1] != change.version:
                stack.pop()
        if change.version is not None and stack[-1:] != [change.version]:
            stack.append(change.version)
    return stack


def _no_champion_before(project: Project, store: Store) -> UsageError:
    present = store.aliases(project.name).get("champion")
    return UsageError(
        "there is nothing to roll back to",
        where=f"model '{project.name}'",
        expected="a champion before the present one",
        mend=None if present is None else "tilth promote NAME@VERSION makes any version the champion",
    )


def _crown(store: Store, version: ModelVersion, why: str, kind: Move) -> None:
    """Make a version the champion; it is no challenger then."""
    _move(store, "champion", version, why, kind)
    if store.aliases(version.name).get("challenger") == version.version:
        store.remove_alias(version.name, "challenger", who=_who(), why="it is the champion now")


def _move(store: Store, alias: str, version: ModelVersion, why: str, kind: Move) -> None:
    """Let an alias name a version, if it still names what was decided upon."""
    present = store.aliases(version.name).get(alias)
    store.set_alias(version.name, alias, version.version, _who(), why, expected=present, kind=kind)


def _publish(project: Project, store: Store) -> tuple[str, ...]:
    """Tell the tracker; one that is away must not undo a release that is done."""
    try:
        publish_aliases(project, store.aliases(project.name))
    except TilthError as error:
        return (f"not published to MLflow: {error.what}",)
    return ()


def _who() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
