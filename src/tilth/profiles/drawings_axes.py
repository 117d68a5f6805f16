"""Axes: round bins for numbers and dates, on which one or two distributions are drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from tilth.profiles.page_figures import figure, tick

__all__ = ["BINS", "Axis", "apart", "linear_axis", "log_axis", "round_step"]

BINS = 40
_TICKS = 8
_CHARACTER = 0.014  # width of a digit where the drawing is 1 wide
_LARGEST_WHOLE = 2.0**53
_FEW = 8  # fewer bins than this do not fill the whole width
_DECADES = (0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10, 20, 50)
_EVERY = (1, 2, 3, 5, 10, 20, 50, 100, 200, 1000)
_LOG_FROM = 2.0  # decades


@dataclass(frozen=True, eq=False)
class Axis:
    """Bins from left to right, and where they lie.

    Args:
        edges: ascending numbers, shape (k + 1,); a bin holds its lower edge, the last one both.
        names: what each bin says of itself, k of them.
        ticks: (place in [0, 1], text) of the marks below the axis.
        stretch: the monotone function that turns numbers into distances along the axis.

    Example:
        >>> axis = linear_axis(1, 6, whole=True)
        >>> axis.names
        ('1', '2', '3', '4', '5', '6')
        >>> axis.counts(np.array([1.0, 6.0]), np.array([10, 5])).tolist()
        [10, 0, 0, 0, 0, 5]
    """

    edges: np.ndarray
    names: tuple[str, ...]
    ticks: tuple[tuple[float, str], ...] = ()
    stretch: Callable[[np.ndarray], np.ndarray] = field(default=lambda numbers: numbers)

    @property
    def places(self) -> np.ndarray:
        """Where the edges lie, in [0, 1], shape (k + 1,)."""
        return self.place(self.edges) if self.edges[0] != self.edges[-1] else np.array([0.44, 0.56])

    def place(self, numbers: np.ndarray) -> np.ndarray:
        """Where numbers lie, in [0, 1]; few bins stand in the middle."""
        width = min(1.0, len(self.names) / _FEW)
        placed: np.ndarray = 0.5 + (self.along(numbers) - 0.5) * width
        return placed

    def along(self, numbers: np.ndarray) -> np.ndarray:
        """How far numbers are from the first edge to the last, in [0, 1]."""
        first, last = self.stretch(self.edges[[0, -1]].astype(np.float64))
        if first == last:
            return np.full(len(numbers), 0.5)
        # Halved where it is large, because the distance of two doubles may be greater than any double.
        half = 0.5 if max(abs(first), abs(last)) > 1 else 1.0
        along = (self.stretch(numbers) * half - first * half) / (last * half - first * half)
        within: np.ndarray = np.clip(along, 0, 1)
        return within

    def counts(self, numbers: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """How many of the numbers, shape (n,), each with its count, fall into each bin, shape (k,)."""
        bins = np.clip(np.searchsorted(self.edges, numbers, side="right") - 1, 0, len(self.names) - 1)
        return np.bincount(bins, weights=counts, minlength=len(self.names)).astype(np.int64)


def round_step(least: float) -> float:
    """The least of 1, 2, 5 times a power of ten that is not below `least`, above 0.

    Example:
        >>> round_step(0.3), round_step(7), round_step(20)
        (0.5, 10.0, 20.0)
    """
    exponent = math.floor(math.log10(least))
    for factor in (1, 2, 5, 10):
        step = float(f"{factor}e{exponent}")
        if step >= least * (1 - 1e-12):
            return step
    return float(f"1e{exponent + 1}")


def linear_axis(low: float, high: float, *, whole: bool = False, bins: int = BINS) -> Axis:
    """Bins of one round width from `low` to `high`, between a third of `bins` and `bins` of them.

    Args:
        low: the least number, finite.
        high: the greatest.
        whole: there are whole numbers only, so that bins end between them.
        bins: how many bins at most, or one more.

    Example:
        >>> linear_axis(17, 90, whole=True).names[:2], linear_axis(0.1, 0.9).names[0]
        (('16 to 17', '18 to 19'), '0.1 to 0.12')
    """
    if low == high:
        return Axis(np.array([low, high]), (figure(low),), ((0.5, figure(low)),))
    if whole and max(abs(low), abs(high)) < _LARGEST_WHOLE:
        return _whole_axis(int(low), int(high), bins)
    edges = _round_edges(low, high, bins)
    names = tuple(_between(a, b) for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
    return _with_ticks(Axis(edges, names), _round_numbers(float(edges[0]), float(edges[-1])))


def _whole_axis(low: int, high: int, bins: int) -> Axis:
    width = int(max(round_step((high - low + 1) / bins), 1))
    first = low // width
    starts = np.arange(first, high // width + 2) * width
    names = tuple(
        figure(int(start)) if width == 1 else _joined(figure(int(start)), figure(int(start) + width - 1))
        for start in starts[:-1].tolist()
    )
    numbers = [n for n in _round_numbers(low, high, least=1.0) if low <= n <= high]
    return _with_ticks(Axis(starts - 0.5, names), numbers)


def _round_edges(low: float, high: float, bins: int) -> np.ndarray:
    span = high - low
    if math.isfinite(span) and span > max(abs(low), abs(high)) * 1e-12 and span > 1e-300:
        step = round_step(span / bins)
        multiples = range(math.floor(low / step), math.ceil(high / step) + 1)
        edges = np.array([float(f"{k * step:.14g}") for k in multiples])
        if np.isfinite(edges).all() and edges[0] <= low and edges[-1] >= high and (np.diff(edges) > 0).all():
            return edges
    part = np.linspace(0.0, 1.0, bins + 1)
    return np.unique(low * (1 - part) + high * part)


def _between(low: float, high: float) -> str:
    digits = next((d for d in (4, 6, 9, 12) if f"{low:.{d}g}" != f"{high:.{d}g}"), 17)
    return _joined(_exactly(low, digits), _exactly(high, digits))


def _joined(low: str, high: str) -> str:
    return f"{low} to {high}"


def _exactly(number: float, digits: int = 12) -> str:
    rounded = float(f"{number:.{digits}g}")
    return f"{rounded:,.{digits}g}" if rounded == 0 or 1e-4 <= abs(rounded) < 1e15 else figure(rounded)


def _round_numbers(low: float, high: float, least: float = 0.0) -> list[float]:
    span = high - low
    if not math.isfinite(span) or span < 1e-300 or span < max(abs(low), abs(high)) * 1e-9:
        return [low, high]
    step = max(round_step(span / _TICKS), least)
    return [float(f"{k * step:.12g}") for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _with_ticks(axis: Axis, numbers: list[float]) -> Axis:
    places = axis.place(np.array(numbers, dtype=np.float64)).tolist()
    texts = [tick(number) for number in numbers]
    texts = texts if len(set(texts)) == len(texts) else [_exactly(number, 17) for number in numbers]
    return Axis(axis.edges, axis.names, apart(places, texts), axis.stretch)


def apart(places: Sequence[float], texts: Sequence[str]) -> tuple[tuple[float, str], ...]:
    """The marks, from left to right, without those that would run into the one before.

    Example:
        >>> apart([0.0, 0.01, 0.5], ["0", "100", "1,000"])
        ((0.0, '0'), (0.5, '1,000'))
    """
    kept: list[tuple[float, str]] = []
    for place, text in zip(places, texts, strict=True):
        if not kept or place - kept[-1][0] > _CHARACTER * (len(text) + len(kept[-1][1]) + 3) / 2:
            kept.append((place, text))
    return tuple(kept)


def log_axis(low: float, high: float, nearest: float, *, bins: int = BINS) -> Axis | None:
    """Bins of one width in powers of ten, on both sides of zero, zero having a bin to itself.

    Args:
        low: the least number, finite.
        high: the greatest.
        nearest: the least magnitude of a number that is not 0.
        bins: about how many bins at most.

    Returns:
        None where the magnitudes span less than two powers of ten.

    Example:
        >>> log_axis(0, 1000, 1).names[:3]
        ('0', '1 to 1.26', '1.26 to 1.58')
        >>> log_axis(10, 90, 10) is None
        True
    """
    farthest = max(abs(low), abs(high))
    if not nearest > 0 or math.log10(farthest) - math.log10(nearest) < _LOG_FROM:
        return None
    step, first, last = _powers(nearest, farthest, bins // (1 + (low < 0 < high)), strictly=low < 0)
    with np.errstate(over="ignore", under="ignore"):
        sizes = np.minimum(np.power(10.0, np.arange(first, last + 1) * step), np.finfo(np.float64).max)
    if not (np.diff(sizes) > 0).all() or not sizes[0] > 0:
        return None
    edges = np.concatenate([-sizes[::-1], sizes])
    kept = slice(
        max(int(np.searchsorted(edges, low, side="right")) - 1, 0),
        int(np.searchsorted(edges, high, side="right" if high == sizes[0] else "left")) + 1,
    )
    edges = edges[kept]
    stretch = _Powers(float(sizes[0]), step)
    names = tuple(_power_name(a, b) for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
    numbers = [n for n in _round_powers(float(sizes[0]), farthest, 1 + (low < 0 < high)) if low <= n <= high]
    return _with_ticks(Axis(edges, names, (), stretch), numbers)


def _powers(nearest: float, farthest: float, bins: int, *, strictly: bool) -> tuple[float, int, int]:
    decades = math.log10(farthest) - math.log10(nearest)
    step = next((size for size in _DECADES if decades / size <= bins), 100.0)
    first, last = math.floor(math.log10(nearest) / step), math.ceil(math.log10(farthest) / step)
    if strictly and 10.0 ** (first * step) >= nearest:
        first -= 1  # a bin holds its lower edge: the bin of zero must not hold the least negative number
    return step, first, max(last, first + 1)


@dataclass(frozen=True)
class _Powers:
    nearest: float
    step: float

    def __call__(self, numbers: np.ndarray) -> np.ndarray:
        sizes = np.maximum(np.abs(numbers), self.nearest)
        away = np.sign(numbers) * (0.5 + (np.log10(sizes) - math.log10(self.nearest)) / self.step)
        near = np.clip(numbers, -self.nearest, self.nearest) / self.nearest / 2
        along: np.ndarray = np.where(np.abs(numbers) < self.nearest, near, away)
        return along


def _power_name(low: float, high: float) -> str:
    if low < 0 < high:
        return "0"
    return _joined(figure(float(f"{low:.3g}")), figure(float(f"{high:.3g}")))


def _round_powers(nearest: float, farthest: float, sides: int) -> list[float]:
    first, last = math.ceil(math.log10(nearest) - 1e-9), math.floor(math.log10(farthest) + 1e-9)
    every = next(n for n in _EVERY if (last - first) * sides / n <= _TICKS)
    sizes = [float(f"1e{power}") for power in range(first, last + 1) if power % every == 0]
    return [-size for size in sizes[::-1]] + [0.0, *sizes]
