"""Error analysis: what the tags of mistakes say, what to work on first, and how people exchange tags."""

from __future__ import annotations

from tilth.evaluation.errors.exchange import (
    OWN_COLUMNS,
    ExchangedRow,
    TagChange,
    changes,
    csv_text,
    json_text,
    read_exchanged,
)
from tilth.evaluation.errors.figures import TagFigures, Tagged, tag_figures
from tilth.evaluation.errors.priorities import (
    Action,
    Circumstances,
    Priority,
    checked_weight,
    prioritize,
    priority_table,
)

__all__ = [
    "OWN_COLUMNS",
    "Action",
    "Circumstances",
    "ExchangedRow",
    "Priority",
    "TagChange",
    "TagFigures",
    "Tagged",
    "changes",
    "checked_weight",
    "csv_text",
    "json_text",
    "prioritize",
    "priority_table",
    "read_exchanged",
    "tag_figures",
]
