"""Whole-number arrays as short text, for the states of sketches."""

from __future__ import annotations

import base64

import numpy as np

__all__ = ["pack", "pack_sorted", "pack_words", "unpack", "unpack_sorted", "unpack_words"]

_AT_ONCE = 1 << 15


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
    return _text(_digits(values.astype(np.uint64)))


def _digits(rest: np.ndarray) -> bytes:
    digits = np.ones(len(rest), dtype=np.int64)
    bits = 7
    while bits < 64 and (longer := rest >= np.uint64(1 << bits)).any():
        digits += longer
        bits += 7
    packed = np.empty(int(digits.sum()), dtype=np.uint8)
    places = np.cumsum(digits) - digits
    while len(rest):
        more = rest >= np.uint64(128)
        packed[places] = (rest & np.uint64(127)).astype(np.uint8) | (more.astype(np.uint8) << 7)
        rest, places = rest[more] >> np.uint64(7), places[more] + 1
    return packed.tobytes()


def unpack(text: str) -> np.ndarray:
    """The integers that `pack` wrote, as uint64, shape (n,)."""
    return _from_digits(_bytes(text))


def _from_digits(packed: bytes) -> np.ndarray:
    data = np.frombuffer(packed, dtype=np.uint8)
    if int(data.max(initial=0)) < 128:
        return data.astype(np.uint64)
    ends = np.flatnonzero(data < 128)
    starts = np.concatenate(([0], ends[:-1] + 1))
    values = np.zeros(len(ends), dtype=np.uint64)
    longest = int((ends - starts).max()) + 1
    for digit in range(longest):
        there = slice(None) if digit == 0 else np.flatnonzero(ends - starts >= digit)
        values[there] |= (data[starts[there] + digit] & 127).astype(np.uint64) << np.uint64(7 * digit)
    return values


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


def pack_words(values: np.ndarray) -> str:
    """Ascending 64-bit words that are spread evenly, by their differences: about as few bytes as can be.

    Of each difference the low bytes that most have, one after the other, and the rest as `pack` writes it.

    Example:
        >>> unpack_words(pack_words(np.array([5, 6, 1000], dtype=np.uint64)))
        array([   5,    6, 1000], dtype=uint64)
    """
    width = (_usual_step(values).bit_length() + 1) // 8
    low, high, before = [], [], np.uint64(0)
    for start in range(0, len(values), _AT_ONCE):
        part = values[start : start + _AT_ONCE].astype("<u8")
        steps = np.diff(part, prepend=before)
        low.append(np.ascontiguousarray(steps.view(np.uint8).reshape(-1, 8)[:, :width]).tobytes())
        high.append(_digits(steps >> np.uint64(8 * width)))
        before = part[-1]
    return _text(b"".join([bytes([width]), len(values).to_bytes(8, "little"), *low, *high]))


def unpack_words(text: str) -> np.ndarray:
    """The words that `pack_words` wrote, as uint64."""
    data = _bytes(text)
    width, count = data[0], int.from_bytes(data[1:9], "little")
    steps = np.zeros((count, 8), dtype=np.uint8)
    low = np.frombuffer(data, dtype=np.uint8, count=count * width, offset=9)
    steps[:, :width] = low.reshape(count, width)
    high = _from_digits(data[9 + count * width :])
    words = steps.view("<u8").ravel()
    words |= high << np.uint64(8 * width)
    return np.cumsum(words, dtype=np.uint64)


def _usual_step(values: np.ndarray) -> int:
    return int(values[-1] - values[0]) // len(values) if len(values) else 0


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)
