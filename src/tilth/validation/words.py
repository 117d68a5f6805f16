"""How validation words values, shares and bounds."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

__all__ = ["SHOWN", "between", "listed", "percent", "shortened"]

SHOWN = 5
"""How many values a message names."""

_LONGEST = 60


def shortened(value: object) -> str:
    """A value as people write it: texts in quotes, dates as ISO texts, long ones cut.

    Example:
        >>> shortened("a"), shortened(2.5), len(shortened("long " * 100))
        ("'a'", '2.5', 60)
    """
    if isinstance(value, datetime.datetime):
        shown = value.isoformat().removesuffix("T00:00:00")
    elif isinstance(value, bool):
        shown = str(value).lower()
    else:
        shown = repr(value) if isinstance(value, str) else str(value)
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 4] + "..." + shown[-1]


def listed(values: Sequence[object]) -> str:
    """The first few values, and how many more there are.

    Example:
        >>> listed(["a", "b"]), listed(range(7))
        ("'a', 'b'", '0, 1, 2, 3, 4 and 2 more')
    """
    shown = ", ".join(shortened(value) for value in values[:SHOWN])
    return shown + (f" and {len(values) - SHOWN} more" if len(values) > SHOWN else "")


def percent(share: float) -> str:
    """A share in percent; a tiny one as it is.

    Example:
        >>> percent(0.143), percent(0.00002)
        ('14.3%', '2e-05')
    """
    return f"{share:.2g}" if 0 < share < 0.0001 else f"{100 * share:.3g}%"


def between(low: float | None, high: float | None, unit: str = "") -> str:
    """Bounds in words.

    Example:
        >>> between(0, None), between(1, 5, "characters"), between(3, 3, "items")
        ('at least 0', 'at least 1 and at most 5 characters', 'exactly 3 items')
    """
    if low is not None and low == high and unit:
        return f"exactly {low:g} {unit.removesuffix('s') if low == 1 else unit}"
    bounds = (("at least", low), ("at most", high))
    words = " and ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)
    return f"{words} {unit}".strip()
