"""What every feature must do: compute what a reference says, alone and in bulk, fitted in any order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from tilth.features import Expression, Inputs, Transform
from tilth.tables import concat_tables, open_table

Rows = Mapping[str, list[Any]]


def table(rows: Rows) -> pa.Table:
    """Columns of Python values as a table in which each column has a type, values or not."""
    types = {"a": pa.float64(), "b": pa.float64(), "n": pa.int64(), "s": pa.string(), "t": pa.timestamp("us")}
    return pa.table({name: pa.array(values, types[name]) for name, values in rows.items()})


def column(expression: Callable[[Inputs], Expression], train: Rows, rows: Rows) -> np.ndarray:
    """The columns of one feature for some rows, float32; each row alone gives the same bits."""
    transform = Transform(lambda x: {"y": expression(x)}).fit(table(train))
    bulk = transform.transform(table(rows))
    given = table(rows)
    alone = [transform.transform(given.slice(place, 1)) for place in range(given.num_rows)]
    np.testing.assert_array_equal(bulk, np.concatenate(alone) if alone else bulk)
    return bulk


def assert_close(found: np.ndarray, expected: np.ndarray) -> None:
    """Equal to single precision, missing values at the same places."""
    wanted = np.asarray(expected, dtype=np.float64).reshape(found.shape)
    np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=2e-6, equal_nan=True)


def assert_order_is_free(features: Callable[[Inputs], Mapping[str, Expression]], train: Rows) -> None:
    """Shuffled and in pieces, the same rows give the same graph to the last byte."""
    given = table(train)
    once = Transform(features).fit(given).to_onnx()
    order = np.random.default_rng(0).permutation(given.num_rows)
    assert Transform(features).fit(given.take(order)).to_onnx() == once
    cut = given.num_rows // 3
    pieces = [open_table(given.slice(cut)), open_table(given.slice(0, cut))]
    assert Transform(features).fit(concat_tables(pieces)).to_onnx() == once
