"""From the covariance of a vector's columns to the projection on its principal components."""

from __future__ import annotations

import numpy as np

from tilth.errors import FeatureError
from tilth.features import operations as op
from tilth.sketches import VectorProducts

__all__ = ["components"]

_GRID = 2.0**-30
"""Weights are multiples of this: the last bits of eigenvectors differ from machine to machine."""

_NOTHING = 1e-12
"""A share of the greatest variance that is none: such a component has no direction of its own."""


def components(operation: op.Components, seen: VectorProducts) -> op.RowWise:
    """`Project` on the eigenvectors of the population covariance with the greatest eigenvalues.

    The weight of largest size in each is positive (the first one of several).

    Raises:
        FeatureError: more components than columns, too many columns, or no complete row.
    """
    _check(operation, seen)
    means = seen.means()
    vectors = _eigenvectors(seen.covariance(), operation.count)
    distances = np.maximum(np.abs(seen.lows - means), np.abs(seen.highs - means))
    reaches = np.ldexp(1.0, np.frexp(distances)[1])  # above the distances
    return op.Project(tuple(means.tolist()), tuple(reaches.tolist()), tuple(map(tuple, vectors.tolist())))


def _check(operation: op.Components, seen: VectorProducts) -> None:
    if seen.is_full:
        raise FeatureError(
            f"it has {seen.columns:,} columns",
            expected=f"at most {seen.limit:,}",
            mend="take fewer: a smaller vocabulary, or a smaller image",
        )
    if (seen.columns or 0) < operation.count:
        raise FeatureError(
            f"{seen.columns or 0} columns have no {operation.count} components",
            expected=f"at most {seen.columns or 0}",
        )
    if not seen.count:
        raise FeatureError(
            "no row of the training data has a value in every column",
            mend="fill the missing values first, with fill_missing()",
        )


def _eigenvectors(covariance: np.ndarray, count: int) -> np.ndarray:
    """Of the greatest eigenvalues, shape (k, count); zeros where nothing varies any more."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # it ships no types

    with threadpool_limits(1):  # the last bits depend on how many threads there are
        sizes, vectors = np.linalg.eigh(covariance)
    sizes, vectors = sizes[::-1][:count], vectors[:, ::-1][:, :count]
    vectors = np.rint(vectors / _GRID) * _GRID
    peaks = np.abs(vectors).argmax(axis=0)
    signs = np.sign(vectors[peaks, np.arange(count)])
    there = sizes > _NOTHING * max(float(sizes[0]), 0.0)
    found: np.ndarray = np.where(there, vectors * signs, 0.0) + 0.0
    return found
