"""XGBoost estimators as ONNX; missing values go where XGBoost sends them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tilth.errors import TrainingError
from tilth.training.conversion import FEATURES, Conversion, link_nodes
from tilth.training.trees import Tree, ensemble_nodes

__all__ = ["convert_xgboost"]

_LINKS = {
    **dict.fromkeys(
        ("reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "reg:quantileerror"), "identity"
    ),
    **dict.fromkeys(("rank:ndcg", "rank:map", "rank:pairwise"), "identity"),
    **dict.fromkeys(("count:poisson", "reg:gamma", "reg:tweedie"), "exponential"),
    **dict.fromkeys(("binary:logistic", "reg:logistic"), "logistic"),
    "multi:softprob": "softmax",
}


def convert_xgboost(estimator: Any) -> Conversion:
    """The nodes of a fitted XGBClassifier, XGBRegressor, XGBRanker or one of the random forests of XGBoost.

    XGBoost compares in single precision, and goes left where a feature is less than the threshold: that is,
    at most the number before it.

    Raises:
        TrainingError: a kind of booster, tree or objective that has no ONNX form here.
    """
    learner = json.loads(estimator.get_booster().save_raw("json"))["learner"]
    objective, booster = learner["objective"]["name"], learner["gradient_booster"]
    link = _LINKS.get(objective)
    if link is None:
        raise _unsupported(f"the objective '{objective}'", "use the default objective")
    if booster["name"] != "gbtree":
        raise _unsupported(f"the booster '{booster['name']}'", 'set booster = "gbtree"')
    base = _base(learner["learner_model_param"], link)
    if link == "logistic" and not hasattr(estimator, "classes_"):
        raise _unsupported(f"the objective '{objective}' for numbers", "use the default objective")
    count = _tree_count(estimator, booster["model"])
    trees = [_tree(found) for found in booster["model"]["trees"][:count]]
    targets = [np.array([target]) for target in booster["model"]["tree_info"][:count]]
    nodes = ensemble_nodes(trees, targets, base, FEATURES, "tilth:estimator.raw")
    more, constants = link_nodes(link, "tilth:estimator.raw")
    return Conversion((*nodes, *more), tuple(constants))


def _base(parameters: Mapping[str, str], link: str) -> npt.NDArray[np.float64]:
    """What the sums start from; XGBoost keeps it as a prediction, but for softmax."""
    scores = json.loads(parameters["base_score"])
    width = max(1, int(parameters["num_class"]))
    given = [np.float32(score) for score in (scores if isinstance(scores, list) else [scores])]
    found = [_raw(float(score), link) for score in given]
    return np.array(found * (width // len(found)), dtype=np.float64)


def _raw(score: float, link: str) -> float:
    if link == "logistic":
        return math.log(score / (1 - score))
    return math.log(score) if link == "exponential" else score


def _tree_count(estimator: Any, model: Mapping[str, Any]) -> int:
    """How many trees the estimator uses: those up to the best iteration where it stopped early."""
    count = len(model["trees"])
    try:
        best = int(estimator.best_iteration)
    except AttributeError:  # it did not stop early
        return count
    return int(model["iteration_indptr"][best + 1])


def _tree(found: Mapping[str, Any]) -> Tree:
    if any(found["split_type"]):
        raise _unsupported("categorical splits", "give features as numbers, such as one_hot()")
    if int(found["tree_param"]["size_leaf_vector"]) > 1:
        raise _unsupported("trees of several outputs", 'set multi_strategy = "one_output_per_tree"')
    left = np.array(found["left_children"], dtype=np.int64)
    numbers = np.array(found["split_conditions"], dtype=np.float32)
    return Tree(
        features=np.array(found["split_indices"], dtype=np.int64),
        thresholds=np.nextafter(numbers, np.float32(-np.inf)).astype(np.float64),
        left=left,
        right=np.array(found["right_children"], dtype=np.int64),
        missing_left=np.array(found["default_left"], dtype=np.bool_),
        leaves=left < 0,
        values=numbers.astype(np.float64)[:, None],
    )


def _unsupported(what: str, mend: str) -> TrainingError:
    return TrainingError(f"an XGBoost model with {what} cannot be exported to ONNX", mend=mend)
