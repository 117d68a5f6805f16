"""A fitted scikit-learn transformer as an ONNX graph on raw columns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tilth.errors import FeatureError
from tilth.features.adoption.columns import by_position
from tilth.features.adoption.rules import rules, shapes
from tilth.features.compiler import input_name, renamed
from tilth.features.graph_writer import IR_VERSION, ML_DOMAIN, OPSET
from tilth.features.rules.patterns import LOCALE
from tilth.types import ColumnType

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

__all__ = ["sklearn_graph"]

_PREFIX = "tilth:sklearn."


def sklearn_graph(
    transformer: Any,
    known: Sequence[str],
    types: Mapping[str, ColumnType],
    names: Sequence[str],
    *,
    double: bool,
) -> bytes:
    """A graph with one input (n, 1) for each column, double or string, and one output `features`, float32.

    Args:
        transformer: fitted.
        known: the columns of the frame that it was fitted on.
        types: those of them that it uses, in that order.
        names: the features' names.
        double: compute in double precision, which not every step has operators for.

    Raises:
        FeatureError: the transformer has no ONNX form.
    """
    from onnx import TensorProto, compose, helper

    numbers = TensorProto.DOUBLE if double else TensorProto.FLOAT
    model, single = _converted(by_position(transformer, known, list(types)), types, double=double)
    if len(model.graph.output) != 1:
        raise FeatureError("the transformer gives more than one table", expected="a transformer of features")
    model = compose.add_prefix(model, _PREFIX, rename_functions=False)
    graph = model.graph
    for node in graph.node:
        _set_locale(node)
    if graph.output[0].type.tensor_type.elem_type == TensorProto.STRING:
        raise FeatureError("the transformer gives texts, and a model takes numbers")
    inputs, first = [], []
    for place, (column, kind) in enumerate(types.items()):
        is_text = kind == "string"
        element = TensorProto.STRING if is_text else TensorProto.DOUBLE
        inputs.append(helper.make_tensor_value_info(input_name(column), element, [None, 1]))
        first.append(_first(input_name(column), f"{_PREFIX}c{place}", None if is_text else numbers))
    if single:
        first.append(
            helper.make_node("Concat", [node.output[0] for node in first], [f"{_PREFIX}all"], axis=1)
        )
    last = helper.make_node("Cast", [graph.output[0].name], ["features"], to=TensorProto.FLOAT)
    output = helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, len(names)])
    whole = helper.make_graph([*first, *graph.node, last], "tilth", inputs, [output], list(graph.initializer))
    versions = {entry.domain: entry.version for entry in model.opset_import} | {"": OPSET, ML_DOMAIN: 3}
    made = helper.make_model(
        whole,
        opset_imports=[helper.make_opsetid(*each) for each in sorted(versions.items())],
        functions=list(model.functions),
        ir_version=IR_VERSION,
        producer_name="tilth",
    )
    metadata = {"tilth.feature_names": json.dumps(list(names)), "tilth.columns": json.dumps(dict(types))}
    helper.set_model_props(made, metadata | renamed(types))
    return bytes(made.SerializeToString(deterministic=True))


def _set_locale(node: NodeProto) -> None:
    """Let texts be lowered by a locale that every system has, where skl2onnx takes the American one."""
    from onnx import helper

    if node.op_type == "StringNormalizer":
        kept = [each for each in node.attribute if each.name != "locale"]
        del node.attribute[:]
        node.attribute.extend([*kept, helper.make_attribute("locale", LOCALE)])


def _first(column: str, name: str, number: int | None) -> NodeProto:
    from onnx import helper

    if number is None:
        return helper.make_node("Identity", [column], [name])
    return helper.make_node("Cast", [column], [name], to=number)


def _converted(transformer: Any, types: Mapping[str, ColumnType], *, double: bool) -> tuple[ModelProto, bool]:
    """What skl2onnx makes of it, and whether it takes all columns as one table."""
    import skl2onnx
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, StringTensorType

    number = DoubleTensorType if double else FloatTensorType
    kinds = [StringTensorType if kind == "string" else number for kind in types.values()]
    single = not _takes_columns(transformer)
    if single and len(set(kinds)) > 1:
        raise FeatureError(
            f"{type(transformer).__name__} takes numbers and texts together",
            mend="put it into a ColumnTransformer that says which columns it is for",
        )
    given = [(f"c{place}", kind([None, 1])) for place, kind in enumerate(kinds)]
    model = skl2onnx.convert_sklearn(
        transformer,
        "tilth",
        [("all", kinds[0]([None, len(kinds)]))] if single else given,
        target_opset={"": OPSET, ML_DOMAIN: 3},
        custom_conversion_functions=rules(),
        custom_shape_calculators=shapes(),
    )
    return model, single


def _takes_columns(transformer: Any) -> bool:
    """Whether the first that it does is to choose columns."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import FeatureUnion, Pipeline

    if isinstance(transformer, Pipeline):
        return _takes_columns(transformer.steps[0][1])
    if isinstance(transformer, FeatureUnion):
        return all(_takes_columns(step) for _, step in transformer.transformer_list)
    return isinstance(transformer, ColumnTransformer)
