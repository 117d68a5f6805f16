"""From what people type to records: name@champion, run:12, execution:5, a digest, a name, a path."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, or_, select

from tilth.errors import ConflictError, NotFoundError
from tilth.store import layout
from tilth.store.datasets import find_dataset_version
from tilth.store.models import find_model_version
from tilth.store.records import Artifact, Record, Run
from tilth.store.rows import (
    Records,
    columns_of,
    load_artifact,
    load_execution,
    load_model_version,
    load_run,
    select_model_versions,
)

__all__ = ["ReferenceRecords"]

artifacts, runs, versions = layout.artifacts, layout.runs, layout.model_versions
datasets = layout.dataset_versions

_NUMBERED = re.compile(r"(run|execution|artifact):(\d{1,9})")
_LOADERS: dict[str, Callable[[Connection, int], Record]] = {
    "run": load_run,
    "execution": load_execution,
    "artifact": load_artifact,
}
_DIGEST_START = re.compile(r"[0-9a-f]{6,64}", re.IGNORECASE)
_SHOWN = 10


class ReferenceRecords(Records):
    """The part of the store that finds records by what people type."""

    def find(self, reference: str) -> tuple[Record, ...]:
        """The records that a reference names, the newest first; at least one.

        In this order: `name@champion` or `name@3` (a version of a model or data set), `run:12` or `12`,
        `execution:5`, `artifact:7`, the name of a model (its newest version), the name of artifacts (all of
        that name), the path of a source file (as recorded, or its last parts), the first 6 or more digits of
        a digest or fingerprint. Several records are returned only when they are versions of one name or have
        one digest.

        Raises:
            NotFoundError: nothing is named so; the message lists what is nearly.
            ConflictError: a digest that is too short to tell artifacts apart; the message lists them.
        """
        with self._database.reading() as connection:
            for look in (_versioned, _numbered, _model, _named, _by_path, _by_digest):
                found = look(connection, reference.strip())
                if found:
                    return found
            raise _nothing(connection, reference)


def _versioned(connection: Connection, reference: str) -> tuple[Record, ...]:
    name, at, version = reference.rpartition("@")
    if not at:
        return ()
    if _model(connection, name):
        return (find_model_version(connection, name, version),)
    return (find_dataset_version(connection, name, version),) if _is_dataset(connection, name) else ()


def _is_dataset(connection: Connection, name: str) -> bool:
    found = select(datasets.c.version).where(datasets.c.name == name).limit(1)
    return connection.scalar(found) is not None


def _numbered(connection: Connection, reference: str) -> tuple[Record, ...]:
    match = _NUMBERED.fullmatch(reference)
    if match:
        return (_LOADERS[match[1]](connection, int(match[2])),)
    if not reference.isdecimal() or len(reference) > 9:
        return ()
    row = connection.execute(select(*columns_of(Run, runs)).where(runs.c.number == int(reference))).first()
    return () if row is None else (Run(**row._mapping),)


def _model(connection: Connection, reference: str) -> tuple[Record, ...]:
    statement = select_model_versions().where(versions.c.name == reference)
    row = connection.execute(statement.order_by(versions.c.version.desc()).limit(1)).first()
    return () if row is None else (load_model_version(row),)


def _named(connection: Connection, reference: str) -> tuple[Record, ...]:
    return _artifacts(connection, artifacts.c.name == reference)


def _by_path(connection: Connection, reference: str) -> tuple[Record, ...]:
    path = Path(reference).as_posix()
    ways = [
        artifacts.c.name == path,
        artifacts.c.name.endswith("/" + path.lstrip("/"), autoescape=True),
        artifacts.c.properties["path"].as_string() == reference,
    ]
    return _artifacts(connection, or_(*ways))


def _by_digest(connection: Connection, reference: str) -> tuple[Record, ...]:
    if not _DIGEST_START.fullmatch(reference):
        return ()
    start = reference.lower()
    found = _artifacts(
        connection, or_(artifacts.c.digest.startswith(start), artifacts.c.fingerprint.startswith(start))
    )
    if len({artifact.digest for artifact in found}) > 1:
        shown = [f"{each.reference} ({each.kind} '{each.name}')" for each in found[:_SHOWN]]
        raise ConflictError(
            f"'{reference}' is the start of {len(found)} digests",
            expected=f"one of {', '.join(shown)}{', ...' if len(found) > _SHOWN else ''}",
            mend="give more digits",
        )
    return found


def _artifacts(connection: Connection, which: ColumnElement[bool]) -> tuple[Artifact, ...]:
    statement = select(*columns_of(Artifact, artifacts)).where(which).order_by(artifacts.c.id.desc())
    return tuple(Artifact(**row._mapping) for row in connection.execute(statement))


def _nothing(connection: Connection, reference: str) -> NotFoundError:
    newest = select(artifacts.c.name).order_by(artifacts.c.id.desc()).limit(1_000)
    aliased = connection.execute(select(layout.aliases.c.model, layout.aliases.c.alias)).all()
    built = connection.execute(select(versions.c.name, versions.c.version)).all()
    kept = connection.execute(select(datasets.c.name, datasets.c.version)).all()
    models = [f"{row[0]}@{row[1]}" for row in (*aliased, *built, *kept)]
    names: dict[str, None] = dict.fromkeys([*models, *connection.scalars(newest)])
    near = difflib.get_close_matches(reference, names, n=5, cutoff=0.5)
    return NotFoundError(
        f"nothing is named '{reference}'",
        expected="MODEL@ALIAS, NAME@VERSION, run:NUMBER, execution:ID, a name, a path, a digest's start",
        mend=f"did you mean {' or '.join(near)}?" if near else "`tilth status` shows what there is",
    )
