"""Slices: the groups of rows that share the values of some columns."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.errors import UsageError

__all__ = ["MISSING", "MOST_SLICES", "groups", "refuse_many", "slice_order", "slice_text"]

_NUMBER = re.compile(r"(?:\[|< |>= )?(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\b(?![-:])")

MISSING = "(missing)"
"""The slice of rows where the column has no value."""

MOST_SLICES = 1000
"""More groups than this say nothing, and take too much room."""


def slice_text(value: object) -> str:
    """A column's value as the text that names its slice.

    Example:
        >>> [slice_text(value) for value in ("Male", 3, 0.5, True, None)]
        ['Male', '3', '0.5', 'true', '(missing)']
    """
    if value is None or value != value:
        return MISSING
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    return str(value)


def slice_order(text: str) -> tuple[bool, float, str]:
    """What values of slices are sorted by: numbers and ranges by size, then texts.

    Example:
        >>> sorted([">= 50", "b", "[30, 50)", "< 30", "a"], key=slice_order)
        ['< 30', '[30, 50)', '>= 50', 'a', 'b']
    """
    found = _NUMBER.match(text)
    return (found is None, float(found[1]) if found else 0.0, text)


def groups(
    columns: Mapping[str, pa.Array | pa.ChunkedArray], names: Sequence[str]
) -> Iterator[tuple[tuple[str, ...], npt.NDArray[np.int64]]]:
    """The slices that rows fall into by the values of some columns.

    Args:
        columns: the columns, equally long.
        names: the columns to cross.

    Returns:
        For each slice its values as text, in the order of `names`, and the positions of its rows, ascending.

    Raises:
        UsageError: so many distinct values that slices would say nothing.

    Example:
        >>> columns = {"sex": pa.array(["f", "m", "f"]), "old": pa.array([True, True, None])}
        >>> [(values, rows.tolist()) for values, rows in groups(columns, ["sex", "old"])]
        [(('f', 'true'), [0]), (('f', '(missing)'), [2]), (('m', 'true'), [1])]
    """
    coded = [_codes(columns[name]) for name in names]
    combined = np.zeros(len(coded[0][0]), np.int64)
    for codes, texts in coded:
        combined = combined * len(texts) + codes
    order = np.argsort(combined, kind="stable")
    keys, starts = np.unique(combined[order], return_index=True)
    refuse_many(names, len(keys))
    for key, rows in zip(keys.tolist(), np.split(order, starts[1:]), strict=True):
        yield _decode(key, [texts for _, texts in coded]), rows


def refuse_many(names: Sequence[str], count: int) -> None:
    """Refuse so many slices that they would say nothing.

    Raises:
        UsageError: more than `MOST_SLICES`.
    """
    if count > MOST_SLICES:
        raise UsageError(
            f"{' x '.join(names)} makes {count} slices",
            expected=f"columns with at most {MOST_SLICES} combinations of values",
            mend="slice by a column with fewer values, or by quantiles(column, 4) of numbers",
        )


def _codes(column: pa.Array | pa.ChunkedArray) -> tuple[npt.NDArray[np.int64], list[str]]:
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    encoded = whole.dictionary_encode(null_encoding="encode")
    texts = [slice_text(value) for value in encoded.dictionary.to_pylist()]
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), texts


def _decode(key: int, texts: Sequence[Sequence[str]]) -> tuple[str, ...]:
    values = []
    for choices in reversed(texts):
        key, at = divmod(key, len(choices))
        values.append(choices[at])
    return tuple(reversed(values))
