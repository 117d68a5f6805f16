"""The usual row, accepted at once: every column there, of its own type, and nothing unexpected."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from operator import itemgetter
from typing import Any

from tilth.schemas import Column
from tilth.serving.columns import ACCEPTED, INT64, ColumnJudge, epoch_seconds
from tilth.serving.layout import Layout, Values

__all__ = ["UsualRow"]

_REMEMBERED = 1024


class UsualRow:
    """Accepts a row where nothing about it needs a closer look.

    It decides with a handful of set look-ups for all columns what `ColumnJudge` decides value by value. It
    never refuses: where it is not sure, the judges decide.

    Args:
        judges: the judge of each column.
        columns: the same columns' parts of the schema.
        layout: the order of the values.

    Example:
        >>> columns = [Column(name="age", type="int"), Column(name="city", type="string")]
        >>> usual = UsualRow([ColumnJudge(column) for column in columns], columns, Layout(columns))
        >>> usual.values({"age": 39, "city": "Oslo"})
        (39, 'Oslo')
        >>> usual.values({"age": "39", "city": "Oslo"}) is None
        True
    """

    def __init__(self, judges: Sequence[ColumnJudge], columns: Sequence[Column], layout: Layout) -> None:
        by_name = {column.name: (judge, column) for judge, column in zip(judges, columns, strict=True)}
        pairs = [by_name[name] for name in layout.names]
        self._width = len(pairs)
        self._pick = _picker(layout.names)
        self._accepted = [ACCEPTED[column.type] for _, column in pairs]
        self._floats = frozenset(i for i, (_, column) in enumerate(pairs) if column.type == "float")
        unbounded = [i for i in sorted(self._floats) if not _has_bounds(pairs[i][1])]
        # Infinities and NaN make the sum what they are; one sum is cheaper than a look at each number.
        self._numbers = _picker(unbounded) if unbounded else None
        self._signatures: dict[tuple[type, ...], tuple[int, ...]] = {}
        numbered = list(enumerate(pairs))
        self._bounded = [(i, *_bounds(c)) for i, (_, c) in numbered if _has_bounds(c)]
        self._domains = [(i, _domain(c)) for i, (_, c) in numbered if c.domain is not None]
        self._tokens = [
            (i, judge.missing_texts)
            for i, (judge, c) in numbered
            if c.type in ("string", "datetime") and c.domain is None
        ]
        self._shapes = [(i, judge.shape) for i, (judge, _) in numbered if judge.shape is not None]
        self._datetimes = [i for i, (_, c) in numbered if c.type == "datetime"]

    def values(self, row: Mapping[str, object]) -> Values | None:
        """The row's values for the graph, or None when the row needs a closer look."""
        if len(row) != self._width:
            return None
        try:
            values = self._pick(row)
            if not self._is_usual(values) or (self._shapes and not self._is_shaped(values)):
                return None
            return self._with_seconds(values) if self._datetimes else values
        except (KeyError, ValueError, OverflowError):
            return None

    def _is_usual(self, values: Values) -> bool:
        signature = tuple(map(type, values))
        whole = self._signatures.get(signature)
        if whole is None:
            whole = self._whole(signature)
            if whole is None:
                return False
        if whole and not all(INT64[0] <= values[i] <= INT64[1] for i in whole):  # type: ignore[operator]
            return False
        if self._numbers is not None and not isfinite(sum(self._numbers(values))):
            return False
        for i, domain in self._domains:
            if values[i] not in domain:
                return False
        for i, tokens in self._tokens:
            if values[i] in tokens:
                return False
        return all(low <= values[i] <= high for i, low, high in self._bounded)  # type: ignore[operator]

    def _is_shaped(self, values: Values) -> bool:
        return all(shape.problem(values[i]) is None for i, shape in self._shapes)

    def _whole(self, signature: tuple[type, ...]) -> tuple[int, ...] | None:
        """Where columns of floats hold whole numbers; None if a value is not of its column's type."""
        if not all(kind in accepted for kind, accepted in zip(signature, self._accepted, strict=True)):
            return None
        whole = tuple(i for i in self._floats if signature[i] is int)
        if len(self._signatures) < _REMEMBERED:
            self._signatures[signature] = whole
        return whole

    def _with_seconds(self, values: Values) -> Values:
        changed = list(values)
        for i in self._datetimes:
            changed[i] = epoch_seconds(str(changed[i]))
        return tuple(changed)


def _picker(keys: Sequence[Any]) -> Callable[[Any], tuple[Any, ...]]:
    """What takes some entries of a row, by name, or of its values, by position."""
    if len(keys) >= 2:
        pick: Callable[[Any], tuple[Any, ...]] = itemgetter(*keys)
        return pick
    return lambda row: tuple(row[key] for key in keys)


def _has_bounds(column: Column) -> bool:
    return column.type == "int" or column.low is not None or column.high is not None


def _bounds(column: Column) -> tuple[float, float]:
    low, high = INT64 if column.type == "int" else (-math.inf, math.inf)
    return (
        low if column.low is None else max(low, column.low),
        high if column.high is None else min(high, column.high),
    )


def _domain(column: Column) -> frozenset[object]:
    texts = column.domain or ()
    if column.type == "bool":
        return frozenset({"true": True, "false": False}.get(text) for text in texts)
    if column.type == "int":
        return frozenset(int(text) for text in texts if text.removeprefix("-").isdecimal())
    return frozenset(texts)
