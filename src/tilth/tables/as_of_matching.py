"""One table of features against the entities: which of its rows each entity gets, and their values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.errors import ColumnNotFoundError, DataError
from tilth.tables.event_times import Age, EventTimes, Times
from tilth.tables.key_codes import Codes, KeyCodes
from tilth.tables.known_moments import Moments, newest_known
from tilth.tables.picking import pick_rows
from tilth.tables.row_hashes import row_hashes
from tilth.tables.table import Table

__all__ = ["Matched", "Terms", "match"]

_ROWS_AT_ONCE = 1 << 21


@dataclass(frozen=True)
class Terms:
    """What is joined by, and what counts.

    Args:
        keys: the entities' key columns -> those of the features.
        time: the entities' column of times.
        its_time: the features' one.
        created: when the features became known.
        allow_exact: whether what happened at the very moment is known.
        max_age: how old features may be.
    """

    keys: Mapping[str, str]
    time: str
    its_time: str
    created: str | None = None
    allow_exact: bool = True
    max_age: Age | None = None

    @property
    def its_columns(self) -> tuple[str, ...]:
        """The columns of the features that are joined by, each once."""
        created = () if self.created is None else (self.created,)
        return tuple(dict.fromkeys((*self.keys.values(), self.its_time, *created)))

    def check(self, entities: Table, features: Table) -> None:
        """Refuse columns that are not there.

        Raises:
            ColumnNotFoundError: the first of them.
        """
        for table, names in ((entities, (*self.keys, self.time)), (features, self.its_columns)):
            for name in names:
                if name not in table.columns:
                    raise ColumnNotFoundError(name, table.columns, where=table.name)


@dataclass(frozen=True, eq=False)
class Matched:
    """What entities get of one table of features.

    Args:
        values: the rows that are used, with the columns that are not joined by; long texts' type for texts.
        places: (entities,) positions in `values`, -1 for none.
        ages: (entities,) how old they are, in seconds or the unit of the times; 0 for none.
        ambiguous: how many rows are told from others of their key and time by their content alone.
    """

    values: pa.Table
    places: Codes
    ages: npt.NDArray[np.float64]
    ambiguous: int


def match(entities: Table, features: Table, terms: Terms) -> Matched:
    """What each entity gets.

    Raises:
        ColumnNotFoundError: a column that is not there.
        DataError: keys or times that cannot be compared, or features that change while they are read.
        UsageError: an age that is none.

    Example:
        >>> from tilth.tables import open_table
        >>> people = open_table({"id": [1, 1], "at": [5, 9]})
        >>> visits = open_table({"id": [1, 1], "at": [8, 6], "page": ["b", "a"]})
        >>> found = match(people, visits, Terms({"id": "id"}, "at", "at"))
        >>> found.places.tolist(), found.values.to_pydict(), found.ages.tolist()
        ([-1, 0], {'page': ['b']}, [0.0, 1.0])
    """
    terms.check(entities, features)
    return _Matching(entities, features, terms).matched()


class _Matching:
    def __init__(self, entities: Table, features: Table, terms: Terms) -> None:
        self._features, self._terms = features, terms
        columns = [(entities, terms.time), (features, terms.its_time)]
        self._event_times = EventTimes([*columns, *([(features, terms.created)] if terms.created else [])])
        self._event_times.check_age(terms.max_age)
        self._keys = KeyCodes(entities, list(terms.keys), features, list(terms.keys.values()))
        self._times, there = self._entity_times(entities)
        self._codes = np.where(there, self._keys.own, -1)
        self._names = [name for name in features.columns if name not in terms.its_columns]

    def matched(self) -> Matched:
        known = self._known()
        rows, ambiguous = newest_known(
            known, self._codes, self._times, self._content, allow_exact=self._terms.allow_exact
        )
        found = np.flatnonzero(rows >= 0)
        chosen = np.searchsorted(known.rows, rows[found])
        if self._terms.max_age is not None:
            young = self._event_times.within(self._times[found], known.times[chosen], self._terms.max_age)
            found, chosen = found[young], chosen[young]
        used, its_place = np.unique(chosen, return_inverse=True)
        places = np.full(len(rows), -1, np.int64)
        places[found] = its_place
        ages = np.zeros(len(rows))
        ages[found] = self._event_times.ages(self._times[found], known.times[chosen])
        return Matched(self._values(known.take(used)), places, ages, ambiguous)

    def _entity_times(self, entities: Table) -> tuple[Times, npt.NDArray[np.bool_]]:
        name = self._terms.time
        column = entities.select([name]).to_arrow().column(0)
        return self._event_times.read(_whole(column), name, entities)

    def _known(self) -> Moments:
        """The rows of features that an entity may get: those with its key that are not later than all."""
        wanted = self._times[self._codes >= 0]
        latest = wanted.max() if len(wanted) else None
        found: list[Moments] = []
        start = 0
        for batches in _together(self._features.select(self._terms.its_columns)):
            moments, there = self._moments(batches, start)
            start += len(there)
            if latest is not None:
                there &= moments.times <= latest
                there &= True if moments.created is None else moments.created <= latest
                found.append(moments.take(np.flatnonzero(there & (moments.codes >= 0))))
        return _one_of(found, self._times, self._terms.created is not None)

    def _moments(
        self, batches: Sequence[pa.RecordBatch], start: int
    ) -> tuple[Moments, npt.NDArray[np.bool_]]:
        """The rows of some batches, and which of them have their times."""
        codes = self._keys.of(batches)
        rows = np.arange(start, start + len(codes))
        times, there = self._its_times(batches, self._terms.its_time)
        if self._terms.created is None:
            return Moments(codes, times, None, rows), there
        created, known = self._its_times(batches, self._terms.created)
        return Moments(codes, times, created, rows), there & known

    def _its_times(self, batches: Sequence[pa.RecordBatch], name: str) -> tuple[Times, npt.NDArray[np.bool_]]:
        column = pa.chunked_array([batch.column(name) for batch in batches])
        return self._event_times.read(_whole(column), name, self._features)

    def _content(self, rows: Codes) -> npt.NDArray[np.uint64]:
        words = np.zeros(len(rows), np.uint64)
        if self._names:
            order = np.argsort(rows)
            picked = pick_rows(self._features.select(self._names), rows[order])
            words[order] = np.concatenate([row_hashes(batch) for batch in picked])
        return words

    def _values(self, used: Moments) -> pa.Table:
        """The columns of these rows, which must still be the rows that were chosen."""
        names = list(dict.fromkeys((*self._names, *self._terms.its_columns)))
        batches = list(pick_rows(self._features.select(names), used.rows))
        same = sum(batch.num_rows for batch in batches) == len(used.rows)
        if batches and same:
            again, _ = self._moments(batches, 0)
            same = np.array_equal(again.codes, used.codes) and np.array_equal(again.times, used.times)
            if again.created is not None and used.created is not None:
                same &= np.array_equal(again.created, used.created)
        if not same:
            raise DataError(
                "the features changed while they were joined",
                where=self._features.name,
                mend="keep a copy first: tilth data save DATA --name NAME",
            )
        schema = self._features.select(names).schema
        table = pa.Table.from_batches(batches, schema).select(self._names)
        fields = [
            pa.field(field.name, pa.large_string()) if pa.types.is_string(field.type) else field
            for field in table.schema
        ]
        return table.cast(pa.schema(fields)).combine_chunks()


def _together(table: Table) -> Iterator[list[pa.RecordBatch]]:
    """Batches of many rows in all: to look keys up takes as long for one row as for thousands."""
    waiting: list[pa.RecordBatch] = []
    for batch in table.batches():
        waiting.append(batch)
        if sum(each.num_rows for each in waiting) >= _ROWS_AT_ONCE:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def _one_of(found: Sequence[Moments], like: Times, has_created: bool) -> Moments:
    none, no_times = np.empty(0, np.int64), like[:0]
    created = [each.created for each in found if each.created is not None]
    return Moments(
        np.concatenate([none, *(each.codes for each in found)]),
        np.concatenate([no_times, *(each.times for each in found)]),
        np.concatenate([no_times, *created]) if has_created else None,
        np.concatenate([none, *(each.rows for each in found)]),
    )


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return (
        column.chunk(0)
        if column.num_chunks == 1
        else pa.concat_arrays(column.chunks)
        if column.num_chunks
        else pa.array([], column.type)
    )
