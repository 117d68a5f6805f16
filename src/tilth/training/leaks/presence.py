"""Columns whose mere presence tells the label, or that are filled in later than the row is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tilth.training.findings import Finding
from tilth.training.leaks.columns import RawColumn
from tilth.training.leaks.target import LEAST_OF_CLASS, Target
from tilth.training.leaks.words import leak
from tilth.training.strength import class_strength, number_strength

__all__ = ["late_columns", "presence"]

_CERTAIN = 0.999
_SUSPECT = 0.9
_LATER_SHARE = 0.5
_OUTCOME_TOLD = 0.9
_NEWEST = 0.99


def presence(target: Target, columns: Sequence[RawColumn]) -> Iterator[Finding]:
    """A finding for each column that is there for one label and missing for the other."""
    for column in columns:
        value = _told_by(target, column.present.astype(np.float64))
        if value is None or value < _SUSPECT:
            continue
        words = (
            f"whether '{column.name}' is filled in tells the label ({_name(target)} {value:.4f}): is that "
            "done only after the outcome?"
        )
        figures: dict[str, float | None] = {_name(target): value}
        yield leak("leak_by_presence", words, [column.name], figures, certain=value >= _CERTAIN)


def late_columns(target: Target, columns: Sequence[RawColumn], time: RawColumn) -> Iterator[Finding]:
    """A finding for each column that holds times after the row's own, or that the newest rows lack.

    A time after the row's time may be known in advance, such as a date of departure, so it is a note; it is
    certain where it, or how much later it is, or its presence, tells the label too.

    Args:
        target: the labels.
        columns: the columns that features are made of.
        time: when each row was made.
    """
    for column in columns:
        if column.name == time.name:
            continue
        there = column.present & time.present
        if column.kind == "time" and there.any():
            yield from _later(target, column, time)
        missing = ~column.present & time.present
        if min(there.sum(), missing.sum()) >= LEAST_OF_CLASS:
            newest = class_strength(time.values[time.present], missing[time.present])
            if newest is not None and newest >= _NEWEST:
                words = (
                    f"'{column.name}' is missing in the newest rows and filled in the older ones: is it "
                    "filled in later?"
                )
                yield leak("leak_by_time", words, [column.name], {"auroc": newest}, certain=False)


def _later(target: Target, column: RawColumn, time: RawColumn) -> Iterator[Finding]:
    there = column.present & time.present
    share = float((column.values[there] > time.values[there]).mean())
    if share < _LATER_SHARE:
        return
    lag = np.where(there, column.values - time.values, np.nan)
    told = [_told_by(target, values) for values in (column.present.astype(np.float64), lag)]
    value = max((found for found in told if found is not None), default=None)
    certain = value is not None and value >= _OUTCOME_TOLD
    words = f"'{column.name}' lies after the row's own time '{time.name}' in {share:.0%} of the rows" + (
        f", and it tells the label ({_name(target)} {value:.4f})" if certain else ": is it known by then?"
    )
    figures = {"share": share, _name(target): value}
    yield leak("leak_by_time", words, [column.name], figures, certain=certain)


def _name(target: Target) -> str:
    return "auroc" if target.has_classes else "rank correlation"


def _told_by(target: Target, values: np.ndarray) -> float | None:
    """How well the order of values tells the label, in either direction."""
    known = values[~np.isnan(values)]
    if len(known) < 2 or known.min() == known.max():
        return None
    if target.has_classes:
        return target.order_strength(values)
    found = number_strength(values, target.y)
    return None if found is None else abs(found)
