"""Dates and numbers that are stored as something else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from tilth.tables import SENTINELS

if TYPE_CHECKING:
    from tilth.profiles.figures import ColumnFigures, Value

__all__ = ["Disguise", "disguised_numbers", "disguised_texts"]

_NEARLY_ALL = 0.95
_LOOKED_AT = 1000
_EXAMPLES = 3
_LEAST_VALUES = 2
_MONTHS = "(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DATE = re.compile(
    r"(\d{4}[-/.](0?[1-9]|1[0-2])[-/.](0?[1-9]|[12]\d|3[01])"
    r"|(0?[1-9]|[12]\d|3[01])[-/.](0?[1-9]|[12]\d|3[01])[-/.](\d{4}|\d{2})"
    r"|(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"
    rf"|{_MONTHS}\.? \d{{1,2}},? \d{{4}}|\d{{1,2}}[- ]{_MONTHS}\.?,?[- ]\d{{2,4}})"
    r"([T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[ap]m)?( ?(Z|UTC|[-+]\d{2}:?\d{2}))?)?",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"\(?[-+]?\s?[$€£¥]?\s?[-+]?(\d{1,3}([,' ]\d{3})+(\.\d*)?|\d+([.,]\d*)?|\.\d+)([eE][-+]?\d+)?"
    r"\s?[%$€£¥]?\)?"
)
_CODE = re.compile(r"0\d+")  # a leading zero: a code, not a number
_TIME_NAME = re.compile(r"(?i)(time|date|stamp|epoch|unix|created|updated|modified|seen|(^|_)(at|ts|on)$)")
_FIRST_DAY, _LAST_DAY = 1900_01_01, 2199_12_31
_SECONDS = 946_684_800, 2_208_988_800  # the years 2000 to 2039


@dataclass(frozen=True)
class Disguise:
    """What values really are.

    Args:
        kind: a date or a number.
        told: the same for people.
        examples: some of the values.
    """

    kind: Literal["date_in_disguise", "number_in_disguise"]
    told: str
    examples: tuple[Value, ...]


def disguised_texts(column: ColumnFigures) -> Disguise | None:
    """Texts that are dates or numbers, nearly all of those looked at (up to 1,000 different ones).

    Example:
        >>> from tilth.profiles import profile
        >>> disguised_texts(profile({"paid": ["$5", "1,234", "12%"]})["paid"])
        Disguise(kind='number_in_disguise', told='texts that are numbers', examples=('$5', '1,234', '12%'))
    """
    assert column.texts is not None
    kept = column.texts.counts.table()[0]
    step = max(1, len(kept) // _LOOKED_AT)
    texts = [text.strip() for text in kept[::step].to_pylist() if text and text not in SENTINELS]
    if len(texts) < _LEAST_VALUES:
        return None
    examples = tuple(texts[:_EXAMPLES])
    if _share(_DATE, texts) >= _NEARLY_ALL:
        return Disguise("date_in_disguise", "texts that are dates", examples)
    if _share(_NUMBER, texts) >= _NEARLY_ALL and not any(_CODE.fullmatch(text) for text in texts):
        return Disguise("number_in_disguise", "texts that are numbers", examples)
    return None


def _share(pattern: re.Pattern[str], texts: list[str]) -> float:
    return sum(pattern.fullmatch(text) is not None for text in texts) / len(texts)


def disguised_numbers(column: ColumnFigures) -> Disguise | None:
    """Whole numbers that are dates: 20240131, or seconds or milliseconds since 1970 by range and name.

    Example:
        >>> from tilth.profiles import profile
        >>> disguised_numbers(profile({"day": [20240131, 20240201, 20231224]})["day"]).told
        'whole numbers that are dates as year, month and day'
    """
    if column.type != "int" or column.numbers is None or column.min is None or column.max is None:
        return None
    if column.distinct < _LEAST_VALUES or column.min < _FIRST_DAY:
        return None
    values = column.numbers.table.table()[0]
    examples = tuple(int(value) for value in values[:_EXAMPLES])
    if column.is_exact and column.max <= _LAST_DAY and _are_days(values.astype(np.int64)):
        return Disguise("date_in_disguise", "whole numbers that are dates as year, month and day", examples)
    for unit, factor in (("seconds", 1), ("milliseconds", 1000)):
        inside = _SECONDS[0] * factor <= column.min and column.max <= _SECONDS[1] * factor
        if inside and _TIME_NAME.search(column.name):
            return Disguise("date_in_disguise", f"whole numbers that are {unit} since 1970", examples)
    return None


def _are_days(values: np.ndarray) -> bool:
    months, days = values // 100 % 100, values % 100
    return bool(((months >= 1) & (months <= 12) & (days >= 1) & (days <= 31)).all())
