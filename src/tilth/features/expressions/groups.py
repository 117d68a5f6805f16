"""Methods of vectors."""

from __future__ import annotations

from typing import Self

from tilth.features import operations as op
from tilth.features.expressions.base import Base
from tilth.features.requirements import whole

__all__ = ["VectorMethods"]


class VectorMethods(Base):
    """Fewer numbers that say nearly as much."""

    def pca(self, count: int) -> Self:
        """The first `count` principal components of several numbers, named feature 1, feature 2, ...

        (value - mean) times the eigenvectors of the population covariance with the greatest eigenvalues, in
        descending order; in each the weight of largest size is positive. The numbers are not scaled: give
        numbers of different units a `zscore()` first. A component along which nothing varies is 0. Training
        values are taken in single precision.

        A row in which a number is missing has no component, and is left out of the analysis: fill first.

        Args:
            count: how many components, at most as many as there are numbers; 4,096 numbers at most.

        Raises:
            FeatureError: not several numbers: see `group`, `one_hot`, `tfidf`, `pixels`.
        """
        self._need(("vector",), "pca")
        whole(count, 1, "pca")
        return self._method(op.Components(count), "vector", "pca", count)
