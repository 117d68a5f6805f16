"""Matrices without column names, which scikit-learn hands around, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tilth.tables import Table, open_table

__all__ = ["is_matrix", "open_matrix"]


def is_matrix(data: object) -> bool:
    """Whether this is a matrix and no table: its columns have no names.

    Example:
        >>> is_matrix(np.zeros((2, 3))), is_matrix([[1, 2], [3, 4]]), is_matrix([{"x": 1}])
        (True, True, False)
    """
    if isinstance(data, np.ndarray):
        return data.dtype.names is None
    if isinstance(data, list | tuple):
        return not data or not isinstance(data[0], str | Path | Mapping)
    named = ("__arrow_c_stream__", "__arrow_c_array__", "columns")
    is_table = isinstance(data, str | Path | Mapping | Table) or any(hasattr(data, name) for name in named)
    return not is_table and (hasattr(data, "__array__") or hasattr(data, "tocsr"))


def open_matrix(data: object, estimator: Any, *, fitting: bool) -> Table:
    """The table of a matrix of shape (n, k): its columns are called x0, x1, ... as scikit-learn does.

    Args:
        data: an array, a list of rows, or what becomes an array.
        estimator: who takes it; `n_features_in_` is set when it is being fitted, and else demanded.
        fitting: whether it is being fitted.

    Raises:
        ValueError: no matrix, another number of columns than in training, complex numbers.
        TypeError: a sparse matrix.
    """
    from sklearn.utils.validation import validate_data

    array = validate_data(estimator, data, reset=fitting, dtype=None, ensure_all_finite=False)
    names = [f"x{place}" for place in range(array.shape[1])]
    return open_table({name: _column(array[:, place]) for place, name in enumerate(names)})


def _column(values: np.ndarray) -> object:
    """Values that Arrow has a type for: half precision as single, objects by what they are."""
    if values.dtype == np.float16:
        return values.astype(np.float32)
    if values.dtype != object:
        return np.ascontiguousarray(values) if values.dtype.kind != "U" else values.tolist()
    cells = values.tolist()
    whole = all(cell is None or isinstance(cell, int | float | np.number) for cell in cells)
    return [None if cell is None else float(cell) for cell in cells] if whole else cells
