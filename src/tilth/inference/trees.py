"""Trees: the tree ensemble inside a model's graph, with the part of the graph that feeds it.

What a boosted model or a forest says is a sum over leaves, and a sum over leaves can be taken apart exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from tilth.inference.graph import Graph
from tilth.inference.partition import Partition

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

__all__ = ["Link", "TreeEnsemble", "Trees", "read_trees"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Link = Literal["identity", "exponential", "logistic", "softmax"]

_FEATURES = "features"
_SCORES = "tilth:estimator.scores"
"""What the export calls the estimator's input, and what it says."""

_LINKS: dict[str, Link] = {
    "TreeEnsembleRegressor": "identity",
    "Identity": "identity",
    "Exp": "exponential",
    "Sigmoid": "logistic",
    "Softmax": "softmax",
}


@dataclass(frozen=True)
class TreeEnsemble:
    """Trees of k nodes together; a row goes left where its feature is at most the threshold.

    Args:
        roots: (t,), the first node of each tree.
        features: (k,), the feature that a node looks at.
        thresholds: (k,).
        left: (k,), the node for rows that go left; -1 in a leaf.
        right: (k,), the node for the others; -1 in a leaf.
        missing_left: (k,), whether NaN goes left.
        values: (k, targets), what a leaf adds to each target; 0 in other nodes.
        base: (targets,), what the sums start from.
    """

    roots: Integers
    features: Integers
    thresholds: Floats
    left: Integers
    right: Integers
    missing_left: npt.NDArray[np.bool_]
    values: Floats
    base: Floats

    @property
    def leaves(self) -> int:
        """How many leaves there are."""
        return int((self.left < 0).sum())


@dataclass(frozen=True)
class Trees:
    """A model that is a tree ensemble on features.

    Args:
        ensemble: its trees.
        features: the part of its graph from raw columns to the output `features`, float32 (n, f).
        link: how the ensemble's sums become probabilities or numbers.
        slope: what the sums are multiplied with before a logistic link.
    """

    ensemble: TreeEnsemble
    features: Graph
    link: Link
    slope: float = 1.0


def read_trees(graph: Graph) -> Trees | None:
    """The trees of a model; None where it is not one tree ensemble that takes all features.

    Example:
        >>> import numpy as np
        >>> from tilth.features import Transform
        >>> read_trees(Transform(lambda x: {"x": x["x"]}).fit({"x": [1.0]}).graph) is None
        True
    """
    import onnx

    model = onnx.load_from_string(graph.model)
    found = _only_ensemble(model.graph)
    if found is None:
        return None
    node, link, slope = found
    ensemble = _ensemble(node)
    if ensemble is None:
        return None
    return Trees(ensemble, Graph.from_bytes(_features_part(model)), link, slope)


def _only_ensemble(graph: GraphProto) -> tuple[NodeProto, Link, float] | None:
    """The one ensemble through which all that is said of the features goes, and its link."""
    makers = {name: node for node in graph.node for name in node.output}
    last = makers.get(_SCORES)
    if last is None or last.op_type not in _LINKS or _FEATURES not in makers:
        return None
    link = _LINKS[last.op_type]
    node, slope = last, 1.0
    for _ in range(3):  # Sigmoid, Mul and Cast stand behind the ensemble at most
        if node.op_type == "TreeEnsembleRegressor":
            break
        if node.op_type == "Mul":
            slope = _greatest_constant(graph, node.input[1])
        node = makers.get(node.input[0], node)
    takers = [each for each in graph.node if _FEATURES in each.input]
    if node.op_type != "TreeEnsembleRegressor" or len(takers) != 1:
        return None
    fed = takers[0].output[0] if takers[0].op_type == "Cast" else _FEATURES
    return (node, link, slope) if node.input[0] == fed else None


def _greatest_constant(graph: GraphProto, name: str) -> float:
    from onnx import numpy_helper

    tensor = next(each for each in graph.initializer if each.name == name)
    return float(np.max(numpy_helper.to_array(tensor)))


def _features_part(model: ModelProto) -> bytes:
    """The model as far as its features, which still knows how columns are read."""
    import onnx

    part = onnx.load_from_string(Partition({}, (), model).part({}, (_FEATURES,)))
    onnx.helper.set_model_props(part, {entry.key: entry.value for entry in model.metadata_props})
    return bytes(part.SerializeToString(deterministic=True))


def _ensemble(node: NodeProto) -> TreeEnsemble | None:
    given = {attribute.name: _value(attribute) for attribute in node.attribute}
    if set(given["nodes_modes"]) - {b"BRANCH_LEQ", b"LEAF"}:
        return None
    if given.get("aggregate_function", b"SUM") != b"SUM" or given.get("post_transform", b"NONE") != b"NONE":
        return None
    trees, own = (np.asarray(given[f"nodes_{name}"], np.int64) for name in ("treeids", "nodeids"))
    places = {pair: at for at, pair in enumerate(zip(trees.tolist(), own.tolist(), strict=True))}
    leaves = np.asarray(given["nodes_modes"]) == b"LEAF"

    def child(name: str) -> Integers:
        ids = np.asarray(given[name], np.int64)
        found = np.full(len(ids), -1, np.int64)
        for at in np.flatnonzero(~leaves).tolist():
            found[at] = places[int(trees[at]), int(ids[at])]
        return found

    targets = int(given.get("n_targets", 1))
    base = np.zeros(targets)
    told = _numbers(given, "base_values")
    base[: len(told)] = told
    values = np.zeros((len(trees), targets))
    at_leaf = zip(given["target_treeids"], given["target_nodeids"], strict=True)
    np.add.at(
        values,
        (np.array([places[pair] for pair in at_leaf], np.int64), np.asarray(given["target_ids"], np.int64)),
        _numbers(given, "target_weights"),
    )
    left, right = child("nodes_truenodeids"), child("nodes_falsenodeids")
    is_child = np.zeros(len(trees), np.bool_)
    is_child[np.concatenate([left, right])[np.concatenate([~leaves, ~leaves])]] = True
    missing = given.get("nodes_missing_value_tracks_true") or np.zeros(len(trees))
    return TreeEnsemble(
        roots=np.flatnonzero(~is_child),
        features=np.asarray(given["nodes_featureids"], np.int64),
        thresholds=_numbers(given, "nodes_values"),
        left=left,
        right=right,
        missing_left=np.asarray(missing, np.bool_),
        values=values,
        base=base,
    )


def _numbers(given: dict[str, Any], name: str) -> Floats:
    """An attribute in double precision where it is there so, else in single."""
    found = given.get(f"{name}_as_tensor")
    return np.asarray(given.get(name, ()) if found is None else found, np.float64)


def _value(attribute: Any) -> Any:
    from onnx import TensorProto, helper, numpy_helper

    value = helper.get_attribute_value(attribute)
    return numpy_helper.to_array(value) if isinstance(value, TensorProto) else value
