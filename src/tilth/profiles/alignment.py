"""Two columns brought together: numbers on common numbers, texts on common texts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tilth.sketches.number_counts import from_keys

if TYPE_CHECKING:
    from tilth.sketches import NumberCounts, TextCounts

__all__ = ["NumberPair", "aligned_numbers", "aligned_texts"]

_COARSER = 4
_MOST_BLURRED = 0.01


@dataclass(frozen=True, eq=False)
class NumberPair:
    """How often two samples have each number.

    Args:
        numbers: ascending, all different, shape (k,).
        reference: counts of the numbers in the reference, float64, shape (k,).
        current: counts in the current sample, float64, shape (k,).

    Example:
        >>> pair = NumberPair(np.array([1.0, 2.0]), np.array([1.0, 1.0]), np.array([0.0, 2.0]))
        >>> pair.rows, pair.apart
        ((2, 2), array([0.5, 0. ]))
    """

    numbers: np.ndarray
    reference: np.ndarray
    current: np.ndarray

    @cached_property
    def reference_until(self) -> np.ndarray:
        """How many values of the reference are at most each number, shape (k,)."""
        return np.cumsum(self.reference)

    @cached_property
    def current_until(self) -> np.ndarray:
        """How many values of the current sample are at most each number, shape (k,)."""
        return np.cumsum(self.current)

    @property
    def rows(self) -> tuple[int, int]:
        """The sizes of the two samples."""
        if not len(self.numbers):
            return 0, 0
        return round(float(self.reference_until[-1])), round(float(self.current_until[-1]))

    @cached_property
    def apart(self) -> np.ndarray:
        """The reference's distribution function less the current sample's at each number, shape (k,)."""
        apart: np.ndarray = self.reference_until / self.reference_until[-1]
        apart -= self.current_until / self.current_until[-1]
        return apart

    @cached_property
    def moved(self) -> np.ndarray:
        """The area between the distribution functions from each number to the next, shape (k - 1,)."""
        with np.errstate(over="ignore", invalid="ignore"):
            steps: np.ndarray = np.diff(self.numbers)
            steps *= np.abs(self.apart[:-1])
        return steps


def aligned_numbers(reference: NumberCounts, current: NumberCounts) -> NumberPair:
    """Two tables on common numbers.

    Exact where both tables are. Otherwise both are cut to cells as wide as 16 keys of the coarser one, unless
    that would blur more than a hundredth of the numbers in one cell: all numbers of a cell count as its lower
    end, on both sides alike, so that cutting invents no difference.

    Example:
        >>> from tilth.sketches import NumberCounts
        >>> first, second = NumberCounts(), NumberCounts()
        >>> first.update(np.array([3.0, 1.0]))
        >>> second.update(np.array([3.0, 3.0]))
        >>> aligned_numbers(first, second).current
        array([0., 2.])
    """
    shift = max(reference.shift, current.shift)
    tables = reference.keys_at(shift), current.keys_at(shift)
    if shift:
        cells = [_cells(*table) for table in tables]
        if cells[0] is not None and cells[1] is not None:
            keys, first, second = _merged(*cells[0], *cells[1])
            return NumberPair(_numbers(keys, shift + _COARSER), first, second)
    keys, first, second = _merged(*tables[0], *tables[1])
    return NumberPair(_numbers(keys, shift), first, second)


def _cells(keys: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Wider cells and their counts; None where one of them would blur too much."""
    if not len(keys):
        return keys, counts
    cells = keys >> _COARSER
    starts = np.flatnonzero(np.concatenate(([True], cells[1:] != cells[:-1])))
    sums = np.add.reduceat(counts, starts)
    most = _MOST_BLURRED * float(sums.sum())
    ends = np.append(starts[1:], len(keys))
    for cell in np.flatnonzero(sums > most):  # a hundred at most
        if sums[cell] - counts[starts[cell] : ends[cell]].max() > most:
            return None
    return cells.take(starts), sums


def _numbers(keys: np.ndarray, shift: int) -> np.ndarray:
    # As from_keys, but quicker for ascending keys: those below zero come first.
    whole = keys << shift if shift else keys
    zero = int(np.searchsorted(whole, 0))
    if not zero:
        return whole.view(np.float64)
    return np.concatenate([from_keys(whole[:zero]), whole[zero:].view(np.float64)])


def _merged(
    keys: np.ndarray, counts: np.ndarray, other_keys: np.ndarray, other_counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    both = np.concatenate([keys, other_keys])
    order = np.argsort(both, kind="stable")  # of two ascending runs: a merge
    ordered = both.take(order)
    # Counts as doubles, which are exact up to 2**53, save converting them over and over.
    first = np.concatenate([counts, np.zeros(len(other_keys))]).take(order)
    second = np.concatenate([np.zeros(len(keys)), other_counts]).take(order)
    again = np.flatnonzero(ordered[1:] == ordered[:-1])
    if not len(again):
        return ordered, first, second
    second[again] = second[again + 1]
    kept = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    return ordered.take(kept), first.take(kept), second.take(kept)


def aligned_texts(reference: TextCounts, current: TextCounts) -> tuple[pa.Array, np.ndarray, np.ndarray]:
    """Two tables on common texts: (texts, reference counts, current counts), shape (k,).

    The reference's texts come first, ascending, then those that are new, ascending. Where a table has kept
    only a sample of its texts, the counts are of the texts that both would have kept.

    Example:
        >>> from tilth.sketches import TextCounts
        >>> first, second = TextCounts(), TextCounts()
        >>> first.update(pa.array(["b", "a"]))
        >>> second.update(pa.array(["c", "b"]))
        >>> names, before, after = aligned_texts(first, second)
        >>> names.to_pylist(), before, after
        (['a', 'b', 'c'], array([1, 1, 0]), array([0, 1, 1]))
    """
    names, counts = reference.table()
    others, other_counts = current.table()
    if not (reference.is_exact and current.is_exact):
        kept = (reference + current).table()[0]
        names, counts = _among(names, counts, kept)
        others, other_counts = _among(others, other_counts, kept)
    place = pc.index_in(others, value_set=names)
    known = place.is_valid().to_numpy(zero_copy_only=False)
    added = others.filter(pa.array(~known))
    second = np.zeros(len(names), np.int64)
    second[place.drop_null().to_numpy()] = other_counts[known]
    none = np.zeros(len(added), np.int64)
    texts = pa.concat_arrays([names, added]) if len(added) else names
    return texts, np.concatenate([counts, none]), np.concatenate([second, other_counts[~known]])


def _among(names: pa.Array, counts: np.ndarray, kept: pa.Array) -> tuple[pa.Array, np.ndarray]:
    there = pc.is_in(names, value_set=kept)
    return names.filter(there), counts[there.to_numpy(zero_copy_only=False)]
