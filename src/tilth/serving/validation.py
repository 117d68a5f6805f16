"""Requests judged against the serving environment of a schema, compiled once into one judge per column."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tilth.errors import RequestError, closest
from tilth.schemas import Column, Schema
from tilth.serving.columns import ABSENT, ColumnJudge, Unexpected, describe
from tilth.serving.layout import Layout, Values
from tilth.serving.settings import ServingSettings
from tilth.serving.usual_row import UsualRow
from tilth.types import JSONValue

__all__ = ["RequestValidator", "Row", "ValidRows", "example_row"]


Row = dict[str, JSONValue]


@dataclass(frozen=True, slots=True)
class ValidRows:
    """Rows that were accepted.

    Args:
        rows: the rows, with null for texts that mean missing.
        values: the same for the graph, in the order of the validator's layout.
        unexpected: values that the schema does not list.
    """

    rows: list[Row]
    values: list[Values]
    unexpected: list[Unexpected]


class RequestValidator:
    """Judges the rows of requests.

    Args:
        schema: the contract on the columns; only its environment "serving" counts.
        settings: what to do with unexpected values, which texts mean missing, and how many rows may come.

    Example:
        >>> schema = Schema(columns=(Column(name="age", type="int"), Column(name="city", type="string")))
        >>> validator = RequestValidator(schema)
        >>> validator.validate([{"age": 39, "city": "Oslo"}]).values
        [(39, 'Oslo')]
        >>> validator.validate([{"agee": 39, "city": "Oslo"}])
        Traceback (most recent call last):
        ...
        tilth.errors.RequestError: unknown column 'agee': did you mean 'age'? ...
    """

    def __init__(self, schema: Schema, settings: ServingSettings | None = None) -> None:
        settings = settings or ServingSettings()
        self.schema = schema.in_environment("serving")
        self._elsewhere = frozenset(schema.names) - frozenset(self.schema.names)
        self._max_rows = settings.max_rows
        self._judges = [
            ColumnJudge(
                column,
                reject_unexpected=settings.unexpected_values == "reject",
                missing=settings.missing,
            )
            for column in self.schema.columns
        ]
        self.layout = Layout(self.schema.columns)
        self._usual = UsualRow(self._judges, self.schema.columns, self.layout)
        self.known = frozenset(self.schema.names)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that a request may have, in order."""
        return self.schema.columns

    def validate(self, rows: Sequence[object]) -> ValidRows:
        """Accept or refuse rows.

        Raises:
            RequestError: the first thing that is wrong, with row, column, what came and what was expected.
        """
        self.check_count(len(rows))
        objects = self._objects(rows)
        values = self._usual_values(objects)
        return self._judged(objects) if values is None else ValidRows(objects, values, [])

    def _usual_values(self, rows: list[Row]) -> list[Values] | None:
        found: list[Values] = []
        for row in rows:
            values = self._usual.values(row)
            if values is None:
                return None
            found.append(values)
        return found

    def _objects(self, rows: Sequence[object]) -> list[Row]:
        objects: list[Row] = []
        for position, row in enumerate(rows):
            if not isinstance(row, dict):
                raise RequestError(
                    f"row {position} is not an object; got {describe(row)}",
                    got=describe(row),
                    expected="an object of column names and values",
                    row=position,
                )
            if not row.keys() <= self.known:
                raise self._unknown(row, position)
            objects.append(row)
        return objects

    def _judged(self, rows: list[Row]) -> ValidRows:
        columns: dict[str, Sequence[object]] = {}
        unexpected: list[Unexpected] = []
        changed: dict[int, Row] = {}
        for judge in self._judges:
            name = judge.name
            judged = judge.judge([row.get(name, ABSENT) for row in rows])
            columns[name] = judged.values
            unexpected += judged.unexpected
            for position, value in judged.changes:
                changed.setdefault(position, dict(rows[position]))[name] = value
        if changed:
            rows = [changed.get(position, row) for position, row in enumerate(rows)]
        values = list(zip(*(columns[name] for name in self.layout.names), strict=True))
        return ValidRows(rows, values or [()] * len(rows), unexpected)

    def check_count(self, rows: int) -> None:
        """Refuse an empty request and one with too many rows."""
        if rows == 0:
            raise RequestError(
                "there are no rows to predict", got="an empty list", expected="at least one row"
            )
        if rows > self._max_rows:
            raise RequestError(
                f"too many rows in one request: {rows}",
                got=f"{rows} rows",
                expected=f"at most {self._max_rows} rows",
            )

    def _unknown(self, row: Row, position: int) -> RequestError:
        name = next(name for name in row if name not in self.known)
        shown = name if len(name) <= 100 else name[:97] + "..."
        names = ", ".join(self.schema.names)
        if name in self._elsewhere:
            what = f"column '{shown}' is not part of a request"
        else:
            near = closest(shown, self.schema.names)
            what = f"unknown column '{shown}'" + (f": did you mean '{near}'?" if near else "")
        return RequestError(
            what, column=shown, got=describe(row[name]), expected=f"one of the columns {names}", row=position
        )


def example_row(schema: Schema) -> dict[str, str | int | float | bool]:
    """A row that the serving environment of a schema accepts, for warming up and for documentation.

    Example:
        >>> columns = (Column(name="age", type="int", low=18), Column(name="vip", type="bool"))
        >>> example_row(Schema(columns=columns))
        {'age': 18, 'vip': True}
    """
    return {column.name: _example(column) for column in schema.in_environment("serving").columns}


def _example(column: Column) -> str | int | float | bool:
    if column.type == "bool":
        return True
    if column.type == "datetime":
        return "2024-01-31T12:00:00"
    if column.type == "string":
        return next((value for value in column.domain or () if value), "text")
    if column.domain:
        return int(column.domain[0]) if column.type == "int" else float(column.domain[0])
    bounds = [bound for bound in (column.low, column.high) if bound is not None and math.isfinite(bound)]
    low = 0.0 if _inside(0.0, column) or not bounds else bounds[0]
    if column.type == "float":
        return low
    return math.floor(low) if low == column.high else math.ceil(low)


def _inside(value: float, column: Column) -> bool:
    low, high = column.low, column.high
    return (low is None or low <= value) and (high is None or value <= high)
