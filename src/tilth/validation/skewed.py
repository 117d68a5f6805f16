"""FeatureSkew: what joining the rows of two tables on a key found."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from tilth.errors import counted
from tilth.validation.words import percent, shortened

if TYPE_CHECKING:
    from tilth.types import JSONObject, JSONValue

__all__ = ["Cell", "Difference", "FeatureSkew", "SkewedColumn"]

Cell: TypeAlias = "str | int | float | bool | datetime.datetime | None"
"""One value, as examples show it; None where it is missing. Lists and media as texts."""

Key: TypeAlias = "tuple[Cell, ...]"


@dataclass(frozen=True)
class Difference:
    """One row that differs.

    Args:
        key: the values of its key columns.
        before: the reference's value.
        after: the current one.

    Example:
        >>> Difference((7,), 1.0, 100.0).after
        100.0
    """

    key: Key
    before: Cell
    after: Cell


@dataclass(frozen=True)
class SkewedColumn:
    """What differs in one column.

    Args:
        types: what the column holds in the reference and in the current table.
        differing: in how many of the matched rows the value is not the same.
        filled: in how many of these the reference's value is missing.
        lost: in how many of these the current value is missing.
        share: the share of the matched rows that differ; None where no row was matched.
        examples: some rows that differ.
        guess: what was done to the values, in words, where that is evident.

    Example:
        >>> SkewedColumn(("int", "int"), 1, 0, 0, 0.25, (Difference((7,), 1, 2),), None).is_skewed
        True
    """

    types: tuple[str, str]
    differing: int
    filled: int
    lost: int
    share: float | None
    examples: tuple[Difference, ...]
    guess: str | None

    @property
    def is_skewed(self) -> bool:
        """Whether values differ, or the type."""
        return self.differing > 0 or self.has_other_type

    @property
    def has_other_type(self) -> bool:
        """Whether the two sides hold things of another kind; int and float are both numbers."""
        one, other = (kind.replace("int", "float") for kind in self.types)
        return one != other

    def to_json(self) -> JSONObject:
        """The column's skew as JSON values."""
        return {
            "types": list(self.types),
            "differing": self.differing,
            "filled": self.filled,
            "lost": self.lost,
            "share": self.share,
            "examples": [
                {"key": _json_key(e.key), "before": _json(e.before), "after": _json(e.after)}
                for e in self.examples
            ],
            "guess": self.guess,
        }

    def __str__(self) -> str:
        if not self.is_skewed:
            return "no difference"
        count = (
            f"{counted(self.differing, 'row')} {'differs' if self.differing == 1 else 'differ'}"
            if self.differing
            else "equal values"
        )
        share = f" ({percent(self.share)})" if self.share and self.differing else ""
        other = f"type {self.types[0]} became {self.types[1]}" if self.has_other_type else None
        how = ", ".join(words for words in (other, self.guess) if words)
        return f"{count}{share}: {how}" if how else f"{count}{share}"


@dataclass(frozen=True)
class FeatureSkew:
    """What differs between the two sides of one row.

    Args:
        key: the columns that say which row is which.
        columns: what differs, for each column that was compared.
        rows: how many rows the reference and the current table have.
        matched: how many rows were found on both sides.
        only: how many rows have a key that only the reference has, and that only the current table has.
        only_keys: some of those keys.
        repeated: how many rows have a key that comes more than once in their table; they are left out.
        without_key: how many rows lack a part of their key; they are left out.

    Example:
        >>> from tilth.validation import feature_skew
        >>> found = feature_skew({"id": [1, 2], "x": [5, 6]}, {"id": [2, 3], "x": [6, 7]}, ["id"])
        >>> found.matched, found.only, found.differs
        (1, (1, 1), False)
    """

    key: tuple[str, ...]
    columns: Mapping[str, SkewedColumn]
    rows: tuple[int, int]
    matched: int
    only: tuple[int, int]
    only_keys: tuple[tuple[Key, ...], tuple[Key, ...]]
    repeated: tuple[int, int]
    without_key: tuple[int, int]

    @property
    def skewed(self) -> tuple[str, ...]:
        """The names of the columns that differ, in order."""
        return tuple(name for name, column in self.columns.items() if column.is_skewed)

    @property
    def differs(self) -> bool:
        """Whether any column differs, or no row could be compared though there are some."""
        return bool(self.skewed) or (not self.matched and any(self.rows))

    def to_json(self) -> JSONObject:
        """The skew as JSON values."""
        return {
            "key": list(self.key),
            "rows": _pair(self.rows),
            "matched": self.matched,
            "only": {
                side: {"rows": count, "keys": [_json_key(key) for key in keys]}
                for side, count, keys in zip(_SIDES, self.only, self.only_keys, strict=True)
            },
            "repeated": _pair(self.repeated),
            "without_key": _pair(self.without_key),
            "columns": {name: column.to_json() for name, column in self.columns.items()},
            "skewed": list(self.skewed),
        }

    def report(self) -> str:
        """The skew in plain text, for people: the columns with the most differences first."""
        matched = f"{counted(self.matched, 'row')} matched by {', '.join(self.key)}"
        lines = [f"{len(self.skewed)} of {len(self.columns)} columns differ; {matched}"]
        if not self.matched:
            lines = [f"! nothing was compared: no rows matched by {', '.join(self.key)}"]
        for words, counts in (
            ("whose key only this side has", self.only),
            ("with a key that comes more than once: left out", self.repeated),
            ("without a key: left out", self.without_key),
        ):
            lines += [
                f"  {counted(count, 'row')} of the {side} data {words}"
                for side, count in zip(_SIDES, counts, strict=True)
                if count
            ]
        width = max(map(len, self.skewed), default=0)
        for name in sorted(self.skewed, key=lambda name: -self.columns[name].differing):
            column = self.columns[name]
            lines.append(f"! {name.ljust(width)}  {column}")
            lines += [
                f"  {' ' * width}    {_shown_key(self.key, e.key)}: {_shown(e.before)} -> {_shown(e.after)}"
                for e in column.examples[:3]
            ]
        return "\n".join(lines)


_SIDES = ("reference", "current")


def _pair(counts: tuple[int, int]) -> JSONObject:
    return dict(zip(_SIDES, counts, strict=True))


def _json(value: Cell) -> JSONValue:
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, float) and value - value != 0:
        return str(value)  # JSON has no infinities
    return value


def _json_key(key: Key) -> list[JSONValue]:
    return [_json(value) for value in key]


def _shown(value: Cell) -> str:
    if value is None:
        return "missing"
    return value.isoformat(" ") if isinstance(value, datetime.datetime) else shortened(value)


def _shown_key(names: tuple[str, ...], key: Key) -> str:
    return ", ".join(f"{name} {_shown(value)}" for name, value in zip(names, key, strict=True))
