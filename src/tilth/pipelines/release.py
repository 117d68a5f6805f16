"""Registering model versions and moving their aliases: champion, challenger."""

from __future__ import annotations

import getpass
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tilth.errors import UsageError
from tilth.pipelines.publishing import publish_aliases
from tilth.projects import Project
from tilth.store import AliasChange, Artifact, ModelVersion, Run, Store
from tilth.types import JSONObject

__all__ = ["Registration", "Release", "find_version", "promote", "register", "rollback"]

ROLLBACK = "rollback"
"""How the reason of a rollback begins in the history of an alias."""


@dataclass(frozen=True)
class Registration:
    """What registering a model came to.

    Args:
        model: the version, new or found.
        alias: which alias it carries now.
        changed: whether anything was recorded.
    """

    model: ModelVersion
    alias: str
    changed: bool

    @property
    def summary(self) -> str:
        """One line for people."""
        reference = f"{self.model.name}@{self.model.version}"
        if not self.changed:
            return f"{reference} is the {self.alias} already"
        if self.alias == "champion":
            return f"{reference}, the first, is the champion"
        return f"{reference} is the challenger; tilth promote makes it the champion"

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
    """Register a model that passed its checks, with the digests of what it came with and its label encoding.

    The first becomes the champion; a later one the challenger, until it is promoted. Registering the same
    model again changes nothing.
    """
    properties: JSONObject = {name: artifact.digest for name, artifact in made.items() if name != "model"}
    properties["label"] = label
    before = len(store.model_versions(project.name))
    version = store.register_model(project.name, made["model"], run, properties)
    aliases = store.aliases(project.name)
    alias = "champion" if aliases.get("champion") in (None, version.version) else "challenger"
    changed = aliases.get(alias) != version.version or len(store.model_versions(project.name)) > before
    if aliases.get(alias) != version.version:
        store.set_alias(project.name, alias, version.version, who=_who(), why=f"run {run.number}")
    return Registration(version, alias, changed)


def promote(project: Project, reference: str | None = None, *, why: str = "promoted by hand") -> Release:
    """Make a model version the champion.

    Args:
        project: the project.
        reference: "name@3", "name@challenger", "3"; default: the challenger.
        why: recorded with the change.

    Raises:
        NotFoundError: no such version.
        UsageError: it is the champion already, or of another model.
    """
    with project.store() as store:
        version = find_version(project, store, reference or "challenger")
        if store.aliases(project.name).get("champion") == version.version:
            raise UsageError(f"{version.name}@{version.version} is the champion already")
        with store.transaction():
            store.set_alias(project.name, "champion", version.version, who=_who(), why=why)
            if store.aliases(project.name).get("challenger") == version.version:
                store.remove_alias(project.name, "challenger", who=_who(), why="it is the champion now")
        return Release(version, _publish(project, store))


def rollback(project: Project, *, why: str = "by hand") -> Release:
    """Go back to the champion before the present one; once more, to the one before that.

    Raises:
        UsageError: there was none.
    """
    with project.store() as store:
        champions = _champions(store.alias_history(project.name, "champion"))
        if len(champions) < 2:
            raise UsageError(
                "there is nothing to roll back to",
                where=f"model '{project.name}'",
                expected="a champion before the present one",
            )
        present, before = champions[-1], champions[-2]
        why = f"{ROLLBACK}: {why}"
        store.set_alias(project.name, "champion", before, who=_who(), why=why, expected=present)
        return Release(store.model_version(project.name, before), _publish(project, store))


def _champions(history: Sequence[AliasChange]) -> list[int]:
    """The champions that can be gone back to, the present one last: a rollback takes one away."""
    stack: list[int] = []
    for change in history:
        if change.why.startswith(ROLLBACK):
            stack.pop()
        elif change.version is not None:
            stack.append(change.version)
    return stack


def find_version(project: Project, store: Store, reference: str) -> ModelVersion:
    """The version that "name@3", "name@champion", "3" or "champion" means.

    Raises:
        UsageError: a version of another model.
        NotFoundError: no such version or alias.
    """
    name, _, which = reference.rpartition("@")
    if name not in {"", project.name}:
        raise UsageError(f"'{reference}' is not a version of this project's model '{project.name}'")
    return store.model_version(project.name, int(which) if which.isdigit() else which)


def _publish(project: Project, store: Store) -> tuple[str, ...]:
    """Tell the tracker; one that is away must not undo a release that is done."""
    try:
        publish_aliases(project, store.aliases(project.name))
    except UsageError as error:
        return (f"not published to MLflow: {error.what}",)
    return ()


def _who() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
