"""Rules for vectors: several columns side by side, and their projection."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tilth.features import operations as op
from tilth.features.graph_writer import GraphWriter, Value
from tilth.features.rules.arithmetic import Arithmetic
from tilth.features.rules.rule import Rule, each, row

__all__ = ["RULES"]

_HALF = 19
"""Columns and weights are cut into two whole numbers of so many bits: 2 * 4,096 products of two such halves
add up below 2**53, which a double holds, so that the order of a matrix product cannot matter."""


def _group(
    _: GraphWriter, operations: Sequence[op.Group], arguments: Sequence[Sequence[Sequence[Value]]]
) -> list[list[Value]]:
    return [
        [value for argument in arguments for value in argument[position]]
        for position in range(len(operations))
    ]


def _halves(value: Arithmetic) -> tuple[Arithmetic, Arithmetic]:
    """Numbers below 1 in size in units of 2**-38, rounded, as upper * 2**19 + lower."""
    units = (value * 2.0 ** (2 * _HALF)).node("Round")
    upper = (units * 2.0**-_HALF).node("Round")
    return upper, units - upper * 2.0**_HALF


def _weight_halves(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same for constants."""
    units = np.rint(weights * 2.0 ** (2 * _HALF))
    upper = np.rint(units * 2.0**-_HALF)
    return upper, units - upper * 2.0**_HALF


def _project(writer: GraphWriter, operation: op.Project, values: Sequence[Value]) -> list[Value]:
    means, reaches = (writer.constant(row(given)) for given in (operation.means, operation.reaches))
    block = Arithmetic(writer, writer.stack(writer.as_doubles(values)))
    upper, lower = _halves((block - Arithmetic(writer, means)) / Arithmetic(writer, reaches))
    width = writer.width_of(block.block)
    both = writer.node("Concat", upper.block, lower.block, type="double", width=2 * width, axis=1)

    weights = np.array(operation.weights) * np.array(operation.reaches)[:, None]
    spans = 2.0 ** np.frexp(np.abs(weights).max(axis=0))[1]
    high, low = _weight_halves(weights / spans)
    zero = np.zeros_like(high)
    matrix = np.block([[high, low, zero], [zero, high, low]])
    count = matrix.shape[1] // 3
    sums = writer.node("MatMul", both, writer.constant(matrix), type="double", width=3 * count)
    parts = writer.columns(sums)
    first, second, third = (
        Arithmetic(writer, writer.stack(parts[start : start + count])) for start in (0, count, 2 * count)
    )
    scale = Arithmetic(writer, writer.constant(row((spans * 2.0 ** (-2 * _HALF)).tolist())))
    total = (third * 2.0 ** (-2 * _HALF) + second * 2.0**-_HALF + first) * scale
    return writer.columns(total.block)


RULES: dict[type[op.RowWise], Rule] = {
    op.Group: Rule(_group, wide=True),
    op.Project: Rule(each(_project), wide=True),
}
