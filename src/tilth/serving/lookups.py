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
from tilth.tables.lookups import Lookup, key_maker, microseconds
from tilth.types import Clock, utc_now

if TYPE_CHECKING:
    from tilth.serving.metering import Meters
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
        _check_definition(lookup, store)

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


def _check_definition(lookup: Lookup, store: LookupStore) -> None:
    info = store.info
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


class _Filler:
    """One look-up, for the columns that a model version knows."""

    def __init__(self, online: OnlineLookup, known: frozenset[str]) -> None:
        self.name = online.name
        self._online = online
        self._keys = tuple(online.lookup.keys)
        self._pick = _picker(self._keys)
        self._known = known
        self._max_age_us = _microseconds(online.lookup.max_age)
        self._info: object = None
        self._wanted: frozenset[str] = frozenset()
        self._follow()

    def _follow(self) -> None:
        """Read the stored rows as they are now.

        Raises:
            DataError: they are stored otherwise than the model was trained with them.
        """
        _check_definition(self._online.lookup, self._online.store)
        info = self._online.store.info
        gone = self._wanted.difference(self._online.columns)
        if gone:
            raise DataError(
                f"the look-up '{self.name}' is stored without the column '{min(gone)}'",
                mend=f"put it back, and: tilth materialize {self.name}",
            )
        self._make = key_maker([kind for _, kind in info.keys])
        columns = self._online.columns
        self._places = [(name, at) for at, name in enumerate(columns, 1) if name in self._known]
        self._wanted = frozenset(name for name, _ in self._places)
        self._nothing: dict[str, object] = {name: None for name, _ in self._places}
        self._info = info

    def fill(
        self, rows: Sequence[object], found: list[Unexpected], missing: dict[str, int]
    ) -> Sequence[object]:
        if self._online.store.info is not self._info:
            self._follow()
        wanted = self._wanted
        lacking = [
            (at, row) for at, row in enumerate(rows) if isinstance(row, dict) and not wanted <= row.keys()
        ]
        if not lacking:
            return rows
        make, pick = self._make, self._pick
        keys = [make(pick(row.get)) for _, row in lacking]
        stored = iter(self._online.store.get([key for key in keys if key is not None]))
        now_us = microseconds(self._online.clock())
        filled = [*rows]
        absent = 0
        for (at, row), key in zip(lacking, keys, strict=True):
            values = None if key is None else next(stored)
            if values is None:
                absent += 1
                found.append(self._unknown(at, row))
            elif self._max_age_us is not None and now_us - _whole(values[0]) > self._max_age_us:
                found.append(self._too_old(at, now_us - _whole(values[0])))
                values = None
            if values is None:
                filled[at] = {**self._nothing, **row}
            else:
                filled[at] = {**{name: values[place] for name, place in self._places}, **row}
        if absent:
            missing[self.name] = missing.get(self.name, 0) + absent
        return filled

    def _unknown(self, at: int, row: Mapping[str, Any]) -> Unexpected:
        given = [row.get(name) for name in self._keys]
        got = ", ".join("nothing" if value is None else describe(value) for value in given)
        return Unexpected(at, self._keys[0], got, f"a key that the look-up '{self.name}' has")

    def _too_old(self, at: int, age_us: int) -> Unexpected:
        most = self._online.lookup.max_age
        return Unexpected(
            at,
            self._places[0][0],
            f"features {timedelta(seconds=age_us // _SECOND_US)} old",
            f"at most {most}: those of the look-up '{self.name}' are not used",
        )


def _picker(names: Sequence[str]) -> Callable[[Callable[[str], object]], tuple[object, ...]]:
    return lambda get: tuple(get(name) for name in names)


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
