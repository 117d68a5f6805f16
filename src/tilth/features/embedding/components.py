"""Principal components: the directions in which rows differ most."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Components", "principal_components"]

_DENSE = 1500
"""Up to how many dimensions (or rows) all eigenvectors of the products are found; beyond, only the first."""

_ROWS_AT_ONCE = 4096

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Components:
    """The first k principal components of n rows of d numbers.

    Args:
        scores: (n, k), the rows along the components, in the unit of the numbers.
        explained: (k,), the share of the whole variance along each, 0 to 1, descending.
        weights: (k, d), each component as a unit vector; its weight of largest size is positive.
    """

    scores: Matrix
    explained: Matrix
    weights: Matrix


def principal_components(values: npt.NDArray[np.float32], k: int) -> Components:
    """The first principal components, at most `k` of them, at most as many as there are.

    The eigenvectors of the covariance of the columns (Pearson: On lines and planes of closest fit to systems
    of points in space, 1901; Hotelling, 1933), from whichever is smaller, the products of columns or those of
    rows; of more than 1,500 of both by Lanczos iteration (ARPACK). A component has no natural direction: the
    one is taken in which its weight of largest size is positive. One along which nothing varies is left out.

    Args:
        values: (n, d), finite. They are centered here, and not scaled.
        k: 1 or more.

    Example:
        >>> found = principal_components(np.array([[0, 0], [1, 1], [2, 2]], np.float32), 2)
        >>> found.weights.round(3).tolist(), found.explained.tolist(), found.scores.round(3).tolist()
        ([[0.707, 0.707]], [1.0], [[-1.414], [0.0], [1.414]])
    """
    means = values.mean(axis=0, dtype=np.float64)
    n, d = values.shape
    if min(n, d) <= _DENSE:
        sizes, weights = _of_columns(values, means) if d <= n else _of_rows(values, means, k)
    else:
        sizes, weights = _by_iteration(values, means, k)
    total = sum(float(np.square(part).sum()) for part in _centered(values, means))
    there = sizes > 1e-10 * max(total, np.finfo(np.float64).tiny)
    sizes, weights = sizes[there][:k], weights[there][:k]
    peaks = np.abs(weights).argmax(axis=1)
    weights = weights * np.sign(weights[np.arange(len(weights)), peaks])[:, None]
    scores = np.concatenate([part @ weights.T for part in _centered(values, means)])
    return Components(scores, np.minimum(sizes / total, 1.0) if total else sizes, weights)


def _centered(values: npt.NDArray[np.float32], means: Matrix) -> Iterator[Matrix]:
    for start in range(0, len(values), _ROWS_AT_ONCE):
        yield values[start : start + _ROWS_AT_ONCE] - means


def _of_columns(values: npt.NDArray[np.float32], means: Matrix) -> tuple[Matrix, Matrix]:
    from scipy.linalg import eigh

    products = np.zeros((values.shape[1], values.shape[1]))
    for part in _centered(values, means):
        products += part.T @ part
    sizes, vectors = eigh(products)
    return sizes[::-1], vectors[:, ::-1].T


def _of_rows(values: npt.NDArray[np.float32], means: Matrix, k: int) -> tuple[Matrix, Matrix]:
    from scipy.linalg import eigh

    centered = values - means
    sizes, vectors = eigh(centered @ centered.T)
    sizes, vectors = sizes[::-1][:k], vectors[:, ::-1][:, :k]
    lengths = np.sqrt(np.maximum(sizes, np.finfo(np.float64).tiny))
    return sizes, (vectors / lengths).T @ centered


def _by_iteration(values: npt.NDArray[np.float32], means: Matrix, k: int) -> tuple[Matrix, Matrix]:
    from scipy.sparse.linalg import LinearOperator, eigsh

    d = values.shape[1]

    def product(vector: Matrix) -> Matrix:
        found = np.zeros(d)
        for part in _centered(values, means):
            found += part.T @ (part @ vector.ravel())
        return found

    start = np.random.default_rng(0).normal(size=d)
    operator = LinearOperator((d, d), matvec=product, dtype=np.float64)
    sizes, vectors = eigsh(operator, k=min(k, min(values.shape) - 1), v0=start, tol=1e-6)
    order = np.argsort(sizes)[::-1]
    return sizes[order], vectors[:, order].T
