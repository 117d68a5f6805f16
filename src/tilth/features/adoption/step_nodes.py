"""StepNodes: what a rule writes the nodes of one fitted step with."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

__all__ = ["StepNodes", "columns_out", "is_missing_mark"]


class StepNodes:
    """Writes nodes for one step; its inputs are tables of columns, side by side."""

    def __init__(self, scope: Any, operator: Any, container: Any) -> None:
        from skl2onnx.common.data_types import FloatTensorType, StringTensorType

        self._scope, self._container = scope, container
        kinds = [each.type for each in operator.inputs]
        self._inputs = [
            (each.full_name, place, isinstance(each.type, StringTensorType))
            for each in operator.inputs
            for place in range(each.type.shape[1])
        ]
        self.texts = isinstance(kinds[0], StringTensorType)
        self.dtype = np.float32 if any(isinstance(kind, FloatTensorType) for kind in kinds) else np.float64

    @property
    def given(self) -> str:
        """All columns as one table."""
        names = list(dict.fromkeys(name for name, _, _ in self._inputs))
        return names[0] if len(names) == 1 else self.node("Concat", *names, axis=1)

    def column(self, position: int) -> tuple[str, bool]:
        """A column, and whether it is of texts."""
        name, place, is_text = self._inputs[position]
        if sum(each == name for each, _, _ in self._inputs) > 1:
            name = self.node("Gather", name, self.constant(np.array([place], np.int64)), axis=1)
        return name, is_text

    def columns(self, positions: list[int]) -> str:
        """Some columns as one table."""
        return self.node("Gather", self.given, self.constant(np.array(positions, np.int64)), axis=1)

    def node(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Apply an operator; gives the name of what comes out."""
        name: str = self._scope.get_unique_variable_name(kind)
        version = 3 if domain else self._container.target_opset
        label = self._scope.get_unique_operator_name(kind)
        self._container.add_node(
            kind, list(inputs), [name], op_domain=domain, op_version=version, name=label, **attributes
        )
        return name

    def constant(self, values: np.ndarray) -> str:
        """A constant: texts, whole numbers, truth values or numbers of either precision."""
        from onnx import TensorProto, helper

        name: str = self._scope.get_unique_variable_name("constant")
        kinds = {"O": TensorProto.STRING, "i": TensorProto.INT64, "b": TensorProto.BOOL}
        kind = kinds.get(values.dtype.kind) or helper.np_dtype_to_tensor_dtype(values.dtype)
        flat = values.ravel().tolist()
        cells = [text.encode() for text in flat] if values.dtype.kind == "O" else flat
        self._container.add_initializer(name, kind, list(values.shape), cells)
        return name

    def numbers(self, values: Any) -> str:
        """Numbers in the precision that the graph computes with."""
        return self.constant(np.asarray(values, self.dtype))

    def cast(self, name: str, dtype: Any) -> str:
        """The same values as another type."""
        from onnx import helper

        return self.node("Cast", name, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def end(self, operator: Any, parts: list[str]) -> None:
        """Give tables, side by side, out as what the step gives."""
        whole = parts[0] if len(parts) == 1 else self.node("Concat", *parts, axis=1)
        self._container.add_node("Identity", [whole], [operator.outputs[0].full_name], op_version=14)


def columns_out(step: Any) -> list[str]:
    """The columns that come out, named after the position of that which they are made of: "2_value"."""
    plain = copy.copy(step)
    if hasattr(plain, "feature_names_in_"):
        del plain.feature_names_in_
    if hasattr(plain, "feature_name_combiner"):
        plain.feature_name_combiner = "concat"
    if hasattr(plain, "indicator_") and plain.indicator_ is not None:
        plain.indicator_ = copy.copy(plain.indicator_)
        if hasattr(plain.indicator_, "feature_names_in_"):
            del plain.indicator_.feature_names_in_
    return list(plain.get_feature_names_out([str(n) for n in range(step.n_features_in_)]))


def is_missing_mark(value: object) -> bool:
    """Whether a value of scikit-learn's means missing: None, NaN or an empty text."""
    return value is None or value == "" or (isinstance(value, float) and np.isnan(value))
