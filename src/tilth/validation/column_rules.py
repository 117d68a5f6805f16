"""What the profile of a column says about the schema's expectations of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from tilth.validation.anomaly import Anomaly
from tilth.validation.misfits import Misfits
from tilth.validation.words import SHOWN, between, listed, percent

if TYPE_CHECKING:
    from tilth.profiles import ColumnProfile
    from tilth.schemas import AnomalyKind, Column
    from tilth.sketches import Moments
    from tilth.types import ColumnType

__all__ = [
    "SLACK",
    "distinct_rule",
    "domain_rule",
    "finite_rule",
    "judge_column",
    "length_rule",
    "lengths_of",
    "misfits_of_profile",
    "missing_column",
    "missing_rule",
    "pattern_rule",
    "range_rule",
    "type_fits",
    "type_rule",
    "unique_rule",
]

SLACK = 1e-12
"""Shares are quotients of counts: a bound that is met exactly must hold."""

_Rule = Callable[["Column", "ColumnProfile"], Iterator[Anomaly]]


def judge_column(
    column: Column, found: ColumnProfile, misfits: Misfits | None = None, repeats: int | None = None
) -> Iterator[Anomaly]:
    """The expectations of a column that its values break.

    Args:
        column: what it must be.
        found: its profile. Texts that could not be read as the column's type count as missing there.
        misfits: what did not fit while the rows were read; None where there is only the profile.
        repeats: how many values came before, where that was counted apart.
    """
    yield from missing_rule(column, found, misfits)
    yield from type_rule(column, found, misfits)
    if not type_fits(column, found):
        return
    for rule in _RULES:
        if found.count:
            yield from rule(column, found)
    if found.count:
        yield from unique_rule(column, found, repeats)
    if column.pattern is not None and found.count:
        yield from pattern_rule(column, found, misfits or misfits_of_profile(column, found))


def missing_column(column: Column) -> Anomaly:
    """The anomaly of a required column that is not there."""
    message = f"column '{column.name}' is missing; expected a column of type {column.type}"
    return _anomaly(column, "missing_column", "no such column", f"type {column.type}", None, message)


def type_fits(column: Column, found: ColumnProfile) -> bool:
    """Whether the values are of the column's type; whole numbers are numbers too."""
    whole_for_float = (column.type, found.type) in (("float", "int"), ("list[float]", "list[int]"))
    empty_lists = column.is_list and found.type.startswith("list[") and not _has_items(found)
    return not found.count or found.type == column.type or whole_for_float or empty_lists


def _has_items(found: ColumnProfile) -> bool:
    return found.items is not None and found.items.count > 0


def missing_rule(column: Column, found: ColumnProfile, misfits: Misfits | None) -> Iterator[Anomaly]:
    """Too many missing values."""
    if not found.rows:
        return
    missing = found.missing - (misfits.unreadable.count if misfits is not None else 0)
    share = missing / found.rows
    if share > 1 - column.min_present + SLACK:
        observed = f"{missing} of {found.rows} missing"
        expected = "none missing" if column.min_present == 1 else f"at least {column.min_present:.4g} present"
        message = f"column '{column.name}' has {percent(share)} missing ({observed}); expected {expected}"
        yield _anomaly(column, "too_many_missing", observed, expected, share, message)


def type_rule(column: Column, found: ColumnProfile, misfits: Misfits | None) -> Iterator[Anomaly]:
    """Values of another type: which, and what share."""
    if misfits is not None and misfits.type is not None:
        bad = misfits.unreadable
        present = found.count + bad.count
        if present and (bad.count or not misfits.is_untyped):
            yield _mismatch(column, misfits.type, bad.top(), bad.count / present)
    elif not type_fits(column, found):
        yield _mismatch(column, found.type, *_unfit(column, found))


def _unfit(column: Column, found: ColumnProfile) -> tuple[tuple[str | float, ...], float]:
    """The most frequent values that are not of the column's type, and their share, where values can tell."""
    if found.type == "string" and column.item_type is not None and not column.is_list:
        bad = misfits_of_profile(column, found, "string").unreadable
        return bad.top(), min(bad.count / found.count, 1.0)
    if (column.type, found.type) == ("int", "float") and found.numbers is not None:
        values, counts = found.numbers.table.table()
        broken = values != np.floor(values)
        order = np.argsort(-counts[broken], kind="stable")[:SHOWN]
        return tuple(values[broken][order].tolist()), int(counts[broken].sum()) / found.count
    return (), 0.0


def misfits_of_profile(column: Column, found: ColumnProfile, kind: ColumnType | None = None) -> Misfits:
    """The misfits as far as a profile keeps the texts; beyond, their number is estimated from a sample."""
    misfits = Misfits(column, kind)
    subject, _ = _subject(column, found)
    if subject is not None and subject.texts is not None:
        texts, counts = subject.texts.counts.table()
        misfits.take_counted(texts, counts * _per_kept(subject))
    return misfits


def _mismatch(
    column: Column, kind: ColumnType, values: tuple[str | float, ...] = (), share: float = 0.0
) -> Anomaly:
    observed, expected = f"type {kind}", f"type {column.type}"
    message = f"column '{column.name}' has {observed}; expected {expected}"
    if share and kind == "string":
        message += f": {listed(values)} cannot be read as such ({percent(share)} of its values)"
        observed += f", {listed(values)} among its values"
    return _anomaly(column, "type_mismatch", observed, expected, share or None, message, values)


def _subject(column: Column, found: ColumnProfile) -> tuple[ColumnProfile | None, str]:
    """What domain, range and pattern speak of, and what to call it."""
    return (found.items, "items") if column.is_list else (found, "values")


def domain_rule(column: Column, found: ColumnProfile) -> Iterator[Anomaly]:
    """Values outside the domain, more than it tolerates."""
    subject, noun = _subject(column, found)
    if column.domain is None or subject is None or not subject.count:
        return
    counts, allowed = subject.counts(), set(column.domain)
    outside = {value: count for value, count in counts.items() if value not in allowed}
    share = sum(outside.values()) * _per_kept(subject) / subject.count
    if share > 1 - column.min_domain_mass + SLACK:
        values = tuple(sorted(outside, key=lambda value: (-outside[value], value)))
        least = column.min_domain_mass
        mass = "" if least == 1 else f" for at least {least:.4g} of the {noun}"
        expected = f"one of {listed(column.domain)}{mass}"
        message = (
            f"column '{column.name}' has unexpected {noun} {listed(values)} "
            f"({percent(min(share, 1.0))} of its {noun}); expected {expected}"
        )
        share = min(share, 1.0)
        yield _anomaly(column, "unexpected_values", listed(values), expected, share, message, values)


def _per_kept(subject: ColumnProfile) -> int:
    """How many texts each text that a profile keeps stands for: 1 up to hundreds of thousands of them."""
    return 1 << subject.texts.counts.level if subject.texts is not None else 1


def range_rule(column: Column, found: ColumnProfile) -> Iterator[Anomaly]:
    """Numbers below or above the bounds."""
    subject, noun = _subject(column, found)
    if subject is None or subject.numbers is None or subject.min is None or subject.max is None:
        return
    values, counts = subject.numbers.table.table()
    if column.low is not None and subject.min < column.low:
        share = max(int(counts[values < column.low].sum()), 1) / subject.count
        yield _out_of_range(column, subject.min, share, f"below {column.low:g}", "least", noun)
    if column.high is not None and subject.max > column.high:
        share = max(int(counts[values > column.high].sum()), 1) / subject.count
        yield _out_of_range(column, subject.max, share, f"above {column.high:g}", "greatest", noun)


def _out_of_range(column: Column, worst: float, share: float, side: str, which: str, noun: str) -> Anomaly:
    expected = between(column.low, column.high)
    observed = f"the {which} is {worst:.6g}"
    message = f"column '{column.name}' has {noun} {side} ({percent(share)} of its {noun}): {observed}"
    return _anomaly(column, "out_of_range", observed, expected, share, message, (worst,))


def finite_rule(column: Column, found: ColumnProfile) -> Iterator[Anomaly]:
    """Infinities where there are bounds; NaN too where values must be finite."""
    subject, noun = _subject(column, found)
    bounded = column.low is not None or column.high is not None
    if subject is None:
        return
    for count, of, what, refused in (
        (subject.infinite, subject.count, f"infinite {noun}", bounded or column.finite),
        (subject.nan, subject.rows, f"{noun} that are NaN", column.finite),
    ):
        if count and refused:
            observed, expected = f"{count} {what}", "finite numbers"
            message = f"column '{column.name}' has {observed} ({percent(count / of)} of its {noun})"
            message += f"; expected {expected}"
            yield _anomaly(column, "out_of_range", observed, expected, count / of, message)


def pattern_rule(column: Column, found: ColumnProfile, misfits: Misfits) -> Iterator[Anomaly]:
    """Texts that do not match the pattern."""
    subject, noun = _subject(column, found)
    bad = misfits.unmatched
    if subject is None or not subject.count or not bad.count:
        return
    share = min(bad.count / subject.count, 1.0)
    values, expected = bad.top(), f"all {noun} matching {column.pattern}"
    message = (
        f"column '{column.name}' has {noun} that do not match its pattern: {listed(values)} "
        f"({percent(share)} of its {noun}); expected {expected}"
    )
    yield _anomaly(column, "unexpected_values", listed(values), expected, share, message, values)


def length_rule(column: Column, found: ColumnProfile) -> Iterator[Anomaly]:
    """Texts, lists and files too short or too long."""
    low, high = column.min_length, column.max_length
    if (low, high) == (None, None):
        return
    lengths, unit = lengths_of(column, found)
    if lengths is None or lengths.low is None or lengths.high is None:
        return
    sizes, counts = _length_counts(found)
    expected = between(low, high, unit)
    for broken, side, which, worst in (
        (low is not None and lengths.low < low, f"fewer than {low}", "shortest", int(lengths.low)),
        (high is not None and lengths.high > high, f"more than {high}", "longest", int(lengths.high)),
    ):
        if broken:
            wrong = sizes < low if which == "shortest" else sizes > high
            share = max(int(counts[wrong].sum()) * _per_kept(found), 1) / found.count
            observed = f"the {which} has {worst}"
            message = (
                f"column '{column.name}' has values of {side} {unit} ({percent(share)} of its values): "
                f"{observed}; expected {expected}"
            )
            yield _anomaly(column, "wrong_shape", observed, expected, share, message, (worst,))


def lengths_of(column: Column, found: ColumnProfile) -> tuple[Moments | None, str]:
    """The lengths that `min_length` and `max_length` speak of, and their unit."""
    if column.type in ("image", "audio"):
        return found.byte_lengths, "bytes"
    return found.lengths, "items" if column.is_list else "characters"


def _length_counts(found: ColumnProfile) -> tuple[np.ndarray, np.ndarray]:
    """The lengths, and how often each came."""
    if found.sizes is not None:
        return found.sizes.table.table()
    if found.texts is None:
        return np.zeros(0), np.zeros(0, np.int64)
    texts, counts = found.texts.counts.table()
    return np.asarray(pc.utf8_length(texts)), counts


def unique_rule(column: Column, found: ColumnProfile, repeats: int | None = None) -> Iterator[Anomaly]:
    """Values that come again; `repeats` is how many came before, where that was counted apart."""
    if not column.unique or (found.is_unique if repeats is None else not repeats):
        return
    repeated = tuple(value for value, count in found.top(SHOWN) if count > 1)
    # An estimate of the distinct values may be above their number, and tells no share of repeats.
    exact = found.is_distinct_exact or repeats is not None
    most = min(found.distinct, found.count - 1) if repeats is None else found.count - repeats
    share = max(0.0, 1 - most / found.count) if exact else None
    observed = f"{'' if exact else 'about '}{most} distinct among {found.count} values"
    shown = f", such as {listed(repeated)}" if repeated else ""
    message = f"column '{column.name}' has repeated values{shown} ({observed}); expected each value once"
    yield _anomaly(column, "not_unique", observed, "each value once", share, message, repeated)


def distinct_rule(column: Column, found: ColumnProfile) -> Iterator[Anomaly]:
    """Too few different values, or too many."""
    subject, noun = _subject(column, found)
    if subject is None:
        return
    low, high, count = column.min_distinct, column.max_distinct, subject.distinct
    observed, expected = f"{count} different {noun}", between(low, high, f"different {noun}")
    message = f"column '{column.name}' has {observed}; expected {expected}"
    if low is not None and count < low:
        yield _anomaly(column, "too_few_distinct", observed, expected, None, message)
    if high is not None and count > high:
        yield _anomaly(column, "too_many_distinct", observed, expected, None, message)


_RULES: tuple[_Rule, ...] = (
    domain_rule,
    range_rule,
    finite_rule,
    length_rule,
    distinct_rule,
)


def _anomaly(
    column: Column,
    kind: AnomalyKind,
    observed: str,
    expected: str,
    share: float | None,
    message: str,
    values: tuple[str | int | float | bool, ...] = (),
) -> Anomaly:
    severity = column.severity_for(kind)
    return Anomaly(column.name, kind, values, observed, expected, share, severity, message)
