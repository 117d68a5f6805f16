"""Records of data set versions: name@1, name@2, each an immutable table known by its fingerprint."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select

from tilth.errors import NotFoundError, UsageError, closest
from tilth.store import layout
from tilth.store.records import Artifact, DatasetVersion, Run
from tilth.store.rows import Records, identifier, is_number, load_artifact, load_run

__all__ = ["DatasetRecords", "find_dataset_version"]

versions = layout.dataset_versions

_NAME = re.compile(r"\w[\w.-]{0,254}(/\w[\w.-]{0,254})?")


class DatasetRecords(Records):
    """The part of the store that knows data set versions."""

    def register_dataset(
        self, name: str, artifact: Artifact | int, run: Run | int | None = None, note: str = ""
    ) -> DatasetVersion:
        """Give a recorded data set the next version number of a name: 1, 2, 3, without gaps.

        Rows that are a version of that name already (the same fingerprint, or the same bytes where none is
        recorded) stay that version, whatever file or order they came in.

        Args:
            name: letters, digits, _ . and -; one / may part a project's name from the data set's.
            artifact: the recorded data set, or its id.
            run: the run that made it, or its number.
            note: why it was kept, for people.

        Raises:
            UsageError: not a name.
            NotFoundError: no such artifact or run.
        """
        if not _NAME.fullmatch(name):
            raise UsageError(f"'{name}' is not a name for a data set", expected="letters, digits, _ . and -")
        with self._database.writing() as connection:
            data = load_artifact(connection, identifier(artifact))
            for known in _load(connection, versions.c.name == name):
                if _same(known.artifact, data):
                    return known
            newest = select(func.max(versions.c.version)).where(versions.c.name == name)
            version = (connection.scalar(newest) or 0) + 1
            values = {
                "name": name,
                "version": version,
                "artifact": data.id,
                "run": None if run is None else load_run(connection, identifier(run)).number,
                "note": note,
                "created": self._clock(),
            }
            connection.execute(insert(versions).values(values))
            return find_dataset_version(connection, name, version)

    def dataset_versions(self, name: str | None = None) -> tuple[DatasetVersion, ...]:
        """The versions of a data set, or of all, by name and the newest first."""
        with self._database.reading() as connection:
            where = () if name is None else (versions.c.name == name,)
            return tuple(_load(connection, *where))

    def dataset_version(self, name: str, version: int | str = "latest") -> DatasetVersion:
        """The version of a data set by its number, or the newest.

        Raises:
            NotFoundError: no such data set or version; the message says which exist.
        """
        with self._database.reading() as connection:
            return find_dataset_version(connection, name, version)


def _same(known: Artifact, data: Artifact) -> bool:
    if known.fingerprint and data.fingerprint:
        return known.fingerprint == data.fingerprint
    return known.digest == data.digest


def _select() -> Select[Any]:
    own = [versions.c[name] for name in ("name", "version", "run", "note", "created")]
    statement = select(*own, *layout.artifacts.c)
    return statement.join(layout.artifacts, versions.c.artifact == layout.artifacts.c.id)


def _load(connection: Connection, *where: Any) -> list[DatasetVersion]:
    statement = _select().where(*where).order_by(versions.c.name, versions.c.version.desc())
    return [_version(row) for row in connection.execute(statement)]


def _version(row: Row[Any]) -> DatasetVersion:
    values = row._mapping
    return DatasetVersion(
        artifact=Artifact(**{column.name: values[column] for column in layout.artifacts.c}),
        **{key: values[versions.c[key]] for key in ("name", "version", "run", "note", "created")},
    )


def find_dataset_version(connection: Connection, name: str, version: int | str) -> DatasetVersion:
    """The version of a data set by its number, or "latest".

    Raises:
        NotFoundError: no such data set or version; the message says which exist.
    """
    found = _load(connection, versions.c.name == name)
    if not found:
        known = list(connection.scalars(select(versions.c.name).distinct().order_by(versions.c.name)))
        near = closest(name, known)
        raise NotFoundError(
            f"there is no data set '{name}'",
            expected=f"one of {', '.join(known)}" if known else None,
            mend=f"did you mean '{near}'?" if near else "keep one with: tilth data save DATA --name NAME",
        )
    if version == "latest":
        return found[0]
    number = int(version) if str(version).isdecimal() else 0
    wanted = [each for each in found if each.version == number] if is_number(number) else []
    if not wanted:
        expected = f"1 to {found[0].version}, or latest"
        raise NotFoundError(f"there is no version {version} of '{name}'", expected=expected)
    return wanted[0]
