"""Calibration: probabilities corrected so that of rows told 0.8, 80 in 100 are positive."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from tilth.errors import TrainingError, counted
from tilth.training.isotonic import fit_isotonic
from tilth.training.order import canonical_order
from tilth.training.probability_maps import ProbabilityMap
from tilth.training.rows import Labels
from tilth.training.sigmoid import fit_sigmoid, fit_slope
from tilth.training.temperature import fit_temperature
from tilth.types import JSONObject

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

__all__ = ["Calibration", "fit_calibration"]

Floats = npt.NDArray[np.float64]
Shape = Literal["pair", "shares", "labels"]

_WHERE = "[train] calibration"
_LEAST_ROWS = {"sigmoid": 20, "temperature": 20, "isotonic": 100}
_LEAST_OF_A_CLASS = 5
_ONLY = "tilth:calibration"


@dataclass(frozen=True)
class Calibration:
    """A correction of probabilities that NumPy and a graph compute alike.

    Args:
        kind: "sigmoid", "isotonic" or "temperature".
        shape: how corrected columns become probabilities: "pair": one column is corrected, the other class
            has the rest; "shares": each column is, then they are divided by their sum (where that is 0, the
            row stays as it was); "labels": each column is, independently.
        columns: the correction of each column, rising.
        rows: how many rows it was learned from.
        kept: the codes of the classes that stay as they were for want of rows.

    Example:
        >>> scores = np.repeat([[0.9, 0.1], [0.2, 0.8]], 50, axis=0)
        >>> y = np.repeat([0, 1, 0, 1], [40, 10, 20, 30])
        >>> fit_calibration("isotonic", scores, y).apply(scores)[[0, 99], 1].round(3).tolist()
        [0.2, 0.6]
    """

    kind: str
    shape: Shape
    columns: ProbabilityMap
    rows: int
    kept: tuple[int, ...] = ()

    def apply(self, scores: Floats) -> Floats:
        """The corrected probabilities (n, classes) of probabilities (n, classes)."""
        of, rests = _split(self.shape, scores)
        return _joined(self.shape, self.columns.apply(of, rests), scores)

    def slack(self, scores: Floats, rounding: float) -> Floats:
        """How far a correction may move (n, classes) where probabilities move by so much, as by rounding.

        A steep step of an isotonic correction makes of two probabilities that a graph and an estimator
        round differently two that differ much; no correct graph can do better.
        """
        of, rests = _split(self.shape, scores)
        found = self.columns.apply(of, rests)
        moved = np.zeros_like(found)
        for step in (-rounding, rounding):
            shifted = self.columns.apply(np.clip(of + step, 0.0, 1.0), np.clip(rests - step, 0.0, 1.0))
            moved = np.maximum(moved, np.abs(shifted - found))
        if self.shape == "pair":
            return np.repeat(moved, 2, axis=1)
        if self.shape == "labels":
            return moved
        tiny = np.finfo(float).tiny
        sums, together = found.sum(axis=1, keepdims=True), moved.sum(axis=1, keepdims=True)
        spread = moved + found / np.maximum(sums, tiny) * together
        return np.asarray(np.minimum(1.0, spread / np.maximum(sums - together, tiny)), np.float64)

    def nodes(self, scores: str, output: str) -> tuple[list[NodeProto], list[TensorProto]]:
        """The nodes from the tensor `scores`, double (n, classes), to the tensor `output` like it."""
        before, constants, (of, rests) = _split_nodes(self.shape, scores)
        found = f"{_ONLY}.found"
        within, more = self.columns.nodes(of, rests, found)
        after, last = _joined_nodes(self.shape, found, scores, output)
        return [*before, *within, *after], [*constants, *more, *last]

    def __str__(self) -> str:
        """What was done, in words."""
        few = "1 class" if len(self.kept) == 1 else f"{len(self.kept)} classes"
        kept = f", {few} as before for want of dev rows" if self.kept else ""
        return f"{self.kind} calibration on {counted(self.rows, 'dev row')}{kept}"

    def to_json(self) -> JSONObject:
        """Its kind and its constants as JSON values."""
        return {
            "kind": self.kind,
            "shape": self.shape,
            "rows": self.rows,
            "kept": list(self.kept),
            **self.columns.to_json(),
        }


def fit_calibration(kind: str, scores: Floats, y: Labels, weights: Floats | None = None) -> Calibration:
    """A calibration learned from probabilities (n, classes) and truths, the same for rows in any order.

    Args:
        kind: "sigmoid": Platt's line through the logit (for several classes each against the rest, then
            divided by their sum); "isotonic": the rising function nearest to the outcomes, straight between
            its steps; "temperature": all probabilities to one power, divided by their sum.
        scores: (n, classes), probabilities of rows that were not learned from.
        y: codes (n,), or for several labels (n, classes), 0 or 1.
        weights: (n,), how much each row counts.

    Raises:
        TrainingError: no such kind, too few rows, or only one class among them.
    """
    if kind not in _LEAST_ROWS:
        raise TrainingError(f"no calibration '{kind}'", where=_WHERE, expected=f"one of {', '.join(_FITS)}")
    kept_rows = np.ones(len(y), np.bool_) if weights is None else weights > 0
    own = np.ones(len(y)) if weights is None else weights
    scores, y, own = scores[kept_rows], y[kept_rows], own[kept_rows]
    order = canonical_order(scores, y, own)
    scores, y, own = scores[order], y[order], own[order]
    if len(y) < _LEAST_ROWS[kind]:
        raise _too_few(kind, counted(len(y), "dev row"), f"at least {_LEAST_ROWS[kind]}")
    if y.ndim == 1 and (y == y[0]).all():
        raise _one_class(kind)
    own = own * (len(own) / own.sum())
    if y.ndim == 1 and kind == "temperature":
        return Calibration(kind, "shares", fit_temperature(scores, y.astype(np.int64), own), len(y))
    return _by_columns(kind, scores, y, own)


_FITS: Mapping[str, Callable[[Floats, Floats, Floats, Floats, npt.NDArray[np.bool_]], ProbabilityMap]] = {
    "sigmoid": fit_sigmoid,
    "temperature": fit_slope,
    "isotonic": fit_isotonic,
}


def _by_columns(kind: str, scores: Floats, y: Labels, weights: Floats) -> Calibration:
    """Each class by itself; those with too few rows of one kind stay as they are."""
    shape: Shape = "labels" if y.ndim > 1 else "pair" if scores.shape[1] == 2 else "shares"
    is_label = y > 0 if y.ndim > 1 else y[:, None] == np.arange(scores.shape[1])
    if shape == "pair":
        is_label = is_label[:, 1:]
    fewest = np.minimum(is_label.sum(axis=0), (~is_label).sum(axis=0))
    known = fewest >= _LEAST_OF_A_CLASS
    if not known.any():
        raise _too_few(
            kind,
            f"{counted(int(fewest.max()), 'dev row')} of the rarer class",
            f"at least {_LEAST_OF_A_CLASS}",
        )
    of, rests = _split(shape, scores)
    columns = _FITS[kind](of, rests, is_label.astype(np.float64), weights, known)
    return Calibration(kind, shape, columns, len(y), tuple(np.flatnonzero(~known).tolist()))


def _one_class(kind: str) -> TrainingError:
    return TrainingError(
        f'calibration = "{kind}" cannot be learned: all dev rows are of one class',
        where=_WHERE,
        expected="dev rows of two classes at least",
        mend="give the dev part more rows under [split], or leave calibration out",
    )


def _too_few(kind: str, what: str, expected: str) -> TrainingError:
    less = ', use "sigmoid", which needs fewer,' if kind == "isotonic" else ""
    return TrainingError(
        f'calibration = "{kind}" cannot be learned from {what}',
        where=_WHERE,
        expected=expected,
        mend=f"give the dev part more rows under [split]{less} or leave calibration out",
    )


def _split(shape: Shape, scores: Floats) -> tuple[Floats, Floats]:
    """The columns to correct, and beside each what is left to the others."""
    if shape == "pair":
        return scores[:, 1:], scores[:, :1]
    if shape == "labels":
        return scores, 1.0 - scores
    return scores, scores.sum(axis=1, keepdims=True) - scores


def _joined(shape: Shape, found: Floats, scores: Floats) -> Floats:
    if shape == "pair":
        return np.hstack([1.0 - found, found])
    if shape == "labels":
        return found
    sums = found.sum(axis=1, keepdims=True)
    return np.where(sums > 0, found / np.where(sums > 0, sums, 1.0), scores)


def _split_nodes(shape: Shape, scores: str) -> tuple[list[NodeProto], list[TensorProto], tuple[str, str]]:
    from onnx import helper

    rests = f"{_ONLY}.rests"
    if shape == "pair":
        sizes = _constant(f"{_ONLY}.sizes", [1, 1], np.int64)
        of = f"{_ONLY}.positive"
        return [helper.make_node("Split", [scores, sizes.name], [rests, of], axis=1)], [sizes], (of, rests)
    if shape == "labels":
        one = _constant(f"{_ONLY}.one", 1.0)
        return [helper.make_node("Sub", [one.name, scores], [rests])], [one], (scores, rests)
    sums, summing = f"{_ONLY}.sums", _constant(f"{_ONLY}.axis", [1], np.int64)
    nodes = [
        helper.make_node("ReduceSum", [scores, summing.name], [sums], keepdims=1),
        helper.make_node("Sub", [sums, scores], [rests]),
    ]
    return nodes, [summing], (scores, rests)


def _joined_nodes(
    shape: Shape, found: str, scores: str, output: str
) -> tuple[list[NodeProto], list[TensorProto]]:
    from onnx import helper

    one, name = _constant(f"{_ONLY}.whole", 1.0), f"{_ONLY}.{{}}".format
    if shape == "labels":
        return [helper.make_node("Identity", [found], [output])], []
    if shape == "pair":
        return [
            helper.make_node("Sub", [one.name, found], [name("negative")]),
            helper.make_node("Concat", [name("negative"), found], [output], axis=1),
        ], [one]
    zero, axis = _constant(name("zero"), 0.0), _constant(name("across"), [1], np.int64)
    return [
        helper.make_node("ReduceSum", [found, axis.name], [name("total")], keepdims=1),
        helper.make_node("Greater", [name("total"), zero.name], [name("is_some")]),
        helper.make_node("Where", [name("is_some"), name("total"), one.name], [name("divisor")]),
        helper.make_node("Div", [found, name("divisor")], [name("divided")]),
        helper.make_node("Where", [name("is_some"), name("divided"), scores], [output]),
    ], [zero, axis, one]


def _constant(name: str, value: float | Sequence[int], kind: type[np.generic] = np.float64) -> TensorProto:
    from onnx import numpy_helper

    return numpy_helper.from_array(np.array(value, kind), name)
