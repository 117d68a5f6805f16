"""ONNX models of a project's own, from features to scores, as part of our graph."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tilth.errors import GraphError, TrainingError
from tilth.inference.session import Session, open_session
from tilth.training.conversion import FEATURES, SCORES, Conversion, link_nodes

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

__all__ = ["OnnxModel"]

_PREFIX = "tilth:own."
_ROWS = 8_192
_USUAL = ("probabilities", "scores", "prediction", "output_probability", "variable")
_EXPECTED = "one input, float32 (n, features), and one output (n,) or (n, columns) of floats"


class OnnxModel:
    """An ONNX model that takes features.

    Args:
        model: its bytes.
        link: what its output still lacks: "identity" where it is the answer, "softmax" or "logistic" where it
            is raw scores of classes, "odds" where it is the positive class's probability alone.
        whose: what made it, for messages.

    Raises:
        TrainingError: it cannot be run, or has other inputs and outputs.
    """

    def __init__(self, model: bytes, link: str = "identity", whose: str = "the ONNX model") -> None:
        self.link = link
        self.whose = whose
        self._model = model
        try:
            self._session: Session = open_session(model, 1)
        except GraphError as error:
            raise TrainingError(f"{whose} cannot be run: {error.what}", expected=_EXPECTED) from error
        kinds = list(self._session.inputs.values())
        if kinds != ["tensor(float)"]:
            raise TrainingError(f"{whose} takes {', '.join(kinds) or 'nothing'}", expected=_EXPECTED)
        self._output = self._answer()

    @property
    def features(self) -> int | None:
        """How many features it takes, if it says so."""
        ((_, shape),) = self._session.shapes.items()
        return shape[1] if len(shape) == 2 and isinstance(shape[1], int) else None

    def raw(self, X: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Its output (n, columns) for features (n, f).

        Raises:
            TrainingError: it fails, or does not answer for each row.
        """
        (name,) = self._session.inputs
        parts = []
        for start in range(0, len(X), _ROWS):
            piece = np.ascontiguousarray(X[start : start + _ROWS], np.float32)
            try:
                (found,) = self._session.run([self._output], {name: piece})
            except GraphError as error:
                raise TrainingError(f"{self.whose} fails: {error.what}", expected=_EXPECTED) from error
            if found.ndim not in (1, 2) or len(found) != len(piece):
                raise TrainingError(
                    f"{self.whose} answers {found.shape} for {len(piece)} rows", expected=_EXPECTED
                )
            parts.append(found.reshape(len(piece), -1).astype(np.float64))
        return np.concatenate(parts)

    def scores(self, X: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Probabilities (n, classes), or numbers (n, columns)."""
        return self.linked(self.raw(X))

    def linked(self, found: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Its output (n, columns) as scores."""
        if self.link == "odds":
            return np.hstack([1.0 - found, found])
        if self.link == "logistic":
            return np.asarray(1.0 / (1.0 + np.exp(found * np.array([[1.0, -1.0]]))))
        if self.link == "sigmoid":
            return np.asarray(1.0 / (1.0 + np.exp(-found)))
        if self.link == "softmax":
            grown = np.exp(found - found.max(axis=1, keepdims=True))
            return np.asarray(grown / grown.sum(axis=1, keepdims=True))
        return found

    def conversion(self, opset: int) -> Conversion:
        """Its nodes, in a version of the standard operators.

        Raises:
            TrainingError: its operators do not exist in that version.
        """
        from onnx import compose, helper

        model = self._in_version(opset)
        graph = compose.add_prefix(model, _PREFIX).graph
        if graph.sparse_initializer:
            raise TrainingError(f"{self.whose} has sparse constants", expected="dense ones")
        constants = {constant.name for constant in graph.initializer}
        (taken,) = (value.name for value in graph.input if value.name not in constants)
        first = helper.make_node("Identity", [FEATURES], [taken])
        nodes, more = self._linked(_PREFIX + self._output)
        opsets = tuple((entry.domain or "", entry.version) for entry in model.opset_import)
        return Conversion(
            (first, *(_plain(node) for node in graph.node), *nodes),
            (*graph.initializer, *more),
            SCORES,
            opsets,
        )

    def _linked(self, raw: str) -> tuple[list[NodeProto], list[TensorProto]]:
        """From its output to the scores."""
        from onnx import helper, numpy_helper

        columns = numpy_helper.from_array(np.array([0, -1], np.int64), f"{_PREFIX}columns")
        flat = numpy_helper.from_array(np.array([-1, 1], np.int64), f"{_PREFIX}columns")
        shaped = f"{_PREFIX}shaped"
        reshape = helper.make_node("Reshape", [raw, columns.name], [shaped])
        single = self._columns == 1
        if self.link == "odds":
            one = numpy_helper.from_array(np.array(1.0, self._dtype), f"{_PREFIX}one")
            return [
                reshape,
                helper.make_node("Sub", [one.name, shaped], [f"{_PREFIX}other"]),
                helper.make_node("Concat", [f"{_PREFIX}other", shaped], [SCORES], axis=1),
            ], [flat, one]
        if self.link == "sigmoid":
            return [reshape, helper.make_node("Sigmoid", [shaped], [SCORES])], [columns]
        nodes, constants = link_nodes(self.link, shaped)
        return [reshape, *nodes], [flat if single else columns, *constants]

    @cached_property
    def _columns(self) -> int:
        return int(self.raw(np.zeros((2, self.features or 1), np.float32)).shape[1])

    @property
    def _dtype(self) -> type[np.floating]:
        kind = dict(zip(self._session.outputs, self._session.types, strict=True))[self._output]
        return np.float64 if kind == "tensor(double)" else np.float32

    def _answer(self) -> str:
        """The output that is the answer: the only one of floats, or that of a usual name."""
        kinds = zip(self._session.outputs, self._session.types, strict=True)
        floats = [name for name, kind in kinds if kind in ("tensor(float)", "tensor(double)")]
        named = [name for name in _USUAL if name in floats]
        if len(floats) != 1 and not named:
            shown = ", ".join(
                f"{n} {k}" for n, k in zip(self._session.outputs, self._session.types, strict=True)
            )
            raise TrainingError(f"{self.whose} gives {shown}", expected=_EXPECTED)
        return floats[0] if len(floats) == 1 else named[0]

    def _in_version(self, opset: int) -> ModelProto:
        import onnx
        from onnx import inliner, version_converter

        model = onnx.load_from_string(self._model)
        if model.functions:
            model = inliner.inline_local_functions(model)
        has = next((e.version for e in model.opset_import if e.domain in ("", "ai.onnx")), opset)
        if has == opset:
            return model
        try:
            # Operators of the standard are in all versions, or can be turned into others.
            return version_converter.convert_version(model, opset)
        except (RuntimeError, ValueError) as error:
            raise TrainingError(
                f"{self.whose} uses version {has} of ONNX's operators, which cannot be turned into {opset}",
                expected=f"a model with opset {opset}",
                mend=f"export it with opset {opset}",
            ) from error


def _plain(node: Any) -> NodeProto:
    """A node without what its maker noted beside it: lines of code, paths."""
    from onnx import NodeProto

    copy = NodeProto()
    copy.CopyFrom(node)
    copy.ClearField("doc_string")
    copy.ClearField("metadata_props")
    for attribute in copy.attribute:
        for graph in ([attribute.g] if attribute.HasField("g") else []) + list(attribute.graphs):
            inner = [_plain(child) for child in graph.node]
            del graph.node[:]
            graph.node.extend(inner)
            graph.ClearField("doc_string")
    return copy
