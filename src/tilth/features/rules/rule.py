"""Rule: how operations of one class become ONNX nodes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tilth.features.graph_writer import GraphWriter, Value

__all__ = ["Emit", "Rule", "each", "either", "missing", "row", "stacked", "when"]

Emit = Callable[[GraphWriter, Sequence[Any], Sequence[Sequence[Any]]], list[list[Value]]]
"""(writer, operations, arguments) -> values: `arguments[p][i]` is argument p of operation i, one Value or for
wide rules the list of all of them; a list of values for each operation."""


@dataclass(frozen=True)
class Rule:
    """How operations of one class become ONNX nodes.

    Args:
        emit: writes the nodes of operations that may go together.
        together: operations with equal answers may go together (and arguments of equal types).
        wide: arguments are lists of values, since they may be vectors.
    """

    emit: Emit
    together: Callable[[Any], Hashable] = lambda _: None
    wide: bool = False


def stacked(emit: Callable[..., str], *, apart: bool = False) -> Emit:
    """A rule from a function of whole blocks, in and out; column i is that of operation i.

    Args:
        emit: (writer, operations, *blocks) -> block.
        apart: blocks of one column each. Texts always are apart: in bulk what is made of a column of texts is
            computed once for each distinct text, and a block of two columns has no distinct texts.
    """

    def rule(
        writer: GraphWriter, operations: Sequence[Any], arguments: Sequence[Sequence[Value]]
    ) -> list[list[Value]]:
        if apart or any(value.type == "string" for values in arguments for value in values):
            return [
                block(
                    writer, operations[place : place + 1], [values[place : place + 1] for values in arguments]
                )[0]
                for place in range(len(operations))
            ]
        return block(writer, operations, arguments)

    def block(
        writer: GraphWriter, operations: Sequence[Any], arguments: Sequence[Sequence[Value]]
    ) -> list[list[Value]]:
        if any(value.whole for values in arguments for value in values):
            tensors = [[_tensor(writer, value) for value in values] for values in arguments]
            return [
                [writer.whole(emit(writer, [operation], *(argument[place] for argument in tensors)))]
                for place, operation in enumerate(operations)
            ]
        blocks = [writer.stack(values) for values in arguments]
        return [[value] for value in writer.columns(emit(writer, operations, *blocks))]

    return rule


def _tensor(writer: GraphWriter, value: Value) -> str:
    return value.block if value.whole else writer.stack([value])


def each(emit: Callable[..., list[Value]]) -> Emit:
    """A rule from a function of one operation: (writer, operation, *arguments) -> values."""

    def rule(
        writer: GraphWriter, operations: Sequence[Any], arguments: Sequence[Sequence[Any]]
    ) -> list[list[Value]]:
        return [
            emit(writer, operation, *(argument[position] for argument in arguments))
            for position, operation in enumerate(operations)
        ]

    return rule


def row(values: Sequence[float] | Sequence[str]) -> np.ndarray:
    """Constants as a block of one row."""
    kind = np.object_ if isinstance(values[0], str) else np.float64
    return np.array([list(values)], dtype=kind)


def missing(writer: GraphWriter, block: str) -> str:
    """Where a block has no value, as booleans."""
    width = writer.width_of(block)
    if writer.type_of(block) == "string":
        empty = writer.constant(np.array([[""]], dtype=np.object_))
        return writer.node("Equal", block, empty, type="bool", width=width)
    return writer.node("IsNaN", block, type="bool", width=width)


def either(writer: GraphWriter, blocks: Sequence[str]) -> str:
    """Where any of some blocks has no value; constants always have one."""
    found = [missing(writer, block) for block in blocks if not writer.is_constant(block)]
    result = found[0]
    for other in found[1:]:
        result = writer.node("Or", result, other, type="bool", width=writer.width_of(result))
    return result


def when(writer: GraphWriter, condition: str, then: str, otherwise: str) -> str:
    """One of two blocks by a block of booleans."""
    kind, width = writer.type_of(then), writer.width_of(condition)
    return writer.node("Where", condition, then, otherwise, type=kind, width=width)
