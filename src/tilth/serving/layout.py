"""How the values of accepted rows lie: as tuples, one per row, and as the arrays that a graph takes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tilth.schemas import Column

__all__ = ["Layout", "Values"]

Values = tuple[object, ...]
"""One row for the graph: first the numbers (None: missing), then the texts ("": missing)."""


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
        self._numbers = tuple(column.name for column in columns if column.type != "string")
        self._texts = tuple(column.name for column in columns if column.type == "string")
        self.names = self._numbers + self._texts

    def arrays(self, rows: Sequence[Values]) -> dict[str, np.ndarray]:
        """An array of shape (n, 1) for each column: float64 with NaN for missing, or objects for texts."""
        split = len(self._numbers)
        arrays = dict(zip(self._numbers, _columns([row[:split] for row in rows], np.float64), strict=True))
        arrays.update(zip(self._texts, _columns([row[split:] for row in rows], np.object_), strict=True))
        return arrays


def _columns(rows: Sequence[Values], dtype: type) -> np.ndarray:
    block: np.ndarray = np.array(rows, dtype=dtype)
    return np.ascontiguousarray(block.T)[:, :, np.newaxis]
