"""Architecture: from the layout of the features to a small network that suits it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from tilth.features.blocks import Block
from tilth.training.networks.layers import (
    Convolve,
    Dense,
    Drop,
    Halve,
    Layer,
    Normalize,
    ReadTokens,
    Rectify,
    Summarize,
)

__all__ = ["Branch", "Network", "branch_name", "design", "parameter_shapes", "row_cells"]

_IMAGE_KERNEL = (3, 3)
_TIME_KERNEL = (5,)
_TOKEN_KERNEL = 3
_LEAST_SIDE = 4
"""A side of fewer places than this is not halved any more."""


@dataclass(frozen=True)
class Branch:
    """The part of a network that reads one kind of features.

    Args:
        kind: what they are.
        spans: their columns, as (start, stop).
        shape: of a row, the last axis going fastest: see `Block`; of numbers (count,).
        layers: from a tensor of that shape, channels first, to a vector.
    """

    kind: Literal["numbers", "image", "frames", "tokens"]
    spans: tuple[tuple[int, int], ...]
    shape: tuple[int, ...]
    layers: tuple[Layer, ...]


@dataclass(frozen=True)
class Network:
    """Branches beside each other, and a head on all that they give.

    Args:
        features: how many columns it reads.
        branches: one for each block, and one for the numbers in none.
        head: from the vectors side by side to the outputs (n, outputs).
    """

    features: int
    branches: tuple[Branch, ...]
    head: tuple[Layer, ...]

    @property
    def outputs(self) -> int:
        """How many numbers come out."""
        last = self.head[-1]
        assert isinstance(last, Dense)
        return last.outputs


def design(
    features: int, blocks: Sequence[Block], outputs: int, *, width: int, depth: int, dropout: float
) -> Network:
    """A small reference network.

    Images pass through 3 x 3 convolutions, frames through convolutions of 5 over time, each followed by
    normalization and halving, the channels doubling; texts through embedding, convolution and attention;
    numbers through plain layers.

    Args:
        features: how many columns there are.
        blocks: which of them belong together.
        outputs: how many numbers shall come out.
        width: channels of an image's first convolution; all else is in proportion.
        depth: how many convolutions, or layers of numbers.
        dropout: the share of values dropped before each layer of the head.

    Example:
        >>> made = design(784, [Block("image", "x", 0, 784, (28, 28, 1))], 2, width=4, depth=1, dropout=0.0)
        >>> made.branches[0].layers[0]
        Convolve(inputs=1, outputs=4, kernel=(3, 3))
    """
    branches: list[Branch] = []
    vectors = 0
    for block in blocks:
        layers, size = _READERS[block.kind](block, width, depth)
        branches.append(Branch(block.kind, ((block.start, block.stop),), block.shape, tuple(layers)))
        vectors += size
    spans = tuple(_between(features, blocks))
    if spans:
        count, hidden = sum(stop - start for start, stop in spans), 8 * width
        sizes = [count, *[hidden] * depth]
        plain: list[Layer] = []
        for inputs, made in pairwise(sizes):
            plain += [Dense(inputs, made), Rectify()]
        branches.append(Branch("numbers", spans, (count,), tuple(plain)))
        vectors += hidden
    drop = [Drop(dropout)] if dropout else []
    head = [*drop, Dense(vectors, 8 * width), Rectify(), *drop, Dense(8 * width, outputs)]
    return Network(features, tuple(branches), tuple(head))


def parameter_shapes(network: Network) -> Mapping[str, tuple[int, ...]]:
    """The shape of each learned parameter, by "branch.layer.name" or "head.layer.name".

    Example:
        >>> parameter_shapes(design(3, [], 1, width=1, depth=1, dropout=0.0))["numbers.0.weight"]
        (8, 3)
    """
    found: dict[str, tuple[int, ...]] = {}
    for prefix, layers in _named_layers(network):
        for place, layer in enumerate(layers):
            found |= {f"{prefix}.{place}.{name}": shape for name, shape in layer.shapes().items()}
    return found


def row_cells(network: Network) -> int:
    """How many numbers the widest tensor has for one row.

    Example:
        >>> block = Block("image", "x", 0, 784, (28, 28, 1))
        >>> row_cells(design(784, [block], 2, width=4, depth=1, dropout=0.0))
        3136
    """
    most = network.features
    for branch in network.branches:
        places = math.prod(branch.shape if branch.kind == "tokens" else branch.shape[:-1])
        for layer in branch.layers:
            if isinstance(layer, Convolve):
                most = max(most, layer.outputs * places)
            elif isinstance(layer, ReadTokens):
                most = max(most, layer.width * places)
            elif isinstance(layer, Halve):
                places //= 2**layer.axes
    return most


def _named_layers(network: Network) -> Iterator[tuple[str, tuple[Layer, ...]]]:
    """The branches' layers and the head's, with the names that their parameters begin with."""
    for place, branch in enumerate(network.branches):
        yield branch_name(network, place), branch.layers
    yield "head", network.head


def branch_name(network: Network, place: int) -> str:
    """What a branch's parameters are called: its kind, with its place where there are several blocks."""
    kind = network.branches[place].kind
    return kind if kind == "numbers" else f"{kind}{place}"


def _image(block: Block, width: int, depth: int) -> tuple[list[Layer], int]:
    height, wide, channels = block.shape
    return _convolutions(channels, width, (height, wide), _IMAGE_KERNEL, depth)


def _frames(block: Block, width: int, depth: int) -> tuple[list[Layer], int]:
    moments, coefficients = block.shape
    return _convolutions(coefficients, 2 * width, (moments,), _TIME_KERNEL, depth)


def _convolutions(
    channels: int, width: int, places: tuple[int, ...], kernel: tuple[int, ...], depth: int
) -> tuple[list[Layer], int]:
    layers: list[Layer] = []
    for stage in range(depth):
        made = width * 2**stage
        layers += [Convolve(channels, made, kernel), Normalize(made, len(places)), Rectify()]
        if min(places) >= _LEAST_SIDE:
            layers.append(Halve(len(places)))
            places = tuple(side // 2 for side in places)
        channels = made
    return [*layers, Summarize()], 2 * channels


def _tokens(block: Block, width: int, _: int) -> tuple[list[Layer], int]:
    return [ReadTokens(block.size, 4 * width, _TOKEN_KERNEL)], 8 * width


_READERS = {"image": _image, "frames": _frames, "tokens": _tokens}


def _between(features: int, blocks: Sequence[Block]) -> Iterator[tuple[int, int]]:
    """The columns in no block."""
    start = 0
    for block in [*sorted(blocks, key=lambda block: block.start), None]:
        stop = features if block is None else block.start
        if stop > start:
            yield start, stop
        start = features if block is None else block.stop
