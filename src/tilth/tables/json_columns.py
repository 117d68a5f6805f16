"""The columns of a file of JSON lines: their types so far, and rows as Arrow arrays of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import cast

import pyarrow as pa

from tilth.errors import DataError
from tilth.tables.arrow_types import ARROW_TYPES
from tilth.tables.concatenation import wider_type
from tilth.tables.json_rows import Row
from tilth.tables.text_types import TypeGuess, convert_cells
from tilth.types import ColumnType, ScalarType

__all__ = ["JSONColumns"]

_MOST = 100_000
_KINDS: dict[type, ScalarType] = {bool: "bool", int: "int", float: "float", str: "string"}
_INT64 = range(-(2**63), 2**63)


def _no_numbers() -> TypeGuess:
    return TypeGuess(could_be_int=False, could_be_float=False, could_be_bool=False)


@dataclass
class _Column:
    kind: ScalarType | None = None  # of the values, or of a list's items
    is_list: bool | None = None
    guess: TypeGuess = field(default_factory=_no_numbers)
    first: tuple[int, object] | None = None  # its first value, with the line

    @property
    def stored(self) -> ColumnType:
        """The type of what is read now; dates are texts still."""
        kind = self.kind or "string"
        return cast(ColumnType, f"list[{kind}]") if self.is_list else kind

    @property
    def type(self) -> ColumnType:
        if self.kind == "string" and self.guess.type == "datetime":
            return "list[datetime]" if self.is_list else "datetime"
        return self.stored


class JSONColumns:
    """The columns of one file.

    Args:
        name: the file's, for errors.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._columns: dict[str, _Column] = {}
        self._objects: dict[str, tuple[int, object]] = {}

    @property
    def types(self) -> dict[str, ColumnType]:
        """The types so far, in the order of first appearance."""
        return {
            name: column.type
            for name, column in self._columns.items()
            if name not in self._objects  # null stands for an object there
        }

    @property
    def empty(self) -> frozenset[str]:
        """The columns without any value."""
        return frozenset(name for name, column in self._columns.items() if column.is_list is None)

    def notes(self) -> list[str]:
        """What was made of objects, as sentences for people."""
        outer = [name for name in self._objects if not any(name.startswith(f"{o}.") for o in self._objects)]
        if not outer:
            return []
        shown = ", ".join(f"'{name}'" for name in outer[:5]) + (", ..." if len(outer) > 5 else "")
        inner = next((name for name in self._columns if name.startswith(f"{outer[0]}.")), f"{outer[0]}.x")
        return [f"objects ({shown}) are spread over columns such as '{inner}'"]

    def take(self, rows: Sequence[Row]) -> pa.RecordBatch:
        """Look at more rows, and give them as they can be read by now: the columns that they have.

        Raises:
            DataError: a value that does not go with those before, or that no column holds.
        """
        for row in rows:
            for name, value in row.objects:
                self._objects.setdefault(name, (row.line, value))
        here = list(dict.fromkeys(name for row in rows for name in row.cells))
        for name in here:
            self._look(name, self._columns.setdefault(name, _Column()), rows)
        if len(self._columns) > _MOST:
            raise DataError(
                f"there are more than {_MOST:,} columns",
                where=f"{self._name}, line {rows[-1].line}",
                expected="the same keys in every row",
                mend="keys that are values belong into a column of their own",
            )
        self._check_objects()
        batch = self.batch(rows, here)
        for name in here:
            column = self._columns[name]
            if column.kind == "string":
                cells = batch.column(name)
                column.guess.update(cells.flatten() if column.is_list else cells)
        return batch

    def batch(self, rows: Sequence[Row], names: Sequence[str]) -> pa.RecordBatch:
        """Rows in the types that columns have by now, dates as texts."""
        arrays = [_array([row.cells.get(name) for row in rows], self._columns[name].stored) for name in names]
        return pa.RecordBatch.from_arrays(arrays, list(names))

    def fitted(self, batch: pa.RecordBatch, names: Sequence[str]) -> pa.RecordBatch:
        """What `take` gave, in the types that columns have in the end."""
        here = set(batch.schema.names)
        types = {name: self._columns[name].type for name in names}
        arrays = [
            _fitted(batch.column(name), kind) if name in here else pa.nulls(batch.num_rows, ARROW_TYPES[kind])
            for name, kind in types.items()
        ]
        return pa.RecordBatch.from_arrays(arrays, list(names))

    def _look(self, name: str, column: _Column, rows: Iterable[Row]) -> None:
        """Widen the type of a column, if values of these rows ask for it."""
        for row in rows:
            value = row.cells.get(name)
            if value is None:
                continue
            is_list = isinstance(value, list)
            if column.is_list is None:
                column.is_list, column.first = is_list, (row.line, value)
            elif column.is_list != is_list:
                raise self._misfit(name, column.stored, value, row.line)
            for item in value if isinstance(value, list) else (value,):
                if item is not None:
                    self._widen(name, column, item, value, row.line)

    def _check_objects(self) -> None:
        """Refuse a column that holds both objects and other values; the later one is named."""
        for name, (line, value) in self._objects.items():
            column = self._columns.get(name)
            if column is None or column.first is None:
                continue
            before, other = column.first
            if before > line:
                raise self._misfit(name, "object", other, before)
            raise self._misfit(name, column.stored, value, line)

    def _widen(self, name: str, column: _Column, item: object, value: object, number: int) -> None:
        kind = _KINDS.get(type(item))
        if kind is None or (kind == "int" and item not in _INT64):
            raise DataError(
                f"column '{name}' holds {json.dumps(value)[:60]}",
                where=f"{self._name}, line {number}",
                expected="a text, a number of at most 64 bits, true, false, null, or a list of these",
            )
        wide = kind if column.kind is None else wider_type(column.kind, kind)
        if wide is None:
            raise self._misfit(name, column.stored, value, number)
        column.kind = cast(ScalarType, wide)

    def _misfit(self, name: str, kind: str, value: object, number: int) -> DataError:
        return DataError(
            f"column '{name}' holds {json.dumps(value)[:60]} where it held type {kind} before",
            where=f"{self._name}, line {number}",
            expected=f"a value of type {kind}",
        )


def _array(values: list[object], kind: ColumnType) -> pa.Array:
    if kind == "float":
        values = [None if v is None else float(v) for v in values]  # type: ignore[arg-type]
    elif kind == "list[float]":
        values = [None if v is None else [None if i is None else float(i) for i in v] for v in values]  # type: ignore[attr-defined]
    return pa.array(values, ARROW_TYPES[kind])


def _fitted(array: pa.Array, kind: ColumnType) -> pa.Array:
    wanted = ARROW_TYPES[kind]
    if array.type == wanted:
        return array
    if array.null_count == len(array):
        return pa.nulls(len(array), wanted)
    if kind == "datetime":
        return convert_cells(array, kind)
    if kind == "list[datetime]":
        items = convert_cells(array.values, "datetime")
        return pa.ListArray.from_arrays(array.offsets, items, mask=array.is_null())
    return array.cast(wanted, safe=False)
