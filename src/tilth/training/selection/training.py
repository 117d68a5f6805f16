"""TrainingRows: the rows that a choice is made on, and what all methods need to know of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tilth.sketches.hashing import Words
from tilth.training.selection.candidates import FeatureBlock
from tilth.training.selection.folds import deal_folds
from tilth.types import Task

__all__ = ["INNER_FOLDS", "Standard", "TrainingRows"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

INNER_FOLDS = 3
_MOST_CLASSES = 50
_LEAST_DEVIATION = 1e-12


@dataclass(frozen=True)
class Standard:
    """Means and deviations of training rows, by which any rows are brought to one scale.

    Args:
        means: (f,), of the values that are there.
        deviations: (f,); infinite for a feature that does not vary, which so becomes 0.
    """

    means: Floats
    deviations: Floats

    @classmethod
    def of(cls, X: Floats) -> Standard:
        """Those of features (n, f), NaN where missing."""
        known = np.isfinite(X)
        counts = np.maximum(known.sum(axis=0), 1)
        sizes = np.abs(np.where(known, X, 0.0)).max(axis=0, initial=0.0)
        sizes = np.where(sizes > 0, sizes, 1.0)  # shares of the greatest, so that no square overflows
        shares = np.where(known, X / sizes, 0.0)
        means = shares.sum(axis=0) / counts
        deviations = np.sqrt((np.where(known, shares - means, 0.0) ** 2).sum(axis=0) / counts)
        return cls(means * sizes, np.where(deviations > _LEAST_DEVIATION, deviations * sizes, np.inf))

    def apply(self, X: Floats) -> Floats:
        """Features (m, f) in deviations from the mean; what is missing lies on the mean."""
        return np.nan_to_num((X - self.means) / self.deviations, nan=0.0)


class TrainingRows:
    """The rows that a choice of columns is made on; n rows, f features, c candidates.

    Args:
        block: the features, of which only those of the training rows are looked at.
        labels: (n,), codes of classes or numbers.
        hashes: (n,), one a row.
        strata: (n,), what folds are balanced by.
        task: what is predicted.
        classes: how many there are; 0 for regression.
        candidates: how many there are.
        seed: for all that is drawn.
    """

    def __init__(
        self,
        block: FeatureBlock,
        labels: npt.NDArray[np.number],
        hashes: Words,
        strata: Integers,
        *,
        task: Task,
        classes: int,
        candidates: int,
        seed: int,
    ) -> None:
        self.X = block.train
        self.entries = block.entries
        self.labels = labels
        self.hashes = hashes
        self.strata = strata
        self.task = task
        self.classes = classes
        self.seed = seed
        self.standard = Standard.of(block.train)
        varies = np.isfinite(self.standard.deviations)
        owners = block.owners
        self.groups = [np.flatnonzero((owners == at) & varies) for at in range(candidates)]
        """For each candidate its features that vary, as positions among the f."""

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.labels)

    @cached_property
    def usable(self) -> list[int]:
        """The candidates of which a feature varies."""
        return [at for at, group in enumerate(self.groups) if len(group)]

    @cached_property
    def Z(self) -> Floats:  # noqa: N802 - the usual name of standardized X
        """(n, f), the features at mean 0 and deviation 1; 0 where missing or where nothing varies."""
        return self.standard.apply(self.X)

    @cached_property
    def targets(self) -> Floats:
        """(n, q), the label as numbers of mean 0 and deviation 1.

        One column for two classes and for regression; otherwise one for each of the (at most 50 most
        frequent) classes that occur, 1 where a row is of the class before it is brought to scale.
        """
        if self.task == "regression":
            wide = self.labels.astype(np.float64)[:, None]
        elif self.classes == 2:
            wide = (self.labels == 1).astype(np.float64)[:, None]
        else:
            counts = np.bincount(self.labels.astype(np.int64), minlength=self.classes)
            most = np.sort(np.argsort(-counts, kind="stable")[:_MOST_CLASSES])
            wide = (self.labels[:, None] == most[counts[most] > 0]).astype(np.float64)
        return Standard.of(wide).apply(wide)

    @cached_property
    def gram(self) -> Floats:
        """(f, f), the correlations of the features."""
        return self.Z.T @ self.Z / self.rows

    @cached_property
    def toward(self) -> Floats:
        """(f, q), the correlations of the features with the targets."""
        return self.Z.T @ self.targets / self.rows

    @cached_property
    def folds(self) -> Integers:
        """(n,), the fold of each row where a method needs rows to try its choice on."""
        return deal_folds(self.hashes, self.strata, INNER_FOLDS, seed=self.seed + 1)

    def features_of(self, candidates: list[int]) -> Integers:
        """The features of some candidates, as positions among the f, ascending."""
        parts = [self.groups[at] for at in candidates]
        return np.sort(np.concatenate(parts)) if parts else np.empty(0, np.int64)
