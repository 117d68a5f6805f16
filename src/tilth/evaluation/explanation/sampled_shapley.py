"""Shapley values of any model, by drawing orders in which columns are filled in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.evaluation.explanation.asking import Ask, output_names, outputs_of
from tilth.metrics import LabelEncoding

__all__ = ["Sampled", "sampled_shapley"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_CELLS_AT_ONCE = 2_000_000
_ROWS_AT_ONCE = 8_192


@dataclass(frozen=True)
class Sampled:
    """What the columns contribute to what a model says of one row.

    Args:
        amounts: (p, outputs); with the base they add up to the value exactly, however few orders were drawn.
        errors: (p, outputs), the standard errors of the amounts.
        base: (outputs,), what the model says of the background rows on average.
        value: (outputs,), what it says of the row.
    """

    amounts: Floats
    errors: Floats
    base: Floats
    value: Floats


def sampled_shapley(
    ask: Ask,
    row: pa.Table,
    background: pa.Table,
    encoding: LabelEncoding,
    *,
    columns: Sequence[str],
    seed: Sequence[int],
) -> Sampled:
    """Fill the row's values into background rows, one column after the other, and see what each changes.

    For each background row an order of the columns is drawn, and taken forwards and backwards (Strumbelj and
    Kononenko 2014; antithetic orders: Mitchell et al. 2022): 2 (p - 1) answers for each background row.

    Args:
        ask: the model.
        row: one row with all columns that it needs.
        background: m rows with the same columns.
        encoding: the task and its classes.
        columns: the p columns that share the answer.
        seed: of the orders.

    Example:
        >>> from tilth.metrics import Answered
        >>> def product(given):
        ...     return Answered(np.zeros(given.num_rows), given["x"].to_numpy() * given["y"].to_numpy())
        >>> row, background = pa.table({"x": [2.0], "y": [3.0]}), pa.table({"x": [0.0], "y": [0.0]})
        >>> found = sampled_shapley(
        ...     product, row, background, LabelEncoding("regression"), columns=["x", "y"], seed=[0])
        >>> found.amounts.ravel().tolist(), found.base.tolist(), found.value.tolist()
        ([3.0, 3.0], [0.0], [6.0])
    """
    random = np.random.default_rng(seed)
    rows, width = background.num_rows, len(columns)
    pool = pa.concat_tables([row, background]).combine_chunks()
    known = outputs_of(ask(pool), encoding)
    value, started = known[0], known[1:]
    orders = np.argsort(random.random((rows, width)), axis=1)
    found = np.zeros((2, rows, width, known.shape[1]))
    step = max(1, min(_ROWS_AT_ONCE, _CELLS_AT_ONCE // max(1, pool.num_columns)) // max(1, width - 1))
    for start in range(0, rows, step):
        part = slice(start, start + step)
        for way, taken in enumerate((orders[part], orders[part, ::-1])):
            steps = _walk(ask, pool, encoding, columns, taken, start)
            said = np.concatenate(
                [started[part][:, None], steps, np.broadcast_to(value, (len(taken), 1, len(value)))], axis=1
            )
            changes = np.diff(said, axis=1)
            np.put_along_axis(found[way, part], taken[:, :, None], changes, axis=1)
    each = found.mean(axis=0)
    spread = each.std(axis=0, ddof=1) / np.sqrt(rows) if rows > 1 else np.full(each.shape[1:], np.nan)
    return Sampled(each.mean(axis=0), spread, started.mean(axis=0), value)


def _walk(
    ask: Ask, pool: pa.Table, encoding: LabelEncoding, columns: Sequence[str], orders: Integers, start: int
) -> Floats:
    """What the model says after 1, 2, ..., p - 1 columns are filled in: (rows, p - 1, outputs)."""
    rows, width = orders.shape
    if width < 2:
        return np.empty((rows, 0, len(output_names(encoding))))
    ranks = np.argsort(orders, axis=1)
    filled = np.tile(np.arange(1, width), rows)
    own = np.repeat(np.arange(rows), width - 1)
    theirs = own + start + 1
    places = {column: at for at, column in enumerate(columns)}
    mixed = {
        name: pool.column(name).take(
            pa.array(np.where(ranks[own, places[name]] < filled, 0, theirs) if name in places else theirs)
        )
        for name in pool.column_names
    }
    said = outputs_of(ask(pa.table(mixed, schema=pool.schema)), encoding)
    return np.asarray(said.reshape(rows, width - 1, -1), np.float64)
