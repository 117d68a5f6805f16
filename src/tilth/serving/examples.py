"""A row that a schema accepts, for warming up and for documentation."""

from __future__ import annotations

import base64
import io
import math
import wave

from tilth.schemas import Column, Schema
from tilth.types import JSONValue

__all__ = ["example_row"]

_GIF = "R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw=="
"""One pixel."""

_RATE = 8_000


def example_row(schema: Schema) -> dict[str, JSONValue]:
    """A row that the serving environment of a schema accepts, for warming up and for documentation.

    Example:
        >>> columns = (Column(name="age", type="int", low=18), Column(name="vip", type="bool"))
        >>> example_row(Schema(columns=columns))
        {'age': 18, 'vip': True}
    """
    return {column.name: _example(column) for column in schema.in_environment("serving").columns}


def _example(column: Column) -> JSONValue:
    if column.type == "image":
        return _GIF
    if column.type == "audio":
        return _silence()
    return [_item(column)] if column.is_list else _item(column)


def _item(column: Column) -> str | int | float | bool:
    if column.item_type == "bool":
        return True
    if column.item_type == "datetime":
        return "2024-01-31T12:00:00"
    if column.item_type == "string":
        return next((value for value in column.domain or () if value), "text")
    if column.domain:
        return int(column.domain[0]) if column.item_type == "int" else float(column.domain[0])
    bounds = [bound for bound in (column.low, column.high) if bound is not None and math.isfinite(bound)]
    low = 0.0 if _inside(0.0, column) or not bounds else bounds[0]
    if column.item_type == "float":
        return low
    return math.floor(low) if low == column.high else math.ceil(low)


def _inside(value: float, column: Column) -> bool:
    low, high = column.low, column.high
    return (low is None or low <= value) and (high is None or value <= high)


def _silence() -> str:
    """A tenth of a second of it."""
    file = io.BytesIO()
    with wave.open(file, "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(1)
        recording.setframerate(_RATE)
        recording.writeframes(b"\x80" * (_RATE // 10))
    return base64.b64encode(file.getvalue()).decode()
