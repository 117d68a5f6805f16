"""Folds: rows dealt for cross-validation, by their contents and not by their order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tilth.sketches.hashing import Words, mix

__all__ = ["deal_folds"]

_STEP = 0x9E3779B97F4A7C15


def deal_folds(
    hashes: Words, strata: npt.NDArray[np.int64], folds: int, *, seed: int = 0
) -> npt.NDArray[np.int64]:
    """The fold of each row, 0 to folds - 1.

    Each stratum is spread evenly over the folds, and so are all rows together. Rows of one stratum and one
    hash, which are copies of each other, share a fold: otherwise a model would be tested on what it learned.

    Args:
        hashes: (n,), one a row.
        strata: (n,), such as the code of the row's class.
        folds: how many, 2 or more.
        seed: another seed deals otherwise.

    Returns:
        (n,) int64.

    Example:
        >>> hashes, classes = np.arange(8, dtype=np.uint64), np.array([0, 0, 0, 0, 1, 1, 1, 1])
        >>> found = deal_folds(hashes, classes, 2)
        >>> [int(np.sum((found == 0) & (classes == c))) for c in (0, 1)]
        [2, 2]
    """
    keys = mix(hashes ^ mix(np.array([(seed * 2 + 1) * _STEP % 2**64], np.uint64)))
    order = np.lexsort((keys, strata))
    first = np.ones(len(order), np.bool_)
    first[1:] = (np.diff(strata[order]) != 0) | (keys[order][1:] != keys[order][:-1])
    dealt = np.empty(len(order), np.int64)
    dealt[order] = (np.cumsum(first) - 1) % folds
    return dealt
