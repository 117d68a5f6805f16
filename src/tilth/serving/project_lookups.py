"""The look-ups of a project's model versions: those that each was trained with, in one store for all."""

from __future__ import annotations

from tilth.projects import Project
from tilth.projects.lookup_stores import lookup_store, trained_lookups
from tilth.serving.lookups import OnlineLookup
from tilth.store import ModelVersion, Store
from tilth.tables.lookup_stores import LookupStore

__all__ = ["ProjectLookups"]


class ProjectLookups:
    """Opens the look-ups of versions.

    A look-up that tilth.toml has by now, and a version was trained without, is none of that version's; nor is
    one that tilth.toml does not have any more: requests must bring its columns then.

    Args:
        project: whose versions; its tilth.toml says where rows are stored.
        store: the records, which say what each version was trained with.
    """

    def __init__(self, project: Project, store: Store) -> None:
        self._project = project
        self._store = store
        self._opened: dict[str, LookupStore] = {}

    def of(self, version: ModelVersion) -> tuple[OnlineLookup, ...]:
        """The look-ups of a version, as it was trained with them.

        Raises:
            NotFoundError: one was never materialized.
            DataError: one cannot be read, or is stored otherwise than the version was trained with it.
        """
        sections = {section.name: section for section in self._project.configuration.lookups}
        found = []
        for then in trained_lookups(self._project, self._store, version):
            if then.name not in self._opened:
                self._opened[then.name] = lookup_store(self._project, sections[then.name])
            found.append(OnlineLookup(then.lookup(), self._opened[then.name]))
        return tuple(found)

    def close(self) -> None:
        """Let all stores go."""
        for each in self._opened.values():
            each.close()
