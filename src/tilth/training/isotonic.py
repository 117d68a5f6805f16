"""Isotonic calibration: the rising function nearest to the outcomes, straight between its steps."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tilth.training.probability_maps import Floats
from tilth.training.trees import Tree, ensemble_nodes
from tilth.types import JSONObject

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

__all__ = ["Knots", "fit_isotonic"]

_IDENTITY = ((0.0, 1.0), (0.0, 1.0))


@dataclass(frozen=True)
class Knots:
    """Straight lines from knot to knot, level beyond the ends, for each of k columns.

    Args:
        x: for each column the probabilities of its knots, rising.
        y: for each column the values at its knots, not falling.

    Example:
        >>> knots = Knots(((0.2, 0.4),), ((0.1, 0.5),))
        >>> knots.apply(np.array([[0.0], [0.3], [0.4]]), np.zeros((3, 1))).round(6).tolist()
        [[0.1], [0.3], [0.5]]
    """

    x: tuple[tuple[float, ...], ...]
    y: tuple[tuple[float, ...], ...]

    def apply(self, scores: Floats, _rests: Floats, /) -> Floats:
        """The function (n, k) of probabilities (n, k)."""
        starts = self._starts()
        at = np.stack(
            [
                start + np.maximum(np.searchsorted(x, scores[:, column], side="right") - 1, 0)
                for column, (start, x) in enumerate(zip(starts, self.x, strict=True))
            ],
            axis=1,
        )
        x, y, slopes = self._lines()
        return np.asarray(y[at] + slopes[at] * np.maximum(scores - x[at], 0.0), np.float64)

    def nodes(self, scores: str, _rests: str, output: str, /) -> tuple[list[NodeProto], list[TensorProto]]:
        """The same in a graph, on double tensors of these names; one tree a column finds the knot."""
        from onnx import TensorProto, helper, numpy_helper

        name = "tilth:calibration.knots.{}".format
        trees = [
            _search_tree(column, start, x)
            for column, (start, x) in enumerate(zip(self._starts(), self.x, strict=True))
        ]
        targets = [np.array([column]) for column in range(len(self.x))]
        nodes = ensemble_nodes(trees, targets, np.zeros(len(self.x)), scores, name("found"))
        nodes.append(helper.make_node("Cast", [name("found")], [name("at")], to=TensorProto.INT64))
        constants = []
        for short, values in zip(("x", "y", "slopes"), self._lines(), strict=True):
            constants.append(numpy_helper.from_array(values, name(short)))
            nodes.append(helper.make_node("Gather", [name(short), name("at")], [name(f"{short}.of")], axis=0))
        zero = numpy_helper.from_array(np.array(0.0), name("zero"))
        nodes += [
            helper.make_node("Sub", [scores, name("x.of")], [name("past")]),
            helper.make_node("Max", [name("past"), zero.name], [name("beyond")]),
            helper.make_node("Mul", [name("slopes.of"), name("beyond")], [name("rise")]),
            helper.make_node("Add", [name("y.of"), name("rise")], [output]),
        ]
        return nodes, [*constants, zero]

    def to_json(self) -> JSONObject:
        """Its constants."""
        return {"x": [list(x) for x in self.x], "y": [list(y) for y in self.y]}

    def _starts(self) -> list[int]:
        """Where each column's knots begin among all."""
        return [0, *itertools.accumulate(len(x) for x in self.x[:-1])]

    def _lines(self) -> tuple[Floats, Floats, Floats]:
        """All knots: x, y and the slope of the line that begins there."""
        slopes = [np.append(np.diff(y) / np.diff(x), 0.0) for x, y in zip(self.x, self.y, strict=True)]
        x, y = (np.array([value for each in values for value in each]) for values in (self.x, self.y))
        return x, y, np.concatenate(slopes)


def fit_isotonic(
    scores: Floats, _rests: Floats, truth: Floats, weights: Floats, known: npt.NDArray[np.bool_], /
) -> Knots:
    """The rising functions of least squared error, by scikit-learn's IsotonicRegression.

    Zadrozny and Elkan, "Transforming classifier scores into accurate multiclass probability estimates", 2002.

    Args:
        scores: (n, k), probabilities.
        _rests: (n, k), not looked at.
        truth: (n, k), 0 or 1.
        weights: (n,).
        known: (k,), which columns to fit; others stay as they are.

    Example:
        >>> scores, truth = np.array([[0.1], [0.2], [0.3], [0.9]]), np.array([[0.0], [1.0], [0.0], [1.0]])
        >>> fit_isotonic(scores, scores, truth, np.ones(4), np.array([True])).y
        ((0.0, 0.5, 0.5, 1.0),)
    """
    found = [
        _knots(scores[:, at], truth[:, at], weights) if fit else _IDENTITY
        for at, fit in enumerate(known.tolist())
    ]
    return Knots(tuple(x for x, _ in found), tuple(y for _, y in found))


def _knots(scores: Floats, truth: Floats, weights: Floats) -> tuple[tuple[float, ...], tuple[float, ...]]:
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(scores, truth, weights)
    return tuple(fitted.X_thresholds_.tolist()), tuple(fitted.y_thresholds_.tolist())


def _search_tree(column: int, start: int, x: Sequence[float]) -> Tree:
    """A balanced tree whose leaves are the numbers of the knots, from `start` on, at or before a value."""
    rows: list[tuple[float, int, int, bool, float]] = []

    def grow(low: int, high: int) -> int:
        """The node for the knots from `low` to before `high`."""
        at = len(rows)
        if high - low == 1:
            rows.append((0.0, at, at, True, float(start + low)))
            return at
        middle = (low + high) // 2
        rows.append((0.0, 0, 0, False, 0.0))
        left, right = grow(low, middle), grow(middle, high)
        # A value at a knot belongs to the line that begins there; trees send what is equal to the left.
        rows[at] = (float(np.nextafter(x[middle], -np.inf)), left, right, False, 0.0)
        return at

    grow(0, len(x))
    thresholds, left, right, leaves, values = zip(*rows, strict=True)
    return Tree(
        np.full(len(rows), column),
        np.array(thresholds),
        np.array(left),
        np.array(right),
        np.zeros(len(rows), np.bool_),
        np.array(leaves),
        np.array(values)[:, None],
    )
