"""Platt's calibration: a line through the logit of a probability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tilth.training.probability_maps import LEAST, Floats, logits
from tilth.training.temperature import COLDEST, HOTTEST
from tilth.types import JSONObject

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

__all__ = ["LogitLine", "fit_sigmoid", "fit_slope"]

Flags = npt.NDArray[np.bool_]

_ITERATIONS = 200
_RIDGE = 1e-9


@dataclass(frozen=True)
class LogitLine:
    """sigmoid(slope * logit(p) + intercept), for each of k columns.

    Args:
        slopes: (k,), 0 or more.
        intercepts: (k,).
        known: (k,), which columns are corrected; others stay as they are.

    Example:
        >>> line = LogitLine((0.5,), (0.0,), (True,))
        >>> line.apply(np.array([[0.5], [0.9]]), np.array([[0.5], [0.1]])).round(2).tolist()
        [[0.5], [0.75]]
    """

    slopes: tuple[float, ...]
    intercepts: tuple[float, ...]
    known: tuple[bool, ...]

    def apply(self, scores: Floats, rests: Floats, /) -> Floats:
        """The function (n, k) of probabilities (n, k)."""
        lines = logits(scores, rests) * np.array(self.slopes) + np.array(self.intercepts)
        return np.where(np.array(self.known), _expit(lines), scores)

    def nodes(self, scores: str, rests: str, output: str, /) -> tuple[list[NodeProto], list[TensorProto]]:
        """The same in a graph, on double tensors of these names."""
        from onnx import helper, numpy_helper

        name = "tilth:calibration.line.{}".format
        constants = [
            numpy_helper.from_array(np.array(LEAST), name("least")),
            numpy_helper.from_array(np.array(self.slopes), name("slopes")),
            numpy_helper.from_array(np.array(self.intercepts), name("intercepts")),
        ]
        nodes = []
        for source, short in ((scores, "of"), (rests, "beside")):
            nodes += [
                helper.make_node("Max", [source, name("least")], [name(f"{short}.clipped")]),
                helper.make_node("Log", [name(f"{short}.clipped")], [name(f"{short}.log")]),
            ]
        nodes += [
            helper.make_node("Sub", [name("of.log"), name("beside.log")], [name("logit")]),
            helper.make_node("Mul", [name("logit"), name("slopes")], [name("scaled")]),
            helper.make_node("Add", [name("scaled"), name("intercepts")], [name("line")]),
        ]
        if all(self.known):
            return [*nodes, helper.make_node("Sigmoid", [name("line")], [output])], constants
        nodes += [
            helper.make_node("Sigmoid", [name("line")], [name("corrected")]),
            helper.make_node("Where", [name("known"), name("corrected"), scores], [output]),
        ]
        return nodes, [*constants, numpy_helper.from_array(np.array(self.known), name("known"))]

    def to_json(self) -> JSONObject:
        """Its constants."""
        return {"slopes": list(self.slopes), "intercepts": list(self.intercepts)}


def fit_sigmoid(scores: Floats, rests: Floats, truth: Floats, weights: Floats, known: Flags, /) -> LogitLine:
    """The likeliest lines that do not fall, with Platt's targets, which keep a perfect model from certainty.

    Platt, "Probabilistic outputs for support vector machines", 1999; its targets are (N+ + 1) / (N+ + 2) and
    1 / (N- + 2). Newton's method as Lin, Lin and Weng, "A note on Platt's probabilistic outputs", 2007.

    Args:
        scores: (n, k), probabilities.
        rests: (n, k), what is left beside each.
        truth: (n, k), 0 or 1.
        weights: (n,), 1 on average.
        known: (k,), which columns to fit.

    Example:
        >>> scores = np.repeat([[0.01], [0.99]], 500, axis=0)
        >>> truth = np.tile(np.arange(10)[:, None] < 1, (100, 1)) ^ (scores > 0.5)
        >>> line = fit_sigmoid(scores, 1 - scores, truth * 1.0, np.ones(1000), np.array([True]))
        >>> line.apply(scores[[0, -1]], 1 - scores[[0, -1]]).round(2).tolist()
        [[0.1], [0.9]]
    """
    return _fit(scores, rests, truth, weights, known, with_intercept=True)


def fit_slope(scores: Floats, rests: Floats, truth: Floats, weights: Floats, known: Flags, /) -> LogitLine:
    """`fit_sigmoid` with lines through 0: a temperature, 1 / slope, from 0.05 to 20 for each column."""
    return _fit(scores, rests, truth, weights, known, with_intercept=False)


def _fit(
    scores: Floats, rests: Floats, truth: Floats, weights: Floats, known: Flags, *, with_intercept: bool
) -> LogitLine:
    slopes, intercepts = np.ones(len(known)), np.zeros(len(known))
    of = logits(scores, rests)
    for at in np.flatnonzero(known).tolist():
        targets = _targets(truth[:, at], weights)
        slopes[at], intercepts[at] = _line(of[:, at], targets, weights, with_intercept)
    return LogitLine(tuple(slopes.tolist()), tuple(intercepts.tolist()), tuple(known.tolist()))


def _targets(truth: Floats, weights: Floats) -> Floats:
    positive = float((weights * truth).sum())
    negative = float(weights.sum()) - positive
    return np.where(truth > 0, (positive + 1) / (positive + 2), 1 / (negative + 2))


def _line(of: Floats, targets: Floats, weights: Floats, with_intercept: bool) -> tuple[float, float]:
    """Slope and intercept of least log loss."""
    share = float((weights * targets).sum() / weights.sum())
    base = float(np.log(share) - np.log1p(-share)) if with_intercept else 0.0
    line = np.array([0.0, base])
    free = np.array([True, with_intercept])
    if float((weights * (targets - _expit(np.full_like(of, base))) * of).sum()) <= 0:
        # The scores say the opposite of the truth, if anything.
        return (0.0 if with_intercept else 1 / HOTTEST), base
    for _ in range(_ITERATIONS):
        step = _newton(line, of, targets, weights, free)
        if step is None or np.abs(step).max() < 1e-12:
            break
        line = line + step
    slope = float(line[0])
    return (slope if with_intercept else min(max(slope, 1 / HOTTEST), 1 / COLDEST)), float(line[1])


def _newton(line: Floats, of: Floats, targets: Floats, weights: Floats, free: Flags) -> Floats | None:
    """The next step down, halved until it goes down; None where none does."""
    told = _expit(line[0] * of + line[1])
    off, curve = weights * (targets - told), weights * told * (1 - told)
    slope = np.array([(off * of).sum(), off.sum()]) * free
    matrix = np.array([[(curve * of * of).sum(), (curve * of).sum()], [(curve * of).sum(), curve.sum()]])
    matrix = np.where(np.outer(free, free), matrix, 0.0) + np.diag(np.where(free, _RIDGE, 1.0))
    step = np.linalg.solve(matrix, slope)
    before = _loss(line, of, targets, weights)
    for _ in range(50):
        if _loss(line + step, of, targets, weights) < before:
            return np.asarray(step, np.float64)
        step = step / 2
    return None


def _loss(line: Floats, of: Floats, targets: Floats, weights: Floats) -> float:
    told = line[0] * of + line[1]
    return float((weights * (np.logaddexp(0.0, told) - targets * told)).sum())


def _expit(values: Floats) -> Floats:
    # tanh, since exp of large numbers overflows
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * values)), np.float64)
