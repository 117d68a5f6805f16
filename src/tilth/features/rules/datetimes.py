"""Rules for operations on datetimes: seconds since 1970 in double precision, NaN for missing.

The calendar is Howard Hinnant's days-to-civil algorithm, in which years begin in March and every division
rounds down (http://howardhinnant.github.io/date_algorithms.html).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tilth.features import operations as op
from tilth.features.graph_writer import GraphWriter
from tilth.features.rules.rule import Rule, row, stacked, when

__all__ = ["RULES"]

_DAY_SECONDS = 86_400
_ERA_DAYS = 146_097
_MARCH_1_OF_YEAR_0 = 719_468
"""Days from then to 1970-01-01."""


class _Arithmetic:
    """Numbers with operators, written as nodes."""

    def __init__(self, writer: GraphWriter, block: str) -> None:
        self.writer = writer
        self.block = block

    def _with(self, operator: str, other: _Arithmetic | float) -> _Arithmetic:
        second = other.block if isinstance(other, _Arithmetic) else self.writer.constant(row([float(other)]))
        width = self.writer.width_of(self.block)
        block = self.writer.node(operator, self.block, second, type="double", width=width)
        return _Arithmetic(self.writer, block)

    def __add__(self, other: _Arithmetic | float) -> _Arithmetic:
        return self._with("Add", other)

    def __sub__(self, other: _Arithmetic | float) -> _Arithmetic:
        return self._with("Sub", other)

    def __mul__(self, other: _Arithmetic | float) -> _Arithmetic:
        return self._with("Mul", other)

    def __truediv__(self, other: float) -> _Arithmetic:
        return self._with("Div", other)

    def __floordiv__(self, other: float) -> _Arithmetic:
        quotient = self / other
        width = self.writer.width_of(self.block)
        return _Arithmetic(self.writer, self.writer.node("Floor", quotient.block, type="double", width=width))

    def at_least(self, bound: float, then: _Arithmetic, otherwise: _Arithmetic) -> _Arithmetic:
        limit = self.writer.constant(row([float(bound)]))
        width = self.writer.width_of(self.block)
        reached = self.writer.node("GreaterOrEqual", self.block, limit, type="bool", width=width)
        return _Arithmetic(self.writer, when(self.writer, reached, then.block, otherwise.block))


def _hour(seconds: _Arithmetic) -> _Arithmetic:
    return (seconds - (seconds // _DAY_SECONDS) * _DAY_SECONDS) // 3_600


def _weekday(seconds: _Arithmetic) -> _Arithmetic:
    since_monday = seconds // _DAY_SECONDS + 3  # 1970-01-01 was a Thursday
    return since_monday - (since_monday // 7) * 7


def _civil(seconds: _Arithmetic) -> tuple[_Arithmetic, _Arithmetic, _Arithmetic]:
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


_PARTS: dict[str, Callable[[_Arithmetic], _Arithmetic]] = {
    "hour": _hour,
    "weekday": _weekday,
    "year": lambda seconds: _civil(seconds)[0],
    "month": lambda seconds: _civil(seconds)[1],
    "day": lambda seconds: _civil(seconds)[2],
}


def _date_part(writer: GraphWriter, operations: Sequence[op.DatePart], block: str) -> str:
    return _PARTS[operations[0].part](_Arithmetic(writer, block)).block


def _days(writer: GraphWriter, _: Sequence[op.Days], block: str) -> str:
    return (_Arithmetic(writer, block) / _DAY_SECONDS).block


RULES: dict[type[op.RowWise], Rule] = {
    op.DatePart: Rule(stacked(_date_part), together=lambda operation: operation.part),
    op.Days: Rule(stacked(_days)),
}
