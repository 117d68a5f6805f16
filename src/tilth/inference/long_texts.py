"""Long texts: rows run in groups of like lengths, so that the pieces of a text need little memory.

A graph that takes texts apart pads each row to the pieces of the longest one beside it. One long text among
thousands of short ones would then cost as much as thousands of long ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["SPLIT_TEXTS_KEY", "LongTexts", "in_order"]

SPLIT_TEXTS_KEY = "tilth.split_texts"
"""Metadata of a graph: JSON, the columns whose texts it takes apart."""

_BYTES = 1 << 22
"""Rows times the bytes of the longest text among them: at most so many pieces come of it."""


class LongTexts:
    """Groups rows where a batch has texts too long to be taken apart at once.

    Args:
        columns: those whose texts are taken apart.
        rows_at_once: rows that are run at once.

    Example:
        >>> texts = LongTexts(["t"], 8192)
        >>> texts.groups({"t": pa.array(["a", "b", None])}) is None
        True
        >>> [rows.tolist() for rows in texts.groups({"t": pa.array(["a", "b" * 5_000_000, "c"])})]
        [[0, 2], [1]]
    """

    def __init__(self, columns: Sequence[str], rows_at_once: int) -> None:
        self.columns = list(columns)
        self._rows_at_once = rows_at_once

    def groups(self, columns: Mapping[str, pa.Array | np.ndarray]) -> list[np.ndarray] | None:
        """The rows in groups that may be run at once; None where all may.

        Args:
            columns: Arrow texts, plain or coded, or arrays of Python texts; all of the same length.
        """
        found = [_lengths(columns[name]) for name in self.columns if name in columns]
        if not found or not len(found[0]):
            return None
        lengths = np.maximum.reduce(found)
        if int(lengths.max()) * min(len(lengths), self._rows_at_once) <= _BYTES:
            return None
        least = _BYTES // self._rows_at_once
        sizes = np.maximum(least, 2 ** np.ceil(np.log2(np.maximum(lengths, 1))).astype(np.int64))
        made = []
        for size in np.unique(sizes).tolist():
            rows = np.flatnonzero(sizes == size)
            step = max(1, _BYTES // size)
            made += [rows[start : start + step] for start in range(0, len(rows), step)]
        return made


def in_order(parts: Iterable[tuple[np.ndarray, Mapping[str, np.ndarray]]]) -> dict[str, np.ndarray]:
    """The outputs for all rows from those for some rows at a time, whatever their order.

    Args:
        parts: the positions of rows and their outputs; one part at least, all rows once.
    """
    found = list(parts)
    rows = np.concatenate([rows for rows, _ in found])
    joined = dict(found[0][1])
    if len(found) > 1:
        joined = {name: np.concatenate([outputs[name] for _, outputs in found]) for name in joined}
    if (np.diff(rows) > 0).all():
        return joined
    order = np.argsort(rows)
    return {name: values[order] for name, values in joined.items()}


def _lengths(texts: pa.Array | np.ndarray) -> np.ndarray:
    """How many bytes (of an array of Python texts: characters) each text has."""
    if isinstance(texts, np.ndarray):
        return np.fromiter((len(text) if isinstance(text, str) else 0 for text in texts.flat), np.int64)
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    if pa.types.is_dictionary(texts.type):
        own = np.append(_lengths(texts.dictionary), 0)
        places = pc.fill_null(texts.indices.cast(pa.int64()), len(texts.dictionary)).to_numpy(
            zero_copy_only=False
        )
        found: np.ndarray = own[places]
        return found
    if not (pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type)):
        return np.zeros(len(texts), np.int64)
    counts: np.ndarray = pc.fill_null(pc.binary_length(texts).cast(pa.int64()), 0).to_numpy(
        zero_copy_only=False
    )
    return counts
