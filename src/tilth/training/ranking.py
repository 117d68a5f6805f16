"""Rankers: boosted trees that learn the order of rows within groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tilth.errors import TrainingError
from tilth.training.rows import Rows

__all__ = [
    "RANKERS",
    "group_numbers",
    "group_sizes",
    "group_weights",
    "is_ranker",
    "ranker_rows",
    "ranks_pointwise",
]

RANKERS: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "lightgbm": ("LGBMRanker", {}),
    "xgboost": ("XGBRanker", {"eval_metric": "ndcg@10"}),
}
"""Short name -> the class that ranks, and the parameters that differ from those of its regressor here."""

_MOST_OF_A_GROUP = 10_000

MOST_GRADE = 30
"""The greatest label that the libraries learn the order of: they take 2 to its power."""


def is_ranker(estimator: object) -> bool:
    """Whether an estimator learns the order of rows within groups, and so needs these."""
    return any(kind.__name__ in ("LGBMRanker", "XGBRanker") for kind in type(estimator).__mro__)


def ranks_pointwise(parameters: Mapping[str, object]) -> bool:
    """Whether the objective asked for is one of plain numbers, so that a regressor's score ranks the rows.

    Example:
        >>> ranks_pointwise({"objective": "poisson"}), ranks_pointwise({"objective": "rank_xendcg"})
        (True, False)
    """
    objective = parameters.get("objective")
    return isinstance(objective, str) and "rank" not in objective and "ndcg" not in objective


def group_numbers(groups: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """0, 1, ... for the groups of rows that stand together by group.

    Example:
        >>> group_numbers(np.array([7, 7, 3, 3, 3])).tolist()
        [0, 0, 1, 1, 1]
    """
    return np.cumsum(np.diff(groups, prepend=groups[:1]) != 0)


def group_sizes(groups: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How many rows each group has, of rows that stand together by group.

    Example:
        >>> group_sizes(np.array([7, 7, 3, 3, 3])).tolist()
        [2, 3]
    """
    return np.bincount(group_numbers(groups))


def ranker_rows(estimator: Any, rows: Rows) -> npt.NDArray[np.int64]:
    """The groups of rows, which a ranker must be able to learn from.

    Raises:
        TrainingError: rows without groups, or labels that are no grades.
    """
    name = type(estimator).__name__
    if rows.groups is None:
        raise TrainingError(
            f"{name} ranks rows within groups, and the rows have none",
            where="[train] estimator",
            expected='task = "ranking" with a group under [project]',
        )
    own = estimator.get_params().get("label_gain") or estimator.get_params().get("ndcg_exp_gain") is False
    grades = (rows.y >= 0) & (rows.y <= MOST_GRADE) & (rows.y == np.rint(rows.y))
    if "pairwise" not in str(estimator.get_params().get("objective")) and not own and not grades.all():
        raise TrainingError(
            f"{name} learns from grades, and the label {float(rows.y[~grades].max()):g} is none",
            where="[project] label",
            expected=f"whole numbers from 0 to {MOST_GRADE}, such as 0 not clicked, 1 clicked, 2 bought",
            mend='make grades of the label, or rank by its predicted value: parameters = { objective = "'
            + ("regression" if name == "LGBMRanker" else "reg:squarederror")
            + '" }',
        )
    largest = int(np.unique(rows.groups, return_counts=True)[1].max())
    if name == "LGBMRanker" and largest > _MOST_OF_A_GROUP:
        raise TrainingError(
            f"a group has {largest:,} rows, more than LightGBM ranks together",
            where="[project] group",
            expected=f"at most {_MOST_OF_A_GROUP:,} rows of one group",
            mend='keep the first of each group, or use estimator = "xgboost"',
        )
    return rows.groups


def group_weights(rows: Rows, groups: npt.NDArray[np.int64]) -> npt.NDArray[np.float64] | None:
    """One weight a group, where all its rows have that.

    Raises:
        TrainingError: the rows of a group count differently.
    """
    if rows.weights is None:
        return None
    numbers = group_numbers(groups)
    starts = np.flatnonzero(np.diff(numbers, prepend=-1))
    if not np.array_equal(rows.weights[starts][numbers], rows.weights):
        raise TrainingError(
            "XGBoost's rankers weigh whole groups, and rows of one group have different weights",
            where="[train] weight",
            mend='give all rows of a group one weight, or use estimator = "lightgbm"',
        )
    return rows.weights[starts]
