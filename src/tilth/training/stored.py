"""Features that are too large for memory: written to a file without a name, read where they are needed."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

__all__ = ["MOST_BYTES", "free_bytes", "gathered", "stored"]

MOST_BYTES = 256 * 2**20
"""Larger arrays are kept in files."""

_BLOCK_BYTES = 64 * 2**20
_ROWS = 65_536

Floats = npt.NDArray[np.float32]
Positions = npt.NDArray[np.int64]


def stored(pieces: Iterable[npt.NDArray[np.floating]], width: int, folder: Path) -> Floats:
    """The pieces below each other, float32 (n, width), in a file that goes when the array does.

    The file has no name, so that nothing of it remains after a crash. The array is the caller's own: what is
    written into it stays in memory.

    Args:
        pieces: each (k, width).
        width: the number of columns.
        folder: where there is room.

    Raises:
        OSError: there is no room.

    Example:
        >>> stored([np.zeros((2, 3)), np.ones((1, 3))], 3, Path()).sum()
        np.float32(3.0)
    """
    with _file(folder) as file:
        rows = 0
        for piece in pieces:
            _write(file, np.asarray(piece, np.float32))
            rows += len(piece)
        file.flush()
        if not rows:
            return np.empty((0, width), np.float32)
        return np.memmap(file, np.float32, "c", shape=(rows, width))


def gathered(X: Floats, positions: Positions, folder: Path) -> Floats:
    """The rows at some positions of a stored array, stored too.

    Where there is no room for it in memory, files are read and written in one direction only.

    Args:
        X: (n, f).
        positions: (m,), from 0 to n - 1, in any order, also repeated.
        folder: where there is room, for the result and as much again meanwhile.

    Raises:
        OSError: there is no room.

    Example:
        >>> X = np.array([[1.0], [2.0], [3.0]], np.float32)
        >>> gathered(X, np.array([2, 0, 2]), Path()).ravel().tolist()
        [3.0, 1.0, 3.0]
    """
    if _is_near(X) or (positions[1:] >= positions[:-1]).all():
        return stored(_pieces(X, positions), X.shape[1], folder)
    return stored(_scattered(X, positions, folder), X.shape[1], folder)


def _is_near(X: Floats) -> bool:
    """Whether there is room for all of it in memory, as pages of its file: any row is then at hand."""
    return 2 * X.nbytes < free_bytes()


def free_bytes() -> int:
    """How much memory is free, or would be if the system needed it."""
    import psutil  # type: ignore[import-untyped] # it ships no types

    return int(psutil.virtual_memory().available)


def _pieces(X: Floats, positions: Positions) -> Iterator[Floats]:
    for start in range(0, len(positions), _ROWS):
        yield X[positions[start : start + _ROWS]]


def _scattered(X: Floats, positions: Positions, folder: Path) -> Iterator[Floats]:
    """The rows in their new order, a block after the other.

    They are read in their old order and dealt to one file for each block; then each block, which fits into
    memory, is put in order.
    """
    size = max(1, _BLOCK_BYTES // max(1, 4 * X.shape[1]))
    blocks = -(-len(positions) // size)
    order = np.argsort(positions, kind="stable")
    with contextlib.ExitStack() as opened:
        files = [opened.enter_context(_file(folder)) for _ in range(blocks)]
        for start in range(0, len(order), _ROWS):
            places = order[start : start + _ROWS]
            rows = X[positions[places]]
            block = places // size
            for number in np.unique(block).tolist():
                _write(files[number], rows[block == number])
        for number in range(blocks):
            places = order[order // size == number] - number * size
            files[number].seek(0)
            dealt = np.frombuffer(files[number].read(), np.float32).reshape(len(places), X.shape[1])
            files[number].close()
            found = np.empty_like(dealt)
            found[places] = dealt
            yield found


def _file(folder: Path) -> IO[bytes]:
    return tempfile.TemporaryFile(dir=folder, prefix="features-")


def _write(file: IO[bytes], rows: npt.NDArray[np.float32]) -> None:
    file.write(np.ascontiguousarray(rows).view(np.uint8).data)
