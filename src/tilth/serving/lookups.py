"""Online features: columns that a request leaves out are looked up by its key."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tilth.errors import DataError, GraphError, NotFoundError, TilthError
from tilth.schemas import Schema
from tilth.serving.answers import Refusal
from tilth.serving.columns import Unexpected, describe
from tilth.tables.lookups import Lookup, LookupInfo, key_maker, microseconds
from tilth.types import Clock, utc_now

if TYPE_CHECKING:
    from tilth.serving.metering import Meters
    from tilth.tables.lookup_rows import LookupRow
    from tilth.tables.lookup_stores import LookupStore

__all__ = ["Filled", "Filling", "OnlineLookup", "with_lookups"]

_log = logging.getLogger("tilth.serving")

_SECOND_US = 1_000_000
_COMPLAIN_S = 10.0


class OnlineLookup:
    """One look-up as it is served: what is looked up of whom, and where its rows are.

    Args:
        lookup: what is looked up.
        store: where the rows are read.
        clock: says what time it is.

    Raises:
        DataError: what is stored is of another definition than the look-up.
    """

    def __init__(self, lookup: Lookup, store: LookupStore, clock: Clock = utc_now) -> None:
        self.name = lookup.name
        self.lookup = lookup
        self.store = store
        self.clock = clock
        self._problem: str | None = None
        _check_definition(lookup, store.info)

    @property
    def columns(self) -> tuple[str, ...]:
        """The looked-up columns, by their names in requests, in the order of the stored values."""
        return tuple(self.lookup.served_as(name) for name, _ in self.store.info.columns)

    def refresh(self, meters: Meters) -> None:
        """Take over what was materialized since, and tell how fresh it is; never raises.

        Not for the event loop: it may read a file.
        """
        try:
            self.store.refresh()
            problem = None
        except TilthError as error:
            problem = f"the look-up '{self.name}' stays as it was: {error.what}"
        if problem is not None and problem != self._problem:
            _log.error("%s", problem)
        self._problem = problem
        meters.lookup_freshness(self.name, self.store.info.freshness_s(microseconds(self.clock())))


def _check_definition(lookup: Lookup, info: LookupInfo) -> None:
    wanted = {"keys": list(lookup.keys.values()), "time": lookup.time, "created": lookup.created}
    stored = {"keys": [name for name, _ in info.keys], "time": info.time, "created": info.created}
    columns = {name for name, _ in info.columns}
    if stored != wanted or not set(lookup.columns) - set(lookup.joined_by) <= columns:
        raise DataError(
            f"the look-up '{lookup.name}' is stored otherwise than the model was trained with it",
            expected="the same keys, times and columns",
            mend=f"tilth materialize {lookup.name}, or train again where tilth.toml has changed",
        )


@dataclass(frozen=True, slots=True)
class Filled:
    """Rows of a request with what was looked up.

    Args:
        rows: the rows.
        found: what was not found, or too old, as warnings; their `row` is the position in the request.
        missing: of which look-up how many keys were not found.
    """

    rows: Sequence[object]
    found: Sequence[Unexpected] = ()
    missing: Mapping[str, int] | None = None


class Filling:
    """Fills the rows of requests from the look-ups of a model.

    A value that a row brings stays, a missing one too. A key that has no row, and a row that is too old,
    leave the columns missing, as in training, and make a warning.

    Args:
        lookups: the look-ups.
        schema: the contract on the columns of requests.

    Raises:
        GraphError: a key is no column of a request.
    """

    def __init__(self, lookups: Sequence[OnlineLookup], schema: Schema) -> None:
        known = frozenset(schema.names)
        for each in lookups:
            absent = next((name for name in each.lookup.keys if name not in known), None)
            if absent is not None:
                raise GraphError(
                    f"the key '{absent}' of the look-up '{each.name}' is no column of a request",
                    expected="a column of the schema's environment 'serving'",
                    mend="let schema.toml allow it there, and train again",
                )
        self._fillers = [_Filler(each, known) for each in lookups if set(each.columns) & known]
        self._complained = -math.inf

    def fill(self, rows: Sequence[object]) -> Filled:
        """Give rows the columns that they lack.

        Raises:
            Refusal: 503 while a store cannot be asked.
        """
        found: list[Unexpected] = []
        missing: dict[str, int] = {}
        for filler in self._fillers:
            try:
                rows = filler.fill(rows, found, missing)
            except (DataError, NotFoundError) as error:
                self._complain(error)
                raise Refusal(
                    503,
                    f"the features of the look-up '{filler.name}' cannot be read; try again",
                    headers=((b"retry-after", b"1"),),
                    reason="lookup",
                ) from error
        return Filled(rows, found, missing)

    def _complain(self, error: TilthError) -> None:
        """Say that a store is away; now and then, not for each request."""
        now = time.monotonic()
        if now >= self._complained + _COMPLAIN_S:
            self._complained = now
            _log.error("%s", error)


@dataclass(frozen=True, slots=True)
class _Stored:
    """How the rows of a look-up are stored at a moment, for the columns that a model version knows."""

    info: LookupInfo
    make_key: Callable[[Sequence[object]], bytes | None]
    places: tuple[tuple[str, int], ...]
    wanted: frozenset[str]


class _Filler:
    """One look-up, for the columns that a model version knows. Safe to use from several threads."""

    def __init__(self, online: OnlineLookup, known: frozenset[str]) -> None:
        self.name = online.name
        self._online = online
        self._keys = tuple(online.lookup.keys)
        self._known = known
        self._max_age_us = _microseconds(online.lookup.max_age)
        self._stored = self._as_stored(online.store.info, frozenset())

    def _as_stored(self, info: LookupInfo, wanted: frozenset[str]) -> _Stored:
        """How rows are stored by now.

        Raises:
            DataError: otherwise than the model was trained with them.
        """
        _check_definition(self._online.lookup, info)
        columns = [self._online.lookup.served_as(name) for name, _ in info.columns]
        gone = wanted.difference(columns)
        if gone:
            raise DataError(
                f"the look-up '{self.name}' is stored without the column '{min(gone)}'",
                mend=f"put it back, and: tilth materialize {self.name}",
            )
        places = tuple((name, at) for at, name in enumerate(columns, 1) if name in self._known)
        return _Stored(info, key_maker([kind for _, kind in info.keys]), places, frozenset(dict(places)))

    def _asked(self, rows: Sequence[tuple[int, Mapping[str, Any]]]) -> tuple[_Stored, list[LookupRow | None]]:
        """What is stored of each row's key, and how: both of one moment, whatever is put in place."""
        store = self._online.store
        while True:
            stored = self._stored
            keys = [stored.make_key(tuple(row.get(name) for name in self._keys)) for _, row in rows]
            values = iter(store.get([key for key in keys if key is not None]))
            found = [None if key is None else next(values) for key in keys]
            info = store.info
            if info is stored.info:
                return stored, found
            self._stored = self._as_stored(info, stored.wanted)

    def fill(
        self, rows: Sequence[object], found: list[Unexpected], missing: dict[str, int]
    ) -> Sequence[object]:
        wanted = self._stored.wanted
        lacking = [
            (at, row) for at, row in enumerate(rows) if isinstance(row, dict) and not wanted <= row.keys()
        ]
        if not lacking:
            return rows
        stored, answers = self._asked(lacking)
        now_us = microseconds(self._online.clock())
        filled = [*rows]
        absent = 0
        for (at, row), values in zip(lacking, answers, strict=True):
            is_old = False
            if values is None:
                absent += 1
                found.append(self._unknown(at, row))
            elif self._max_age_us is not None and now_us - _whole(values[0]) > self._max_age_us:
                is_old = True
                found.append(self._too_old(stored, at, now_us - _whole(values[0])))
            used = None if is_old else values
            filled[at] = {**{name: used and used[place] for name, place in stored.places}, **row}
        if absent:
            missing[self.name] = missing.get(self.name, 0) + absent
        return filled

    def _unknown(self, at: int, row: Mapping[str, Any]) -> Unexpected:
        given = [row.get(name) for name in self._keys]
        got = ", ".join("nothing" if value is None else describe(value) for value in given)
        return Unexpected(at, self._keys[0], got, f"a key that the look-up '{self.name}' has")

    def _too_old(self, stored: _Stored, at: int, age_us: int) -> Unexpected:
        most = self._online.lookup.max_age
        return Unexpected(
            at,
            stored.places[0][0],
            f"features {timedelta(seconds=age_us // _SECOND_US)} old",
            f"at most {most}: those of the look-up '{self.name}' are not used",
        )


def _whole(value: object) -> int:
    assert isinstance(value, int)
    return value


def _microseconds(age: timedelta | None) -> int | None:
    return None if age is None else age // timedelta(microseconds=1)


def with_lookups(schema: Schema, lookups: Iterable[OnlineLookup]) -> Schema:
    """The schema of requests: what is looked up may be left out, and may be missing.

    Example:
        >>> with_lookups(Schema(()), []).names
        ()
    """
    names = {name for each in lookups for name in each.columns}
    columns = (
        replace(column, required=False, min_present=0.0) if column.name in names else column
        for column in schema.columns
    )
    return replace(schema, columns=tuple(columns))
