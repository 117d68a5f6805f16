"""Whole-number arrays as short text, for the states of sketches."""

from __future__ import annotations

import base64

import numpy as np

__all__ = ["pack", "pack_sorted", "unpack", "unpack_sorted"]


def pack(values: np.ndarray) -> str:
    """Non-negative integers as base64 of little-endian base-128 digits (LEB128), most often one byte each.

    Args:
        values: unsigned or non-negative integers, shape (n,).

    Example:
        >>> pack(np.array([1, 300]))
        'AawC'
        >>> unpack('AawC')
        array([  1, 300], dtype=uint64)
    """
    rest = values.astype(np.uint64)
    digits, used = [], []
    alive = np.ones(len(rest), dtype=bool)
    while alive.any():
        more = rest >= 128
        digits.append((rest & np.uint64(127)).astype(np.uint8) | (more.astype(np.uint8) << 7))
        used.append(alive)
        rest, alive = rest >> np.uint64(7), alive & more
    if not digits:
        return ""
    table, mask = np.stack(digits, axis=1), np.stack(used, axis=1)
    return base64.b64encode(table[mask].tobytes()).decode("ascii")


def unpack(text: str) -> np.ndarray:
    """The integers that `pack` wrote, as uint64, shape (n,)."""
    data = np.frombuffer(base64.b64decode(text), dtype=np.uint8)
    if not len(data):
        return np.zeros(0, dtype=np.uint64)
    ends = np.flatnonzero(data < 128)
    starts = np.concatenate(([0], ends[:-1] + 1))
    place = np.arange(len(data)) - np.repeat(starts, ends - starts + 1)
    parts = (data & 127).astype(np.uint64) << (place * 7).astype(np.uint64)
    return np.add.reduceat(parts, starts)


def pack_sorted(values: np.ndarray) -> str:
    """Strictly or weakly ascending unsigned integers, by their differences.

    Example:
        >>> unpack_sorted(pack_sorted(np.array([5, 6, 1000], dtype=np.uint64)))
        array([   5,    6, 1000], dtype=uint64)
    """
    return pack(np.diff(values.astype(np.uint64), prepend=np.uint64(0)))


def unpack_sorted(text: str) -> np.ndarray:
    """The integers that `pack_sorted` wrote, as uint64."""
    return np.cumsum(unpack(text), dtype=np.uint64)
