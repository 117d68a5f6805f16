"""Rehearsing: small sets of rows to try a recipe on, and the recipe with what only takes time left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tilth.training.learning import Recipe
from tilth.training.rows import Rows

__all__ = ["copied", "drawn", "in_turns", "is_costly", "rehearsal"]

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
