"""Point-in-time joins: to each example what was known at its moment, and nothing that came later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import DataError, UsageError, counted
from tilth.tables.arrow_types import ARROW_TYPES
from tilth.tables.as_of_matching import Matched, Terms, match
from tilth.tables.event_times import Age
from tilth.tables.feature_tables import feature_tables
from tilth.tables.opening import open_table
from tilth.tables.table import Table
from tilth.types import ColumnType

__all__ = ["AsOfJoin", "as_of", "join_as_of"]

_BYTES_AT_ONCE = 1 << 26


@dataclass(frozen=True, eq=False)
class AsOfJoin:
    """What `as_of` made.

    Args:
        table: the entities with what was known at their times.
        matched: for each table of features how many entities something was known of.
        notes: what was found on the way, as sentences for people.
    """

    table: Table
    matched: tuple[int, ...]
    notes: tuple[str, ...]


def join_as_of(
    entities: object,
    features: object,
    on: str | Sequence[str] | Mapping[str, str],
    time: str | tuple[str, str],
    *,
    created: str | None = None,
    allow_exact: bool = True,
    max_age: Age | None = None,
    age: str | None = None,
) -> Table:
    """Entities with the newest features of their key that were known at their time.

    A row of features whose time, or whose `created`, is later than an entity's time is never used for it. Of
    rows with the same key and time the one created last counts, of those with the same `created` too the one
    whose other columns have the greatest hash: the order of the rows means nothing. Nothing is known where a
    part of the key or the time is missing; a row of features that lacks one of these or its `created` is
    never used.

    Args:
        entities: what `open_table` takes: n rows, whose order and columns stay.
        features: what `open_table` takes; or several tables, as a list of tables and frames, or as
            {prefix: table}, whose columns are then called prefix.column.
        on: the key columns; {entities' column: features' column} where names differ.
        time: the column of the moment, a datetime (to the microsecond; without a time zone it is UTC) or a
            number; (entities' column, features' column) where names differ.
        created: the column of the features that says when each row became known.
        allow_exact: whether what happened at the very moment is known; if not, only what was before.
        max_age: features older than this are not used: a timedelta or seconds; for number times a number.
        age: the name of one column more: how old the features are by their time, in seconds, or in the unit
            of number times.

    Returns:
        The entities' columns, then all columns of the features but keys, time and `created`; missing where
        nothing was known. The entities are read as the table is; in memory are 16 bytes for each of them and
        the rows of features that are used.

    Joining reads the features twice and needs some 100 bytes of memory for each row whose key is among the
    entities; O(n log n) time.

    Raises:
        ColumnNotFoundError: a column that is not there.
        DataError: keys or times of types that cannot be compared, or two columns of one name.
        UsageError: an argument that makes no sense.

    Example:
        >>> from datetime import date
        >>> loans = {"customer": [1, 1, 2], "at": [date(2024, 3, 1), date(2024, 1, 1), date(2024, 3, 1)]}
        >>> balances = {
        ...     "customer": [1, 1],
        ...     "at": [date(2024, 2, 1), date(2024, 4, 1)],
        ...     "balance": [50, 700],
        ... }
        >>> join_as_of(loans, balances, on="customer", time="at").to_arrow()["balance"].to_pylist()
        [50, None, None]
    """
    return as_of(
        entities, features, on, time, created=created, allow_exact=allow_exact, max_age=max_age, age=age
    ).table


def as_of(
    entities: object,
    features: object,
    on: str | Sequence[str] | Mapping[str, str],
    time: str | tuple[str, str],
    *,
    created: str | None = None,
    allow_exact: bool = True,
    max_age: Age | None = None,
    age: str | None = None,
) -> AsOfJoin:
    """`join_as_of`, with what was found on the way.

    Example:
        >>> join = as_of({"id": [1, 2], "t": [5, 5]}, {"id": [1], "t": [3], "x": [7]}, on="id", time="t")
        >>> join.matched, join.notes
        ((1,), ('<memory>: nothing was known of 1 of 2 rows at their time',))
    """
    table = open_table(entities)
    mine, its = _names_of_time(time)
    terms = Terms(_keys(on), mine, its, created, allow_exact, max_age)
    found = feature_tables(features)
    sides = []
    for prefix, other in found:
        terms.check(table, other)
        named = f"{prefix}.{{}}" if prefix else "{}"
        columns = {named.format(name): name for name in other.columns if name not in terms.its_columns}
        sides.append(_Side(other, columns, None if age is None else named.format(age)))
    _check_names(table, sides)
    matches = [match(table, side.table, terms) for side in sides]
    notes = [note for side, matched in zip(sides, matches, strict=True) for note in _notes(side, matched)]
    joined = _joined(table, sides, matches, notes)
    return AsOfJoin(joined, tuple(int((m.places >= 0).sum()) for m in matches), tuple(notes))


@dataclass(frozen=True, eq=False)
class _Side:
    """One table of features: its columns by their names in the result, and what its age is called there."""

    table: Table
    columns: Mapping[str, str]
    age: str | None

    @property
    def types(self) -> dict[str, ColumnType]:
        types = {name: self.table.columns[column] for name, column in self.columns.items()}
        return types if self.age is None else {**types, self.age: "float"}


def _keys(on: object) -> dict[str, str]:
    """The key columns of the entities, with those of the features."""
    names: object = {on: on} if isinstance(on, str) else on
    if isinstance(names, list | tuple):
        names = {name: name for name in names} if len(set(map(str, names))) == len(names) else {}
    if (
        isinstance(names, Mapping)
        and names
        and all(isinstance(n, str) for pair in names.items() for n in pair)
    ):
        return dict(names)
    raise UsageError(
        f"on is {on!r}",
        expected="the name of a column, a list of names, or {entities' column: features' column}",
    )


def _names_of_time(time: object) -> tuple[str, str]:
    names = (time, time) if isinstance(time, str) else time
    if isinstance(names, list | tuple) and len(names) == 2 and all(isinstance(name, str) for name in names):
        return names[0], names[1]
    raise UsageError(
        f"time is {time!r}", expected="the name of a column, or (entities' column, features' column)"
    )


def _check_names(table: Table, sides: Sequence[_Side]) -> None:
    taken = dict.fromkeys(table.columns, table.name)
    for side in sides:
        if not side.types:
            raise DataError(
                "there is nothing to join: all columns are keys or times",
                where=side.table.name,
                mend='ask for their age: age="age"',
            )
        for name in (*side.columns, *([] if side.age is None else [side.age])):
            if name in taken:
                raise DataError(
                    f"two columns would be called '{name}'",
                    where=f"{taken[name]}, {side.table.name}",
                    mend=f"give the features a prefix (--prefix bal; in Python {{'bal': table}}), "
                    f"or leave '{name}' out",
                )
            taken[name] = side.table.name


def _notes(side: _Side, matched: Matched) -> Iterator[str]:
    rows, without = len(matched.places), int((matched.places < 0).sum())
    if without:
        yield f"{side.table.name}: nothing was known of {without:,} of {counted(rows, 'row')} at their time"
    if matched.ambiguous:
        yield (
            f"{side.table.name}: {matched.ambiguous:,} rows differ from others of their key and time; which "
            "of them counts is settled by a hash, unless `created` tells when each became known"
        )


def _joined(table: Table, sides: Sequence[_Side], matches: Sequence[Matched], notes: Sequence[str]) -> Table:
    columns = {**table.columns, **{name: kind for side in sides for name, kind in side.types.items()}}
    rows = len(matches[0].places)
    most = max(1, _BYTES_AT_ONCE // max(1, sum(_heaviest(matched.values) for matched in matches)))

    def read(names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        start = 0
        for own in _own_batches(
            table, [name for name in names if name in table.columns], rows, min(size, most)
        ):
            count = own if isinstance(own, int) else own.num_rows
            arrays = {} if isinstance(own, int) else dict(zip(own.schema.names, own.columns, strict=True))
            for side, matched in zip(sides, matches, strict=True):
                arrays |= _arrays(side, matched, names, start, count)
            start += count
            yield pa.RecordBatch.from_arrays([arrays[name] for name in names], list(names))

    empty = {name for side in sides for name, column in side.columns.items() if column in side.table.empty}
    told = (*table.notes, *(note for side in sides for note in side.table.notes), *notes)
    return Table(table.name, columns, read, rows=rows, notes=told, empty=table.empty | empty)


def _own_batches(table: Table, names: Sequence[str], rows: int, size: int) -> Iterator[pa.RecordBatch | int]:
    """The entities' own columns, batch by batch; only numbers of rows where none are wanted."""
    if not names:
        yield from (min(size, rows - start) for start in range(0, rows, size))
        return
    seen = 0
    for batch in table.select(names).batches(size):
        seen += batch.num_rows
        if seen <= rows:
            yield batch
    if seen != rows:
        raise DataError(f"there were {counted(rows, 'row')}, now there are {seen:,}", where=table.name)


def _arrays(
    side: _Side, matched: Matched, names: Sequence[str], start: int, rows: int
) -> dict[str, pa.Array]:
    """The columns of a table of features for some entities, those that are asked for."""
    places = matched.places[start : start + rows]
    nothing = places < 0
    at = pa.array(places, mask=nothing)
    wanted = {name: side.columns[name] for name in names if name in side.columns}
    taken = matched.values.select(list(wanted.values())).take(at)
    arrays = {
        name: pc.cast(_single(taken.column(position)), ARROW_TYPES[side.types[name]])
        for position, name in enumerate(wanted)
    }
    if side.age is not None and side.age in names:
        arrays[side.age] = pa.array(matched.ages[start : start + rows], mask=nothing)
    return arrays


def _single(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _heaviest(values: pa.Table) -> int:
    """About how many bytes the largest row of texts, lists and media is: many entities may get it."""
    most = 0
    for column in values.columns:
        if pa.types.is_list(column.type):
            most += 16 * (pc.max(pc.list_value_length(column)).as_py() or 0)
        elif pa.types.is_large_string(column.type) or pa.types.is_large_binary(column.type):
            most += pc.max(pc.binary_length(column)).as_py() or 0
    return most
