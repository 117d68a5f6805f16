"""Temperature: probabilities of several classes made more or less sure by one number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tilth.training.probability_maps import Floats
from tilth.types import JSONObject

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

__all__ = ["COLDEST", "HOTTEST", "Power", "fit_temperature"]

COLDEST = 0.05
HOTTEST = 20.0
_ITERATIONS = 100
_LEAST = 1e-12
"""A probability of 0 for what was true would cost infinitely much: it is taken for this."""


@dataclass(frozen=True)
class Power:
    """p ** (1 / temperature); divided by their sum, that is softmax(log p / temperature).

    Example:
        >>> Power(2.0).apply(np.array([[0.25, 0.01]]), np.array([[0.75, 0.99]])).round(6).tolist()
        [[0.5, 0.1]]
    """

    temperature: float

    def apply(self, scores: Floats, _rests: Floats, /) -> Floats:
        """The function (n, k) of probabilities (n, k)."""
        return np.asarray(np.power(scores, 1.0 / self.temperature), np.float64)

    def nodes(self, scores: str, _rests: str, output: str, /) -> tuple[list[NodeProto], list[TensorProto]]:
        """The same in a graph, on double tensors of these names."""
        from onnx import helper, numpy_helper

        power = numpy_helper.from_array(np.array(1.0 / self.temperature), "tilth:calibration.power")
        return [helper.make_node("Pow", [scores, power.name], [output])], [power]

    def to_json(self) -> JSONObject:
        """Its constants."""
        return {"temperature": self.temperature}


def fit_temperature(scores: Floats, y: npt.NDArray[np.int64], weights: Floats) -> Power:
    """The likeliest temperature, from 0.05 to 20.

    Guo et al., "On calibration of modern neural networks", 2017. The loss is convex in 1 / temperature, whose
    best value is found by Newton's method. One row more, spread over the classes (as Laplace's rule of
    succession), keeps a model without mistakes from certainty.

    Args:
        scores: (n, c), probabilities.
        y: (n,), codes of the true classes.
        weights: (n,), 1 on average.

    Example:
        >>> scores = np.tile([[0.98, 0.01, 0.01]], (1000, 1))
        >>> power = fit_temperature(scores, np.repeat([0, 1, 2], [800, 100, 100]), np.ones(1000))
        >>> round(power.temperature, 2)
        2.21
    """
    logs = np.log(np.maximum(scores, _LEAST))
    classes = scores.shape[1]
    spread = classes / (len(y) + classes)
    wanted = (1 - spread) * logs[np.arange(len(y)), y] + spread * logs.mean(axis=1)

    def slope(power: float) -> tuple[float, float]:
        """The first and the second derivative of the loss by 1 / temperature."""
        shares = np.exp(power * (logs - logs.max(axis=1, keepdims=True)))
        shares /= shares.sum(axis=1, keepdims=True)
        expected = (shares * logs).sum(axis=1)
        spread_of = (shares * (logs - expected[:, None]) ** 2).sum(axis=1)
        return float((weights * (expected - wanted)).sum()), float((weights * spread_of).sum())

    low, high = 1 / HOTTEST, 1 / COLDEST
    if slope(low)[0] >= 0 or slope(high)[0] <= 0:
        return Power(1 / (low if slope(low)[0] >= 0 else high))
    power = 1.0
    for _ in range(_ITERATIONS):
        first, second = slope(power)
        low, high = (low, power) if first > 0 else (power, high)
        # Newton's step, or where that leaves what is known to hold the best value, the middle of it.
        step = power - first / second if second > 0 else high
        before, power = power, step if low < step < high else (low + high) / 2
        if abs(power - before) <= 1e-12 * power:
            break
    return Power(1 / power)
