"""What was done to a column, guessed from pairs of values before and after."""

from __future__ import annotations

import datetime
import unicodedata
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tilth.validation.words import shortened

__all__ = ["guess_transformation"]

_ENOUGH = 0.99
_LEAST_PAIRS = 3
_CLOSE = 1e-6
_MOST_DECIMALS = 6
_LOOKED_AT = 10_000
_NAMED = 2

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def guess_transformation(before: pa.Array, after: pa.Array) -> str | None:
    """What turns `before` into `after`, in words; None where nothing known does for 99 % of the pairs.

    Numbers: a factor, an offset, both, rounding, cutting, clipping, a logarithm and the like, single
        precision;
    texts: case, white space, accents, a prefix or suffix, a new name for each value; dates: an offset, the
        time
    of day cut; missing values filled or values lost.

    Args:
        before: values of one type, shape (n,).
        after: the values at the same places on the other side, all different from those before.

    Example:
        >>> guess_transformation(pa.array([1.0, 2.0, 4.0]), pa.array([33.8, 35.6, 39.2]))
        '1.8 times the value + 32'
        >>> guess_transformation(pa.array(["A", "B", None]), pa.array(["a", "b", "?"]))
        "in lower case; missing values became '?'"
    """
    gone, lost = _missing(before), _missing(after)
    both = ~gone & ~lost
    parts = []
    if both.any():
        parts.append(_of_present(before.filter(pa.array(both)), after.filter(pa.array(both))))
    if (gone & ~lost).any():
        parts.append(_of_filled(after.filter(pa.array(gone & ~lost))))
    if (lost & ~gone).any():
        parts.append("values were lost")
    known = [part for part in parts if part]
    return "; ".join(known) or None


def _missing(values: pa.Array) -> Flags:
    found: Flags = pc.is_null(values, nan_is_null=pa.types.is_floating(values.type)).to_numpy(
        zero_copy_only=False
    )
    return found


def _of_filled(after: pa.Array) -> str:
    distinct = pc.unique(after)
    if len(distinct) == 1:
        return f"missing values became {shortened(distinct[0].as_py())}"
    return "missing values were filled in"


def _of_present(before: pa.Array, after: pa.Array) -> str | None:
    kinds = {_kind(before.type), _kind(after.type)}
    if kinds == {"number"}:
        return _of_numbers(*(np.asarray(side.cast(pa.float64(), safe=False)) for side in (before, after)))
    if kinds == {"text"}:
        pairs = zip(before[:_LOOKED_AT].to_pylist(), after[:_LOOKED_AT].to_pylist(), strict=True)
        return _of_texts(list(pairs))
    if kinds == {"date"}:
        return _of_dates(*(np.asarray(side.cast(pa.int64())) for side in (before, after)))
    if kinds == {"flag"} and len(before) >= _LEAST_PAIRS and len(pc.unique(before)) == 2:
        return "true and false changed places"
    return None


def _kind(arrow: pa.DataType) -> str:
    types = pa.types
    if types.is_integer(arrow) or types.is_floating(arrow):
        return "number"
    if types.is_timestamp(arrow):
        return "date"
    return "text" if types.is_string(arrow) else "flag" if types.is_boolean(arrow) else "other"


def _holds(fits: Flags) -> bool:
    return bool(fits.mean() >= _ENOUGH)


def _of_numbers(a: Floats, b: Floats) -> str | None:
    finite = np.isfinite(a) & np.isfinite(b)
    a, b = a[finite], b[finite]
    if len(a) < _LEAST_PAIRS:
        return None
    if len(np.unique(a)) == 1 and len(np.unique(b)) == 1:
        return f"{a[0]:.6g} became {b[0]:.6g}"
    with np.errstate(all="ignore"):
        return next((words for words in _number_guesses(a, b) if words), None)


def _number_guesses(a: Floats, b: Floats) -> Iterator[str | None]:
    """Guesses from the plainest on; the first that is not None holds."""
    yield "kept in single precision" if _holds(a.astype(np.float32) == b) else None
    yield "the sign changed" if _holds(b == -a) else None
    yield _factor(a, b)
    yield _offset(a, b)
    if len(np.unique(b)) == 1:
        yield f"all became {b[0]:.6g}"
    yield _rounding(a, b)
    yield _clipping(a, b)
    yield _line(a, b)
    for words, function in _FUNCTIONS.items():
        yield words if _holds(_close(function(a), b)) else None


_FUNCTIONS: dict[str, Callable[[Floats], Floats]] = {
    "the natural logarithm": np.log,
    "the natural logarithm of 1 + the value": np.log1p,
    "the logarithm to base 10": np.log10,
    "the logarithm to base 2": np.log2,
    "the square root": np.sqrt,
    "the square": np.square,
    "the exponential": np.exp,
    "one divided by the value": np.reciprocal,
    "the amount without its sign": np.abs,
}


def _close(a: Floats, b: Floats) -> Flags:
    near: Flags = np.abs(a - b) <= _CLOSE * np.maximum(np.abs(a), np.abs(b))
    return near


def _factor(a: Floats, b: Floats) -> str | None:
    there = a != 0
    if not there.any():
        return None
    factor = float(np.median(b[there] / a[there]))
    if not np.isfinite(factor) or factor == 0 or not _holds(_close(a * factor, b)):
        return None
    inverse = 1 / factor
    if abs(factor) < 1 and abs(inverse - round(inverse)) < _CLOSE * abs(inverse):
        return f"divided by {round(inverse):,}"
    return f"multiplied by {factor:,.6g}"


def _offset(a: Floats, b: Floats) -> str | None:
    offset = float(np.median(b - a))
    near = np.abs(b - a - offset) <= _CLOSE * np.maximum(abs(offset), np.spacing(np.abs(a)) / _CLOSE * 2)
    return f"shifted by {offset:+,.6g}" if offset and _holds(near) else None


def _rounding(a: Floats, b: Floats) -> str | None:
    for decimals in range(_MOST_DECIMALS + 1):
        unit = 10.0**-decimals
        if not _holds(np.abs(b - np.round(b, decimals)) <= 1e-9 * np.maximum(1, np.abs(b))):
            continue
        places = "whole numbers" if not decimals else f"{decimals} decimal{'s' if decimals > 1 else ''}"
        slack = unit * 1e-6
        if _holds(np.abs(b - a) <= unit / 2 + slack):
            return f"rounded to {places}"
        inward = (np.abs(a) - np.abs(b) > -slack) & (np.abs(b - a) < unit + slack)
        down = (a - b > -slack) & (a - b < unit + slack)
        return f"cut to {places}" if _holds(inward) or _holds(down) else None
    return None


def _clipping(a: Floats, b: Floats) -> str | None:
    ends = np.unique(b)
    if len(ends) > 2:
        return None
    low, high = float(ends[0]), float(ends[-1])
    fits = ((b == low) & (a < low)) | ((b == high) & (a > high))
    return f"clipped at {low:.6g} and {high:.6g}" if _holds(fits) else None


def _line(a: Floats, b: Floats) -> str | None:
    low, high = int(np.argmin(a)), int(np.argmax(a))
    if len(np.unique(a)) <= 2:
        return None
    slope = (b[high] - b[low]) / (a[high] - a[low])
    start = b[low] - slope * a[low]
    near = np.abs(slope * a + start - b) <= _CLOSE * max(float(np.abs(b).max()), abs(float(start)))
    if not np.isfinite(slope) or slope == 0 or not _holds(near):
        return None
    return f"{slope:.6g} times the value {'+' if start >= 0 else '-'} {abs(start):.6g}"


def _of_dates(a: npt.NDArray[np.int64], b: npt.NDArray[np.int64]) -> str | None:
    if len(a) < _LEAST_PAIRS:
        return None
    offset = int(np.median(b - a))
    if _holds(b - a == offset):
        by = datetime.timedelta(microseconds=abs(offset))
        return f"shifted by {'-' if offset < 0 else '+'}{by}"
    day = 86_400_000_000
    return "the time of day was cut" if _holds(a - a % day == b) else None


def _of_texts(pairs: list[tuple[str, str]]) -> str | None:
    if len(pairs) < min(_LEAST_PAIRS, 2):
        return None
    for words, function in _TEXT_FUNCTIONS.items():
        if sum(function(a) == b for a, b in pairs) >= _ENOUGH * len(pairs):
            return words
    if sum(a.casefold() == b.casefold() for a, b in pairs) >= _ENOUGH * len(pairs):
        return "the case changed"
    return _affix(pairs) or _cut(pairs) or _renaming(pairs)


def _without_accents(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


_TEXT_FUNCTIONS: dict[str, Callable[[str], str]] = {
    "in lower case": str.lower,
    "in upper case": str.upper,
    "in title case": str.title,
    "white space around it cut": str.strip,
    "runs of white space became one": lambda text: " ".join(text.split()),
    "white space left out": lambda text: "".join(text.split()),
    "in lower case, white space around it cut": lambda text: text.strip().lower(),
    "accents left out": _without_accents,
    "another Unicode normal form": lambda text: unicodedata.normalize("NFKC", text),
    "leading zeros left out": lambda text: text.lstrip("0") or "0",
}


def _affix(pairs: list[tuple[str, str]]) -> str | None:
    """A text put before or after each value, or left out there."""
    if len({a for a, _ in pairs}) < 2:
        return None
    for words, parts in (("was added", pairs), ("was left out", [(b, a) for a, b in pairs])):
        (short, long), *_ = parts
        if long.endswith(short):
            prefix = long[: len(long) - len(short)]
            if sum(b == prefix + a for a, b in parts) >= _ENOUGH * len(parts):
                return f"{shortened(prefix)} {words} in front"
        if long.startswith(short):
            suffix = long[len(short) :]
            if sum(b == a + suffix for a, b in parts) >= _ENOUGH * len(parts):
                return f"{shortened(suffix)} {words} at the end"
    return None


def _cut(pairs: list[tuple[str, str]]) -> str | None:
    length = max(len(b) for _, b in pairs)
    fits = sum(a[:length].rstrip() == b.rstrip() for a, b in pairs)
    return f"cut to {length} characters" if length and fits >= _ENOUGH * len(pairs) else None


def _renaming(pairs: list[tuple[str, str]]) -> str | None:
    """Each value has one new name, and each name one value, so that the two say the same."""
    names = dict(pairs)
    if len(names) * 2 > len(pairs) or len(set(names.values())) < len(names):
        return None
    if any(names[a] != b for a, b in pairs):
        return None
    shown = [f"{shortened(a)} is {shortened(b)}" for a, b in sorted(names.items())[:_NAMED]]
    return f"other names: {', '.join(shown)}{', ...' if len(names) > _NAMED else ''}"
