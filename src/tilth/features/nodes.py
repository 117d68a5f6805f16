"""Node: one step of an expression, and what kind of value it gives."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tilth.features.operations import Group, Operation, RowWise
from tilth.types import ColumnType

__all__ = ["COLUMN_KINDS", "KIND_WORDS", "NUMERIC", "WHOLE", "Kind", "Node", "column_names", "in_order"]

_LONGEST_TEXT = 200

Kind = Literal[
    "number",
    "integer",
    "flag",
    "text",
    "datetime",
    "vector",
    "texts",
    "numbers",
    "image",
    "sound",
    "frames",
]
"""What an expression gives. Integers and flags are numbers that may also be used as categories."""

NUMERIC: tuple[Kind, ...] = ("number", "integer", "flag")

WHOLE: tuple[Kind, ...] = ("texts", "numbers", "image", "sound", "frames")
"""What a graph keeps in a tensor of its own for each expression, not in columns."""

KIND_WORDS: dict[Kind, str] = {
    "number": "a number",
    "integer": "an integer",
    "flag": "a flag",
    "text": "text",
    "datetime": "a datetime",
    "vector": "several numbers",
    "texts": "a list of texts",
    "numbers": "a list of numbers",
    "image": "an image",
    "sound": "a recording",
    "frames": "numbers over time",
}

COLUMN_KINDS: dict[ColumnType, Kind] = {
    "int": "integer",
    "float": "number",
    "bool": "flag",
    "string": "text",
    "datetime": "datetime",
    "list[int]": "numbers",
    "list[float]": "numbers",
    "list[bool]": "numbers",
    "list[datetime]": "numbers",
    "list[string]": "texts",
    "image": "image",
    "audio": "sound",
}


@dataclass(frozen=True, eq=False)
class Node:
    """An operation applied to other nodes. Nodes are compared by identity.

    Args:
        operation: what is done.
        arguments: to what.
        kind: what comes out.
        text: how a person wrote it, such as `x["age"].zscore()`.
        place: where, such as "features.py, line 12".
    """

    operation: Operation
    arguments: tuple[Node, ...] = ()
    kind: Kind = "number"
    text: str = ""
    place: str | None = None

    def __post_init__(self) -> None:
        if len(self.text) > _LONGEST_TEXT:
            object.__setattr__(self, "text", self.text[: _LONGEST_TEXT - 3] + "...")


def in_order(nodes: Iterable[Node]) -> list[Node]:
    """Nodes and all that they are made of, each once, arguments before what is made of them."""
    done: dict[int, Node] = {}
    waiting = list(nodes)[::-1]
    while waiting:
        node = waiting[-1]
        ahead = [argument for argument in node.arguments if id(argument) not in done]
        if ahead:
            waiting.extend(reversed(ahead))
        else:
            done[id(waiting.pop())] = node
    return list(done.values())


def column_names(node: Node, name: str) -> list[str]:
    """The names of the columns that a fitted node makes of a feature called `name`."""
    if isinstance(node.operation, Group):
        parts = zip(node.operation.suffixes, node.arguments, strict=True)
        return [found for suffix, part in parts for found in column_names(part, name + suffix)]
    assert isinstance(node.operation, RowWise)
    return node.operation.column_names(name)
