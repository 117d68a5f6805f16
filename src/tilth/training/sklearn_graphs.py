"""All other scikit-learn estimators as ONNX, by skl2onnx."""

from __future__ import annotations

from typing import Any

from tilth.errors import TrainingError
from tilth.training.conversion import FEATURES, Conversion

__all__ = ["convert_sklearn"]

_PREFIX = "tilth:estimator."


def convert_sklearn(estimator: Any, features: int, opset: int, *, double: bool) -> Conversion:
    """The nodes of a fitted estimator that skl2onnx knows.

    Args:
        estimator: fitted.
        features: how many columns it takes.
        opset: the version of the standard operators to use, or the newest that skl2onnx knows below it.
        double: compute in double precision, which not every estimator has operators for.

    Raises:
        TrainingError: skl2onnx does not know it.
    """
    import skl2onnx
    from onnx import NodeProto, TensorProto, helper
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    classifies = hasattr(estimator, "classes_")
    kind = DoubleTensorType if double else FloatTensorType
    try:
        model = skl2onnx.to_onnx(
            estimator,
            initial_types=[(FEATURES, kind([None, features]))],
            options={id(estimator): {"zipmap": False}} if classifies else None,
            target_opset={"": min(opset, skl2onnx.__max_supported_opset__), "ai.onnx.ml": 3},
        )
    except (RuntimeError, ValueError, TypeError, NotImplementedError) as error:
        raise TrainingError(
            f"{type(estimator).__name__} cannot be exported to ONNX: {str(error).strip().splitlines()[0]}",
            mend="choose another estimator, such as lightgbm, sklearn.linear_model.LogisticRegression, "
            "sklearn.ensemble.RandomForestClassifier or sklearn.neural_network.MLPClassifier",
        ) from error
    graph = model.graph
    _rename(graph, {})
    wanted = graph.output[1 if classifies else 0].name
    cast = TensorProto.DOUBLE if double else TensorProto.FLOAT
    first = helper.make_node("Cast", [FEATURES], [graph.input[0].name], to=cast)
    nodes: list[NodeProto] = [first, *_needed(list(graph.node), wanted)]
    opsets = tuple((entry.domain, entry.version) for entry in model.opset_import)
    return Conversion(tuple(nodes), tuple(graph.initializer), wanted, opsets)


def _rename(graph: Any, names: dict[str, str]) -> None:
    """Number all names by their first appearance, in place.

    Some of skl2onnx's names count through the life of a process, so that the second of two equal trainings
    would give other bytes.

    Args:
        graph: the graph, or one within it.
        names: the numbered names so far.
    """

    def numbered(name: str) -> str:
        return names.setdefault(name, f"{_PREFIX}{len(names)}") if name else name

    for named in (*graph.input, *graph.initializer):
        named.name = numbered(named.name)
    for node in graph.node:
        node.name = numbered(node.name)
        node.input[:] = [numbered(name) for name in node.input]
        node.output[:] = [numbered(name) for name in node.output]
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _rename(attribute.g, names)
    for named in (*graph.output, *graph.value_info):
        named.name = numbered(named.name)


def _needed(nodes: list[Any], wanted: str) -> list[Any]:
    """The nodes that an output depends on, in their order."""
    names, kept = {wanted}, []
    for node in reversed(nodes):
        if names & set(node.output):
            kept.append(node)
            names |= set(node.input) | _outer_names(node)
    return kept[::-1]


def _outer_names(node: Any) -> set[str]:
    """What the subgraphs of a node use."""
    graphs = [attribute.g for attribute in node.attribute if attribute.HasField("g")]
    inner = [
        name for graph in graphs for child in graph.node for name in (*child.input, *_outer_names(child))
    ]
    return {*inner, *(output.name for graph in graphs for output in graph.output)}
