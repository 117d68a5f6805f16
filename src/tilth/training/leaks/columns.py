"""Raw columns as numbers, whatever their type, with what is missing kept apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["RawColumn", "raw_columns"]

_SECONDS = 1e-6


@dataclass(frozen=True)
class RawColumn:
    """One column of n rows.

    Args:
        name: its name.
        kind: "number" (flags too), "text" or "time".
        values: (n,), numbers, codes of texts, or seconds since 1970; NaN where missing.

    Example:
        >>> (column,) = raw_columns(pa.table({"s": ["b", None, "b"]}))
        >>> column.kind, column.values.tolist()
        ('text', [0.0, nan, 0.0])
    """

    name: str
    kind: Literal["number", "text", "time"]
    values: npt.NDArray[np.float64]

    @cached_property
    def present(self) -> npt.NDArray[np.bool_]:
        """(n,), where there is a value."""
        return ~np.isnan(self.values)

    @property
    def varies(self) -> bool:
        """Whether there are two different values."""
        known = self.values[self.present]
        return bool(len(known) and known.min() < known.max())


def raw_columns(table: pa.Table) -> list[RawColumn]:
    """The columns of a table that hold one value a row; lists, images and recordings are left out."""
    found = []
    for name in table.column_names:
        column = table.column(name).combine_chunks()
        made = _read(name, column)
        if made is not None:
            found.append(made)
    return found


def _read(name: str, column: pa.Array) -> RawColumn | None:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if pa.types.is_boolean(kind):
        return RawColumn(name, "number", _numbers(pc.cast(column, pa.int8())))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return RawColumn(name, "number", _numbers(column))
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        micros = pc.cast(pc.cast(column, pa.timestamp("us")), pa.int64())
        return RawColumn(name, "time", _numbers(micros) * _SECONDS)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        # In the order of the texts themselves, so that codes do not depend on the order of rows.
        known = pc.unique(column.drop_null())
        ordered = known.take(pc.sort_indices(known))
        return RawColumn(name, "text", _numbers(pc.index_in(column, value_set=ordered)))
    return None


def _numbers(column: pa.Array) -> npt.NDArray[np.float64]:
    """Double precision, NaN where missing or not finite."""
    values = pc.cast(column, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    found: npt.NDArray[np.float64] = np.where(np.isfinite(values), values, np.nan)
    return found
