"""The spaces that are searched where tilth.toml names none: what usually matters, in usual ranges."""

from __future__ import annotations

from collections.abc import Mapping

from tilth.errors import TrainingError
from tilth.training.boosting import BOOSTING
from tilth.training.tuning.spaces import Choice, Range, Space

__all__ = ["STANDARD_SPACES", "standard_space"]

_MOST_TREES = 1000
_TREES = {
    "n_estimators": Range(50, 400, log=True, whole=True),
    "max_depth": Range(3, 30, log=True, whole=True),
    "min_samples_leaf": Range(1, 50, log=True, whole=True),
    "max_features": Range(0.1, 1.0),
}
_STRENGTH = {"alpha": Range(1e-4, 1e3, log=True)}

STANDARD_SPACES: Mapping[str, Space] = {
    "lightgbm": {
        "n_estimators": Range(50, _MOST_TREES, log=True, whole=True),
        "learning_rate": Range(0.02, 0.3, log=True),
        "num_leaves": Range(4, 255, log=True, whole=True),
        "min_child_samples": Range(3, 200, log=True, whole=True),
        "subsample": Range(0.5, 1.0),
        "subsample_freq": Choice((1,)),
        "colsample_bytree": Range(0.3, 1.0),
        "reg_alpha": Range(1e-3, 10.0, log=True),
        "reg_lambda": Range(1e-3, 10.0, log=True),
    },
    "xgboost": {
        "n_estimators": Range(50, _MOST_TREES, log=True, whole=True),
        "learning_rate": Range(0.02, 0.3, log=True),
        "max_depth": Range(2, 10, whole=True),
        "min_child_weight": Range(0.5, 50.0, log=True),
        "subsample": Range(0.5, 1.0),
        "colsample_bytree": Range(0.3, 1.0),
        "reg_alpha": Range(1e-3, 10.0, log=True),
        "reg_lambda": Range(1e-3, 10.0, log=True),
    },
    "network": {
        "learning_rate": Range(3e-4, 3e-2, log=True),
        "width": Range(8, 64, log=True, whole=True),
        "depth": Range(1, 4, whole=True),
        "dropout": Range(0.0, 0.5),
        "weight_decay": Range(1e-4, 0.3, log=True),
        "batch_size": Choice((32, 64, 128)),
    },
    "sklearn.linear_model.LogisticRegression": {"C": Range(1e-3, 1e3, log=True)},
    "sklearn.linear_model.Ridge": _STRENGTH,
    "sklearn.linear_model.Lasso": _STRENGTH,
    "sklearn.linear_model.ElasticNet": {**_STRENGTH, "l1_ratio": Range(0.0, 1.0)},
    "sklearn.svm.SVR": {
        "C": Range(1e-2, 1e3, log=True),
        "gamma": Range(1e-5, 1e1, log=True),
        "epsilon": Range(1e-3, 1.0, log=True),
    },
    "sklearn.neighbors.KNeighborsClassifier": {
        "n_neighbors": Range(1, 50, log=True, whole=True),
        "weights": Choice(("uniform", "distance")),
    },
    "sklearn.neighbors.KNeighborsRegressor": {
        "n_neighbors": Range(1, 50, log=True, whole=True),
        "weights": Choice(("uniform", "distance")),
    },
    "sklearn.naive_bayes.GaussianNB": {"var_smoothing": Range(1e-12, 1e-1, log=True)},
    **{
        f"sklearn.tree.DecisionTree{kind}": {
            "max_depth": Range(2, 30, log=True, whole=True),
            "min_samples_leaf": Range(1, 100, log=True, whole=True),
        }
        for kind in ("Classifier", "Regressor")
    },
    **{
        f"sklearn.ensemble.{name}{kind}": _TREES
        for name in ("RandomForest", "ExtraTrees")
        for kind in ("Classifier", "Regressor")
    },
    **{
        f"sklearn.ensemble.GradientBoosting{kind}": {
            "n_estimators": Range(50, 500, log=True, whole=True),
            "learning_rate": Range(0.01, 0.3, log=True),
            "max_depth": Range(2, 8, whole=True),
            "min_samples_leaf": Range(1, 50, log=True, whole=True),
            "subsample": Range(0.5, 1.0),
        }
        for kind in ("Classifier", "Regressor")
    },
    **{
        f"sklearn.ensemble.HistGradientBoosting{kind}": {
            "max_iter": Range(50, 500, log=True, whole=True),
            "learning_rate": Range(0.01, 0.3, log=True),
            "max_leaf_nodes": Range(4, 255, log=True, whole=True),
            "min_samples_leaf": Range(3, 200, log=True, whole=True),
            "l2_regularization": Range(1e-3, 10.0, log=True),
        }
        for kind in ("Classifier", "Regressor")
    },
    **{
        f"sklearn.neural_network.MLP{kind}": {
            "alpha": Range(1e-6, 1e-1, log=True),
            "learning_rate_init": Range(1e-4, 1e-1, log=True),
            "batch_size": Choice((32, 64, 128, 256)),
        }
        for kind in ("Classifier", "Regressor")
    },
}
"""Estimator -> its space."""


def standard_space(estimator: str, *, stops_early: bool = False) -> Space:
    """The space of an estimator that tilth.toml gives none for.

    Args:
        estimator: its name.
        stops_early: whether boosting ends by itself when more trees do not help; their number is then no
            question.

    Raises:
        TrainingError: there is none.

    Example:
        >>> standard_space("sklearn.linear_model.Ridge")
        {'alpha': Range(low=0.0001, high=1000.0, log=True, whole=False)}
    """
    if estimator not in STANDARD_SPACES:
        raise TrainingError(
            f"it is not known which parameters of '{estimator}' to search",
            where="tilth.toml, [tune.parameters]",
            expected="parameters with their values",
            mend="add such as: learning_rate = { low = 0.01, high = 0.3, log = true }",
        )
    space = STANDARD_SPACES[estimator]
    if stops_early and estimator in BOOSTING:
        return {**space, "n_estimators": Choice((_MOST_TREES,))}
    return space
