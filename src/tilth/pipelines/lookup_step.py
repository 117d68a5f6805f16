"""The point-in-time join of a project's data with its look-ups, as the pipeline does it."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa

from tilth.errors import DataError, ProjectError, counted
from tilth.projects import Project
from tilth.projects.lookup_section import LookupSection
from tilth.tables import Table, open_table
from tilth.tables.lookups import Lookup, join_lookup, microseconds
from tilth.tables.opening import find_files
from tilth.tables.remote import RemoteFile
from tilth.types import Clock, JSONObject, JSONValue, utc_now

__all__ = [
    "completed",
    "features_of",
    "join_lookups",
    "lookup_files",
    "lookup_parameters",
    "lookup_paths",
    "lookup_state",
]

_NOW = "tilth.now"


def lookup_paths(project: Project, section: LookupSection) -> list[Path]:
    """The files with a look-up's features, in order.

    Raises:
        ProjectError: they are not there, or are no local files.
    """
    where = f"tilth.toml, [[lookups]] '{section.name}'"
    place = section.features
    if "://" not in place:
        place = str(project.directory / place)
    try:
        found = find_files(place)
    except DataError as error:
        what = f"{section.features}: {error.what}"
        raise ProjectError(what, where=where, expected=error.expected, mend=error.mend) from error
    files = [each.file for each in found or ()]
    if not files or any(isinstance(file, RemoteFile) for file in files):
        raise ProjectError(
            "the features of a look-up are not in local files",
            where=where,
            expected="a file, a folder of files, or a pattern such as balances/*.parquet",
            mend="keep a copy: tilth data export, or tilth join for features that are only trained with",
        )
    return [Path(file.path).resolve() for file in files if not isinstance(file, RemoteFile)]


def lookup_files(project: Project) -> list[Path]:
    """The files of all look-ups, in the order of tilth.toml."""
    return [path for section in project.configuration.lookups for path in lookup_paths(project, section)]


def lookup_parameters(project: Project) -> list[JSONValue]:
    """What the joins depend on, besides the files."""
    return [
        {
            "name": section.name,
            "on": dict(section.keys),
            "time": section.time,
            "entity_time": section.entity_time,
            "created": section.created,
            "columns": list(section.columns),
            "prefix": section.prefix,
            "max_age": section.max_age,
            "files": len(lookup_paths(project, section)),
        }
        for section in project.configuration.lookups
    ]


def features_of(project: Project, files: Sequence[Path]) -> Table:
    """A look-up's table of features, read as the project's own data are: texts that mean missing, types."""
    section = project.configuration.data
    paths = [str(path) for path in files]
    table = open_table(paths, missing=section.missing)
    types = {name: kind for name, kind in section.types.items() if name in table.columns}
    return open_table(paths, missing=section.missing, types=types) if types else table


def join_lookups(
    project: Project, table: Table, files: Sequence[Path], parameters: JSONObject
) -> tuple[Table, str]:
    """The data with what each look-up knew of each row at its time, and how that went in words.

    Args:
        project: whose look-ups.
        table: the data.
        files: those of all look-ups, one after the other.
        parameters: what `lookup_parameters` gave, under "lookups".

    Raises:
        ColumnNotFoundError: a column that is not there.
        DataError: keys or times of types that cannot be compared, or two columns of one name.
    """
    given = cast("Sequence[JSONObject]", parameters.get("lookups") or ())
    known, start = [], 0
    for section, asked in zip(project.configuration.lookups, given, strict=True):
        end = start + int(cast("int", asked["files"]))
        features = features_of(project, files[start:end])
        joined = join_lookup(table, features, section.lookup())
        table, start = joined.table, end
        known.append(f"'{section.name}' known of {joined.matched[0]:,} of {counted(table.rows, 'row')}")
    return table, ", ".join(known)


def lookup_state(project: Project) -> str:
    """What changes when the features of a look-up may have changed; empty where there are none to join."""
    if not project.configuration.lookups:
        return ""
    try:
        files = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in lookup_files(project)]
    except ProjectError:
        return ""  # data with all columns can be predicted without them
    return hashlib.sha256(json.dumps([lookup_parameters(project), files]).encode()).hexdigest()


def completed(project: Project, needed: Sequence[str], clock: Clock = utc_now) -> Callable[[Table], Table]:
    """What gives a table the looked-up columns that a model needs and it lacks.

    They are those of each row's time where the table has one, else those of now. Columns that are there stay.

    Args:
        project: whose look-ups.
        needed: the columns that the model takes.
        clock: says what time it is.
    """
    moment = clock()

    def complete(table: Table) -> Table:
        for section in project.configuration.lookups:
            missing = [name for name in needed if name not in table.columns]
            if missing and all(key in table.columns for key in section.keys):
                table = _with_values(project, table, section, missing, moment)
        return table

    return complete


def _with_values(
    project: Project, table: Table, section: LookupSection, missing: Sequence[str], moment: datetime.datetime
) -> Table:
    features = features_of(project, lookup_paths(project, section))
    lookup = section.lookup()
    wanted = tuple(name for name in lookup.values(features) if lookup.served_as(name) in missing)
    if not wanted:
        return table
    has_time = (lookup.entity_time or lookup.time) in table.columns
    own_time = lookup.entity_time or lookup.time
    entities = table
    if not has_time:
        own_time = _NOW
        now = pa.array(np.full(table.rows, microseconds(moment), np.int64)).cast(pa.timestamp("us"))
        entities = table.with_column(_NOW, now)
    asked = Lookup(
        lookup.name, lookup.keys, lookup.time, own_time, lookup.created, wanted, lookup.prefix, lookup.max_age
    )
    joined = join_lookup(entities, features, asked).table
    return joined if has_time else joined.select([name for name in joined.columns if name != _NOW])
