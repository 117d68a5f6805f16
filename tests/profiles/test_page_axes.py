"""Axes and figures of the visual report: what must hold for any numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.profiles.drawings import Series, histogram
from tilth.profiles.drawings_axes import Axis, linear_axis, log_axis, round_step
from tilth.profiles.drawings_columns import unevenness
from tilth.profiles.drawings_time import time_axis
from tilth.profiles.page_figures import duration, figure, label, moment, share

finite = st.floats(allow_nan=False, allow_infinity=False)
numbers = st.lists(finite, min_size=1, max_size=50).map(lambda found: np.unique(np.array(found) + 0.0))
moments = st.integers(-(2**62), 2**62)


def holds(axis: Axis, values: np.ndarray) -> None:
    assert len(axis.edges) == len(axis.names) + 1
    assert (np.diff(axis.edges) > 0).all() or len(axis.names) == 1
    assert axis.edges[0] <= values[0]
    assert values[-1] <= axis.edges[-1]
    assert axis.counts(values, np.ones(len(values))).sum() == len(values)
    places = axis.places
    assert ((places >= 0) & (places <= 1)).all()
    assert (np.diff(places) >= 0).all()
    assert all(0 <= place <= 1 for place, _ in axis.ticks)


@given(numbers)
def test_any_numbers_have_a_linear_axis(values: np.ndarray) -> None:
    axis = linear_axis(float(values[0]), float(values[-1]))
    holds(axis, values)
    assert len(axis.names) <= 42


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=50))
def test_any_whole_numbers_have_an_axis(found: list[int]) -> None:
    values = np.unique(np.array(found, dtype=np.float64))
    holds(linear_axis(float(values[0]), float(values[-1]), whole=True), values)


@given(numbers)
def test_any_numbers_have_a_logarithmic_axis_or_none(values: np.ndarray) -> None:
    sizes = np.abs(values[values != 0])
    if not len(sizes):
        return
    axis = log_axis(float(values[0]), float(values[-1]), float(sizes.min()))
    if axis is None:
        return
    holds(axis, values)
    if "0" in axis.names:
        assert axis.counts(values, np.ones(len(values)))[axis.names.index("0")] == (values == 0).sum()


@given(moments, moments)
def test_any_dates_have_an_axis(one: int, other: int) -> None:
    low, high = float(min(one, other)), float(max(one, other))
    holds(time_axis(low, high), np.unique(np.array([low, high])))


def test_bins_are_round() -> None:
    assert linear_axis(17, 90, whole=True).names[1] == "18 to 19"
    assert linear_axis(-0.31, 0.48).names[0] == "-0.32 to -0.3"
    assert linear_axis(1, 3, whole=True).names == ("1", "2", "3")
    assert linear_axis(7, 7).names == ("7",)
    assert [text for _, text in linear_axis(0, 1_484_705).ticks][:3] == ["0", "200k", "400k"]


def test_a_logarithmic_axis_keeps_zero_apart() -> None:
    axis = log_axis(-100, 1000, 1)
    assert axis is not None
    assert axis.counts(np.array([-1.0, 0.0, 1.0]), np.array([1, 5, 1])).max() == 5
    assert log_axis(0, 0, 0) is None
    assert log_axis(3, 200, 3) is None


@pytest.mark.parametrize(
    ("days", "first", "names"),
    [
        (0.0001, "2024-01-01 00:00:00 to 00:00:01", 9),
        (0.5, "2024-01-01 00:00 to 00:30", 25),
        (19, "2024-01-01 00:00 to 12:00", 39),
        (30, "2024-01-01", 31),
        (200, "2024-01-01 to 2024-01-07", 29),
        (1000, "2024-01", 33),
        (3000, "2024-01 to 2024-03", 33),
        (14_000, "2024", 39),
    ],
)
def test_dates_are_counted_as_people_count_them(days: float, first: str, names: int) -> None:
    start = float(np.datetime64("2024-01-01", "us").astype(np.int64))
    axis = time_axis(start, start + days * 86_400e6)
    assert axis.names[0] == first
    assert abs(len(axis.names) - names) <= 10


def test_a_bar_far_above_all_others_is_broken_off() -> None:
    axis = linear_axis(0, 9, whole=True)
    counts = np.array([910, 10, 10, 10, 10, 10, 10, 10, 10, 10])
    drawing = histogram(axis, [Series("", counts)], "x", "linear")
    assert drawing.notes == ((5.0, "91.0%"),)
    assert "<path class=k" in drawing.svg
    even = histogram(axis, [Series("", np.full(10, 5))], "x", "linear")
    assert not even.notes


def test_steps_are_1_2_5() -> None:
    assert [round_step(x) for x in (1.0, 1.1, 2.0, 3.0, 9.0)] == [1, 2, 2, 5, 10]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (12345678901234567890, "12,345,678,901,234,567,890"),
        (-1234.5, "-1,234"),
        (0.5, "0.5"),
        (999.96, "1,000"),
        (123456789.125, "123,456,789"),
        (1e15, "1·10¹⁵"),
        (-2.5e-7, "-2.5·10⁻⁷"),
        (float("inf"), "∞"),
        (float("-inf"), "-∞"),
    ],
)
def test_figures_as_people_write_them(value: float, text: str) -> None:
    assert figure(value) == text


@given(st.floats(-1e308, 1e308))
def test_figures_are_close(value: float) -> None:
    text = figure(value).replace(",", "")
    if "·10" in text:
        mantissa, power = text.split("·10")
        text = f"{mantissa}e{power.translate(str.maketrans('⁻⁰¹²³⁴⁵⁶⁷⁸⁹', '-0123456789'))}"
    assert float(text) == pytest.approx(value, rel=6e-4, abs=5e-324)


def test_shares_are_never_rounded_to_nothing_or_all() -> None:
    assert share(1, 10**9) == "<0.1%"
    assert share(10**9 - 1, 10**9) == ">99.9%"
    assert share(10**9, 10**9) == "100%"
    assert share(0, 0) == figure(None)


@given(st.text(max_size=400))
def test_labels_are_one_line(text: str) -> None:
    found = label(text, 20)
    assert 0 < len(found.text) <= 20
    assert len(found.text.splitlines()) == 1
    assert len(found.title) <= 300
    assert len(text) <= 20 or found.title


def test_spaces_at_the_ends_are_seen() -> None:
    assert label(" a b ").text == "␣a b␣"
    assert label("  ").text == "␣␣"


def test_moments_and_durations() -> None:
    assert moment("0001-01-01T00:00:00") == "0001-01-01"
    assert moment(1.5e18) == "49503-02-10 02:40"
    assert moment("2024-01-01T10:00:00.500000") == "2024-01-01 10:00:00.5"
    assert moment(None) == figure(None)
    assert duration(2 * 365.25 * 86400e6) == "2 years"
    assert duration(86400e6) == "1 day"
    assert duration(None) == figure(None)


def test_unevenness() -> None:
    assert unevenness(np.array([1, 1, 1, 1])) == 0
    assert unevenness(np.array([4, 0, 0, 0])) == 1
    assert 0 < unevenness(np.array([3, 1, 0, 0])) < 1
    assert unevenness(np.array([], dtype=np.int64)) == 0
