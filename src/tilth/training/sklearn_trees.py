"""Tree ensembles of scikit-learn as ONNX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from tilth.errors import TrainingError
from tilth.training.conversion import FEATURES, SCORES, Conversion, link_nodes
from tilth.training.trees import Tree, ensemble_nodes

__all__ = ["tree_converter"]

Floats = npt.NDArray[np.float64]


def tree_converter(estimator: Any) -> Callable[[Any], Conversion] | None:
    """How to convert a fitted tree ensemble; None for all other estimators."""
    from sklearn import ensemble, tree

    gradient = (ensemble.GradientBoostingClassifier, ensemble.GradientBoostingRegressor)
    histogram = (ensemble.HistGradientBoostingClassifier, ensemble.HistGradientBoostingRegressor)
    forests = (ensemble.RandomForestClassifier, ensemble.RandomForestRegressor)
    extra = (ensemble.ExtraTreesClassifier, ensemble.ExtraTreesRegressor)
    single = (tree.DecisionTreeClassifier, tree.DecisionTreeRegressor)
    if type(estimator) in (*forests, *extra):
        return lambda fitted: _average(fitted, fitted.estimators_)
    if type(estimator) in single:
        return lambda fitted: _average(fitted, [fitted])
    if type(estimator) in gradient and estimator.init is None:
        return _gradient_boosting
    return _histogram_boosting if type(estimator) in histogram else None


def _average(estimator: Any, members: Any) -> Conversion:
    """Forests: the mean of what their trees say."""
    trees = []
    for member in members:
        values = member.tree_.value[:, 0, :]
        if hasattr(estimator, "classes_"):
            values = values / values.sum(axis=1, keepdims=True)
        trees.append(_tree(member.tree_, values / len(members)))
    width = trees[0].values.shape[1]
    targets = [np.arange(width)] * len(trees)
    return Conversion(tuple(ensemble_nodes(trees, targets, np.zeros(width), FEATURES, SCORES)))


def _gradient_boosting(estimator: Any) -> Conversion:
    rounds = estimator.estimators_
    base = estimator._raw_predict_init(np.zeros((1, estimator.n_features_in_)))[0]
    trees = [_tree(m.tree_, m.tree_.value[:, 0, :] * estimator.learning_rate) for m in rounds.ravel()]
    targets = [np.array([at % rounds.shape[1]]) for at in range(len(trees))]
    exponential = getattr(estimator, "loss", None) == "exponential"
    return _boosted(estimator, trees, targets, base, slope=2.0 if exponential else 1.0)


def _histogram_boosting(estimator: Any) -> Conversion:
    rounds = estimator._predictors
    trees = [_histogram_tree(predictor.nodes) for each in rounds for predictor in each]
    base = np.ravel(estimator._baseline_prediction).astype(np.float64)
    targets = [np.array([at % len(base)]) for at in range(len(trees))]
    exponential = getattr(estimator, "loss", None) in ("poisson", "gamma")
    return _boosted(estimator, trees, targets, base, exponential=exponential)


def _boosted(
    estimator: Any,
    trees: list[Tree],
    targets: list[npt.NDArray[np.int64]],
    base: Floats,
    *,
    slope: float = 1.0,
    exponential: bool = False,
) -> Conversion:
    link = "exponential" if exponential else "identity"
    if hasattr(estimator, "classes_"):
        link = "logistic" if len(base) == 1 else "softmax"
    nodes = ensemble_nodes(trees, targets, base, FEATURES, "tilth:estimator.raw")
    more, constants = link_nodes(link, "tilth:estimator.raw", slope)
    return Conversion((*nodes, *more), tuple(constants))


def _tree(tree: Any, values: Floats) -> Tree:
    return Tree(
        features=tree.feature,
        thresholds=tree.threshold,
        left=tree.children_left,
        right=tree.children_right,
        missing_left=tree.missing_go_to_left.astype(np.bool_),
        leaves=tree.children_left < 0,
        values=values,
    )


def _histogram_tree(nodes: Any) -> Tree:
    if nodes["is_categorical"].any():
        raise TrainingError(
            "a model with categorical splits cannot be exported to ONNX",
            mend="give features as numbers, such as one_hot(), without categorical_features",
        )
    return Tree(
        features=nodes["feature_idx"].astype(np.int64),
        thresholds=nodes["num_threshold"],
        left=nodes["left"].astype(np.int64),
        right=nodes["right"].astype(np.int64),
        missing_left=nodes["missing_go_to_left"].astype(np.bool_),
        leaves=nodes["is_leaf"].astype(np.bool_),
        values=nodes["value"][:, None].astype(np.float64),
    )
