"""ProbabilityMap: a rising function of a probability, as arrays and as nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from tilth.types import JSONObject

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

__all__ = ["LEAST", "ProbabilityMap", "logits"]

Floats = npt.NDArray[np.float64]

LEAST = 1e-6
"""Probabilities nearer to 0 or 1 are taken for this in a logit, so that a forest's 0 has one."""


class ProbabilityMap(Protocol):
    """A rising function for each of k columns of probabilities."""

    def apply(self, scores: Floats, rests: Floats, /) -> Floats:
        """The function (n, k) of probabilities (n, k), given what is left beside each (n, k)."""

    def nodes(self, scores: str, rests: str, output: str, /) -> tuple[list[NodeProto], list[TensorProto]]:
        """The same in a graph, on double tensors of these names."""

    def to_json(self) -> JSONObject:
        """Its constants."""


def logits(scores: Floats, rests: Floats) -> Floats:
    """log(p / (1 - p)), with what is left beside p given, since 1 - p would lose the digits of small rests.

    Example:
        >>> logits(np.array([0.5, 1.0]), np.array([0.5, 0.0])).round(2).tolist()
        [0.0, 13.82]
    """
    found = np.log(np.maximum(scores, LEAST)) - np.log(np.maximum(rests, LEAST))
    return np.asarray(found, np.float64)
