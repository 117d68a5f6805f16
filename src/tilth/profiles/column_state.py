"""The state of a column's profile, from which it is made again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from tilth.profiles.column import ColumnProfile
from tilth.profiles.summary import COUNTS
from tilth.sketches import DistinctCounts, NumberSummary, TextSummary

if TYPE_CHECKING:
    from tilth.types import JSONObject

__all__ = ["column_from_state", "column_state"]


def column_state(column: ColumnProfile) -> JSONObject:
    """All that merging and comparing need."""
    return {
        "type": column.type,
        **{key: getattr(column, key) for key in COUNTS},
        **{key: _state(getattr(column, key)) for key in ("numbers", "texts", "contents", "sizes")},
        "items": column_state(column.items) if column.items is not None else None,
        "weights": column_state(column.weights) if column.weights is not None else None,
    }


def _state(sketch: NumberSummary | TextSummary | DistinctCounts | None) -> JSONObject | None:
    return sketch.to_state() if sketch is not None else None


def column_from_state(name: str, state: JSONObject) -> ColumnProfile:
    """The column that wrote `state`."""
    found = cast("dict[str, Any]", state)
    return ColumnProfile(
        name=name,
        type=found["type"],
        **{key: found[key] for key in COUNTS},
        numbers=NumberSummary.from_state(found["numbers"]) if found["numbers"] else None,
        texts=TextSummary.from_state(found["texts"]) if found["texts"] else None,
        contents=DistinctCounts.from_state(found["contents"]) if found["contents"] else None,
        sizes=NumberSummary.from_state(found["sizes"]) if found["sizes"] else None,
        items=column_from_state(name, found["items"]) if found["items"] else None,
        weights=column_from_state(name, found["weights"]) if found["weights"] else None,
    )
