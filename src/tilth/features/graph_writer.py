"""GraphWriter: builds an ONNX graph in which values are columns of blocks, or whole tensors.

A block is a tensor of shape (n, k): k columns for n rows. Operations of one kind are emitted for many columns
at once, because a node costs about a microsecond however few rows it works on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from onnx import AttributeProto, NodeProto, TensorProto, ValueInfoProto

__all__ = ["IR_VERSION", "ML_DOMAIN", "OPSET", "RUNTIME_DOMAIN", "GraphWriter", "Value", "ValueType"]

ValueType = Literal["double", "string", "int64", "bool", "float", "uint32"]

OPSET = 20
"""The version of the operators used; 20 is the first that joins texts."""

ML_DOMAIN = "ai.onnx.ml"
RUNTIME_DOMAIN = "com.microsoft"
"""ONNX Runtime's own operators, for what the standard has none: hashes and tokens of texts."""

_VERSIONS = {"": OPSET, ML_DOMAIN: 3, RUNTIME_DOMAIN: 1}
IR_VERSION = 9
_INTERNAL = "tilth:"

_COLUMNS_A_SLICE = 8
"""A slice is one node more, which pays from so many columns on."""
_COLUMNS_TURNED = 8

_DTYPES: dict[ValueType, type] = {
    "double": np.float64,
    "string": np.object_,
    "int64": np.int64,
    "bool": np.bool_,
    "float": np.float32,
    "uint32": np.uint32,
}


@dataclass(frozen=True)
class Value:
    """One column: a place in a block, or a constant that is the same in all rows.

    Args:
        type: what it holds.
        block: the tensor it is part of; "" for a constant.
        index: its position in the block.
        constant: the constant.
        whole: it is not one column but a tensor as it is, of n rows and any shape behind, such as images.
    """

    type: ValueType
    block: str = ""
    index: int = 0
    constant: float | str | None = None
    whole: bool = False

    @property
    def is_constant(self) -> bool:
        """Whether the value is the same in all rows."""
        return self.constant is not None


class GraphWriter:
    """Collects nodes; the same node asked for twice is written once.

    Example:
        >>> writer = GraphWriter()
        >>> age = writer.input("age", "double")
        >>> doubled = writer.node("Add", age.block, age.block, type="double", width=1)
        >>> model = writer.to_bytes({"twice": doubled}, {})
        >>> from tilth.inference import Graph
        >>> Graph.from_bytes(model).run({"age": np.array([1.0, 2.0])})
        {'twice': array([[2.], [4.]])}
    """

    def __init__(self) -> None:
        self._inputs: list[ValueInfoProto] = []
        self._nodes: list[NodeProto] = []
        self._initializers: list[TensorProto] = []
        self._written: dict[object, str] = {}
        self._types: dict[str, ValueType] = {}
        self._widths: dict[str, int] = {}
        self._constants: set[str] = set()
        self._domains = {"", ML_DOMAIN}

    def input(
        self,
        name: str,
        type: ValueType,  # noqa: A002 - the word that ONNX uses
        shape: Sequence[int | None] = (None, 1),
    ) -> Value:
        """A raw column as an input: a column where the shape is (n, 1), else a whole tensor."""
        from onnx import helper

        self._inputs.append(helper.make_tensor_value_info(name, _element(type), list(shape)))
        is_column = tuple(shape) == (None, 1)
        self._types[name], self._widths[name] = type, 1 if is_column else 0
        return Value(type, name, whole=not is_column)

    def constant(self, values: np.ndarray) -> str:
        """A constant tensor: float64, float32, int64, or texts."""
        from onnx import TensorProto, numpy_helper

        held = repr(values.tolist()) if values.dtype == np.object_ else values.tobytes()
        key = ("constant", values.dtype.str, values.shape, held)
        if key not in self._written:
            name = self._name("constant")
            if values.dtype == np.object_:
                # ONNX's own helper would lose NUL characters at the end of a text.
                texts = [text.encode() for text in values.ravel()]
                tensor = TensorProto(
                    name=name, data_type=_element("string"), dims=values.shape, string_data=texts
                )
            else:
                tensor = numpy_helper.from_array(values, name)
            self._initializers.append(tensor)
            self._written[key] = name
            self._types[name] = "string" if values.dtype == np.object_ else _type_of(values.dtype)
            self._widths[name] = values.shape[-1] if values.ndim else 1
            self._constants.add(name)
        return self._written[key]

    def node(
        self,
        operator: str,
        *inputs: str,
        type: ValueType,  # noqa: A002 - the word that ONNX uses
        width: int,
        domain: str = "",
        **attributes: Any,
    ) -> str:
        """Apply an operator.

        Args:
            operator: its ONNX name.
            inputs: tensors.
            type: what comes out.
            width: how many columns come out; 0 for a whole tensor.
            domain: where the operator is defined.
            attributes: the operator's attributes.

        Returns:
            The name of the tensor that comes out.
        """
        key = (operator, inputs, domain, repr(sorted(attributes.items())))
        if key not in self._written:
            name = self._name(operator)
            self._nodes.append(_node(operator, inputs, [name], name, domain, attributes))
            self._written[key] = name
            self._types[name], self._widths[name] = type, width
            self._domains.add(domain)
        return self._written[key]

    def nodes(
        self,
        operator: str,
        *inputs: str,
        types: Sequence[ValueType],
        domain: str = "",
        **attributes: Any,
    ) -> list[str]:
        """Apply an operator that gives several whole tensors.

        Args:
            operator: its ONNX name.
            inputs: tensors.
            types: what comes out.
            domain: where the operator is defined.
            attributes: the operator's attributes.

        Returns:
            The names of the tensors that come out.
        """
        key = (operator, inputs, domain, repr(sorted(attributes.items())), len(types))
        if key not in self._written:
            name = self._name(operator)
            names = [f"{name}:{position}" for position in range(len(types))]
            self._nodes.append(_node(operator, inputs, names, name, domain, attributes))
            self._written[key] = name
            for each, type_ in zip(names, types, strict=True):
                self._types[each], self._widths[each] = type_, 0
            self._domains.add(domain)
        return [f"{self._written[key]}:{position}" for position in range(len(types))]

    def cast(self, tensor: str, type: ValueType) -> str:  # noqa: A002 - the word that ONNX uses
        """The same values as another type."""
        if self._types[tensor] == type:
            return tensor
        return self.node("Cast", tensor, type=type, width=self._widths[tensor], to=_element(type))

    def type_of(self, tensor: str) -> ValueType:
        """What a tensor holds."""
        return self._types[tensor]

    def width_of(self, tensor: str) -> int:
        """How many columns a tensor has; 0 for a whole tensor."""
        return self._widths[tensor]

    def is_constant(self, tensor: str) -> bool:
        """Whether a tensor is the same in all rows."""
        return tensor in self._constants

    def whole(self, tensor: str) -> Value:
        """A tensor as a value of its own, not in columns."""
        self._widths[tensor] = 0
        return Value(self._types[tensor], tensor, whole=True)

    def columns(self, tensor: str) -> list[Value]:
        """The columns of a block."""
        return [Value(self._types[tensor], tensor, index) for index in range(self._widths[tensor])]

    def as_doubles(self, values: Sequence[Value]) -> list[Value]:
        """The same columns in double precision."""
        others = list(dict.fromkeys(value for value in values if value.type != "double"))
        if not others:
            return list(values)
        made = {value: value for value in values}
        for kind in dict.fromkeys(value.type for value in others):
            same = [value for value in others if value.type == kind]
            made |= zip(same, self.columns(self.cast(self.stack(same), "double")), strict=True)
        return [made[value] for value in values]

    def stack(self, values: Sequence[Value]) -> str:
        """A block whose columns are `values`: either all constant, or none; no whole tensors."""
        assert not any(value.whole for value in values)
        if values[0].is_constant:
            dtype = _DTYPES[values[0].type]
            return self.constant(np.array([[value.constant for value in values]], dtype=dtype))
        runs = _runs(values)
        slices = sum((start, stop) != (0, self._widths[block]) for block, start, stop in runs)
        if slices * _COLUMNS_A_SLICE <= len(values):
            pieces = [self._slice(*run) for run in runs]
            return pieces[0] if len(pieces) == 1 else self._concatenate(pieces)
        blocks = list(dict.fromkeys(value.block for value in values))
        used = {block: sorted({v.index for v in values if v.block == block}) for block in blocks}
        parts = [self._take(block, used[block]) for block in blocks]
        together = parts[0] if len(parts) == 1 else self._concatenate(parts)
        place: dict[tuple[str, int], int] = {}
        for block in blocks:
            for index in used[block]:
                place[block, index] = len(place)
        return self._take(together, [place[value.block, value.index] for value in values])

    def _concatenate(self, parts: Sequence[str]) -> str:
        width = sum(self._widths[part] for part in parts)
        return self.node("Concat", *parts, type=self._types[parts[0]], width=width, axis=1)

    def _take(self, block: str, indices: Sequence[int]) -> str:
        if list(indices) == list(range(self._widths[block])):
            return block
        places = self.constant(np.array(indices, dtype=np.int64))
        kind, width = self._types[block], len(indices)
        if kind == "string" or width < _COLUMNS_TURNED:
            return self.node("Gather", block, places, type=kind, width=width, axis=1)
        # The runtime gathers rows much faster than columns: a quarter of the time, turning them included.
        turned = self.node("Transpose", block, type=kind, width=0, perm=[1, 0])
        gathered = self.node("Gather", turned, places, type=kind, width=0, axis=0)
        return self.node("Transpose", gathered, type=kind, width=width, perm=[1, 0])

    def _slice(self, block: str, start: int, stop: int) -> str:
        """Columns of a block that lie beside each other."""
        if (start, stop) == (0, self._widths[block]):
            return block
        bounds = [self.constant(np.array([bound], dtype=np.int64)) for bound in (start, stop, 1)]
        return self.node("Slice", block, *bounds, type=self._types[block], width=stop - start)

    def to_bytes(self, outputs: Mapping[str, str], metadata: Mapping[str, str]) -> bytes:
        """The model as a file's bytes; the same graph gives the same bytes.

        Args:
            outputs: name of each output -> tensor.
            metadata: what the model says of itself.
        """
        from onnx import helper

        named = [helper.make_node("Identity", [tensor], [name], name) for name, tensor in outputs.items()]
        infos = [
            helper.make_tensor_value_info(name, _element(self._types[tensor]), self._shape(tensor))
            for name, tensor in outputs.items()
        ]
        graph = helper.make_graph([*self._nodes, *named], "tilth", self._inputs, infos, self._initializers)
        opsets = [helper.make_opsetid(domain, _VERSIONS[domain]) for domain in sorted(self._domains)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="tilth")
        helper.set_model_props(model, dict(metadata))
        found: bytes = model.SerializeToString(deterministic=True)
        return found

    def _shape(self, tensor: str) -> list[int | None] | None:
        return [None, self._widths[tensor]] if self._widths[tensor] else None

    def _name(self, what: str) -> str:
        return f"{_INTERNAL}{len(self._written)}:{what}"


def _node(
    operator: str,
    inputs: Sequence[str],
    outputs: Sequence[str],
    name: str,
    domain: str,
    attributes: Mapping[str, Any],
) -> NodeProto:
    from onnx import helper

    node = helper.make_node(operator, inputs, outputs, name, domain=domain)
    node.attribute.extend(_attribute(key, value) for key, value in sorted(attributes.items()))
    return node


def _attribute(name: str, value: Any) -> AttributeProto:
    from onnx import AttributeProto, helper

    if isinstance(value, list) and value and isinstance(value[0], str):
        # ONNX's own way looks at each text several times, which is long for a vocabulary.
        texts = [text.encode() for text in value]
        return AttributeProto(name=name, type=AttributeProto.STRINGS, strings=texts)
    return helper.make_attribute(name, value)


def _runs(values: Sequence[Value]) -> list[tuple[str, int, int]]:
    """The values in order as stretches of blocks: the block, its first column and the one after the last."""
    runs: list[tuple[str, int, int]] = []
    for value in values:
        if runs and runs[-1][0] == value.block and runs[-1][2] == value.index:
            runs[-1] = (value.block, runs[-1][1], value.index + 1)
        else:
            runs.append((value.block, value.index, value.index + 1))
    return runs


def _element(type: ValueType) -> int:  # noqa: A002 - the word that ONNX uses
    from onnx import TensorProto

    return int(getattr(TensorProto, type.upper()))


def _type_of(dtype: np.dtype) -> ValueType:
    return next(name for name, kind in _DTYPES.items() if dtype == kind)
