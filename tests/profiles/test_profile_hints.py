from __future__ import annotations

import datetime
import math
from typing import Any

import numpy as np
import pytest

from tilth.profiles import Hint, Profile, profile


def hints(values: list[Any], name: str = "x") -> list[tuple[str, tuple[Any, ...]]]:
    return [(hint.kind, hint.values) for hint in profile({name: values})[name].hints]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([31, 45, 999, 28, 999], [999]),
        ([18.5, -999.0, 21.0, -999.0], [-999.0]),
        ([0, 4000, 99999, 41310, 99999, 7], [99999]),
        ([-99, -99, 5, 6, 99, 99], [-99, 99]),
        ([31, 45, 999, 28], []),  # once may be chance
        ([31, 45, 600, 999, 999], []),  # no farther than the others are from each other
        ([999] * 5, []),
    ],
)
def test_sentinel_numbers(values: list[Any], found: list[Any]) -> None:
    assert [hint[1][0] for hint in hints(values) if hint[0] == "sentinel"] == found


def test_sentinel_texts_and_dates() -> None:
    assert hints(["cook", "?", "N/A", "cook", "?"]) == [("sentinel", ("?",)), ("sentinel", ("N/A",))]
    moments = [datetime.datetime(1900, 1, 1)] * 2 + [datetime.datetime(2024, 1, day) for day in (1, 5, 9)]
    (hint,) = profile({"t": moments})["t"].hints
    assert (hint.kind, hint.message) == (
        "sentinel", "1900-01-01T00:00:00 may stand for a missing value (2 rows)",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("x", ["2024-01-31", "2024-02-01", "?"]),
        ("x", ["2024-01-31T10:00:00Z", "2024-01-31 11:30"]),
        ("x", ["31.1.2024", "1.2.2024"]),
        ("x", ["Jan 5, 2024", "February 29, 2024"]),
        ("x", [20240131, 20231224, 19991231]),
        ("created_at", [1_700_000_000, 1_700_086_400]),
        ("timestamp", [1_700_000_000_000, 1_700_086_400_000]),
    ],
)
def test_dates_in_disguise(name: str, values: list[Any]) -> None:
    assert "date_in_disguise" in [kind for kind, _ in hints(values, name)]


@pytest.mark.parametrize(
    ("name", "values"),
    [("x", [20241331, 20240131]), ("serial", [1_700_000_000, 1_700_086_400]), ("x", ["12:30", "13:00"])],
)
def test_no_dates(name: str, values: list[Any]) -> None:
    assert "date_in_disguise" not in [kind for kind, _ in hints(values, name)]


@pytest.mark.parametrize(
    "values", [["1,234", "12%", "$5"], ["1.5", "-2", "3e7"], ["(5)", "€ 7"], [".5", "1'000.25"]]
)
def test_numbers_in_disguise(values: list[str]) -> None:
    assert "number_in_disguise" in [kind for kind, _ in hints(values)]


@pytest.mark.parametrize("values", [["007", "123"], ["1-2", "3-4"], ["a1", "b2"], ["10 cm", "11 cm"]])
def test_no_numbers(values: list[str]) -> None:
    assert "number_in_disguise" not in [kind for kind, _ in hints(values)]


def test_variants_of_one_category() -> None:
    found = hints(["Male", "male ", "MALE", "Female"] * 10)
    assert found == [("variants", ("MALE", "Male", "male "))]


def test_mostly_missing_and_constant() -> None:
    assert hints([None, None, None, 5, 5]) == [("mostly_missing", ()), ("constant", (5,))]
    (hint,) = profile({"x": [0] * 199 + [1]})["x"].hints
    assert (hint.kind, hint.message) == ("near_constant", "99.5% of the values are 0")


def test_heavy_tails() -> None:
    rng = np.random.default_rng(0)
    normal = rng.standard_normal(500).tolist()
    assert hints(normal) == []
    assert hints([*normal, 1e8]) == [("heavy_tail", (1e8,))]


def test_strange_columns_have_no_false_hints_and_raise_nothing() -> None:
    strange: list[list[Any]] = [
        [], [None], [math.inf, -math.inf], [math.nan], [2**63 - 1, -(2**63)], [""], [[]], [True],
    ]  # fmt: skip
    for values in strange:
        found = profile({"x": values, "y": [0] * len(values)})["x"].hints
        assert all(isinstance(hint, Hint) for hint in found)


def test_hints_are_read_back_and_reported() -> None:
    found = profile({"age": [31, 45, 999, 28, 999]})
    read = Profile.from_json(found.to_json())
    assert read["age"].hints == found["age"].hints
    assert found.to_dict()["columns"]["age"]["hints"] == [  # type: ignore[call-overload,index]
        {"kind": "sentinel", "message": "999 may stand for a missing value (2 rows)", "values": [999]}
    ]
    assert "\nto look at:\n  1 row is a copy of another\n  age: 999 may stand for" in found.report()
