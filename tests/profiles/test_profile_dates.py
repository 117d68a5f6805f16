from __future__ import annotations

import datetime

import numpy as np
import pyarrow as pa
import pytest

from tilth.profiles import Dates, profile
from tilth.profiles.dates import iso_text

DAY = 86_400_000_000


def dates(moments: list[datetime.datetime]) -> Dates:
    found = profile({"t": moments})["t"].dates
    assert found is not None
    return found


def test_step_gaps_and_repeats() -> None:
    days = [1, 2, 3, 4, 5, 8, 9, 10, 20, 20]
    found = dates([datetime.datetime(2024, 1, day) for day in days])
    assert (found.step, found.span, found.repeats, found.is_exact) == (DAY, 19 * DAY, 1, True)
    assert [gap.length // DAY for gap in found.gaps] == [10, 3]
    assert iso_text(found.gaps[0].start) == "2024-01-10T00:00:00"


def test_irregular_dates_have_no_step() -> None:
    found = dates([datetime.datetime(2024, 1, day) for day in (1, 2, 4, 9, 31)])
    assert found.step is None
    assert [gap.length // DAY for gap in found.gaps] == [22, 5, 2]


def test_one_date_and_none() -> None:
    found = dates([datetime.datetime(2024, 1, 1)])
    assert (found.step, found.gaps, found.span, found.repeats) == (None, (), 0, 0)
    assert profile({"t": pa.array([None], pa.timestamp("us"))})["t"].dates is None
    assert profile({"t": [1]})["t"].dates is None


def test_json_is_in_seconds_and_iso_texts() -> None:
    found = profile({"t": [datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31)]})
    assert found["t"].to_dict()["dates"] == {
        "earliest": "0001-01-01T00:00:00",
        "latest": "9999-12-31T00:00:00",
        "span": 315537811200.0,
        "step": 315537811200.0,
        "gaps": [],
        "repeats": 0,
        "exact": True,
    }


def test_the_last_microsecond_is_no_double_and_still_the_last() -> None:
    last = datetime.datetime(9999, 12, 31, 23, 59, 59, 999999)
    found = profile({"t": [datetime.datetime(2024, 1, 1), last]})["t"]
    assert found.to_dict()["max"] == last.isoformat()
    assert found.dates is not None
    assert iso_text(found.dates.gaps[0].end) == last.isoformat()
    assert (found.distinct, found.is_unique, found.is_exact) == (2, True, False)


@pytest.mark.parametrize("moment", [2**63 - 1, -(2**63) + 1, 253_402_300_800_000_000])
def test_moments_beyond_the_years_of_people(moment: int) -> None:
    column = profile({"t": pa.array([moment, 0], pa.timestamp("us"))})["t"]
    assert isinstance(column.to_dict()["min"], str)
    assert isinstance(column.to_dict()["max"], str)


def test_many_moments_are_approximate_within_the_bound() -> None:
    moments = np.arange(100_000, dtype=np.int64) * 1_000_000 + 1_600_000_000_000_000
    moments[50_000:] += 7 * DAY
    found = profile({"t": pa.array(moments, pa.timestamp("us"))})["t"].dates
    assert found is not None
    assert (found.is_exact, found.step, found.repeats) == (False, None, 0)
    assert (found.earliest, found.latest) == (int(moments[0]), int(moments[-1]))
    assert found.gaps[0].length == pytest.approx(7 * DAY, rel=0.01)
