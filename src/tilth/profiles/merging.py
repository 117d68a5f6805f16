"""Column profiles of several parts brought together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

from tilth.errors import DataError
from tilth.profiles.figures import ColumnFigures
from tilth.types import COLUMN_TYPES

if TYPE_CHECKING:
    from tilth.sketches import Sketch
    from tilth.types import ColumnType

__all__ = ["merged_column"]

_S = TypeVar("_S", bound="Sketch")
_C = TypeVar("_C", bound=ColumnFigures)
_NUMBERS: set[ColumnType] = {"int", "float"}


def merged_column(columns: Sequence[_C]) -> _C:
    """The profile of all parts of a column, in one go.

    Int and float parts make a float column. A part without a value takes the type of the others.

    Raises:
        DataError: the types cannot be brought together.
    """
    kind = _common_type(columns)
    alike = [column for column in columns if _is_of(column, kind)]
    return type(columns[0])(
        name=columns[0].name,
        type=kind,
        count=sum(column.count for column in columns),
        missing=sum(column.missing for column in columns),
        nan=sum(column.nan for column in columns),
        infinite=sum(column.infinite for column in columns),
        numbers=_merged(column.numbers for column in alike),
        texts=_merged(column.texts for column in alike),
        contents=_merged(column.contents for column in alike),
        sizes=_merged(column.sizes for column in alike),
        items=_merged_parts([column.items for column in alike]),
        weights=_merged_parts([column.weights for column in columns]),
    )


def _merged(sketches: Iterable[_S | None]) -> _S | None:
    known = [sketch for sketch in sketches if sketch is not None]
    return known[0].merged_with(known[1:]) if known else None


def _merged_parts(parts: Sequence[_C | None]) -> _C | None:
    known = [part for part in parts if part is not None]
    return merged_column(known) if known else None


def _is_of(column: ColumnFigures, kind: ColumnType) -> bool:
    return column.type == kind or {column.type, kind} <= _NUMBERS


def _common_type(columns: Sequence[ColumnFigures]) -> ColumnType:
    types = {column.type for column in columns}
    if len(types) == 1:
        return columns[0].type
    counted = {column.type for column in columns if column.count}
    if not counted:
        return min(types, key=_rank)
    if counted <= _NUMBERS:
        return "float" if "float" in types else "int"
    if len(counted) == 1:
        return counted.pop()
    raise DataError(
        f"profiles of column '{columns[0].name}' cannot be added: types {' and '.join(sorted(counted))}",
        expected="one type, or int and float",
        mend="read all tables with the same types",
    )


def _rank(kind: ColumnType) -> tuple[bool, bool, int]:
    # Of columns without any value: text is what an unknown type is read as, and floats hold integers too.
    return kind == "string", kind != "float", COLUMN_TYPES.index(kind)
