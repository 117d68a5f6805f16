"""Where a project's look-ups are stored for requests."""

from __future__ import annotations

from pathlib import Path

from tilth.errors import ProjectError
from tilth.projects.configuration import Configuration
from tilth.projects.lookup_section import LookupSection
from tilth.projects.project import Project
from tilth.store import ModelVersion, Store
from tilth.tables.lookup_redis import RedisLookups, redis_client
from tilth.tables.lookup_stores import LookupStore, MemoryLookups, SqliteLookups

__all__ = ["lookup_path", "lookup_store", "redis_name", "trained_lookups"]


def lookup_path(project: Project, section: LookupSection) -> Path:
    """The file of a look-up that is not in Redis."""
    return project.state / "lookups" / f"{section.name}.db"


def redis_name(project: Project, section: LookupSection) -> str:
    """What a look-up is called in Redis."""
    return f"tilth:{project.name}:{section.name}"


def lookup_store(project: Project, section: LookupSection, *, for_reading: bool = True) -> LookupStore:
    """The stored rows of a look-up.

    Args:
        project: whose look-up.
        section: the look-up.
        for_reading: rows are to be read; otherwise only what is stored is asked for, and nothing is loaded.

    Raises:
        NotFoundError: it was never materialized.
        DataError: it cannot be read.
    """
    if section.is_redis:
        client = redis_client(section.store, project.settings.redis_password)
        return RedisLookups(client, redis_name(project, section))
    path = lookup_path(project, section)
    return MemoryLookups(path) if section.store == "memory" and for_reading else SqliteLookups(path)


def trained_lookups(project: Project, store: Store, version: ModelVersion) -> list[LookupSection]:
    """The look-ups that a version was trained with, as they were then; those that tilth.toml still has.

    Args:
        project: whose version.
        store: the records, which say what it was trained with.
        version: the version; where nothing is recorded of it, tilth.toml counts as it is.
    """
    present = project.configuration.lookups
    if not present or version.run is None:
        return present
    given = store.run(version.run).parameters.get("configuration")
    if not isinstance(given, dict):
        return present
    try:
        then = Configuration.from_json(given).lookups
    except ProjectError:
        return present  # another version of Tilth recorded it, with other keys
    names = {section.name for section in present}
    return [section for section in then if section.name in names]
