"""A column's figures as JSON values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from tilth.profiles.figures import QUANTILES, ColumnFigures
from tilth.profiles.weighted import Weighted

if TYPE_CHECKING:
    from tilth.profiles.hints import Hint
    from tilth.schemas import Kind
    from tilth.sketches import Moments
    from tilth.types import JSONObject, JSONValue

__all__ = ["COUNTS", "column_summary"]

_RARE = 5
_LONGEST = 500  # characters of a text that are shown

COUNTS = ("count", "missing", "nan", "infinite")
"""The figures that a column is made of, beside its sketches."""


def column_summary(column: ColumnFigures, kind: Kind, hints: Sequence[Hint]) -> JSONObject:
    """The figures as JSON values but for a list's items; what does not apply or is undefined is None.

    Args:
        column: the figures.
        kind: what the column likely means.
        hints: what a person should look at.
    """
    numeric = column.numbers is not None and column.type != "bool"
    return {
        "type": "list" if column.items is not None else column.type,
        "kind": kind,
        **{key: getattr(column, key) for key in COUNTS},
        "distinct": column.distinct,
        "distinct_exact": column.is_distinct_exact,
        "sum": column.sum,
        "mean": _figure(column, column.mean),
        "std": column.std,
        "min": column.show(column.min),
        "max": column.show(column.max),
        "zeros": column.zeros,
        "quantiles": _quantiles(column, column.quantiles()) if numeric else None,
        "histogram": _bins(column, column.histogram()) if numeric else None,
        "quantile_histogram": _bins(column, column.quantile_histogram()) if numeric else None,
        "top": [[_shown(column, value), count] for value, count in column.top()],
        "top_exact": column.is_exact,
        "rare": [[_shown(column, value), count] for value, count in column.rare(_RARE)],
        "near_constant": column.is_near_constant,
        "length": _lengths(column),
        "dates": column.dates.to_dict() if column.dates is not None else None,
        "weighted": _weighted(column, Weighted(column.weights)) if column.weights is not None else None,
        "hints": [hint.to_dict() for hint in hints],
    }


def _figure(column: ColumnFigures, number: float | None) -> JSONValue:
    return column.show(number) if column.type == "datetime" else number


def _shown(column: ColumnFigures, value: str | float | bool) -> JSONValue:
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"
    return column.show(value)


def _quantiles(column: ColumnFigures, found: list[float | None]) -> dict[str, JSONValue]:
    return {str(share): _figure(column, value) for share, value in zip(QUANTILES, found, strict=True)}


def _bins(column: ColumnFigures, bins: list[tuple[float, float, int]]) -> list[JSONValue]:
    return [[_figure(column, low), _figure(column, high), count] for low, high, count in bins]


def _lengths(column: ColumnFigures) -> JSONObject | None:
    if column.texts is not None:
        tokens, characters = cast("Moments", column.tokens), column.characters
        return {
            **_span(column.texts.lengths),
            "bytes": _span(column.texts.shape.byte_lengths),
            "tokens": {**_span(tokens), "total": int(tokens.sum or 0)},
            "characters": dict(characters) if characters is not None else None,
            "empty": column.empty_texts,
        }
    if column.sizes is None:
        return None
    nothing: JSONObject = {"bytes": None, "tokens": None, "characters": None}
    return {**_span(column.sizes.moments), **nothing, "empty": column.sizes.moments.zeros}


def _span(lengths: Moments) -> JSONObject:
    return {"min": lengths.low, "max": lengths.high, "mean": lengths.mean}


def _weighted(column: ColumnFigures, weighted: Weighted) -> JSONObject:
    numeric = weighted.column.numbers is not None and column.type != "bool"
    return {
        "count": weighted.count,
        "missing": weighted.missing,
        "mean": _figure(column, weighted.mean),
        "std": weighted.std,
        "quantiles": _quantiles(column, weighted.column.quantiles()) if numeric else None,
        "top": [[_shown(column, value), weight] for value, weight in weighted.top()],
    }
