"""power_sums: sums of numbers and of their squares, without any rounding."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

__all__ = ["UNIT_BITS", "power_sums"]

UNIT_BITS = 1074
"""Every finite double is a whole multiple of 2**-1074."""

_CHUNK = 1 << 13
_SLICE_BITS = 20  # 2 * 20 + 13 bits: a sum of 2**13 products of two slices is a whole number below 2**53
_COUNTED_BITS = 13  # 3 * 13 + 13 bits: the same with a third factor, the counts
_MOST_BITS = 180
_USUAL_EXPONENT = 300
_SMALL_BITS = 120
_LARGEST_WHOLE = 1 << 53

Slices = list[tuple[np.ndarray, int]]
"""Doubles cut into whole multiples of 2**exponent, few bits each."""


def power_sums(values: np.ndarray, counts: np.ndarray | None = None) -> tuple[int, int]:
    """The exact sum, in units of 2**-1074, and the exact sum of squares, in units of 2**-2148.

    All values of a chunk are cut at common places into slices of few bits (the error-free extraction of Rump,
    Ogita and Oishi, "Accurate floating-point summation", 2008). The products of two slices add up below
    2**53, so their dot products are exact in any order, with or without fused multiplication.

    Args:
        values: float64 or int64, shape (n,), finite.
        counts: how often each value counts, int64, 0 or more, shape (n,); once each by default.

    Example:
        >>> total, squares = power_sums(np.array([1e100, 3.0, -1e100]))
        >>> total >> 1074, squares == (2 * int(1e100) ** 2 + 9) << 2148
        (3, True)
    """
    total = squares = 0
    for start in range(0, len(values), _CHUNK):
        chunk = values[start : start + _CHUNK]
        repeats = None if counts is None else counts[start : start + _CHUNK]
        for part in _chunk_sums(chunk, repeats):
            total += part[0]
            squares += part[1]
    return total, squares


def _chunk_sums(values: np.ndarray, counts: np.ndarray | None) -> Iterator[tuple[int, int]]:
    low, high = values.min().item(), values.max().item()
    if values.dtype.kind == "i" and max(high, -low) > _LARGEST_WHOLE:
        yield _sums(_whole_slices(values, _bits(counts)), counts)
        return
    numbers = values.astype(np.float64, copy=False)
    exponent = math.frexp(max(high, -low))[1]
    if abs(exponent) <= _USUAL_EXPONENT:
        slices = _slices(numbers, exponent, _bits(counts))
        if slices is not None:
            yield _sums(slices, counts)
            return
    yield from _uneven_sums(numbers, exponent, counts)


def _uneven_sums(numbers: np.ndarray, exponent: int, counts: np.ndarray | None) -> Iterator[tuple[int, int]]:
    """Far from one, products leave the range of doubles: move such numbers, the small ones on their own."""
    small = np.abs(numbers) < math.ldexp(1.0, exponent - _SMALL_BITS)
    scaled = np.ldexp(numbers[~small], -exponent)
    repeats = None if counts is None else counts[~small]
    slices = _slices(scaled, 0, _bits(counts))
    assert slices is not None
    total, squares = _sums(slices, repeats)
    yield _shifted(total, exponent), _shifted(squares, 2 * exponent)
    rest = small & (numbers != 0)
    if rest.any():
        yield from _chunk_sums(numbers[rest], None if counts is None else counts[rest])


def _shifted(units: int, bits: int) -> int:
    return units << bits if bits >= 0 else units >> -bits


def _bits(counts: np.ndarray | None) -> int:
    return _SLICE_BITS if counts is None else _COUNTED_BITS


def _slices(numbers: np.ndarray, exponent: int, bits: int) -> Slices | None:
    """Numbers below 2**exponent in size, cut into slices; None where they span too many bits."""
    found: Slices = []
    rest, place = numbers, exponent
    while len(found) * bits < _MOST_BITS:
        place -= bits
        grid = 1.5 * 2.0 ** (place + 52)
        upper = rest + grid
        upper -= grid
        found.append((upper, place))
        rest = rest - upper
        if not rest.any():
            return found
    return None


def _whole_slices(values: np.ndarray, bits: int) -> Slices:
    """Integers of 64 bits cut into slices; the highest one carries the sign."""
    places = range(0, 64, bits)
    mask = (1 << bits) - 1
    lower = [((values >> place) & mask, place) for place in places[:-1]]
    parts = [*lower, (values >> places[-1], places[-1])]
    return [(part * 2.0**place, place) for part, place in parts]


def _sums(slices: Slices, counts: np.ndarray | None) -> tuple[int, int]:
    if counts is None:
        return _slice_sums(slices, slices)
    total = squares = 0
    place, rest = 0, counts
    while rest.any():
        factor = (rest & ((1 << _COUNTED_BITS) - 1)).astype(np.float64)
        part = _slice_sums([(factor * numbers, at) for numbers, at in slices], slices)
        total += part[0] << place
        squares += part[1] << place
        rest, place = rest >> _COUNTED_BITS, place + _COUNTED_BITS
    return total, squares


def _slice_sums(left: Slices, right: Slices) -> tuple[int, int]:
    """The sums of `left`, which may be multiplied by counts, and of its products with `right`."""
    total = squares = 0
    for i, (numbers, place) in enumerate(left):
        total += int(math.ldexp(float(numbers.sum()), -place)) << (UNIT_BITS + place)
        for j, (others, other_place) in enumerate(right[: i + 1]):
            both = place + other_place
            product = int(math.ldexp(float(np.dot(numbers, others)), -both))
            squares += product << (2 * UNIT_BITS + both + (i != j))
    return total, squares
