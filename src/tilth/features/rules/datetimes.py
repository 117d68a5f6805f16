"""Rules for operations on datetimes: seconds since 1970 in double precision, NaN for missing.

The calendar is Howard Hinnant's days-to-civil algorithm, in which years begin in March and every division
rounds down (http://howardhinnant.github.io/date_algorithms.html).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tilth.features import operations as op
from tilth.features.graph_writer import GraphWriter
from tilth.features.rules.arithmetic import Arithmetic
from tilth.features.rules.rule import Rule, stacked

__all__ = ["RULES"]

_MINUTE_SECONDS = 60
_HOUR_SECONDS = 3_600
_DAY_SECONDS = 86_400
_WEEK_SECONDS = 604_800
_ERA_DAYS = 146_097
_MARCH_1_OF_YEAR_0 = 719_468
"""Days from then to 1970-01-01."""

_JANUARY_1_OF_YEAR_1 = 719_162
"""Days from then to 1970-01-01."""

_MONDAY = 4
"""Days from 1970-01-01, a Thursday, to the first Monday."""


def _hour(seconds: Arithmetic) -> Arithmetic:
    return seconds % _DAY_SECONDS // _HOUR_SECONDS


def _minute(seconds: Arithmetic) -> Arithmetic:
    return seconds % _HOUR_SECONDS // _MINUTE_SECONDS


def _second(seconds: Arithmetic) -> Arithmetic:
    return seconds % _MINUTE_SECONDS // 1


def _weekday(seconds: Arithmetic) -> Arithmetic:
    return (seconds // _DAY_SECONDS - _MONDAY) % 7


def _hour_of_week(seconds: Arithmetic) -> Arithmetic:
    return (seconds - _MONDAY * _DAY_SECONDS) % _WEEK_SECONDS // _HOUR_SECONDS


def _civil(seconds: Arithmetic) -> tuple[Arithmetic, Arithmetic, Arithmetic]:
    """Year, month, day."""
    days = seconds // _DAY_SECONDS + _MARCH_1_OF_YEAR_0
    era = days // _ERA_DAYS
    day_of_era = days - era * _ERA_DAYS
    leap = day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096
    year_of_era = leap // 365
    begin = year_of_era * 365 + year_of_era // 4 - year_of_era // 100
    day_of_year = day_of_era - begin
    month_from_march = (day_of_year * 5 + 2) // 153
    day = day_of_year - (month_from_march * 153 + 2) // 5 + 1
    month = month_from_march.at_least(10, month_from_march - 9, month_from_march + 3)
    march_year = year_of_era + era * 400
    return month_from_march.at_least(10, march_year + 1, march_year), month, day


def _quarter(seconds: Arithmetic) -> Arithmetic:
    return (_civil(seconds)[1] + 2) // 3


def _day_of_year(seconds: Arithmetic) -> Arithmetic:
    """The days since the year before ended: 365 a year, and one for each leap year."""
    before = _civil(seconds)[0] - 1
    january_1 = before * 365 + before // 4 - before // 100 + before // 400
    return seconds // _DAY_SECONDS + (_JANUARY_1_OF_YEAR_1 + 1) - january_1


def _week(seconds: Arithmetic) -> Arithmetic:
    """A week belongs to the year in which its Thursday is."""
    thursday = seconds + (_weekday(seconds) * -1 + 3) * _DAY_SECONDS
    return (_day_of_year(thursday) + 6) // 7


_PARTS: dict[op.Part, Callable[[Arithmetic], Arithmetic]] = {
    "day": lambda seconds: _civil(seconds)[2],
    "day_of_year": _day_of_year,
    "hour": _hour,
    "hour_of_week": _hour_of_week,
    "minute": _minute,
    "month": lambda seconds: _civil(seconds)[1],
    "quarter": _quarter,
    "second": _second,
    "week": _week,
    "weekday": _weekday,
    "year": lambda seconds: _civil(seconds)[0],
}


def _date_part(writer: GraphWriter, operations: Sequence[op.DatePart], block: str) -> str:
    return _PARTS[operations[0].part](Arithmetic(writer, block)).block


def _days(writer: GraphWriter, _: Sequence[op.Days], block: str) -> str:
    return (Arithmetic(writer, block) / _DAY_SECONDS).block


RULES: dict[type[op.RowWise], Rule] = {
    op.DatePart: Rule(stacked(_date_part), together=lambda operation: operation.part),
    op.Days: Rule(stacked(_days)),
}
