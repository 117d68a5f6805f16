"""Which version of a project's model a reference means."""

from __future__ import annotations

from tilth.errors import UsageError
from tilth.projects import Project
from tilth.store import ModelVersion, Store

__all__ = ["find_version"]


def find_version(project: Project, store: Store, reference: str) -> ModelVersion:
    """The version that "name@3", "name@champion", "3" or "champion" means.

    Raises:
        UsageError: a version of another model.
        NotFoundError: no such version or alias.
    """
    name, _, which = reference.rpartition("@")
    if name not in {"", project.name}:
        raise UsageError(f"'{reference}' is not a version of this project's model '{project.name}'")
    return store.model_version(project.name, which)
