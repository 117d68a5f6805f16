"""How many samples a second the recordings have that expressions take."""

from __future__ import annotations

from collections.abc import Iterable

from tilth.errors import FeatureError
from tilth.features.nodes import Node, in_order
from tilth.features.operations import AtRate, Column
from tilth.inference import SAMPLE_RATE

__all__ = ["sample_rate", "sample_rates"]


def sample_rate(node: Node) -> int:
    """The samples a second of an expression that is a recording.

    Args:
        node: a recording.

    Example:
        >>> from tilth.features.inputs import Inputs
        >>> x = Inputs({"clip": "audio"})
        >>> sample_rate(x["clip"].node), sample_rate(x["clip"].at_rate(8000).pre_emphasis().node)
        (16000, 8000)
    """
    while node.arguments:
        if isinstance(node.operation, AtRate):
            return node.operation.rate
        node = node.arguments[0]
    return SAMPLE_RATE


def sample_rates(nodes: Iterable[Node]) -> dict[str, int]:
    """The samples a second of each column of recordings.

    Args:
        nodes: expressions, which all become part of one graph.

    Raises:
        FeatureError: two rates for one column: a graph's input has one.
    """
    found: dict[str, tuple[int, Node]] = {}
    for node in in_order(nodes):
        for argument in node.arguments:
            column = argument.operation
            if not isinstance(column, Column) or column.type != "audio":
                continue
            rate = node.operation.rate if isinstance(node.operation, AtRate) else SAMPLE_RATE
            known, first = found.setdefault(column.name, (rate, node))
            if known != rate:
                raise _two_rates(argument, first, known, node, rate)
    return {name: rate for name, (rate, _) in found.items()}


def _two_rates(column: Node, first: Node, known: int, second: Node, rate: int) -> FeatureError:
    return FeatureError(
        f"{column.text} has two sample rates: {known} in {first.text}, {rate} in {second.text}",
        where=second.place,
        expected="one rate for a column in all features",
        mend=f"write {column.text}.at_rate({min(known, rate)}) wherever {column.text} is used",
    )
