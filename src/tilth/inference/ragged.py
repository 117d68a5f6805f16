"""Ragged columns: lists, images and recordings, whose rows differ in size.

Rows of one size are run together, so that no row is padded by the length of another and its result cannot
depend on the rows beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import GraphError
from tilth.tables import decode_image, decode_recording, map_cells

__all__ = ["SAMPLE_RATE", "Ragged", "groups", "ragged_column"]

SAMPLE_RATE = 16_000
"""Samples a second of recordings in a graph, unless the graph says otherwise."""

_MICROSECONDS = 1e6

_MOST_ELEMENTS = 1 << 18
"""Rows of one size are run together as long as a tensor of theirs stays in the processor's cache."""


class Ragged(Protocol):
    """A column whose rows may differ in size."""

    sizes: np.ndarray
    """For each row a number that is the same for rows of one size; int64, shape (n,)."""

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Some rows of one size as a tensor of shape (rows, ...)."""

    def elements(self, row: int) -> int:
        """How many numbers or texts a row has in such a tensor."""


class _Lists:
    """Lists padded to the next power of two, which depends on nothing but their own length."""

    def __init__(self, lengths: np.ndarray, items: np.ndarray, padding: object) -> None:
        self._lengths = lengths
        self._starts = np.concatenate([[0], np.cumsum(lengths)])
        self._items = items
        self._padding = padding
        self.sizes = np.maximum(1, 2 ** np.ceil(np.log2(np.maximum(lengths, 1)))).astype(np.int64)

    def take(self, rows: np.ndarray) -> np.ndarray:
        width = int(self.sizes[rows[0]])
        found = np.full((len(rows), width), self._padding, dtype=self._items.dtype)
        places = np.arange(width)
        there = places < self._lengths[rows, None]
        found[there] = self._items[(self._starts[rows, None] + places)[there]]
        return found

    def elements(self, row: int) -> int:
        return int(self.sizes[row])


class _Arrays:
    """Arrays in memory, such as decoded images."""

    def __init__(self, arrays: Sequence[np.ndarray]) -> None:
        numbers: dict[tuple[int, ...], int] = {}
        self._arrays = arrays
        self.sizes = np.array([numbers.setdefault(a.shape, len(numbers)) for a in arrays], dtype=np.int64)

    def take(self, rows: np.ndarray) -> np.ndarray:
        return np.stack([self._arrays[row] for row in rows])

    def elements(self, row: int) -> int:
        return self._arrays[row].size


def ragged_column(name: str, kind: str, values: pa.Array | np.ndarray, rate: int = SAMPLE_RATE) -> Ragged:
    """A column of lists, encoded images or encoded recordings, made ready for an input.

    Missing and unreadable ones are an empty list, one pixel or one sample of NaN.

    Args:
        name: the column, for messages.
        kind: "list[float]", "list[string]", "image" or "audio".
        values: an Arrow array, or an array of objects: Python lists or bytes, None for missing.
        rate: samples a second that recordings are resampled to.

    Raises:
        GraphError: values of another type.

    Example:
        >>> column = ragged_column("x", "list[float]", pa.array([[1.0, 2.0, 3.0], None, [4]]))
        >>> column.sizes.tolist(), column.take(np.array([1, 2])).tolist()
        ([4, 1, 1], [[nan], [4.0]])
    """
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if isinstance(values, np.ndarray):
        values = _from_objects(name, kind, values)
    return _RAGGED[kind](name, values, rate)


def groups(feeds: Mapping[str, np.ndarray | Ragged]) -> Iterator[tuple[np.ndarray, dict[str, np.ndarray]]]:
    """The rows of feeds that have ragged columns, in groups of one size, none large, with their tensors."""
    ragged = {name: feed for name, feed in feeds.items() if not isinstance(feed, np.ndarray)}
    keys = np.stack([feed.sizes for feed in ragged.values()], axis=1)
    _, places = np.unique(keys, axis=0, return_inverse=True)
    order = np.argsort(places.ravel(), kind="stable")
    ends = np.flatnonzero(np.diff(places.ravel()[order])) + 1
    for together in np.split(order, ends):
        elements = max(feed.elements(together[0]) for feed in ragged.values())
        at_once = max(1, _MOST_ELEMENTS // elements)
        for start in range(0, len(together), at_once):
            rows = together[start : start + at_once]
            yield (
                rows,
                {
                    name: feed[rows] if isinstance(feed, np.ndarray) else feed.take(rows)
                    for name, feed in feeds.items()
                },
            )


def _from_objects(name: str, kind: str, values: np.ndarray) -> pa.Array:
    wanted = {"list[float]": pa.list_(pa.float64()), "list[string]": pa.list_(pa.string())}
    try:
        return pa.array(values.ravel().tolist(), wanted.get(kind, pa.large_binary()))
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise _wrong(name, kind, str(error).splitlines()[0]) from error


def _lists(name: str, kind: str, values: pa.Array, padding: object) -> Ragged:
    types = pa.types
    if not (types.is_list(values.type) or types.is_large_list(values.type) or types.is_null(values.type)):
        raise _wrong(name, kind, str(values.type))
    if types.is_null(values.type):
        return _Lists(np.zeros(len(values), np.int64), np.empty(0, _dtype(padding)), padding)
    lengths = pc.fill_null(pc.list_value_length(values), 0).to_numpy(zero_copy_only=False)
    items = values.flatten()
    is_text = types.is_string(items.type) or types.is_large_string(items.type)
    if is_text != isinstance(padding, str) and not types.is_null(items.type):
        raise _wrong(name, kind, str(values.type))
    return _Lists(lengths.astype(np.int64), _items(items, padding), padding)


def _items(items: pa.Array, padding: object) -> np.ndarray:
    if isinstance(padding, str):
        texts: np.ndarray = pc.fill_null(items.cast(pa.string()), "").to_numpy(zero_copy_only=False)
        return texts.astype(object, copy=False)
    scale = 1.0
    if pa.types.is_timestamp(items.type) or pa.types.is_date(items.type):
        items, scale = items.cast(pa.timestamp("us")).cast(pa.int64()), _MICROSECONDS
    numbers = pc.fill_null(pc.cast(items, pa.float64(), safe=False), float("nan"))
    found: np.ndarray = numbers.to_numpy(zero_copy_only=False)
    return found / scale if scale != 1.0 else found


def _dtype(padding: object) -> np.dtype:
    return np.dtype(object if isinstance(padding, str) else np.float64)


def _decoded(
    name: str,
    kind: str,
    values: pa.Array,
    decode: Callable[[bytes | None], np.ndarray | None],
    empty: np.ndarray,
) -> Ragged:
    if pa.types.is_null(values.type):
        values = values.cast(pa.large_binary())
    if not (pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type)):
        raise _wrong(name, kind, str(values.type))
    found = map_cells(decode, values)
    return _Arrays([empty if array is None else array for array in found])


def _wrong(name: str, kind: str, got: str) -> GraphError:
    return GraphError(
        f"the column '{name}' holds {got}, which the graph cannot take",
        where=f"column '{name}'",
        expected=_WORDS[kind],
    )


_WORDS = {
    "list[float]": "lists of numbers",
    "list[string]": "lists of texts",
    "image": "encoded images as bytes",
    "audio": "encoded recordings as bytes",
}

_NO_IMAGE = np.full((1, 1, 3), np.nan, dtype=np.float32)
_NO_SOUND = np.full(1, np.nan, dtype=np.float32)

_RAGGED: dict[str, Callable[[str, pa.Array, int], Ragged]] = {
    "list[float]": lambda name, values, _: _lists(name, "list[float]", values, float("nan")),
    "list[string]": lambda name, values, _: _lists(name, "list[string]", values, ""),
    "image": lambda name, values, _: _decoded(name, "image", values, decode_image, _NO_IMAGE),
    "audio": lambda name, values, rate: _decoded(
        name, "audio", values, lambda content: decode_recording(content, rate), _NO_SOUND
    ),
}
