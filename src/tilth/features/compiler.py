"""From fitted expressions to one ONNX graph, by the table of rules."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from tilth.errors import FeatureError
from tilth.features.graph_writer import GraphWriter, Value, ValueType
from tilth.features.nodes import Node, in_order
from tilth.features.operations import Column, Number, Operation, Text
from tilth.features.rules import RULES
from tilth.features.sample_rates import sample_rates
from tilth.features.split_texts import split_texts
from tilth.inference import INPUT_NAMES_KEY, SAMPLE_RATES_KEY, SPLIT_TEXTS_KEY
from tilth.types import COLUMN_TYPES, ColumnType

__all__ = ["compile_columns", "compile_features", "input_columns", "input_name", "renamed", "with_notes"]

_RESERVED = ("", "features", "label", "probabilities", "prediction")
"""Names that a graph's outputs have, now or after the estimator is joined to it."""


def compile_features(
    nodes: Sequence[Node],
    names: Sequence[str],
    types: Mapping[str, ColumnType],
    notes: Mapping[str, str] | None = None,
) -> bytes:
    """A graph with one output `features`, float32, shape (n, features).

    Args:
        nodes: row-wise expressions, in the order of the features.
        names: the features' names.
        types: all raw columns in order, of which those are inputs that the expressions need.
        notes: what else the graph shall say of itself.

    Raises:
        FeatureError: an operation that no rule covers.
    """
    writer = GraphWriter()
    columns = input_columns(nodes, types)
    values = _Compiler(writer, columns).compile(nodes)
    flat = [value for part in values for value in part]
    numbers = list(dict.fromkeys(value for value in flat if value.type == "double"))
    single: dict[Value, Value] = {}
    if numbers:
        block = writer.cast(writer.stack(numbers), "float")
        single = dict(zip(numbers, writer.columns(block), strict=True))
    features = writer.stack([single.get(value, value) for value in flat])
    metadata = {"tilth.feature_names": json.dumps(list(names)), "tilth.columns": json.dumps(columns)}
    metadata |= renamed(columns) | _of_inputs(nodes) | dict(notes or {})
    return writer.to_bytes({"features": features}, metadata)


def with_notes(model: bytes, notes: Mapping[str, str]) -> bytes:
    """The same graph, which says more of itself in its metadata.

    Args:
        model: an ONNX file.
        notes: what it shall say, by key.

    Example:
        >>> from tilth.features import Transform
        >>> from tilth.inference import Graph
        >>> made = Transform(lambda x: {"x": x["x"].center()}).fit({"x": [1, 2]}).to_onnx()
        >>> Graph.from_bytes(with_notes(made, {"tilth.data": "4f3a"})).metadata["tilth.data"]
        '4f3a'
    """
    import onnx

    graph = onnx.load_from_string(model)
    told = {entry.key: entry.value for entry in graph.metadata_props}
    onnx.helper.set_model_props(graph, told | dict(notes))
    found: bytes = graph.SerializeToString(deterministic=True)
    return found


def compile_columns(nodes: Mapping[str, Node], types: Mapping[str, ColumnType]) -> bytes:
    """A graph with one output for each expression: (n, k) of k columns, double or string, or a whole tensor.

    Raises:
        FeatureError: an operation that no rule covers.
    """
    writer = GraphWriter()
    columns = input_columns(nodes.values(), types)
    values = _Compiler(writer, columns).compile(list(nodes.values()))
    for node, part in zip(nodes.values(), values, strict=True):
        if not part:
            raise FeatureError(f"{node.text} has no columns", where=node.place, expected="at least one")
    outputs = {name: _tensor(writer, part) for name, part in zip(nodes, values, strict=True)}
    return writer.to_bytes(
        outputs, {"tilth.columns": json.dumps(columns)} | renamed(columns) | _of_inputs(list(nodes.values()))
    )


def input_columns(nodes: Iterable[Node], types: Mapping[str, ColumnType]) -> dict[str, ColumnType]:
    """The raw columns that expressions need, in the order of `types`."""
    needed = {node.operation.name for node in in_order(nodes) if isinstance(node.operation, Column)}
    return {name: kind for name, kind in types.items() if name in needed}


class _Compiler:
    """Emits nodes level by level, so that operations of one kind are emitted together."""

    def __init__(self, writer: GraphWriter, columns: Mapping[str, ColumnType]) -> None:
        self._writer = writer
        self._raw = {
            name: writer.input(input_name(name), *_INPUTS.get(kind, _NUMBERS))
            for name, kind in columns.items()
        }
        self._keys: dict[int, int] = {}
        self._known: dict[tuple[Operation, tuple[int, ...]], int] = {}
        self._steps: list[tuple[Operation, tuple[int, ...]]] = []
        self._depths: list[int] = []
        self._levels: list[list[int]] = []
        self._values: dict[int, list[Value]] = {}

    def compile(self, nodes: Sequence[Node]) -> list[list[Value]]:
        """The values of each node."""
        for node in in_order(nodes):
            self._add(node)
        for level in self._levels:
            self._place_leaves(level)
            for group in self._groups(level):
                self._emit(group)
        return [self._values[self._keys[id(node)]] for node in nodes]

    def _add(self, node: Node) -> None:
        """Give a step its number; equal steps get the same."""
        arguments = tuple(self._keys[id(argument)] for argument in node.arguments)
        key = self._known.setdefault((node.operation, arguments), len(self._steps))
        if key == len(self._steps):
            self._check(node)
            self._steps.append((node.operation, arguments))
            depth = 1 + max((self._depths[a] for a in arguments), default=-1)
            self._depths.append(depth)
            if depth == len(self._levels):
                self._levels.append([])
            self._levels[depth].append(key)
        self._keys[id(node)] = key

    def _check(self, node: Node) -> None:
        if type(node.operation) not in RULES and not isinstance(node.operation, Column | Number | Text):
            raise FeatureError(
                f"{node.text}: {type(node.operation).__name__} cannot be part of a graph",
                where=node.place,
                expected="one of " + ", ".join(sorted(known.__name__ for known in RULES)),
            )

    def _groups(self, level: Sequence[int]) -> list[list[int]]:
        groups: dict[object, list[int]] = {}
        for key in level:
            operation, arguments = self._steps[key]
            if key not in self._values:
                signature = tuple(
                    tuple((v.type, v.is_constant, v.whole) for v in self._values[a]) for a in arguments
                )
                together = RULES[type(operation)].together(operation)  # type: ignore[index]
                groups.setdefault((type(operation), together, signature), []).append(key)
        return list(groups.values())

    def _place_leaves(self, level: Sequence[int]) -> None:
        for key in level:
            operation = self._steps[key][0]
            if isinstance(operation, Column):
                self._values[key] = [self._raw[operation.name]]
            elif isinstance(operation, Number):
                self._values[key] = [Value("double", constant=operation.value)]
            elif isinstance(operation, Text):
                self._values[key] = [Value("string", constant=operation.value)]

    def _emit(self, group: Sequence[int]) -> None:
        operations = [self._steps[key][0] for key in group]
        width = len(self._steps[group[0]][1])
        rule = RULES[type(operations[0])]  # type: ignore[index]
        wide = [[self._values[self._steps[key][1][p]] for key in group] for p in range(width)]
        arguments = wide if rule.wide else [[values[0] for values in argument] for argument in wide]
        for key, values in zip(group, rule.emit(self._writer, operations, arguments), strict=True):
            self._values[key] = values


_NUMBERS: tuple[ValueType, tuple[int | None, ...]] = ("double", (None, 1))

_INPUTS: dict[ColumnType, tuple[ValueType, tuple[int | None, ...]]] = {
    "string": ("string", (None, 1)),
    **{kind: ("double", (None, None)) for kind in COLUMN_TYPES if kind.startswith("list[")},
    "list[string]": ("string", (None, None)),
    "image": ("float", (None, None, None, 3)),
    "audio": ("float", (None, None)),
}
"""The inputs of a graph by what a column holds; whatever is not here is a column of numbers."""


def _tensor(writer: GraphWriter, values: Sequence[Value]) -> str:
    if values[0].whole:
        return values[0].block
    is_mixed = len({value.type for value in values}) > 1
    return writer.stack(writer.as_doubles(values) if is_mixed else values)


def input_name(column: str) -> str:
    """What the input of a column is called: as the column, unless an output may have that name."""
    return f"column:{column}" if column in _RESERVED or column.startswith(("tilth:", "column:")) else column


def renamed(columns: Iterable[str]) -> dict[str, str]:
    """Metadata that tell which inputs are called otherwise than their columns."""
    others = {input_name(column): column for column in columns if input_name(column) != column}
    return {INPUT_NAMES_KEY: json.dumps(others)} if others else {}


def _of_inputs(nodes: Sequence[Node]) -> dict[str, str]:
    rates, texts = sample_rates(nodes), split_texts(nodes)
    found = {SAMPLE_RATES_KEY: json.dumps(rates)} if rates else {}
    return found | ({SPLIT_TEXTS_KEY: json.dumps(texts)} if texts else {})
