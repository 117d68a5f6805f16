"""Which columns have their texts taken apart."""

from __future__ import annotations

from collections.abc import Iterable

from tilth.features.nodes import Node, in_order
from tilth.features.operations import Column, Extract, Split, TextLength, Tokens

__all__ = ["split_texts"]


def split_texts(nodes: Iterable[Node]) -> list[str]:
    """The columns of texts that are taken apart into words or characters, in order of appearance.

    Args:
        nodes: expressions.

    Example:
        >>> from tilth.features.inputs import Inputs
        >>> x = Inputs({"a": "string", "b": "string"})
        >>> split_texts([x["a"].lower().tokens().node, x["b"].hash(10).node])
        ['a']
    """
    taken = (
        node for node in in_order(nodes) if isinstance(node.operation, Extract | Split | TextLength | Tokens)
    )
    columns = (node.operation for node in in_order(list(taken)))
    return [column.name for column in columns if isinstance(column, Column) and column.type == "string"]
