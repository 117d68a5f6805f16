"""Trees as one ONNX node, in double precision.

The usual converters round thresholds and leaves to single precision and add leaves up in it. Here they
stay in double, as the libraries themselves have them, so that graph and estimator agree for every input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from onnx import NodeProto

__all__ = ["Tree", "ensemble_nodes"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Tree:
    """One tree of k nodes; node 0 is the root, and rows with feature <= threshold go left.

    Args:
        features: (k,), the column that a node looks at.
        thresholds: (k,).
        left: (k,), the node for rows that go left; in a leaf the node itself or negative.
        right: (k,), the node for the other rows.
        missing_left: (k,), whether NaN goes left.
        leaves: (k,), whether the node is a leaf.
        values: (k, t), what a leaf adds to each of t targets; unused in other nodes.
    """

    features: Integers
    thresholds: Floats
    left: Integers
    right: Integers
    missing_left: npt.NDArray[np.bool_]
    leaves: npt.NDArray[np.bool_]
    values: Floats


def ensemble_nodes(
    trees: Sequence[Tree], targets: Sequence[Integers], base: Floats, source: str, target: str
) -> list[NodeProto]:
    """The nodes that add up the leaves which rows reach.

    Args:
        trees: the trees, one at least.
        targets: for each tree the targets that the columns of its values stand for.
        base: (t,), what each target starts from.
        source: the name of the features, float32 (n, f).
        target: the name to give the sums, float32 (n, t).
    """
    from onnx import TensorProto, helper

    sizes = [len(tree.leaves) for tree in trees]
    inner = [~tree.leaves for tree in trees]
    leaves = [np.flatnonzero(tree.leaves) for tree in trees]
    thresholds = np.concatenate([np.where(i, t.thresholds, 0.0) for i, t in zip(inner, trees, strict=True)])
    weights = np.concatenate([tree.values[at].ravel() for at, tree in zip(leaves, trees, strict=True)])
    widths = [len(ids) for ids in targets]

    def joined(name: str) -> list[int]:
        parts = [np.where(i, getattr(tree, name), 0) for i, tree in zip(inner, trees, strict=True)]
        return [int(value) for value in np.concatenate(parts)]

    return [
        helper.make_node("Cast", [source], [f"{target}.double"], to=TensorProto.DOUBLE),
        helper.make_node(
            "TreeEnsembleRegressor",
            [f"{target}.double"],
            [target],
            domain="ai.onnx.ml",
            n_targets=len(base),
            aggregate_function="SUM",
            post_transform="NONE",
            base_values_as_tensor=helper.make_tensor(
                "tilth:estimator.base", TensorProto.DOUBLE, [len(base)], base
            ),
            nodes_treeids=np.repeat(np.arange(len(trees)), sizes).tolist(),
            nodes_nodeids=np.concatenate([np.arange(size) for size in sizes]).tolist(),
            nodes_featureids=joined("features"),
            nodes_modes=np.where(np.concatenate(inner), "BRANCH_LEQ", "LEAF").tolist(),
            nodes_values_as_tensor=helper.make_tensor(
                "thresholds", TensorProto.DOUBLE, [len(thresholds)], thresholds
            ),
            nodes_truenodeids=joined("left"),
            nodes_falsenodeids=joined("right"),
            nodes_missing_value_tracks_true=joined("missing_left"),
            target_treeids=np.repeat(
                np.arange(len(trees)), [len(at) * w for at, w in zip(leaves, widths, strict=True)]
            ).tolist(),
            target_nodeids=np.concatenate(
                [np.repeat(at, w) for at, w in zip(leaves, widths, strict=True)]
            ).tolist(),
            target_ids=np.concatenate(
                [np.tile(ids, len(at)) for ids, at in zip(targets, leaves, strict=True)]
            ).tolist(),
            target_weights_as_tensor=helper.make_tensor(
                "weights", TensorProto.DOUBLE, [len(weights)], weights
            ),
        ),
    ]
