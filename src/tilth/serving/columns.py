"""One column of a request: its values judged against the schema."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tilth.errors import RequestError
from tilth.schemas import Column
from tilth.serving.column_words import Absent, as_text, describe, hint_at, shown_domain, shown_range
from tilth.serving.shapes import Shape
from tilth.types import ColumnType, JSONValue

__all__ = [
    "ABSENT",
    "ACCEPTED",
    "EXPECTED",
    "INT64",
    "Absent",
    "ColumnJudge",
    "Given",
    "Judged",
    "Unexpected",
    "describe",
    "epoch_seconds",
]

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
INT64 = (-(2**63), 2**63 - 1)


ABSENT = Absent()

Given: TypeAlias = "JSONValue | bytes | Absent"

ACCEPTED: dict[ColumnType, frozenset[type]] = {
    "int": frozenset({int}),
    "float": frozenset({float, int}),
    "string": frozenset({str}),
    "bool": frozenset({bool}),
    "datetime": frozenset({str}),
}
EXPECTED: dict[ColumnType, str] = {
    "int": "a whole number",
    "float": "a number",
    "string": "a text",
    "bool": "true or false",
    "datetime": 'an ISO 8601 date or time such as "2024-05-31T12:30:00"',
}


@dataclass(frozen=True, slots=True)
class Unexpected:
    """A value that the schema does not list, accepted with a warning."""

    row: int
    column: str
    got: str
    expected: str


@dataclass(frozen=True, slots=True)
class Judged:
    """Values of one column that were accepted.

    Args:
        values: what the graph takes: numbers, or None for missing; texts, or "" for missing; lists of
            these and bytes, or None for missing.
        unexpected: values that the schema does not list.
        changes: rows and what their values mean where that is not what they say: a text that stands for a
            missing value is null, 39.0 in a column of whole numbers is 39.
    """

    values: Sequence[object]
    unexpected: list[Unexpected]
    changes: Sequence[tuple[int, JSONValue]] = ()


def epoch_seconds(text: str) -> float:
    """An ISO 8601 date or time as seconds since 1970 in UTC; without a zone it is UTC.

    Raises:
        ValueError: not ISO 8601.

    Example:
        >>> epoch_seconds("1970-01-02"), epoch_seconds("1970-01-01T01:00:00+01:00")
        (86400.0, 0.0)
    """
    moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return (moment - _EPOCH).total_seconds()


class ColumnJudge:
    """Checks the values of one column and makes of them what the graph takes.

    Args:
        column: the column's part of the schema.
        reject_unexpected: refuse values outside of the domain, range or shape instead of reporting them.
        unknown_is_missing: a value outside of the domain is reported, and missing to the graph.
        missing: texts that stand for a missing value.

    Example:
        >>> judge = ColumnJudge(Column(name="age", type="int"))
        >>> judge.judge([39, 50]).values
        [39, 50]
        >>> judge.judge(["39"])
        Traceback (most recent call last):
        ...
        tilth.errors.RequestError: column 'age' wants a whole number, without quotes; got ...
    """

    def __init__(
        self,
        column: Column,
        *,
        reject_unexpected: bool = False,
        unknown_is_missing: bool = False,
        missing: Sequence[str] = (),
    ) -> None:
        self.name = column.name
        self.type = column.type
        self.nullable = not column.required or column.min_present < 1.0
        self.expected = EXPECTED[column.type]
        self._low, self._high = column.low, column.high
        self._bounded = column.low is not None or column.high is not None
        self._domain = None if column.domain is None else frozenset(column.domain)
        self._domain_shown = shown_domain(column.domain or ())
        self._reject = reject_unexpected
        self._rejects_domain = reject_unexpected and column.min_domain_mass >= 1.0
        self._unknown_is_missing = unknown_is_missing
        self.shape = Shape.of(column)
        self._missing = frozenset(missing) - (self._domain or frozenset())
        empty_is_missing = column.type != "string" or "" not in (self._domain or ())
        self.missing_texts = self._missing | {""} if empty_is_missing else self._missing
        self._plain = ACCEPTED[column.type]

    def judge(self, values: Sequence[Given]) -> Judged:
        """Accept the column's values of n rows; `ABSENT` where a row has none.

        Raises:
            RequestError: the first value that cannot be accepted, with its row.
        """
        clean: Sequence[object] = values
        changes: Sequence[tuple[int, JSONValue]] = ()
        if not self._is_plain(values):
            cleaned = [self._clean(value, row) for row, value in enumerate(values)]
            pairs = enumerate(zip(values, cleaned, strict=True))
            changes = [(row, new) for row, (old, new) in pairs if new is not old and old is not ABSENT]
            clean = cleaned
        strange = self._outside_of_domain(clean)
        found = [Unexpected(r, self.name, describe(clean[r]), self._domain_shown) for r in strange]
        found += self._out_of_range(clean) if self._bounded else []
        found += self._out_of_shape(clean) if self.shape is not None else []
        if strange and self._unknown_is_missing:
            known = list(clean)
            for row in strange:
                known[row] = None
            clean = known
        return Judged(self._for_graph(clean), found, changes)

    def _for_graph(self, values: Sequence[object]) -> Sequence[object]:
        if self.type == "string":
            return ["" if value is None else value for value in values]
        if self.type == "datetime":
            return [None if value is None else self._seconds(value, row) for row, value in enumerate(values)]
        return values

    def _is_plain(self, values: Sequence[object]) -> bool:
        """Nothing to clean: every value has the column's own type and none stands for missing."""
        kinds = set(map(type, values))
        if not kinds <= self._plain:
            return False
        if int in kinds:
            return all(INT64[0] <= value <= INT64[1] for value in values)  # type: ignore[operator]
        if float in kinds:
            return all(map(math.isfinite, values))  # type: ignore[arg-type]
        return self.type not in ("string", "datetime") or self.missing_texts.isdisjoint(values)

    def _clean(self, value: Given, row: int) -> JSONValue:
        if (
            value is None
            or isinstance(value, Absent)
            or value != value  # NaN, which only binary formats can say
            or (isinstance(value, str) and value in self.missing_texts)
        ):
            if self.nullable:
                return None
            raise self._lacking(value, row)
        if isinstance(value, bytes):
            raise self._wrong(value, row, self.expected)
        if type(value) in self._plain:
            if isinstance(value, float) and not math.isfinite(value):
                raise self._wrong(value, row, "a finite number")
            return self._fitted(value, row) if isinstance(value, int) else value
        if self.type == "int" and isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
            return int(value)
        raise self._wrong(value, row, self.expected)

    def _fitted(self, value: int, row: int) -> int | float:
        if INT64[0] <= value <= INT64[1]:
            return value
        if self.type == "int":
            raise self._wrong(value, row, "a whole number of at most 64 bits")
        try:
            return float(value)
        except OverflowError:
            raise self._wrong(value, row, "a number of at most 64 bits") from None

    def _seconds(self, value: object, row: int) -> float:
        try:
            return epoch_seconds(str(value))
        except (ValueError, OverflowError):
            raise self._wrong(value, row, self.expected) from None

    def _outside_of_domain(self, values: Sequence[object]) -> list[int]:
        """The rows whose values the schema does not list."""
        if self._domain is None or self._domain.issuperset(values):
            return []
        found = [
            row
            for row, value in enumerate(values)
            if value is not None and as_text(value) not in self._domain
        ]
        if found and self._rejects_domain:
            raise self._wrong(values[found[0]], found[0], self._domain_shown)
        return found

    def _out_of_shape(self, values: Sequence[object]) -> list[Unexpected]:
        """Texts that are too short or too long, or do not match the pattern."""
        assert self.shape is not None
        pairs = enumerate(self.shape.problem(value) for value in values)
        problems = [(row, problem) for row, problem in pairs if problem is not None]
        if problems and self._reject:
            row, problem = problems[0]
            raise self._wrong(values[row], row, problem)
        return [Unexpected(row, self.name, describe(values[row]), problem) for row, problem in problems]

    def _out_of_range(self, values: Sequence[object]) -> list[Unexpected]:
        low = -math.inf if self._low is None else self._low
        high = math.inf if self._high is None else self._high
        outside = [
            row
            for row, value in enumerate(values)
            if isinstance(value, int | float) and not low <= value <= high
        ]
        if not outside:
            return []
        expected = f"{self.expected} {shown_range(self._low, self._high)}"
        if self._reject:
            raise self._wrong(values[outside[0]], outside[0], expected)
        return [Unexpected(row, self.name, describe(values[row]), expected) for row in outside]

    def _lacking(self, value: object, row: int) -> RequestError:
        what = f"column '{self.name}' is missing"
        if value is not ABSENT:
            what = f"column '{self.name}' may not be {'null' if value is None else 'empty'}"
        return RequestError(what, column=self.name, got=describe(value), expected=self.expected, row=row)

    def _wrong(self, value: object, row: int, expected: str) -> RequestError:
        hint = hint_at(value, self.type)
        return RequestError(
            f"column '{self.name}' wants {expected}{hint}; got {describe(value)}",
            column=self.name,
            got=describe(value),
            expected=expected,
            row=row,
        )
