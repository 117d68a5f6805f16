"""The small protocols and aliases that cross rooms."""

from __future__ import annotations

import datetime
from typing import Literal, Protocol, TypeAlias, get_args

__all__ = [
    "COLUMN_TYPES",
    "MEDIA_TYPES",
    "NUMBER_TASKS",
    "SCALAR_TYPES",
    "Clock",
    "ColumnType",
    "JSONObject",
    "JSONValue",
    "Progress",
    "ScalarType",
    "Task",
    "utc_now",
]

ScalarType = Literal["int", "float", "string", "bool", "datetime"]
"""One value a row. Integers are 64 bits, floats double precision, datetimes microseconds."""

SCALAR_TYPES: tuple[ScalarType, ...] = get_args(ScalarType)

ColumnType = Literal[
    "int",
    "float",
    "string",
    "bool",
    "datetime",
    "list[int]",
    "list[float]",
    "list[string]",
    "list[bool]",
    "list[datetime]",
    "image",
    "audio",
]
"""What a column holds: one value a row, a list of such values, or an encoded image or recording as bytes."""

COLUMN_TYPES: tuple[ColumnType, ...] = get_args(ColumnType)

MEDIA_TYPES: tuple[ColumnType, ...] = ("image", "audio")

Task = Literal["binary", "multiclass", "regression", "multilabel", "ranking"]
"""What a model predicts: one of two classes, one of several, a number, any number of several labels, or a
number by which the rows of a group are ranked."""

NUMBER_TASKS: frozenset[Task] = frozenset({"regression", "ranking"})
"""The tasks whose answer is a number; that of the others is made of classes."""

JSONValue: TypeAlias = "str | int | float | bool | list[JSONValue] | dict[str, JSONValue] | None"
JSONObject: TypeAlias = "dict[str, JSONValue]"


class Clock(Protocol):
    """Where the time comes from, so that tests can set it."""

    def __call__(self) -> datetime.datetime:
        """The present moment, in UTC with its time zone."""


class Progress(Protocol):
    """Where long work reports how far it is."""

    def __call__(self, done: int, total: int | None = None) -> None:
        """`done` units of `total` (None: unknown) are finished."""


def utc_now() -> datetime.datetime:
    """The present moment in UTC; the usual Clock."""
    return datetime.datetime.now(datetime.UTC)
