"""Functions, scales, buckets and ranks of numbers against plain NumPy."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from graph_checks import Rows, assert_close, assert_order_is_free, column
from hypothesis import given
from hypothesis import strategies as st

from tilth.errors import FeatureError
from tilth.features import Expression, Inputs, Transform, group, interactions, maximum, minimum

Case = Callable[[str, str], dict[str, Any]]

numbers = st.none() | st.integers(-400, 400).map(lambda n: n / 8)
rows = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=9).map(
    lambda pairs: {"a": [a for a, _ in pairs], "b": [b for _, b in pairs]}
)
train = st.lists(st.integers(-400, 400).map(lambda n: n / 8), min_size=1, max_size=12)


def floats(values: list[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values])


# Row by row

FUNCTIONS: dict[str, tuple[Callable[[Expression], Expression], Callable[[np.ndarray], np.ndarray]]] = {
    "log": (lambda a: a.log(), lambda a: np.log(np.where(a > 0, a, np.nan))),
    "log1p": (lambda a: a.log1p(), lambda a: np.log1p(np.where(a > -1, a, np.nan))),
    "exp": (lambda a: a.exp(), np.exp),
    "sqrt": (lambda a: a.sqrt(), lambda a: np.sqrt(np.where(a >= 0, a, np.nan))),
    "square": (lambda a: a**2, np.square),
    "cube": (lambda a: a**3, lambda a: a**3),
    "root": (lambda a: a.power(0.5), lambda a: np.sqrt(np.where(a >= 0, a, np.nan))),
    "odd power": (lambda a: a.power(1.7), lambda a: np.where(a >= 0, np.abs(a), np.nan) ** 1.7),
    "inverse": (lambda a: a**-1, lambda a: 1 / np.where(a == 0, np.nan, a)),
    "constant power": (lambda a: a**0, lambda a: a * 0 + 1),
    "abs": (abs, np.abs),
    "sign": (lambda a: a.sign(), np.sign),
    "round": (lambda a: a.round(), np.round),
    "floor": (lambda a: a.floor(), np.floor),
    "remainder": (lambda a: a % 3, lambda a: np.mod(a, 3)),
    "negative remainder": (lambda a: a % -2.5, lambda a: np.mod(a, -2.5)),
    "cycle": (lambda a: a.cyclic(24), lambda a: cycle(a, 24)),
    "clip": (lambda a: a.clip(-3, 5.5), lambda a: np.clip(a, -3, 5.5)),
}


def cycle(values: np.ndarray, period: float) -> np.ndarray:
    angle = 2 * np.pi * values / period
    return np.stack([np.sin(angle), np.cos(angle)], axis=1)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")  # a single holds less than e**400
@given(rows)
def test_functions_of_a_number(name: str, found: Rows) -> None:
    ours, reference = FUNCTIONS[name]
    some = {"a": [1.0], "b": [1.0]}
    expected = reference(floats(found["a"])).astype(np.float32)
    assert_close(column(lambda x: ours(x["a"]), some, found), expected)


@given(rows)
def test_functions_of_two_numbers(found: Rows) -> None:
    a, b = floats(found["a"]), floats(found["b"])
    divisor = np.where(b == 0, np.nan, b)
    some = {"a": [1.0], "b": [1.0]}
    pairs: list[tuple[Callable[[Inputs], Expression], np.ndarray]] = [
        (lambda x: x["a"] % x["b"], np.mod(a, divisor)),
        (lambda x: 7 % x["b"], np.mod(7, divisor)),
        (lambda x: minimum(x["a"], x["b"]), np.minimum(a, b)),
        (lambda x: maximum(3, x["a"], x["b"], 1), np.maximum(np.maximum(a, b), 3)),
        (
            lambda x: interactions(x["a"], x["b"], x["a"].abs()),
            np.stack([a * b, a * abs(a), b * abs(a)], axis=1),
        ),
    ]
    for ours, expected in pairs:
        assert_close(column(ours, some, found), expected)


@pytest.mark.parametrize("name", ["log", "log1p", "exp", "odd power", "cycle"])
def test_transcendental_functions_do_not_depend_on_the_rows_beside(name: str) -> None:
    # The runtime works on four numbers at once and on what is left over one by one, by other routines.
    values = np.random.default_rng(1).uniform(0.01, 80, 1_003)
    found: Rows = {"a": values.tolist()}
    ours, reference = FUNCTIONS[name]
    assert_close(column(lambda x: ours(x["a"]), found, found), reference(values).astype(np.float32))


def test_beyond_the_greatest_double_is_missing() -> None:
    found = {"a": [1e200, 800.0, -800.0]}
    assert np.isnan(column(lambda x: x["a"].exp(), found, found)[:2]).all()
    assert column(lambda x: x["a"].exp(), found, found)[2] == 0
    assert column(lambda x: (x["a"] ** 2).is_missing(), found, found).ravel().tolist() == [1, 0, 0]


def test_whole_numbers_stay_categories() -> None:
    transform = Transform(lambda x: {"y": x["a"].round().one_hot()}).fit({"a": [0.6, 1.4, 2.5]})
    assert transform.feature_names == ("y=1", "y=2")


# Analyzed


def robust(values: np.ndarray, seen: np.ndarray) -> np.ndarray:
    low, middle, high = np.quantile(seen, [0.25, 0.5, 0.75])
    return (values - middle) / (high - low) if high > low else values * 0


def ranks(values: np.ndarray, seen: np.ndarray, count: int) -> np.ndarray:
    """By interpolation between the least value, the boundaries and the greatest; ties have the mean rank."""
    ordered = np.sort(seen)
    inner = [ordered[k * len(ordered) // count] for k in range(1, count)]
    bounds = np.array([ordered[0], *inner, ordered[-1]])
    if bounds[0] == bounds[-1]:
        return np.where(np.isnan(values), np.nan, 0.5 + 0.5 * np.sign(values - bounds[0]))
    distinct = np.unique(bounds)
    mean = np.array([np.flatnonzero(bounds == bound).mean() / count for bound in distinct])
    mean[0], mean[-1] = 0, 1
    return np.where(np.isnan(values), np.nan, np.interp(values, distinct, mean))


def equal_width(values: np.ndarray, seen: np.ndarray, count: int) -> np.ndarray:
    bounds = [seen.min() + k * (seen.max() - seen.min()) / count for k in range(1, count)]
    return np.where(np.isnan(values), np.nan, np.searchsorted(bounds, values, side="right"))


ANALYZED: dict[str, tuple[Callable[[Expression], Expression], Callable[[Any, Any], np.ndarray]]] = {
    "robust": (lambda a: a.robust_scale(), robust),
    "max abs": (
        lambda a: a.max_abs_scale(),
        lambda v, seen: v / np.abs(seen).max() if seen.any() else v * 0,
    ),
    "clip quantiles": (
        lambda a: a.clip_quantiles(0.1, 0.8),
        lambda v, seen: np.clip(v, *np.quantile(seen, [0.1, 0.8])),
    ),
    "clip above": (lambda a: a.clip_quantiles(0, 0.5), lambda v, seen: np.minimum(v, np.median(seen))),
    "equal width": (lambda a: a.equal_width_buckets(4), lambda v, seen: equal_width(v, seen, 4)),
    "ranks": (lambda a: a.quantile_ranks(5), lambda v, seen: ranks(v, seen, 5)),
}


@pytest.mark.parametrize("name", ANALYZED)
@given(train, rows)
def test_scales_and_buckets(name: str, seen: list[float], found: Rows) -> None:
    ours, reference = ANALYZED[name]
    fitted: Rows = {"a": [*seen, None], "b": [None] * (len(seen) + 1)}
    expected = reference(floats(found["a"]), np.array(seen))
    assert_close(column(lambda x: ours(x["a"]), fitted, found), expected)


@given(train, rows)
def test_filled_with_an_indicator(seen: list[float], found: Rows) -> None:
    a = floats(found["a"])
    transform = Transform(lambda x: {"v": x["a"].fill_missing("median", indicator=True)}).fit({"a": seen})
    assert transform.feature_names == ("v", "v is missing")
    expected = np.stack([np.where(np.isnan(a), np.median(seen), a), np.isnan(a)], axis=1)
    assert_close(
        column(lambda x: x["a"].fill_missing("median", indicator=True), {"a": seen}, found), expected
    )


def test_order_of_training_rows_does_not_change_a_byte() -> None:
    values = np.random.default_rng(3).normal(size=500).round(2).tolist()

    def features(x: Inputs) -> dict[str, Expression]:
        return {name: ours(x["a"]) for name, (ours, _) in ANALYZED.items()}

    assert_order_is_free(features, {"a": [*values, None]})


def test_rank_by_given_bounds(shared_case: Case) -> None:
    case = shared_case("transform", "tft-21")
    given_rows = {"a": case["input"]["x"]}
    found = column(lambda x: x["a"].quantile_ranks(case["input"]["boundaries"]), given_rows, given_rows)
    assert found.ravel().tolist() == pytest.approx(case["expected"]["y"], abs=case["tolerance"])


def test_equal_values_have_one_bucket_and_the_middle_rank() -> None:
    same: Rows = {"a": [5.0, 5.0]}
    rows_: Rows = {"a": [4.0, 5.0, 6.0]}
    assert column(lambda x: x["a"].quantile_ranks(4), same, rows_).ravel().tolist() == [0, 0.5, 1]
    assert column(lambda x: x["a"].equal_width_buckets(3), same, rows_).ravel().tolist() == [0, 2, 2]
    assert column(lambda x: x["a"].robust_scale(), same, rows_).ravel().tolist() == [0, 0, 0]


def test_extreme_ranges_do_not_overflow() -> None:
    wide: Rows = {"a": [-1.7e308, 0.0, 1.7e308]}
    assert column(lambda x: x["a"].equal_width_buckets(2), wide, wide).ravel().tolist() == [0, 1, 1]


def test_names_of_groups() -> None:
    data = {"a": [1.0, 2.0], "b": [3.0, 4.0], "s": ["x", "y"]}
    transform = Transform(
        lambda x: {
            "g": group(x["a"], x["b"].zscore(), x["s"].one_hot()),
            "i": interactions(x["a"], x["b"]),
            "c": x["a"].cyclic(7),
        }
    ).fit(data)
    assert transform.feature_names == (
        "g a",
        'g x["b"].zscore()',
        'g x["s"].one_hot()=y',
        'g x["s"].one_hot()=x',
        "i a * b",
        "c sin",
        "c cos",
    )


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (lambda x: x["a"] ** x["b"], "power got"),
        (lambda x: x["a"] % 0, "never defined"),
        (lambda x: x["a"].clip_quantiles(0.9, 0.1), "low < high"),
        (lambda x: x["a"].clip_quantiles(0.9, math.nan), "finite"),
        (lambda x: x["a"].quantile_ranks([1]), "2 or more ascending"),
        (lambda x: x["a"].quantile_ranks(1), "at least 2"),
        (lambda x: x["a"].equal_width_buckets(1), "at least 2"),
        (lambda x: x["a"].cyclic(0), "period above 0"),
        (lambda x: x["s"].log(), "needs a number"),
        (lambda _: minimum(1, 2), "an expression"),
        (lambda x: group(x["a"], 3), "expressions such as"),
        (lambda _: group(), "expressions such as"),
        (lambda x: group(x["s"]), "needs a number"),
        (lambda x: interactions(x["a"], 2), "expressions such as"),
        (lambda x: x["s"].fill_missing("mode", indicator=True), "needs a number"),
    ],
)
def test_mistakes(expression: Callable[[Inputs], Expression], message: str) -> None:
    x = Inputs({"a": "float", "b": "float", "s": "string"})
    with pytest.raises(FeatureError, match=message) as found:
        expression(x)
    assert "test_numbers.py, line" in str(found.value)
