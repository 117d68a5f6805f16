"""Layers: the steps of a network as small values that know neither PyTorch nor ONNX.

What a layer computes stands in two tables: `forward.FORWARD` for learning, `nodes.NODES` for the graph.
Tensors have the rows first, then channels, then places: (n, c, height, width), (n, c, moments) or (n, c).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Convolve", "Dense", "Drop", "Halve", "Layer", "Normalize", "ReadTokens", "Rectify", "Summarize"]


@dataclass(frozen=True)
class Layer:
    """A step from a tensor to a tensor."""

    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The shapes of what it learns, by name; nothing by default."""
        return {}


@dataclass(frozen=True)
class Dense(Layer):
    """weight x + bias, of vectors (n, inputs)."""

    inputs: int
    outputs: int

    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """A row of weights for each output."""
        return {"weight": (self.outputs, self.inputs), "bias": (self.outputs,)}


@dataclass(frozen=True)
class Convolve(Layer):
    """A convolution with an odd kernel over all places, which keeps their number: zeros lie around them."""

    inputs: int
    outputs: int
    kernel: tuple[int, ...]

    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """A kernel from each input to each output."""
        return {"weight": (self.outputs, self.inputs, *self.kernel), "bias": (self.outputs,)}


@dataclass(frozen=True)
class Normalize(Layer):
    """scale (x - mean) / sqrt(variance + 1e-5) + shift, mean and variance over all of a row.

    Group normalization (Wu and He, 2018) with one group: a row alone gives what it gives among others, in
    training too, so that even a single example can be learned.
    """

    channels: int
    axes: int

    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """A scale and a shift for each channel."""
        return {"scale": (self.channels,), "shift": (self.channels,)}


@dataclass(frozen=True)
class Rectify(Layer):
    """max(x, 0)."""


@dataclass(frozen=True)
class Halve(Layer):
    """The greatest of each 2 or 2 x 2 places; what is left over at the end is dropped."""

    axes: int


@dataclass(frozen=True)
class Summarize(Layer):
    """Mean and greatest value of each channel over all places: (n, 2 c)."""


@dataclass(frozen=True)
class Drop(Layer):
    """In training a share of the values is set to 0, the others are raised to make up for it."""

    share: float


@dataclass(frozen=True)
class ReadTokens(Layer):
    """From the numbers of tokens (n, length) to a vector for each text (n, 2 width); 0 is no token.

    Each token has a vector; a convolution over neighbors makes features of them, of which a mean weighted by
    attention (softmax of a learned product) and the greatest value are taken, over the tokens that are there.
    """

    size: int
    width: int
    kernel: int

    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The tokens' vectors, the convolution, and what the attention looks for."""
        return {
            "embedding": (self.size, self.width),
            "weight": (self.width, self.width, self.kernel),
            "bias": (self.width,),
            "attention": (self.width, 1),
        }
