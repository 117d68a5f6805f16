"""Requests judged against the serving environment of a schema, compiled once into one judge per column."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tilth.errors import RequestError, closest
from tilth.schemas import Column, Schema
from tilth.serving.columns import ABSENT, ColumnJudge, Unexpected, describe
from tilth.serving.layout import Layout, Values
from tilth.serving.media_columns import MediaJudge
from tilth.serving.ragged_columns import ListJudge, is_ragged
from tilth.serving.settings import ServingSettings
from tilth.serving.usual_row import UsualRow
from tilth.types import JSONValue

__all__ = ["RequestValidator", "Row", "ValidRows"]

Row = dict[str, JSONValue]

Judge = ColumnJudge | ListJudge | MediaJudge


@dataclass(frozen=True, slots=True)
class ValidRows:
    """Rows that were accepted.

    Args:
        rows: the rows, with null for texts that mean missing.
        values: the same for the graph, in the order of the validator's layout.
        unexpected: values that the schema does not list.
        refused: what is wrong with the rows that were left out, in their order; their `row` is the position
            in the request. Empty where a request is accepted as a whole or not at all.
    """

    rows: list[Row]
    values: list[Values]
    unexpected: list[Unexpected]
    refused: Sequence[RequestError] = ()

    def told(self, found: Sequence[Unexpected]) -> ValidRows:
        """The same with more to warn of; `row` of what was found is the position in the request.

        Example:
            >>> valid = ValidRows([{}], [()], [], [RequestError("no", row=0)])
            >>> valid.told([Unexpected(1, "id", "7", "another")]).unexpected[0].row
            0
        """
        if not found:
            return self
        out = [error.row or 0 for error in self.refused]  # in their order
        gone = set(out)
        moved = [replace(e, row=e.row - bisect_left(out, e.row)) for e in found if e.row not in gone]
        return replace(self, unexpected=[*self.unexpected, *moved])


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
        self.rejects_unexpected = settings.unexpected_values == "reject"
        self._judges: list[Judge] = [judge_of(column, settings) for column in self.schema.columns]
        self.layout = Layout(self.schema.columns)
        flat = [judge for judge in self._judges if isinstance(judge, ColumnJudge)]
        # What may be of any length is looked at closely always.
        self._usual = UsualRow(flat, self.columns, self.layout) if len(flat) == len(self._judges) else None
        self.known = frozenset(self.schema.names)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that a request may have, in order."""
        return self.schema.columns

    def missing_texts(self, name: str) -> frozenset[str]:
        """The texts that stand for a missing value of a column."""
        return next(judge.missing_texts for judge in self._judges if judge.name == name)

    def validate(self, rows: Sequence[object]) -> ValidRows:
        """Accept or refuse rows.

        Raises:
            RequestError: the first thing that is wrong, with row, column, what came and what was expected.
        """
        self.check_count(len(rows))
        objects = self._objects(rows)
        values = self._usual_values(objects, self._usual) if self._usual else None
        return self._judged(objects) if values is None else ValidRows(objects, values, [])

    def sift(self, rows: Sequence[object]) -> ValidRows:
        """Accept the rows that are right, and tell what is wrong with each of the others.

        Raises:
            RequestError: there are no rows, too many, or too much in them all together.

        Example:
            >>> sifted = RequestValidator(Schema((Column("age", "int"),))).sift([{"age": "x"}, {"age": 39}])
            >>> sifted.values, [(error.row, error.column) for error in sifted.refused]
            ([(39,)], [(0, 'age')])
        """
        try:
            return self.validate(rows)
        except RequestError:
            self.check_count(len(rows))
        objects = [row for row in rows if isinstance(row, dict)]
        for judge in self._judges:
            if isinstance(judge, MediaJudge):
                judge.check_together([row.get(judge.name) for row in objects])
        sifted = ValidRows([], [], [])
        refused: list[RequestError] = []
        for position, row in enumerate(rows):
            try:
                one = self.validate([row])
            except RequestError as error:
                refused.append(_of_row(error, position))
                continue
            sifted.unexpected.extend(replace(found, row=len(sifted.rows)) for found in one.unexpected)
            sifted.rows.extend(one.rows)
            sifted.values.extend(one.values)
        return replace(sifted, refused=refused)

    def _usual_values(self, rows: list[Row], usual: UsualRow) -> list[Values] | None:
        found: list[Values] = []
        for row in rows:
            values = usual.values(row)
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
                name = next(name for name in row if name not in self.known)
                raise self.unknown_column(name, describe(row[name]), position)
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

    def unknown_column(self, name: str, got: str | None = None, row: int | None = None) -> RequestError:
        """The error for a column that a request cannot have.

        Args:
            name: the column.
            got: its value in words, where there is one.
            row: in which row.
        """
        shown = name if len(name) <= 100 else name[:97] + "..."
        names = ", ".join(self.schema.names)
        if name in self._elsewhere:
            what = f"column '{shown}' is not part of a request"
        else:
            near = closest(shown, self.schema.names)
            what = f"unknown column '{shown}'" + (f": did you mean '{near}'?" if near else "")
        return RequestError(what, column=shown, got=got, expected=f"one of the columns {names}", row=row)


def _of_row(error: RequestError, row: int) -> RequestError:
    what = error.what.replace("row 0 ", f"row {row} ", 1) if error.column is None else error.what
    return RequestError(what, column=error.column, got=error.got, expected=error.expected, row=row)


def judge_of(column: Column, settings: ServingSettings) -> Judge:
    """What checks the values of a column."""
    reject = settings.unexpected_values == "reject"
    unknown = settings.unexpected_values == "unknown"
    if column.is_list:
        return ListJudge(
            column,
            reject_unexpected=reject,
            unknown_is_missing=unknown,
            missing=settings.missing,
            max_items=settings.max_items,
        )
    if is_ragged(column):
        return MediaJudge(
            column,
            reject_unexpected=reject,
            missing=settings.missing,
            max_pixels=settings.max_image_pixels,
            max_seconds=settings.max_recording_s,
        )
    return ColumnJudge(column, reject_unexpected=reject, unknown_is_missing=unknown, missing=settings.missing)
