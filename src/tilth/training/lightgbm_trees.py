"""LightGBM estimators as ONNX; missing values go where LightGBM sends them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from tilth.errors import TrainingError
from tilth.training.conversion import FEATURES, Conversion, link_nodes
from tilth.training.trees import Tree, ensemble_nodes

__all__ = ["convert_lightgbm"]

Node: TypeAlias = "Mapping[str, Any]"

_LINKS = {
    **dict.fromkeys(("regression", "regression_l1", "huber", "fair", "quantile", "mape"), "identity"),
    **dict.fromkeys(("lambdarank", "rank_xendcg"), "identity"),
    **dict.fromkeys(("poisson", "gamma", "tweedie"), "exponential"),
    "binary": "logistic",
    "multiclass": "softmax",
}


def convert_lightgbm(estimator: Any) -> Conversion:
    """The nodes of a fitted LGBMClassifier, LGBMRegressor or LGBMRanker.

    Raises:
        TrainingError: a kind of tree or objective that has no ONNX form here.
    """
    dump = estimator.booster_.dump_model()
    objective, *options = str(dump["objective"]).split()
    link = _LINKS.get(objective)
    if link is None or "sqrt" in options:
        raise _unsupported(f"the objective '{dump['objective']}'", "use the default objective")
    per_round = int(dump["num_tree_per_iteration"])
    structures = [info["tree_structure"] for info in dump["tree_info"]]
    share = per_round / len(structures) if dump["average_output"] else 1.0
    trees = [_tree(structure, share) for structure in structures]
    targets = [np.array([at % per_round]) for at in range(len(trees))]
    nodes = ensemble_nodes(trees, targets, np.zeros(per_round), FEATURES, "tilth:estimator.raw")
    slope = next((float(option[8:]) for option in options if option.startswith("sigmoid:")), 1.0)
    more, constants = link_nodes(link, "tilth:estimator.raw", slope)
    return Conversion((*nodes, *more), tuple(constants))


def _tree(root: Node, share: float) -> Tree:
    """The tree with its nodes numbered from the root; without recursion, as trees may be deep."""
    nodes = [root]
    children: list[tuple[int, int]] = []
    for node in nodes:  # grows while it is walked
        if "left_child" in node:
            children.append((len(nodes), len(nodes) + 1))
            nodes += [node["left_child"], node["right_child"]]
        else:
            children.append((-1, -1))
    _refuse_special(nodes)
    split = [node if "left_child" in node else _LEAF for node in nodes]
    return Tree(
        features=np.array([int(node["split_feature"]) for node in split]),
        thresholds=np.array([float(node["threshold"]) for node in split]),
        left=np.array([left for left, _ in children]),
        right=np.array([right for _, right in children]),
        missing_left=np.array([_missing_left(node) for node in split]),
        leaves=np.array(["left_child" not in node for node in nodes]),
        values=np.array([[float(node.get("leaf_value", 0.0)) * share] for node in nodes]),
    )


_LEAF: Node = {"split_feature": 0, "threshold": 0.0, "missing_type": "None", "default_left": False}


def _missing_left(node: Node) -> bool:
    """To the learned side, or to that of 0 where training saw none missing."""
    if node["missing_type"] == "None":
        return float(node["threshold"]) >= 0
    return bool(node["default_left"])


def _refuse_special(nodes: list[Node]) -> None:
    for node in nodes:
        if "leaf_coeff" in node:
            raise _unsupported("linear trees", "set linear_tree = false")
        if node.get("decision_type", "<=") != "<=":
            raise _unsupported("categorical splits", "give features as numbers, such as one_hot()")
        if node.get("missing_type") == "Zero":
            raise _unsupported("zero_as_missing", "set zero_as_missing = false")


def _unsupported(what: str, mend: str) -> TrainingError:
    return TrainingError(f"a LightGBM model with {what} cannot be exported to ONNX", mend=mend)
