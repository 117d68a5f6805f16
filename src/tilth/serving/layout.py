"""How the values of accepted rows lie: as tuples, one per row, and as the arrays that a graph takes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tilth.schemas import Column
from tilth.tables.arrow_types import MEDIA_TYPES
from tilth.types import SCALAR_TYPES

__all__ = ["Layout", "Values"]

Values = tuple[object, ...]
"""One row for the graph: numbers (None: missing), texts ("": missing), lists and bytes (None: missing)."""


class Layout:
    """The order of the columns in tuples of values, and the arrays that are made of many of them at once.

    Args:
        columns: the columns of a request.

    Example:
        >>> layout = Layout([Column("city", "string"), Column("age", "int")])
        >>> layout.names
        ('age', 'city')
        >>> layout.arrays([(39, "Oslo"), (None, "")])["age"].tolist()
        [[39.0], [nan]]
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        flat = [column for column in columns if column.type in SCALAR_TYPES]
        self._numbers = tuple(column.name for column in flat if column.type != "string")
        self._texts = tuple(column.name for column in flat if column.type == "string")
        self._ragged = tuple(column.name for column in columns if column.type not in SCALAR_TYPES)
        self.names = self._numbers + self._texts + self._ragged
        kinds = {column.name: column.type for column in columns}
        self.media = {name: place for place, name in enumerate(self.names) if kinds[name] in MEDIA_TYPES}

    def arrays(self, rows: Sequence[Values]) -> dict[str, np.ndarray]:
        """An array for each column: float64 with NaN for missing, shape (n, 1), or objects.

        Those of texts have shape (n, 1) too, those of lists, images and recordings (n,).
        """
        split, end = len(self._numbers), len(self._numbers) + len(self._texts)
        arrays = dict(zip(self._numbers, _columns([row[:split] for row in rows], np.float64), strict=True))
        arrays.update(zip(self._texts, _columns([row[split:end] for row in rows], np.object_), strict=True))
        for position, name in enumerate(self._ragged, end):
            arrays[name] = np.empty(len(rows), np.object_)
            for place, row in enumerate(rows):  # NumPy would make one array of lists of equal length
                arrays[name][place] = row[position]
        return arrays


def _columns(rows: Sequence[Values], dtype: type) -> np.ndarray:
    block: np.ndarray = np.array(rows, dtype=dtype)
    return np.ascontiguousarray(block.T)[:, :, np.newaxis]
