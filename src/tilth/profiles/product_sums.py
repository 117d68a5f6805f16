"""Exact sums of products over all pairs of columns, for correlations."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tilth.sketches.whole_sums import WholeSums

__all__ = ["HALF_BITS", "LARGEST", "ProductSums"]

HALF_BITS = 21
LARGEST = 1 << (2 * HALF_BITS - 1)
"""The greatest magnitude of an integer that is cut into two halves of at most 2**20."""

_BLOCK = 1 << 13
_HALF = 1 << (HALF_BITS - 1)


class ProductSums:
    """Counts, sums and sums of products of integer columns, over the rows where both of a pair are there.

    Each integer is cut into two signed halves of at most 2**20. A product of halves is at most 2**40 and the
    sum over a block of 2**13 rows at most 2**53: all that matrix multiplication in float64 adds up is a whole
    number that a double holds, so the sums are exact in whatever order they are made. Time is proportional to
    rows times columns squared; memory does not grow with the rows.

    Args:
        limits: the greatest magnitude that each of the k columns may have, at most about `LARGEST`.
        gaps: whether each column may lack a value.

    Example:
        >>> sums = ProductSums([9, 9], [False, False])
        >>> sums.update(np.array([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]]), np.ones((3, 2), dtype=bool))
        >>> list(sums.correlations())
        [(0, 1, 3, 1.0)]
    """

    def __init__(self, limits: Sequence[int], gaps: Sequence[bool]) -> None:
        columns = len(limits)
        self._wide = np.flatnonzero([limit > _HALF for limit in limits])
        self._gaps = np.flatnonzero(gaps)
        self._columns = columns
        halves, masks = columns + len(self._wide), 1 + len(self._gaps)
        self._counts = WholeSums(masks, masks)
        self._sums = WholeSums(halves, masks)
        self._products = WholeSums(halves, halves)
        self._squares = WholeSums(columns + 2 * len(self._wide), masks)

    def update(self, values: np.ndarray, present: np.ndarray) -> None:
        """Take in rows.

        Args:
            values: whole numbers as float64, shape (n, k); 0 where there is none.
            present: bool, shape (n, k).
        """
        for start in range(0, len(values), _BLOCK):
            self._update_block(values[start : start + _BLOCK], present[start : start + _BLOCK])

    def _update_block(self, values: np.ndarray, present: np.ndarray) -> None:
        wide = values[:, self._wide]
        high = np.rint(wide * 2.0**-HALF_BITS)
        low = values.copy()
        low[:, self._wide] -= high * 2.0**HALF_BITS
        halves = np.hstack([low, high])
        masks = np.hstack([np.ones((len(values), 1)), present[:, self._gaps].astype(np.float64)])
        squares = np.hstack([low * low, low[:, self._wide] * high, high * high])
        self._counts.add(masks.T @ masks)
        self._sums.add(halves.T @ masks)
        self._products.add(halves.T @ halves)
        self._squares.add(squares.T @ masks)

    def merge(self, other: ProductSums) -> None:
        """Take in all rows that `other`, of the same columns, has seen."""
        self._counts.merge(other._counts)
        self._sums.merge(other._sums)
        self._products.merge(other._products)
        self._squares.merge(other._squares)

    def correlations(self) -> Iterator[tuple[int, int, int, float | None]]:
        """For each pair of columns: (first, second, rows where both are there, Pearson's correlation).

        Correct to the last bit or the one before it; None where fewer than two rows or one of the columns
        does not vary in them.
        """
        counts, sums, squares, products = self._whole()
        mask = np.zeros(self._columns, dtype=np.int64)
        mask[self._gaps] = 1 + np.arange(len(self._gaps))
        for i in range(self._columns):
            for j in range(i + 1, self._columns):
                rows = counts[mask[i], mask[j]]
                total_i, total_j = sums[i, mask[j]], sums[j, mask[i]]
                spread_i = rows * squares[i, mask[j]] - total_i * total_i
                spread_j = rows * squares[j, mask[i]] - total_j * total_j
                together = rows * products[i, j] - total_i * total_j
                yield i, j, rows, _ratio(together, spread_i * spread_j)

    def _whole(self) -> tuple[Any, Any, Any, Any]:
        """The sums with the halves put together again: counts, sums, sums of squares, products."""
        k, wide = self._columns, self._wide
        sums, products, squares = self._sums.total(), self._products.total(), self._squares.total()
        total, square = sums[:k].copy(), squares[:k].copy()
        total[wide] += sums[k:] << HALF_BITS
        square[wide] += (squares[k : k + len(wide)] << (HALF_BITS + 1)) + (
            squares[k + len(wide) :] << (2 * HALF_BITS)
        )
        product = products[:k, :k].copy()
        product[wide, :] += products[k:, :k] << HALF_BITS
        product[:, wide] += products[:k, k:] << HALF_BITS
        product[np.ix_(wide, wide)] += products[k:, k:] << (2 * HALF_BITS)
        return self._counts.total(), total, square, product


def _ratio(together: int, spreads: int) -> float | None:
    if spreads <= 0:
        return None
    return (together << 64) / math.isqrt(spreads << 128)
