"""The small protocols and aliases that cross rooms."""

from __future__ import annotations

import datetime
from typing import Literal, Protocol, TypeAlias, get_args

__all__ = ["COLUMN_TYPES", "Clock", "ColumnType", "JSONObject", "JSONValue", "Progress", "Task", "utc_now"]

ColumnType = Literal["int", "float", "string", "bool", "datetime"]
"""What a column holds. Integers are 64 bits, floats double precision, datetimes microseconds."""

COLUMN_TYPES: tuple[ColumnType, ...] = get_args(ColumnType)

Task = Literal["binary", "multiclass", "regression"]
"""What a model predicts: one of two classes, one of several, or a number."""

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
