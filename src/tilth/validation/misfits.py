"""Texts that do not fit their column: they cannot be read as its type, or do not match its pattern."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tilth.sketches import TextCounts
from tilth.tables.arrow_types import ARROW_TYPES
from tilth.tables.text_types import convert_cells
from tilth.validation.words import SHOWN

if TYPE_CHECKING:
    from tilth.schemas import Column
    from tilth.types import ColumnType

__all__ = ["Misfits", "TextTally", "is_unmatched", "is_unreadable"]

_READABLE = {
    "int": r"^[+-]?[0-9]+$",
    "float": r"^[+-]?(?i:[0-9]+\.?[0-9]*(e[+-]?[0-9]+)?|\.[0-9]+(e[+-]?[0-9]+)?|inf|infinity|nan)$",
    "bool": r"^(?i:true|false)$",
    "datetime": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}",
}


class TextTally:
    """How many texts came, and which the most often.

    Example:
        >>> tally = TextTally()
        >>> tally.update(pa.array(["a", "b", "b"]))
        >>> tally.count, tally.top()
        (3, ('b', 'a'))
    """

    def __init__(self) -> None:
        self.count = 0
        self._texts = TextCounts()

    def update(self, texts: pa.Array, counts: np.ndarray | None = None) -> None:
        """Count texts, none of them missing, once each or `counts` times."""
        if len(texts):
            self.count += len(texts) if counts is None else int(counts.sum())
            self._texts.update(texts, counts)

    def top(self, k: int = SHOWN) -> tuple[str, ...]:
        """The most frequent texts; of equally frequent ones the first in order."""
        found = sorted(self._texts.top(), key=lambda pair: (-pair[1], pair[0]))
        return tuple(text for text, _ in found[:k])


@dataclass
class Misfits:
    """The texts of one column that do not fit it, counted while its cells pass.

    Args:
        column: what the column must be.
        type: "string" where the cells came as texts though the column is of another type; else None.
        is_untyped: the cells come from a text file, which carries no types.
    """

    column: Column
    type: ColumnType | None = None
    is_untyped: bool = False
    unreadable: TextTally = field(default_factory=TextTally)
    unmatched: TextTally = field(default_factory=TextTally)

    def take(self, cells: pa.Array) -> pa.Array:
        """Count the misfits among cells; the cells in the column's type, unreadable ones missing."""
        if self.type is None:
            self._match(cells)
            return cells
        bad = is_unreadable(cells, self.column.type)
        if bad.any():
            self.unreadable.update(cells.filter(pa.array(bad)))
            cells = pc.if_else(pa.array(bad), pa.scalar(None, pa.string()), cells)
        return convert_cells(cells, self.column.type).cast(ARROW_TYPES[self.column.type])

    def take_counted(self, texts: pa.Array, counts: np.ndarray) -> None:
        """Count the misfits among distinct texts that came `counts` times each."""
        if self.type is not None:
            bad = is_unreadable(texts, self.column.type)
            self.unreadable.update(texts.filter(pa.array(bad)), counts[bad])
        elif self.column.pattern is not None:
            bad = is_unmatched(texts, self.column.pattern)
            self.unmatched.update(texts.filter(pa.array(bad)), counts[bad])

    def _match(self, cells: pa.Array) -> None:
        if self.column.pattern is None:
            return
        texts = pc.list_flatten(cells) if pa.types.is_list(cells.type) else cells
        present = texts.drop_null()
        self.unmatched.update(present.filter(pa.array(is_unmatched(present, self.column.pattern))))


def is_unmatched(texts: pa.Array, pattern: str) -> np.ndarray:
    """Which texts a pattern does not match as a whole: shape (n,) of bool; false where missing.

    Example:
        >>> is_unmatched(pa.array(["C12", "C1", None]), "C[0-9]{2}").tolist()
        [False, True, False]
    """
    matched = pc.match_substring_regex(texts, rf"\A(?:{pattern})\z").fill_null(True)
    return np.asarray(~matched.to_numpy(zero_copy_only=False))


def is_unreadable(cells: pa.Array, kind: ColumnType) -> np.ndarray:
    """Which texts cannot be read as a type: shape (n,) of bool; false where missing.

    Example:
        >>> is_unreadable(pa.array(["1", "x", None, "1.5"]), "int").tolist()
        [False, True, False, True]
    """
    if kind == "string":
        return np.zeros(len(cells), np.bool_)
    shaped = pc.match_substring_regex(cells, _READABLE[kind]).fill_null(True)
    bad = np.asarray(~shaped.to_numpy(zero_copy_only=False))
    if _reads(cells.filter(shaped), kind):
        return bad
    # What has the shape of a number or date and is none, such as 2024-02-30, is looked for among few texts.
    rest = pc.unique(cells.filter(shaped).drop_null())
    wrong = [text for start in range(0, len(rest), 512) for text in _wrong(rest.slice(start, 512), kind)]
    among = pc.is_in(cells, value_set=pa.array(wrong, pa.string()))
    return np.asarray(bad | among.to_numpy(zero_copy_only=False))


def _wrong(texts: pa.Array, kind: ColumnType) -> list[str]:
    """The texts that cannot be read, by halves."""
    if not len(texts) or _reads(texts, kind):
        return []
    if len(texts) == 1:
        return list(texts.to_pylist())
    middle = len(texts) // 2
    return _wrong(texts.slice(0, middle), kind) + _wrong(texts.slice(middle), kind)


def _reads(cells: pa.Array, kind: ColumnType) -> bool:
    try:
        convert_cells(cells, kind)
    except pa.ArrowInvalid:
        return False
    return True
