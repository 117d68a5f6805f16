"""History: rows by their age, in the unit of their times, and rows without a time refused by name."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from tilth.errors import DataError, TrainingError, UsageError
from tilth.tables import open_table
from tilth.training.history import Moments, age_weights

DAY = datetime.datetime(2026, 1, 1)
DAYS = [DAY + datetime.timedelta(days=days) for days in (0, 10, 30, 40)]


def test_the_newest_row_learned_from_is_the_present() -> None:
    moments = Moments.of(open_table({"at": DAYS}), "at")
    learned = np.array([True, True, True, False])
    assert (moments.ages(learned) / 86400).tolist() == [30, 20, 0, -10]
    assert moments.is_recent("20d", learned, "recent").tolist() == [False, True, True, True]
    assert moments.is_recent("1d", learned, "recent").tolist() == [False, False, True, True]
    half = moments.span("10d", "half_life")
    assert age_weights(moments.ages(learned), half).tolist() == [0.125, 0.25, 1.0, 2.0]


def test_a_bare_number_is_seconds_of_datetimes_and_else_in_the_unit_of_the_column() -> None:
    learned = np.ones(3, bool)
    years = Moments.of(open_table({"year": [1990, 2000, 2010]}), "year")
    assert years.is_recent("10", learned, "recent").tolist() == [False, True, True]
    assert Moments.of(open_table({"at": DAYS}), "at").span("86400", "recent") == 86400


def test_weights_of_rows_very_old_or_new_are_numbers() -> None:
    found = age_weights(np.array([1e300, 1e5, 0.0, -1e300]), 1.0)
    assert np.isfinite(found).all()
    assert found[:3].tolist() == [0.0, 0.0, 1.0]


def test_nothing_learned_from_has_no_age() -> None:
    assert Moments(np.array([1.0, 2.0]), False).ages(np.zeros(2, bool)).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([*DAYS[:2], None, None], "2 of 4 rows have no moment in column 'at': row 3, 4"),
        ([1.0, float("nan"), float("inf")], "2 of 3 rows have no moment in column 'at': row 2, 3"),
        (["2026-01-01", "soon"], "column 'at' is string: it is no time"),
        ([True, False], "column 'at' is bool: it is no time"),
    ],
)
def test_what_is_no_time_is_refused_by_name(values: list[object], words: str) -> None:
    with pytest.raises(DataError, match=words):
        Moments.of(open_table({"at": values}), "at")


def test_another_column_tells_the_time_of_rows_that_lack_it() -> None:
    table = open_table({"at": [DAYS[0], None], "asked": [None, DAYS[1]]})
    assert (Moments.of(table, "at", ("asked", "absent")).ages(np.ones(2, bool)) / 86400).tolist() == [10, 0]
    with pytest.raises(DataError, match="1 of 2 rows have no moment"):
        Moments.of(open_table({"at": [1, None], "asked": DAYS[:2]}), "at", ("asked",))


@pytest.mark.parametrize("span", ["0d", "0", "-1d", "soon", "30 months"])
def test_what_is_no_span_is_refused(span: str) -> None:
    with pytest.raises((TrainingError, UsageError), match=r"\[train\] recent|it is '0"):
        Moments.of(open_table({"at": DAYS}), "at").span(span, "[train] recent")


def test_days_are_no_span_of_numbers() -> None:
    with pytest.raises(TrainingError, match="is a duration, and the times are numbers"):
        Moments.of(open_table({"year": [1990, 2000]}), "year").span("30d", "[train] recent")
