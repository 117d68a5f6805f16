"""Which rows of a batch break an expectation of a column: the counterpart of the rules on profiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tilth.validation.misfits import is_unmatched

if TYPE_CHECKING:
    from tilth.schemas import Column

__all__ = [
    "Broken",
    "has_fraction",
    "is_missing",
    "is_not_finite",
    "is_out_of_domain",
    "is_out_of_range",
    "is_unlike_pattern",
    "is_wrong_length",
]

Broken = npt.NDArray[np.bool_]
"""Whether each row breaks the expectation: shape (n,)."""


def is_missing(cells: pa.Array) -> Broken:
    """Rows without a value; NaN is none."""
    missing = np.asarray(cells.is_null().to_numpy(zero_copy_only=False))
    if pa.types.is_floating(cells.type):
        missing = missing | np.isnan(cells.to_numpy(zero_copy_only=False))
    return np.asarray(missing)


def has_fraction(cells: pa.Array) -> Broken:
    """Rows with a number that is not whole, in a column that came as float instead of int."""
    return _by_item(cells, lambda items: items != np.floor(items))


def is_out_of_domain(column: Column, cells: pa.Array) -> Broken:
    """Rows with a value, or an item, outside the domain."""
    domain = pa.array(column.domain or (), pa.string())

    def outside(items: pa.Array) -> Broken:
        return np.asarray(pc.invert(pc.is_in(items.cast(pa.string()), value_set=domain)))

    return _by_cell(cells, outside)


def is_out_of_range(column: Column, cells: pa.Array) -> Broken:
    """Rows with a number, or an item, below or above the bounds."""
    low = -np.inf if column.low is None else column.low
    high = np.inf if column.high is None else column.high
    return _by_item(cells, lambda items: (items < low) | (items > high))


def is_not_finite(column: Column, cells: pa.Array) -> Broken:
    """Rows with an infinity; with NaN too where values must be finite."""
    if column.finite:
        return _by_item(cells, lambda items: ~np.isfinite(items))
    return _by_item(cells, np.isinf)


def is_unlike_pattern(column: Column, cells: pa.Array) -> Broken:
    """Rows with a text, or an item, that the pattern does not match."""
    return _by_cell(cells, lambda items: is_unmatched(items, column.pattern or ""))


def is_wrong_length(column: Column, cells: pa.Array) -> Broken:
    """Rows with a text, list or file that is too short or too long."""
    if pa.types.is_list(cells.type):
        lengths = pc.list_value_length(cells)
    elif pa.types.is_string(cells.type):
        lengths = pc.utf8_length(cells)
    else:
        lengths = pc.binary_length(cells)
    low, high = column.min_length, column.max_length
    # A missing value has no length that could be wrong.
    known = np.asarray(lengths.fill_null(low if low is not None else high or 0))
    wrong = np.zeros(len(known), np.bool_)
    if low is not None:
        wrong |= known < low
    if high is not None:
        wrong |= known > high
    return wrong


def _by_item(cells: pa.Array, broken: Callable[[np.ndarray], np.ndarray]) -> Broken:
    """Rows where a number, or an item that is one, is broken."""

    def judged(items: pa.Array) -> Broken:
        return np.asarray(broken(items.to_numpy(zero_copy_only=False)), np.bool_)

    return _by_cell(cells, judged)


def _by_cell(cells: pa.Array, broken: Callable[[pa.Array], Broken]) -> Broken:
    """Rows where a value that is there, or an item, is broken."""
    is_list = pa.types.is_list(cells.type)
    items = pc.list_flatten(cells) if is_list else cells
    rows = pc.list_parent_indices(cells) if is_list else pa.array(np.arange(len(cells)))
    present = items.is_valid()
    wrong = broken(items.filter(present))
    found = np.zeros(len(cells), np.bool_)
    found[np.asarray(rows.filter(present))[wrong]] = True
    return found
