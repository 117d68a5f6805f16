"""Hints: what a person should look at in a column."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from tilth.errors import counted
from tilth.profiles.disguises import disguised_numbers, disguised_texts
from tilth.profiles.sentinel_values import sentinel_numbers, sentinel_texts

if TYPE_CHECKING:
    from tilth.profiles.figures import ColumnFigures
    from tilth.schemas import Kind
    from tilth.types import JSONObject

__all__ = ["Hint", "HintKind", "hints_of"]

HintKind: TypeAlias = Literal[
    "mostly_missing",
    "constant",
    "near_constant",
    "sentinel",
    "date_in_disguise",
    "number_in_disguise",
    "variants",
    "heavy_tail",
]

_MOSTLY = 0.5
_CATEGORIES = 10_000
_GROUPS = 5
_LEAST_FOR_TAIL = 100
_TAIL = 50


@dataclass(frozen=True)
class Hint:
    """Something that is often a mistake, or that a person should know.

    Args:
        kind: what it is.
        message: the same for people.
        values: the values that show it, as they are in the column.
    """

    kind: HintKind
    message: str
    values: tuple[str | int | float | bool, ...] = ()

    def to_dict(self) -> JSONObject:
        """As JSON values."""
        return {"kind": self.kind, "message": self.message, "values": list(self.values)}


def hints_of(column: ColumnFigures, kind: Kind) -> tuple[Hint, ...]:
    """All hints on a column that is likely of a kind, the gravest first.

    Example:
        >>> from tilth.profiles import profile
        >>> ages = profile({"age": [31, 45, 999, 28, 999]})["age"]
        >>> [(hint.kind, hint.values) for hint in ages.hints]
        [('sentinel', (999,))]
    """
    return tuple(hint for rule in _RULES for hint in rule(column, kind))


def _mostly_missing(column: ColumnFigures, _: Kind) -> Iterator[Hint]:
    if column.rows and column.missing >= _MOSTLY * column.rows:
        share = _percent(column.missing / column.rows) + " of the" if column.count else "all"
        yield Hint("mostly_missing", f"{share} values are missing")


def _constant(column: ColumnFigures, _: Kind) -> Iterator[Hint]:
    top = column.top(1)
    if not top or column.count < 2:
        return
    value = top[0][0]
    if column.is_constant:
        yield Hint("constant", f"all values are {_quoted(column, value)}", (value,))
    elif column.is_near_constant:
        share = top[0][1] / column.count
        yield Hint("near_constant", f"{_percent(share)} of the values are {_quoted(column, value)}", (value,))


def _sentinels(column: ColumnFigures, _: Kind) -> Iterator[Hint]:
    found = sentinel_texts(column) if column.texts is not None else sentinel_numbers(column)
    for value, count in found:
        shown = _quoted(column, value)
        yield Hint("sentinel", f"{shown} may stand for a missing value ({counted(count, 'row')})", (value,))


def _disguises(column: ColumnFigures, _: Kind) -> Iterator[Hint]:
    found = disguised_texts(column) if column.texts is not None else disguised_numbers(column)
    if found is None:
        return
    shown = ", ".join(_quoted(column, value) for value in found.examples)
    yield Hint(found.kind, f"{found.told}, such as {shown}", found.examples)


def _variants(column: ColumnFigures, kind: Kind) -> Iterator[Hint]:
    if column.texts is None or column.distinct > _CATEGORIES or kind != "category":
        return
    groups: dict[str, list[str]] = {}
    for text in column.texts.counts.table()[0].to_pylist():
        groups.setdefault(" ".join(text.casefold().split()), []).append(text)
    alike = [group for group in groups.values() if len(group) > 1]
    for group in alike[:_GROUPS]:
        shown = ", ".join(_quoted(column, text) for text in group[:4])
        more = f" and {len(group) - 4} more" if len(group) > 4 else ""
        yield Hint("variants", f"{shown}{more} differ only in case or white space", tuple(group))


def _heavy_tail(column: ColumnFigures, kind: Kind) -> Iterator[Hint]:
    if column.type not in ("int", "float") or column.count < _LEAST_FOR_TAIL or kind != "number":
        return
    low, high = column.min, column.max
    found = [number for number in column.quantiles((0.01, 0.25, 0.75, 0.99)) if number is not None]
    if low is None or high is None or len(found) < 4:
        return
    first, quarter, three, last = found
    width = three - quarter
    for name, value, distance in (("greatest", high, high - last), ("least", low, first - low)):
        if width > 0 and distance > _TAIL * width:
            told = f"{distance / width:,.0f} times as far out as the middle half is wide"
            yield Hint("heavy_tail", f"the {name} value {value:.6g} is {told}", (value,))


def _quoted(column: ColumnFigures, value: str | float | bool) -> str:
    if isinstance(value, str):
        flat = value if len(value) <= 40 else value[:39] + "…"
        return repr(flat)
    return str(column.show(value))


def _percent(share: float) -> str:
    return f"{int(share * 1000) / 10:.1f}%"  # 99.96 % is not all


_RULES: tuple[Callable[[ColumnFigures, Kind], Iterator[Hint]], ...] = (
    _mostly_missing,
    _constant,
    _sentinels,
    _disguises,
    _variants,
    _heavy_tail,
)
