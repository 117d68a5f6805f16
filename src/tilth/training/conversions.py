"""The ways to convert a fitted estimator, the most precise first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from tilth.training.boosting import BOOSTING
from tilth.training.conversion import FEATURES, SCORES, Conversion
from tilth.training.functions import FunctionEstimator
from tilth.training.lightgbm_trees import convert_lightgbm
from tilth.training.sklearn_graphs import convert_sklearn
from tilth.training.sklearn_trees import tree_converter
from tilth.training.xgboost_trees import convert_xgboost

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto, TensorProto

__all__ = ["conversions_of"]


def conversions_of(estimator: Any, opset: int) -> Iterator[Conversion]:
    """The conversions of an estimator, the most precise first: a later one where no runtime has an earlier.

    Args:
        estimator: fitted.
        opset: the version of the standard operators of the graph that the nodes become part of.

    Raises:
        TrainingError: the estimator has no ONNX form.
    """
    from tilth.training.per_label import PerLabel

    if isinstance(estimator, FunctionEstimator):
        estimator = estimator.returned_.estimator
    if hasattr(estimator, "conversion"):
        yield estimator.conversion(opset)
        return
    if isinstance(estimator, PerLabel):
        yield from _per_label(estimator.estimators_, opset)
        return
    library = type(estimator).__module__.partition(".")[0]
    if library in BOOSTING:
        yield {"lightgbm": convert_lightgbm, "xgboost": convert_xgboost}[library](estimator)
        return
    convert = tree_converter(estimator)
    if convert is not None:
        yield convert(estimator)
        return
    for double in (True, False):
        yield convert_sklearn(estimator, estimator.n_features_in_, opset, double=double)


def _per_label(estimators: Sequence[Any], opset: int) -> Iterator[Conversion]:
    """The estimators of several labels beside each other; each way for all of them that have it."""
    ways = [[each] if isinstance(each, float) else conversions_of(each, opset) for each in estimators]
    best: list[Any] = [None] * len(estimators)
    for found in zip_longest(*ways):
        best = [new if new is not None else old for new, old in zip(found, best, strict=True)]
        yield _beside(best)


def _beside(labels: Sequence[Conversion | float]) -> Conversion:
    """The probability of each label as a column (n, c): of a conversion its second class, or a constant."""
    from onnx import TensorProto, helper, numpy_helper

    nodes: list[NodeProto] = []
    constants = [
        numpy_helper.from_array(np.array([1], np.int64), "tilth:labels.positive"),
        numpy_helper.from_array(np.array([0], np.int64), "tilth:labels.first"),
    ]
    nodes.append(helper.make_node("Gather", [FEATURES, "tilth:labels.first"], ["tilth:labels.any"], axis=1))
    nodes.append(helper.make_node("Shape", ["tilth:labels.any"], ["tilth:labels.shape"]))
    columns, opsets, cells = [], {"": 1}, 0
    for at, label in enumerate(labels):
        column = f"tilth:label{at}.column"
        columns.append(column)
        if isinstance(label, float):
            value = helper.make_tensor("value", TensorProto.DOUBLE, [1], [label])
            nodes.append(helper.make_node("ConstantOfShape", ["tilth:labels.shape"], [column], value=value))
            continue
        more, extra, scores = _renamed(label, f"tilth:label{at}.")
        nodes += [
            *more,
            helper.make_node("Cast", [scores], [f"{column}.double"], to=TensorProto.DOUBLE),
            helper.make_node("Gather", [f"{column}.double", "tilth:labels.positive"], [column], axis=1),
        ]
        constants += extra
        cells = max(cells, label.row_cells)
        opsets |= {domain: max(version, opsets.get(domain, 1)) for domain, version in label.opsets}
    nodes.append(helper.make_node("Concat", columns, [SCORES], axis=1))
    return Conversion(tuple(nodes), tuple(constants), SCORES, tuple(opsets.items()), cells)


def _renamed(found: Conversion, prefix: str) -> tuple[list[NodeProto], list[TensorProto], str]:
    """The same nodes with names of their own, but for the features that all take."""
    from onnx import NodeProto, TensorProto

    def name(old: str) -> str:
        return old if old in ("", FEATURES) else prefix + old

    nodes, constants = [], []
    for node in found.nodes:
        copy = NodeProto()
        copy.CopyFrom(node)
        _rename_node(copy, name)
        nodes.append(copy)
    for constant in found.constants:
        tensor = TensorProto()
        tensor.CopyFrom(constant)
        tensor.name = name(tensor.name)
        constants.append(tensor)
    return nodes, constants, name(found.output)


def _rename_node(node: NodeProto, name: Any) -> None:
    node.input[:] = [name(each) for each in node.input]
    node.output[:] = [name(each) for each in node.output]
    if node.name:
        node.name = name(node.name)
    for attribute in node.attribute:
        for graph in ([attribute.g] if attribute.HasField("g") else []) + list(attribute.graphs):
            _rename_graph(graph, name)


def _rename_graph(graph: GraphProto, name: Any) -> None:
    """The same in a subgraph: what it names of its own and what it takes from outside alike."""
    values: list[Any] = [*graph.input, *graph.output, *graph.value_info, *graph.initializer]
    for value in values:
        value.name = name(value.name)
    for node in graph.node:
        _rename_node(node, name)
