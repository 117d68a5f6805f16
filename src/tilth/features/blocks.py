"""Block: which columns of the features belong together as an image, frames over time or a text's tokens."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from tilth.features import operations as op
from tilth.features.nodes import Node, column_names

if TYPE_CHECKING:
    from tilth.inference import Graph

__all__ = ["BLOCKS_KEY", "Block", "BlockKind", "block_notes", "blocks_of"]

BLOCKS_KEY = "tilth.blocks"
"""Where a graph says which of its features belong together."""

BlockKind = Literal["image", "frames", "tokens"]


@dataclass(frozen=True)
class Block:
    """Adjoining columns of the features that are one thing. Columns in no block are numbers of their own.

    Args:
        kind: "image" of shape (height, width, channels), "frames" of (moments, coefficients), "tokens" of
            (length,).
        name: the feature's name in features.py.
        start: its first column.
        stop: the column behind its last.
        shape: what its columns are, the last axis going fastest.
        size: of tokens how many numbers there are, 0 to size - 1; else 0.
    """

    kind: BlockKind
    name: str
    start: int
    stop: int
    shape: tuple[int, ...]
    size: int = 0


def blocks_of(graph: Graph) -> tuple[Block, ...]:
    """The blocks of the features that a transform's graph, or a model's, computes; none where it names none.

    Example:
        >>> from tilth.features import Transform
        >>> rows = {"n": [1.0, 2.0], "text": ["good day", "good night to all"]}
        >>> features = lambda x: {"n": x["n"], "words": x["text"].tokens().token_ids(3)}
        >>> blocks_of(Transform(features).fit(rows).graph)
        (Block(kind='tokens', name='words', start=1, stop=4, shape=(3,), size=7),)
    """
    told = json.loads(graph.metadata.get(BLOCKS_KEY, "[]"))
    return tuple(Block(**{**entry, "shape": tuple(entry["shape"])}) for entry in told)


def block_notes(names: Sequence[str], nodes: Sequence[Node]) -> Mapping[str, str]:
    """What a graph says of its blocks: metadata by key; nothing where there are none.

    Args:
        names: the features' names.
        nodes: their fitted expressions.
    """
    found: list[Block] = []
    start = 0
    for name, node in zip(names, nodes, strict=True):
        stop = start + len(column_names(node, name))
        form = _form(node)
        if form is not None:
            kind, shape, size = form
            assert math.prod(shape) == stop - start
            found.append(Block(kind, name, start, stop, shape, size))
        start = stop
    return {BLOCKS_KEY: json.dumps([asdict(block) for block in found])} if found else {}


def _form(node: Node) -> tuple[BlockKind, tuple[int, ...], int] | None:
    """Kind, shape and size of what a fitted node gives; None for plain numbers."""
    operation = node.operation
    if isinstance(operation, op.Pixels):
        return "image", (operation.height, operation.width, operation.channels), 0
    if isinstance(operation, op.ResampleTime):
        return "frames", (operation.steps, operation.coefficients), 0
    if isinstance(operation, op.FirstFrames):
        return "frames", (operation.count, operation.coefficients), 0
    if isinstance(operation, op.TokenIds):
        known = node.arguments[0].operation
        assert isinstance(known, op.Lookup)
        return "tokens", (operation.length,), len(known.values) + 2  # 0 is no token, 1 one that is not known
    return None
