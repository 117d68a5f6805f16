"""Figures and labels as people write them, for the visual report."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass

import numpy as np

__all__ = ["Label", "duration", "figure", "label", "moment", "share", "tick"]

_DASH = "\u2013"
_LONGEST = 48
_TITLE = 300
_SMALLEST_PLAIN = 1e-4
_LARGEST_PLAIN = 1e15
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_PICTURES = {"\n": "↵", "\t": "⇥", "\r": "␍", "\x7f": "␡"}
_UNSEEN = frozenset(
    "\u00ad\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)
"""Characters without a shape, among them those that turn the direction of what follows around."""

_SUFFIXES = ((1e12, "T"), (1e9, "bn"), (1e6, "M"), (1e3, "k"))
_UNITS = (
    (365.25 * 86400, "years"),
    (86400.0, "days"),
    (3600.0, "h"),
    (60.0, "min"),
    (1.0, "s"),
    (1e-3, "ms"),
)


def figure(value: object) -> str:
    """A number as people write it: whole numbers exactly, others to four digits; a dash for None.

    Example:
        >>> figure(1234567), figure(1234.5678), figure(0.000012345), figure(True)
        ('1,234,567', '1,235', '1.234·10⁻⁵', 'true')
    """
    if value is None:
        return _DASH
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, int):
        return f"{value:,}"
    if not isinstance(value, float):
        return label(str(value)).text
    if not math.isfinite(value):
        return "∞" if value > 0 else "-∞" if value < 0 else _DASH
    if value.is_integer() and abs(value) < _LARGEST_PLAIN:
        return f"{int(value):,}"
    rounded = float(f"{value:.4g}")
    if abs(rounded) >= _LARGEST_PLAIN or abs(rounded) < _SMALLEST_PLAIN:
        mantissa, exponent = f"{value:.3e}".split("e")
        return f"{float(mantissa):g}·10{str(int(exponent)).translate(_SUPERSCRIPT)}"
    return f"{value:,.0f}" if abs(rounded) >= 1000 else f"{rounded:g}"


def tick(value: float) -> str:
    """A round number beside an axis, short.

    Example:
        >>> tick(0.25), tick(2500.0), tick(20_000.0), tick(1.5e6), tick(-3e9)
        ('0.25', '2,500', '20k', '1.5M', '-3bn')
    """
    if abs(value) >= 10_000:
        for size, suffix in _SUFFIXES:
            if size <= abs(value) < size * 1000:
                return f"{value / size:g}{suffix}"
    return figure(value)


def share(part: float, whole: float) -> str:
    """A share in percent; neither 0% nor 100% unless it is.

    Example:
        >>> share(1, 3), share(1, 10_000), share(9_999, 10_000), share(0, 5)
        ('33.3%', '<0.1%', '>99.9%', '0%')
    """
    if not whole:
        return _DASH
    percent = 100 * part / whole
    if 0 < percent < 0.05:
        return "<0.1%"
    if part < whole and percent >= 99.95:
        return ">99.9%"
    return f"{percent:.1f}%".replace(".0%", "%") if percent in (0, 100) else f"{percent:.1f}%"


def moment(value: float | str | None) -> str:
    """A date, from ISO text or from microseconds since 1970, without what is zero at its end.

    Example:
        >>> moment("2013-01-05T00:00:00"), moment(1_357_387_200_000_000), moment("2013-01-05T10:30:00")
        ('2013-01-05', '2013-01-05 12:00', '2013-01-05 10:30')
    """
    if value is None:
        return _DASH
    text = value if isinstance(value, str) else _iso(value)
    text = text.replace("T", " ")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    for ending in (" 00:00:00", ":00"):
        if text.endswith(ending) and len(text) > 10:
            return text[: -len(ending)]
    return text


def _iso(microseconds: float) -> str:
    if abs(microseconds) > np.iinfo(np.int64).max * 0.99:
        return f"{figure(float(microseconds))} µs"
    return str(np.datetime64(round(microseconds), "us"))


def duration(microseconds: float | None) -> str:
    """A length of time in its largest fitting unit.

    Example:
        >>> duration(5_400_000_000), duration(86_400_000_000 * 3), duration(0)
        ('1.5 h', '3 days', '0 s')
    """
    if microseconds is None:
        return _DASH
    seconds = abs(microseconds) / 1e6
    for size, unit in _UNITS:
        if seconds >= size * (2 if unit == "years" else 1):
            found = figure(float(f"{seconds / size:.4g}"))
            return f"{found} {unit.removesuffix('s') if found == '1' and len(unit) > 2 else unit}"
    return f"{figure(float(microseconds))} µs" if seconds else "0 s"


@dataclass(frozen=True)
class Label:
    """A name or a value, fit to be read.

    Args:
        text: in one line, control characters made visible, cut where it is too long.
        title: the whole (its first 300 characters) where `text` may not show it all, else "".
        is_empty: whether there is nothing to read, so that `text` is a remark.
    """

    text: str
    title: str = ""
    is_empty: bool = False


def label(text: str, longest: int = _LONGEST) -> Label:
    r"""A name or value in one line of at most `longest` characters; spaces at its ends are made visible.

    Example:
        >>> label("two\nlines").text, label("").text, label(" x" * 60, 5).text
        ('two↵lines', '(empty)', '␣x x…')
    """
    if not text:
        return Label("(empty)", is_empty=True)
    start = text[: max(longest, _TITLE) + 1]
    shown = _ends("".join(_visible(character) for character in start))
    if len(shown) > longest:
        return Label(shown[: longest - 1] + "…", _cut(shown))
    return Label(shown, shown if len(shown) > longest // 2 else "")


def _ends(text: str) -> str:
    inner = text.strip()
    before = len(text) - len(text.lstrip())
    return "␣" * before + inner + "␣" * (len(text) - before - len(inner))


def _cut(text: str) -> str:
    return text if len(text) <= _TITLE else text[: _TITLE - 1] + "…"


def _visible(character: str) -> str:
    if character in _PICTURES:
        return _PICTURES[character]
    category = unicodedata.category(character)
    if character in _UNSEEN:
        return "␦"
    if category == "Cc":
        return chr(0x2400 + ord(character)) if ord(character) < 0x20 else "␦"
    return {"Zl": "↵", "Zp": "¶", "Cs": "\ufffd"}.get(category, character)
