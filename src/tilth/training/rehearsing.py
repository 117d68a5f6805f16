"""Rehearsing: small sets of rows to try a recipe on, and the recipe with what only takes time left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tilth.training.learning import Learned, Recipe, learn
from tilth.training.rows import Floats, Rows

__all__ = ["Attempt", "attempt", "copied", "drawn", "in_turns", "is_costly", "rehearsal"]

Positions = npt.NDArray[np.int64]

_ROUNDS = frozenset(
    {
        "n_estimators",
        "num_iterations",
        "num_iteration",
        "n_iter",
        "num_tree",
        "num_trees",
        "num_round",
        "num_rounds",
        "nrounds",
        "num_boost_round",
        "max_iter",
    }
)
"""What LightGBM calls the number of trees, by all its names."""

_LENGTHS: Mapping[str, frozenset[str]] = {
    "lightgbm": _ROUNDS,
    "xgboost": frozenset({"n_estimators"}),
    "network": frozenset({"epochs"}),
}


def is_costly(recipe: Recipe) -> bool:
    """Whether a fit may take long on few rows: networks, and functions of one's own, which may do all."""
    return recipe.estimator == "network" or ".py" in recipe.estimator


def rehearsal(recipe: Recipe, most_rounds: int | None = None) -> Recipe:
    """The recipe without what is learned on dev rows, and with few iterations where it says how many.

    Args:
        recipe: the recipe.
        most_rounds: the most trees or epochs; None: as many as it has.

    Example:
        >>> from tilth.metrics import LabelEncoding
        >>> rehearsal(Recipe(LabelEncoding("regression"), parameters={"num_trees": 500}), 30).parameters
        {'n_estimators': 30}
    """
    plain = replace(recipe, calibration="none", threshold=0.5, values=None, early_stopping_rounds=0)
    names = _LENGTHS.get(recipe.estimator)
    if names is None or most_rounds is None:
        return plain
    given = [value for name, value in recipe.parameters.items() if name in names]
    wanted = min([most_rounds, *(int(value) for value in given if isinstance(value, int | float))])
    others = {name: value for name, value in recipe.parameters.items() if name not in names}
    own = "epochs" if recipe.estimator == "network" else "n_estimators"
    return replace(plain, parameters={**others, own: wanted})


def drawn(rows: Rows, most: int, task: str) -> Rows:
    """So many rows, rare classes before frequent ones, chosen and put in order by their contents.

    For a ranking whole groups are taken.
    """
    order = rows.order()
    if task in ("binary", "multiclass"):
        return rows.take(order[np.sort(in_turns(rows.y[order])[:most])])
    if rows.groups is not None:
        return rows.take(_whole_groups(rows.groups[order], order, most))
    return rows.take(order[:most])


@dataclass(frozen=True)
class Attempt:
    """A model of few rows.

    Args:
        learned: it, on the classes that these rows have.
        codes: their codes among all classes; None where there are none.
        classes: how many classes there are.
    """

    learned: Learned
    codes: npt.NDArray[np.int64] | None
    classes: int

    def scores(self, X: Floats) -> npt.NDArray[np.float64]:
        """Those of `Learned`: (n, classes), 0 for a class that the rows did not have; or numbers (n, 1)."""
        found = self.learned.scores(X)
        if self.codes is None:
            return found
        wide = np.zeros((len(X), self.classes))
        wide[:, self.codes] = found
        return wide


def attempt(recipe: Recipe, train: Rows, dev: Rows) -> Attempt:
    """Learn from few rows, which need not have all classes.

    Raises:
        TrainingError: what the estimator refuses.

    Example:
        >>> from tilth.metrics import LabelEncoding
        >>> recipe = Recipe(LabelEncoding("multiclass", tuple("abc")), "sklearn.naive_bayes.GaussianNB")
        >>> rows = Rows(np.array([[0.0], [1.0], [5.0], [6.0]], np.float32), np.array([0, 0, 2, 2]))
        >>> attempt(recipe, rows, rows).scores(rows.X).round(2)[0].tolist()
        [1.0, 0.0, 0.0]
    """
    encoding = recipe.encoding
    if encoding.task not in ("binary", "multiclass") or ".py" in recipe.estimator:
        # A training function of one's own may rely on the number of classes, and is given all of them.
        return Attempt(learn(recipe, train, dev), None, len(encoding.classes))
    codes = np.unique(train.y).astype(np.int64)
    weights = recipe.class_weights
    if isinstance(weights, Mapping):
        weights = {name: weights[name] for code in codes if (name := encoding.names[code]) in weights}
    met = replace(encoding, classes=tuple(encoding.classes[code] for code in codes))
    narrow = replace(recipe, encoding=met, class_weights=weights)
    known = dev.take(np.isin(dev.y, codes))
    parts = [replace(rows, y=np.searchsorted(codes, rows.y).astype(np.int64)) for rows in (train, known)]
    return Attempt(learn(narrow, *parts), codes, len(encoding.classes))


def copied(rows: Rows, positions: Positions, total: int) -> Rows:
    """Some rows again and again, about so many in all: what demands many rows in a leaf gets them.

    Each copy counts as much as the others; for a ranking each round of copies is a group of its own.
    """
    rounds = max(2, total // len(positions))
    found = replace(rows.take(np.tile(positions, rounds)), weights=None)
    if rows.groups is None:
        return found
    return replace(found, groups=np.repeat(np.arange(rounds, dtype=np.int64), len(positions)))


def _whole_groups(groups: Positions, order: Positions, most: int) -> Positions:
    """Those of the positions that belong to the first groups, so many as fit, one at least."""
    _, firsts, codes = np.unique(groups, return_index=True, return_inverse=True)
    turns = np.argsort(np.argsort(firsts, kind="stable"), kind="stable")[codes]
    fitting = np.searchsorted(np.cumsum(np.bincount(turns)), most, side="right")
    return order[turns < max(1, int(fitting))]


def in_turns(codes: npt.NDArray[np.number]) -> Positions:
    """An order in which the classes take turns: the first of each, then the second of each, and so on.

    Example:
        >>> in_turns(np.array([0, 0, 0, 1, 0, 1])).tolist()
        [0, 3, 1, 5, 2, 4]
    """
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    turns = np.empty(len(codes), np.int64)
    turns[order] = np.arange(len(codes)) - np.searchsorted(ordered, ordered, side="left")
    return np.argsort(turns, kind="stable")
