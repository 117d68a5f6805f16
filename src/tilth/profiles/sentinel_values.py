"""Values that stand for a missing one: -999, 9999, "None", "?"."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tilth.tables import SENTINELS

if TYPE_CHECKING:
    from tilth.profiles.figures import ColumnFigures, Value

__all__ = ["sentinel_numbers", "sentinel_texts"]

_NINES = [float("9" * digits) for digits in range(2, 10)]
_LIMITS = [2.0**15 - 1, 2.0**31 - 1, 2.0**63, 1e20, 1e30, 1e36]
_NUMBERS = frozenset(
    [sign * number for sign in (1, -1) for number in (*_NINES, *_LIMITS)] + [-9.0, -(2.0**15), -(2.0**31)]
)
_MIDNIGHT = 86_400_000_000
_DATES = frozenset([-25567 * _MIDNIGHT, 0, 2932896 * _MIDNIGHT, -719162 * _MIDNIGHT])  # 1900, 1970, 9999, 1
_LEAST_COUNT = 2


def sentinel_texts(column: ColumnFigures) -> list[tuple[Value, int]]:
    """Texts such as "N/A" and "?" with their counts; `tilth.tables.SENTINELS` lists them.

    Example:
        >>> from tilth.profiles import profile
        >>> sentinel_texts(profile({"job": ["cook", "?", "baker", "?"]})["job"])
        [('?', 2)]
    """
    assert column.texts is not None
    texts, counts = column.texts.counts.table()
    found = pc.is_in(texts, value_set=pa.array(SENTINELS)).to_numpy(zero_copy_only=False).nonzero()[0]
    return [(texts[place].as_py(), int(counts[place])) for place in found.tolist()]


def sentinel_numbers(column: ColumnFigures) -> list[tuple[Value, int]]:
    """Numbers such as -999 at one end, farther from the others than these are from each other.

    Of dates the first days of the years 1, 1900 and 1970 and the last of 9999.

    Example:
        >>> from tilth.profiles import profile
        >>> sentinel_numbers(profile({"t": [18.5, 21.0, -999.0, 19.5, -999.0]})["t"])
        [(-999.0, 2)]
    """
    return list(_found(column)) if column.type in ("int", "float", "datetime") else []


def _found(column: ColumnFigures) -> Iterator[tuple[Value, int]]:
    assert column.numbers is not None or not column.count
    if column.numbers is None or column.min is None or column.max is None:
        return
    values, counts = column.numbers.table.table()
    known = _DATES if column.type == "datetime" else _NUMBERS
    first, last = 0, len(values) - 1
    for end, number in ((0, column.min), (-1, column.max)):
        if last - first < 1 or number not in known or counts[end] < _LEAST_COUNT:
            continue
        beside = values[first + 1] if end == 0 else values[last - 1]
        others = values[last] - values[first + 1] if end == 0 else values[last - 1] - values[first]
        if abs(beside - number) > others:
            yield number, int(counts[end])
            first, last = (first + 1, last) if end == 0 else (first, last - 1)
