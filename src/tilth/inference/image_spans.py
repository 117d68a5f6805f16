"""Where to cut rows that hold images, so that few pixels are in memory at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from tilth.tables import map_cells, pixel_count

__all__ = ["MOST_PIXELS", "image_spans"]

MOST_PIXELS = 1 << 24
"""Pixels that are decoded at once, unless one image has more: 200 MB of them."""


def image_spans(columns: Sequence[pa.Array | np.ndarray], most: int = MOST_PIXELS) -> list[tuple[int, int]]:
    """Rows from and to for each piece, in order.

    Args:
        columns: encoded images, Arrow arrays or arrays of objects, of the same length.
        most: how many pixels the images of a piece may have, unless it is one row.

    Example:
        >>> image_spans([pa.array([None, b"no image", b""])])
        [(0, 3)]
    """
    pixels = [sum(row) for row in zip(*map(_pixels, columns), strict=True)]
    spans, start, inside = [], 0, 0
    for row, found in enumerate(pixels):
        if row > start and inside + found > most:
            spans.append((start, row))
            start, inside = row, 0
        inside += found
    return [*spans, (start, len(pixels))]


def _pixels(column: pa.Array | np.ndarray) -> list[int]:
    """The pixels of each row; 0 where there is no image that could be decoded."""
    if isinstance(column, np.ndarray):
        counts = [pixel_count(cell) if isinstance(cell, bytes) else 0 for cell in column.ravel().tolist()]
    elif pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        counts = map_cells(pixel_count, column)
    else:
        counts = [0] * len(column)
    return [min(count, MOST_PIXELS) for count in counts]
