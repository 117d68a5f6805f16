"""Target: the label of some rows, and how well a column alone tells it on rows that it was not fitted on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tilth.profiles.levels import chance_information, entropy, mutual_information
from tilth.training.strength import class_strength

__all__ = ["LEAST_OF_CLASS", "LEAST_ROWS", "Target"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

LEAST_ROWS = 50
"""Fewer rows prove nothing."""

LEAST_OF_CLASS = 10
"""A class with fewer rows proves nothing either."""

_MOST_CLASSES = 50
_FOLDS = 3
_DEPTH = 8
_LEVELS = 32
_TENTHS = 10
_LARGEST = 1e30
"""So large that sums of values in single precision, and of squares in double, stay finite."""

_CODES = 500


@dataclass(frozen=True)
class Target:
    """The labels of n rows in an order that says nothing.

    Args:
        task: what is predicted.
        y: (n,), codes of classes or numbers; for several labels (n, classes), 0 or 1.
    """

    task: str
    y: npt.NDArray[np.number]

    @property
    def has_classes(self) -> bool:
        """Whether it is classes that are told, and not numbers."""
        return self.task not in ("regression", "ranking")

    @property
    def metric(self) -> str:
        """What is measured: "auroc", or "r2" for numbers."""
        return "auroc" if self.has_classes else "r2"

    @cached_property
    def members(self) -> Flags:
        """(q, n): for each class that has enough rows, which rows are of it; for two classes one row."""
        if self.y.ndim == 2:
            every = self.y.T > 0
        elif self.task == "binary":
            every = np.asarray(self.y == 1)[None]
        else:
            codes, counts = np.unique(self.y, return_counts=True)
            every = codes[np.sort(np.argsort(-counts, kind="stable")[:_MOST_CLASSES])][:, None] == self.y
        sizes = every.sum(axis=1)
        found: Flags = every[np.minimum(sizes, len(self.y) - sizes) >= LEAST_OF_CLASS]
        return found

    @cached_property
    def columns(self) -> Floats:
        """(n, q), what a column alone is fitted to."""
        if self.has_classes:
            return self.members.T.astype(np.float64)
        y = np.asarray(self.y, np.float64)[:, None]
        return y / (float(np.abs(y).max()) or 1.0)  # so that no square overflows

    @property
    def says_enough(self) -> bool:
        """Whether there are enough rows, and two labels at least."""
        if len(self.y) < LEAST_ROWS:
            return False
        return bool(len(self.members)) if self.has_classes else bool(self.y.min() < self.y.max())

    def known_share(self, values: Floats, *, are_codes: bool = False) -> float:
        """The share of the label's uncertainty that the levels of a column take away, at most 1.

        Levels are the values where they are few, otherwise parts with about as many rows; what is missing is
        a level too. Chance is taken off.
        """
        codes = _levels(values, _CODES if are_codes else _LEVELS)
        total = float(entropy(np.bincount(self._levels)))
        height, width = int(codes.max()) + 1, int(self._levels.max()) + 1
        table = np.bincount(codes * width + self._levels, minlength=height * width).reshape(height, width)
        return (mutual_information(table) - chance_information(table)) / total if total else 0.0

    def alone(self, values: Floats, *, are_codes: bool = False) -> float | None:
        """What a column alone reaches on rows that it was not fitted on: the median over three folds.

        Args:
            values: (n,), NaN where missing.
            are_codes: whether they are names rather than numbers.

        Returns:
            AUROC (the mean over the classes), or R squared of the better of a tree and a line.
        """
        folds = np.arange(len(values)) % _FOLDS
        models = (_by_code,) if are_codes else (_by_tree, _by_line)
        found = []
        for model in models:
            reached = [
                self._reached(
                    folds == fold,
                    model(values[folds != fold], self.columns[folds != fold], values[folds == fold]),
                )
                for fold in range(_FOLDS)
            ]
            known = [value for value in reached if value is not None]
            found += [float(np.median(known))] if known else []
        return max(found, default=None)

    def order_strength(self, values: Floats) -> float | None:
        """How well the order of numbers tells the label, in either direction: AUROC, 0.5 or more."""
        found = [class_strength(values, member) for member in self.members]
        known = [max(value, 1 - value) for value in found if value is not None]
        return float(np.mean(known)) if known else None

    @cached_property
    def _levels(self) -> npt.NDArray[np.int64]:
        """One code a row: its class or set of labels, the rare ones together; or its tenth."""
        if not self.has_classes:
            return _levels(np.asarray(self.y, np.float64), _TENTHS)
        plain = self.y if self.y.ndim == 1 else np.unique(self.y, axis=0, return_inverse=True)[1].ravel()
        _, codes, counts = np.unique(plain, return_inverse=True, return_counts=True)
        places = np.empty(len(counts), np.int64)
        places[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
        return np.asarray(np.minimum(places, _MOST_CLASSES)[codes], np.int64)

    def _reached(self, held: Flags, outputs: Floats) -> float | None:
        if not self.has_classes:
            wanted = self.columns[held, 0]
            spread = float(((wanted - wanted.mean()) ** 2).sum())
            rest = float(((wanted - outputs[:, 0]) ** 2).sum())
            return 1 - rest / spread if spread and math.isfinite(rest) else None
        values = [class_strength(s, m) for s, m in zip(outputs.T, self.members[:, held], strict=True)]
        known = [value for value in values if value is not None]
        return float(np.mean(known)) if known else None


def _levels(values: Floats, most: int) -> npt.NDArray[np.int64]:
    """Codes from 0: 0 is what is missing."""
    known = np.unique(values[~np.isnan(values)])
    if len(known) > most:
        at = np.arange(1, most) / most
        known = np.unique(np.quantile(values[~np.isnan(values)], at, method="inverted_cdf"))
        codes = np.searchsorted(known, values, side="left") + 1
    else:
        codes = np.searchsorted(known, values) + 1
    return np.asarray(np.where(np.isnan(values), 0, codes), np.int64)


def _by_code(values: Floats, targets: Floats, held: Floats) -> Floats:
    """The mean of the targets for each code; that of all rows for codes never met."""
    known, inverse, counts = np.unique(values, return_inverse=True, return_counts=True, equal_nan=True)
    sums = np.zeros((len(known), targets.shape[1]))
    np.add.at(sums, inverse, targets)
    means = np.vstack([sums / counts[:, None], targets.mean(axis=0)])
    places = np.minimum(np.searchsorted(known, held), len(known) - 1)
    same = (known[places] == held) | (np.isnan(known[places]) & np.isnan(held))
    return np.asarray(means[np.where(same, places, len(known))], np.float64)


def _by_tree(values: Floats, targets: Floats, held: Floats) -> Floats:
    from sklearn.tree import DecisionTreeRegressor

    tree = DecisionTreeRegressor(max_depth=_DEPTH, random_state=0).fit(_filled(values), targets)
    return np.asarray(tree.predict(_filled(held)), np.float64).reshape(len(held), -1)


def _by_line(values: Floats, targets: Floats, held: Floats) -> Floats:
    values, held = (column.clip(-_LARGEST, _LARGEST) for column in (values, held))
    known = ~np.isnan(values)
    if known.sum() < 2 or values[known].min() == values[known].max():
        return np.tile(targets.mean(axis=0), (len(held), 1))
    center, spread = values[known].mean(), values[known].std() or 1.0
    z = np.nan_to_num((values - center) / spread, nan=0.0)
    slope = (z @ (targets - targets.mean(axis=0))) / max(float(z @ z), 1e-12)
    at = np.nan_to_num((held - center) / spread, nan=0.0)
    return np.asarray(targets.mean(axis=0) + at[:, None] * slope, np.float64)


def _filled(values: Floats) -> Floats:
    """One column for a tree in single precision, with what is missing below all else."""
    return np.nan_to_num(values, nan=-_LARGEST).clip(-_LARGEST, _LARGEST)[:, None]
