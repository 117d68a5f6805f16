"""Operations without arguments: raw columns and constants."""

from __future__ import annotations

from dataclasses import dataclass

from tilth.features.operations.operation import RowWise
from tilth.types import ColumnType

__all__ = ["Column", "Number", "Text"]


@dataclass(frozen=True)
class Column(RowWise):
    """A raw column."""

    name: str
    type: ColumnType


@dataclass(frozen=True)
class Number(RowWise):
    """A constant number."""

    value: float


@dataclass(frozen=True)
class Text(RowWise):
    """A constant text."""

    value: str
