"""Where a model can be cut so that its work on texts is done once for each distinct text.

A tensor that holds no texts, and is made of texts by operators that go row by row, need not be computed on
every row: its values follow from the distinct values of what it is made of, its sources. Sources are text
columns, and numbers that are written as texts (the hour of a datetime, say, in a cross). Such tensors are the
cuts, and so are outputs that are texts. What is made of the same sources is one part of the model; the rest
takes the cuts as inputs. All parts have the very nodes of the model. Lists, which are padded to the length of
the longest one, are not cut: what is made of them is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tilth.inference.row_operators import gives_texts, is_by_rows, is_padded

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto

__all__ = ["Partition", "partition"]

_STRING = 8
"""TensorProto.STRING."""


@dataclass(frozen=True)
class Partition:
    """A model and its cuts.

    Args:
        cuts: for each set of sources the tensors that follow from them, in the order of the model.
        numbers: the sources that are not text columns, in the order of the model.
    """

    cuts: dict[tuple[str, ...], tuple[str, ...]]
    numbers: tuple[str, ...]
    _model: ModelProto = field(repr=False)

    @property
    def sources(self) -> tuple[str, ...]:
        """All sources, each once."""
        return tuple(dict.fromkeys(source for sources in self.cuts for source in sources))

    @property
    def outputs(self) -> tuple[str, ...]:
        """The model's outputs."""
        return tuple(output.name for output in self._model.graph.output)

    def part(self, types: Mapping[str, str], outputs: Iterable[str]) -> bytes:
        """The part of the model that computes some tensors from others.

        Args:
            types: the tensors that are known, with the runtime's types, such as "tensor(int64)"; the model's
                inputs need not be named.
            outputs: what is wanted.

        Returns:
            A model that takes those of `types` and of the model's inputs that are needed.
        """
        return _part(self._model, types, tuple(outputs))


def partition(model: bytes) -> Partition | None:
    """The cuts of a model; None where nothing can be done on distinct values.

    Example:
        >>> from tilth.features import Transform
        >>> shops = {"city": ["Bern", "Ulm"], "size": [1.0, 2.0]}
        >>> made = Transform(lambda x: {"city": x["city"].vocabulary(), "size": x["size"]}).fit(shops)
        >>> found = partition(made.to_onnx())
        >>> found.sources, found.numbers
        (('city',), ())
    """
    import onnx

    loaded = onnx.load_from_string(model)
    sources = _Sources(loaded)
    cuts: dict[tuple[str, ...], list[str]] = {}
    for name in _reached(loaded, sources.cuttable):
        cuts.setdefault(sources.of(name), []).append(name)
    if not cuts:
        return None
    used = {source for found in cuts for source in found}
    numbers = tuple(name for name in sources.numbers if name in used)
    return Partition({key: tuple(found) for key, found in cuts.items()}, numbers, loaded)


class _Sources:
    """For each tensor what it is made of, as far as that may be coded by a dictionary."""

    def __init__(self, model: ModelProto) -> None:
        graph = model.graph
        self._constants: dict[str, TensorProto] = {each.name: each for each in graph.initializer}
        self._texts = {each.name for each in graph.initializer if each.data_type == _STRING}
        self._of: dict[str, tuple[str, ...] | None] = {}
        self._order: dict[str, int] = {}
        self._from_texts: set[str] = set()
        self._padded: set[str] = set()
        self._outputs = {value.name for value in graph.output}
        self.numbers: dict[str, None] = {}
        self.cuttable: set[str] = set()
        for value in graph.input:
            tensor = value.type.tensor_type
            if tensor.elem_type == _STRING:
                self._texts.add(value.name)
                self._from_texts.add(value.name)
                dims = tensor.shape.dim
                is_column = len(dims) == 2 and dims[1].dim_value == 1
                self._of[value.name] = (value.name,) if is_column else None
            self._order[value.name] = len(self._order)
        for node in graph.node:
            self._visit(node)

    def of(self, name: str) -> tuple[str, ...]:
        """The sources of a tensor that can be cut."""
        found = self._of[name]
        assert found is not None
        return found

    def _visit(self, node: NodeProto) -> None:
        taken = [name for name in node.input if name]
        varying = [name for name in taken if name not in self._constants]
        texts = gives_texts(node, any(name in self._texts for name in taken))
        for name, is_text in zip(node.output, texts, strict=True):
            self._order[name] = len(self._order)
            if is_text:
                self._texts.add(name)
        if not varying:
            self._take_constant(node)
            return
        if any(name in self._from_texts for name in varying):
            self._from_texts.update(node.output)
        is_about_texts = any(texts) or any(name in self._texts for name in taken)
        found = self._combined(varying, is_about_texts) if is_by_rows(node, self._constants) else None
        padded = [name in self._padded for name in node.input]
        is_about_texts |= any(padded)
        if is_padded(node, padded, self._constants):
            self._padded.add(node.output[0])
        for name, is_text in zip(node.output, texts, strict=True):
            self._of[name] = found
            if is_about_texts and found and name not in self._padded and self._may_cut(name, is_text, found):
                self.cuttable.add(name)

    def _may_cut(self, name: str, is_text: bool, sources: tuple[str, ...]) -> bool:
        """Texts only where they are outputs, and not made of numbers, which would be computed twice."""
        return not is_text or (name in self._outputs and self.numbers.keys().isdisjoint(sources))

    def _take_constant(self, node: NodeProto) -> None:
        """What is made of constants alone is computed on no row, so it is nobody's source."""
        for name in node.output:
            self._of[name] = ()
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value":
                    self._constants[node.output[0]] = attribute.t

    def _combined(self, varying: Iterable[str], is_about_texts: bool) -> tuple[str, ...] | None:
        """The sources of what is made of some tensors."""
        found: dict[str, None] = {}
        for name in varying:
            sources = self._of.get(name)
            if sources is None and is_about_texts and name not in self._from_texts:
                self.numbers[name] = None
                sources = (name,)
            if sources is None:
                return None
            found |= dict.fromkeys(sources)
        return tuple(sorted(found, key=self._order.__getitem__))


def _reached(model: ModelProto, cuttable: set[str]) -> list[str]:
    """The cuts that are met on the way back from the model's outputs."""
    _, met = _needed(model, [output.name for output in model.graph.output], cuttable)
    return met


def _needed(model: ModelProto, outputs: Iterable[str], known: set[str]) -> tuple[list[int], list[str]]:
    """The nodes that compute some tensors from known ones, and which of these they take, both in order."""
    wanted = set(outputs)
    nodes: list[int] = []
    met = dict.fromkeys(sorted(wanted & known))
    wanted -= known
    for place in reversed(range(len(model.graph.node))):
        node = model.graph.node[place]
        if wanted.isdisjoint(node.output):
            continue
        nodes.append(place)
        for name in _taken(node):
            if name in known:
                met[name] = None
            else:
                wanted.add(name)
    made = dict.fromkeys(name for node in model.graph.node for name in node.output if name in met)
    return nodes[::-1], [*(name for name in met if name not in made), *made]


def _taken(node: NodeProto) -> Iterable[str]:
    """What a node takes, and the graphs inside it."""
    yield from (name for name in node.input if name)
    for attribute in node.attribute:
        for graph in (*attribute.graphs, *((attribute.g,) if attribute.HasField("g") else ())):
            for inner in graph.node:
                yield from _taken(inner)


def _part(model: ModelProto, types: Mapping[str, str], outputs: tuple[str, ...]) -> bytes:
    from onnx import helper

    places, met = _needed(model, outputs, set(types))
    nodes = [model.graph.node[place] for place in places]
    named = {name for node in nodes for name in _taken(node)}
    inputs = [helper.make_tensor_value_info(name, _element(types[name]), None) for name in met]
    inputs += [value for value in model.graph.input if value.name in named and value.name not in types]
    graph = helper.make_graph(
        nodes,
        "tilth:part",
        inputs,
        [_output(model, name) for name in outputs],
        [each for each in model.graph.initializer if each.name in named or each.name in outputs],
    )
    made = helper.make_model(
        graph,
        opset_imports=list(model.opset_import),
        functions=list(model.functions),
        ir_version=model.ir_version,
        producer_name="tilth",
    )
    return bytes(made.SerializeToString())


def _output(model: ModelProto, name: str) -> ValueInfoProto:
    """An output; one inside the model gets its type from the runtime."""
    from onnx import helper

    whole = {value.name: value for value in model.graph.output}
    return whole.get(name) or helper.make_empty_tensor_value_info(name)


def _element(kind: str) -> int:
    from onnx import TensorProto

    name = kind.removeprefix("tensor(").removesuffix(")").upper()
    return int(getattr(TensorProto, name))
