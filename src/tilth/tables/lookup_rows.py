"""What a look-up says of each key at a moment: the rows that are stored to be served."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import DataError
from tilth.tables.as_of import as_of
from tilth.tables.lookups import Lookup, key_maker, microseconds
from tilth.tables.opening import open_table
from tilth.tables.table import Table
from tilth.types import ColumnType

__all__ = ["KnownRows", "LookupRow", "known_rows"]

LookupRow = list[object]
"""The time of a row in microseconds since 1970, then its values as a request would bring them."""

_ROWS_AT_ONCE = 1 << 20
_MOMENT = "tilth.now"
_AGE = "tilth.age"


@dataclass(frozen=True, eq=False)
class KnownRows:
    """What is known of each key at a moment.

    Args:
        kinds: the types of the key columns.
        values: the looked-up columns by their names in the features, with their types.
        next_us: when the next row becomes known, in microseconds since 1970; None where none is waiting.
        rows: gives each key with its row; may be called once.
        notes: what was found on the way, as sentences for people.
    """

    kinds: dict[str, ColumnType]
    values: dict[str, ColumnType]
    next_us: int | None
    rows: Callable[[], Iterator[tuple[bytes, LookupRow]]]
    notes: tuple[str, ...]


def known_rows(
    features: Table, lookup: Lookup, now: datetime.datetime, *, since_us: int | None = None
) -> KnownRows:
    """The newest row of each key that is known by now, exactly as `join_lookup` chooses it.

    Args:
        features: the table that is looked up in.
        lookup: what is looked up.
        now: the moment.
        since_us: only keys with a row that became known after this moment; None for all of them.

    The keys are held, and 100 bytes for each row while it is joined.

    Raises:
        ColumnNotFoundError: a column that is not there.
        DataError: columns that cannot be looked up, or keys that are no single values.

    Example:
        >>> day = datetime.datetime
        >>> sums = open_table({"who": [1, 1], "at": [day(2026, 1, 4), day(2026, 1, 6)], "sum": [50, 700]})
        >>> known = known_rows(sums, Lookup("sums", {"who": "who"}, "at"), day(2026, 1, 5))
        >>> [row for _, row in known.rows()], known.next_us == microseconds(day(2026, 1, 6))
        ([[1767484800000000, 50]], True)
    """
    values = lookup.values(features)
    kinds = {name: features.columns[name] for name in lookup.keys.values()}
    for name, kind in kinds.items():
        if kind not in ("int", "float", "string", "bool", "datetime"):
            raise DataError(f"the key '{name}' is {kind}", where=features.name, expected="one value a row")
    now_us = microseconds(now)
    keys, next_us = _keys(features, lookup, now_us, since_us)
    wanted = features.select([*dict.fromkeys((*lookup.joined_by, *values))])
    moments = pa.array(np.full(keys.num_rows, now_us, np.int64)).cast(pa.timestamp("us"))
    entities = open_table(keys).with_column(_MOMENT, moments)
    joined = as_of(
        entities,
        wanted,
        {name: name for name in kinds},
        (_MOMENT, lookup.time),
        created=lookup.created,
        age=_AGE,
    )
    notes = tuple(note for note in joined.notes if "nothing was known" not in note)
    make = key_maker(list(kinds.values()))

    def rows() -> Iterator[tuple[bytes, LookupRow]]:
        for batch in joined.table.select([*kinds, _AGE, *values]).batches():
            columns = [_plain(batch.column(name), kind) for name, kind in {**kinds, **values}.items()]
            own, others = columns[: len(kinds)], columns[len(kinds) :]
            ages = batch.column(_AGE).to_pylist()
            rows = zip(*others, strict=True)
            for key, age, row in zip(zip(*own, strict=True), ages, rows, strict=True):
                name = None if age is None else make(key)
                if name is not None:
                    yield name, [now_us - round(age * 1e6), *row]

    return KnownRows(kinds, values, next_us, rows, notes)


def _keys(features: Table, lookup: Lookup, now_us: int, since_us: int | None) -> tuple[pa.Table, int | None]:
    """The different keys, and when the next row becomes known."""
    names = list(dict.fromkeys(lookup.keys.values()))
    times = [lookup.time, *([lookup.created] if lookup.created else [])]
    found: pa.Table | None = None
    waiting: list[pa.Table] = []
    following: int | None = None
    for batch in features.select([*dict.fromkeys((*names, *times))]).batches():
        known = np.max([_us(batch.column(name)) for name in times], axis=0)
        later = known[(known > now_us) & (known < _NEVER)]
        if len(later):
            following = min(int(later.min()), _NEVER if following is None else following)
        keep = known <= now_us
        if since_us is not None:
            keep &= known > since_us
        waiting.append(pa.table(batch.select(names)).filter(pa.array(keep)))
        if sum(each.num_rows for each in waiting) >= _ROWS_AT_ONCE:
            found = _different(found, waiting, names)
            waiting = []
    whole = _different(found, [features.select(names).schema.empty_table(), *waiting], names)
    return whole.drop_null(), following


_NEVER = 2**63 - 1


def _us(times: pa.Array) -> np.ndarray:
    """Moments as microseconds; never where one is missing."""
    if times.null_count == len(times):
        return np.full(len(times), _NEVER)
    whole = times.cast(pa.timestamp("us")).cast(pa.int64())
    return np.asarray(pc.fill_null(whole, _NEVER).to_numpy(zero_copy_only=False), np.int64)


def _different(found: pa.Table | None, more: list[pa.Table], names: list[str]) -> pa.Table:
    together = pa.concat_tables(more if found is None else [found, *more], promote_options="permissive")
    return together.group_by(names, use_threads=False).aggregate([])


def _plain(values: pa.Array, kind: ColumnType) -> list[object]:
    """Values as a request would bring them; a number that is none is missing."""
    found: list[object] = values.to_pylist()
    if kind == "datetime":
        return [value.isoformat() if isinstance(value, datetime.datetime) else None for value in found]
    if kind == "float":
        return [value if isinstance(value, float) and math.isfinite(value) else None for value in found]
    if kind == "list[datetime]":
        return [[each and each.isoformat() for each in v] if isinstance(v, list) else v for v in found]
    return found
