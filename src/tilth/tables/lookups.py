"""Look-ups: which features of a table are known of whom, in training joins and in requests alike."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from tilth.errors import ColumnNotFoundError, DataError
from tilth.tables.as_of import AsOfJoin, as_of
from tilth.tables.table import Table
from tilth.types import SCALAR_TYPES, ColumnType

__all__ = ["LOOKUP_NAME", "Lookup", "LookupInfo", "join_lookup", "key_maker", "microseconds"]

LOOKUP_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,99}")
"""What a look-up may be called: its name is that of a file, of a Redis key and of a label of metrics."""

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_WHOLE = 2.0**63


@dataclass(frozen=True)
class Lookup:
    """What is looked up of whom; the words are those of `join_as_of`.

    Args:
        name: what it is called.
        keys: the examples' key columns -> those of the features.
        time: the features' column of times, datetimes.
        entity_time: the examples' one; None for the same name.
        created: the features' column that says when each row became known.
        columns: which columns of the features; empty for all that are not joined by.
        prefix: what their names begin with in the examples, before a dot; empty for nothing.
        max_age: features older than this are not used.
    """

    name: str
    keys: Mapping[str, str]
    time: str
    entity_time: str | None = None
    created: str | None = None
    columns: tuple[str, ...] = ()
    prefix: str = ""
    max_age: datetime.timedelta | None = None

    @property
    def joined_by(self) -> tuple[str, ...]:
        """The columns of the features that are joined by, each once."""
        created = () if self.created is None else (self.created,)
        return tuple(dict.fromkeys((*self.keys.values(), self.time, *created)))

    def served_as(self, column: str) -> str:
        """What a column of the features is called in the examples."""
        return f"{self.prefix}.{column}" if self.prefix else column

    def values(self, features: Table) -> dict[str, ColumnType]:
        """The columns that are looked up, by their names in the features, with their types.

        Raises:
            ColumnNotFoundError: a column that is not there.
            DataError: times that are no datetimes, or images or recordings among the columns.
        """
        for name in (*self.joined_by, *self.columns):
            if name not in features.columns:
                raise ColumnNotFoundError(name, features.columns, where=features.name)
        for name in (self.time, *((self.created,) if self.created else ())):
            if features.columns[name] != "datetime" and name not in features.empty:
                raise DataError(
                    f"column '{name}' is {features.columns[name]}",
                    where=features.name,
                    expected="datetimes: what is known now depends on the clock",
                )
        wanted = self.columns or tuple(name for name in features.columns if name not in self.joined_by)
        found = {name: features.columns[name] for name in wanted if name not in self.joined_by}
        unfit = next((name for name, kind in found.items() if kind in ("image", "audio")), None)
        if unfit is not None or not found:
            raise DataError(
                "there is no column to look up"
                if unfit is None
                else f"column '{unfit}' is {found[unfit]}, which cannot be looked up",
                where=f"{features.name}, look-up '{self.name}'",
                expected="numbers, texts, flags, datetimes or lists of these",
                mend="name the columns that are wanted: columns = [...]",
            )
        return found

    def definition(
        self, values: Mapping[str, ColumnType], kinds: Mapping[str, ColumnType]
    ) -> dict[str, object]:
        """What the stored rows depend on, besides the features themselves."""
        return {
            "keys": [[name, kinds[name]] for name in self.keys.values()],
            "time": self.time,
            "created": self.created,
            "columns": [[name, kind] for name, kind in values.items()],
        }


class LookupInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of a look-up, and how fresh it is.

    Args:
        format: of the store; 1.
        keys: the features' key columns and their types.
        time: the features' column of times.
        created: the column that says when rows became known.
        columns: the looked-up columns and their types, in the order of the stored values.
        rows: how many keys have a row.
        at_us: up to which moment rows were known, in microseconds since 1970.
        newest_us: the time of the newest row; None without rows.
        next_us: when the next row of the features becomes known; None where none is waiting.
        source: the digest of the features' files.
    """

    format: int
    keys: list[tuple[str, str]]
    time: str
    created: str | None
    columns: list[tuple[str, str]]
    rows: int
    at_us: int
    newest_us: int | None
    next_us: int | None
    source: str

    @property
    def definition(self) -> dict[str, object]:
        """What the rows depend on besides the features, as `Lookup.definition` has it."""
        return {
            "keys": [list(pair) for pair in self.keys],
            "time": self.time,
            "created": self.created,
            "columns": [list(pair) for pair in self.columns],
        }

    def freshness_s(self, now_us: int) -> float | None:
        """How old the newest row is, in seconds; None without rows."""
        return None if self.newest_us is None else max(0.0, (now_us - self.newest_us) / 1e6)


def join_lookup(entities: Table, features: Table, lookup: Lookup) -> AsOfJoin:
    """Examples with what the look-up would have said of each at its time.

    Raises:
        ColumnNotFoundError: a column that is not there.
        DataError: keys or times of types that cannot be compared, or two columns of one name.

    Example:
        >>> from tilth.tables import open_table
        >>> day = datetime.datetime
        >>> loans = open_table({"who": [1, 2], "at": [day(2026, 1, 5)] * 2})
        >>> sums = open_table({"who": [1, 1], "at": [day(2026, 1, 4), day(2026, 1, 6)], "sum": [50, 700]})
        >>> join_lookup(loans, sums, Lookup("sums", {"who": "who"}, "at")).table.to_arrow()["sum"].to_pylist()
        [50, None]
    """
    wanted = [*dict.fromkeys((*lookup.joined_by, *lookup.values(features)))]
    chosen = features.select(wanted)
    times = (lookup.entity_time or lookup.time, lookup.time)
    named: object = {lookup.prefix: chosen} if lookup.prefix else chosen
    return as_of(entities, named, dict(lookup.keys), times, created=lookup.created, max_age=lookup.max_age)


def key_maker(kinds: Sequence[str]) -> Callable[[Sequence[object]], bytes | None]:
    """What makes one name of the values of a key: equal keys, and only they, have the same.

    As in joins 7 is 7.0 and never the text "7". A value that is missing, or of another type than its column,
    is nobody's key: None.

    Args:
        kinds: the types of the key's columns.

    Example:
        >>> key = key_maker(["int"])
        >>> key([7]) == key([7.0]), key(["7"]), key([None])
        (True, None, None)
    """
    readers = [_READERS[kind] for kind in kinds]
    encode = msgspec.msgpack.Encoder().encode
    if len(readers) == 1:
        (read,) = readers

        def alone(values: Sequence[object]) -> bytes | None:
            value = read(values[0])
            return None if value is None else encode(value)

        return alone

    def several(values: Sequence[object]) -> bytes | None:
        found = [read(value) for read, value in zip(readers, values, strict=True)]
        return None if None in found else encode(found)

    return several


def _number(value: object) -> int | float | None:
    if type(value) is int:
        return value if -_WHOLE <= value < _WHOLE else float(value) if abs(value) < 1e300 else None
    if type(value) is float and value == value:
        return int(value) if value.is_integer() and -_WHOLE <= value < _WHOLE else value
    return None


def _text(value: object) -> str | None:
    return value if type(value) is str else None


def _flag(value: object) -> bool | None:
    return value if type(value) is bool else None


def _moment(value: object) -> int | None:
    if isinstance(value, str):
        try:
            value = datetime.datetime.fromisoformat(value)
        except ValueError:
            return None
    return microseconds(value) if isinstance(value, datetime.datetime) else None


def microseconds(moment: datetime.datetime) -> int:
    """A moment as microseconds since 1970; without a time zone it is UTC.

    Example:
        >>> microseconds(datetime.datetime(1970, 1, 2))
        86400000000
    """
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return (moment - _EPOCH) // datetime.timedelta(microseconds=1)


_READERS: dict[str, Callable[[object], object]] = {
    "int": _number,
    "float": _number,
    "string": _text,
    "bool": _flag,
    "datetime": _moment,
}
assert set(_READERS) == set(SCALAR_TYPES)
