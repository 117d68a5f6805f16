"""Which columns are missing together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tilth.sketches import mix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tilth.types import JSONObject

__all__ = ["MissingPattern", "MissingPatterns"]

_LIMIT = 65_536


@dataclass(frozen=True)
class MissingPattern:
    """A set of columns, and the rows in which these and no others are missing.

    Args:
        columns: names, in the table's order; none: complete rows.
        rows: how many rows.
    """

    columns: tuple[str, ...]
    rows: int

    def to_dict(self) -> JSONObject:
        """The pattern as JSON values."""
        return {"columns": list(self.columns), "rows": self.rows}


class MissingPatterns:
    """Counts the sets of columns that are missing in a row; exact up to 65,536 different sets.

    Beyond, the most frequent ones cannot be told in bounded memory, and none are given.

    Args:
        names: the m columns in which something is missing.

    Example:
        >>> patterns = MissingPatterns(["a", "b"])
        >>> patterns.update(np.array([[True, True], [False, False], [True, True]]))
        >>> patterns.top(1)
        [MissingPattern(columns=('a', 'b'), rows=2)]
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._words = mix(np.arange(1, len(names) + 1, dtype=np.uint64))
        self._counts: dict[int, int] = {}
        self._sets: dict[int, np.ndarray] = {}
        self.is_exact = True

    def update(self, missing: np.ndarray) -> None:
        """Take in rows: whether each value is missing, bool, shape (n, m)."""
        if not self.is_exact:
            return
        # A set of columns as the sum of their random 64-bit words: two sets practically never agree.
        keys = np.zeros(len(missing), dtype=np.uint64)
        for position, word in enumerate(self._words):
            keys += missing[:, position] * word
        found, first, counts = np.unique(keys, return_index=True, return_counts=True)
        for key, row, count in zip(found.tolist(), first.tolist(), counts.tolist(), strict=True):
            if key not in self._counts:
                self._sets[key] = np.packbits(missing[row])
            self._counts[key] = self._counts.get(key, 0) + count
        self._check_size()

    def merge(self, other: MissingPatterns) -> None:
        """Take in all rows that `other`, of the same columns, has seen."""
        self.is_exact = self.is_exact and other.is_exact
        self._sets |= other._sets
        for key, count in other._counts.items():
            self._counts[key] = self._counts.get(key, 0) + count
        self._check_size()

    def _check_size(self) -> None:
        if len(self._counts) > _LIMIT or not self.is_exact:
            self.is_exact = False
            self._counts, self._sets = {}, {}

    def top(self, k: int = 20) -> list[MissingPattern] | None:
        """The `k` most frequent, of equals those of fewer and earlier columns; None if there are too many."""
        if not self.is_exact:
            return None
        found = [(self._columns(key), count) for key, count in self._counts.items()]
        found.sort(key=lambda pattern: (-pattern[1], len(pattern[0]), pattern[0]))
        return [MissingPattern(tuple(self._names[i] for i in columns), n) for columns, n in found[:k]]

    def _columns(self, key: int) -> tuple[int, ...]:
        bits = np.unpackbits(self._sets[key], count=len(self._names))
        return tuple(np.flatnonzero(bits).tolist())
