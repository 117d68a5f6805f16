"""What answers are worth to the business, by the value of a row."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tilth.errors import ProjectError
from tilth.evaluation import SliceResult, evaluate
from tilth.evaluation.business import value_matrix, value_per_row
from tilth.metrics import LabelEncoding

LOANS = LabelEncoding("binary", ("good", "bad"))
VALUES = {"good": {"good": 1.0, "bad": 0.0}, "bad": {"good": -5.0, "bad": 0.0}}


def test_the_official_costs_of_german_credit() -> None:
    """Of 1,000 applicants 300 are bad: accepting all loses 800, refusing all gains nothing."""
    values = value_matrix(VALUES, LOANS)
    assert values is not None
    accept = SliceResult({}, 1000, {}, [[700, 0], [300, 0]])
    refuse = SliceResult({}, 1000, {}, [[0, 700], [0, 300]])
    assert value_per_row(accept, values).value == pytest.approx(-0.8)
    assert value_per_row(refuse, values).value == 0.0


def test_the_interval_is_that_of_the_mean_of_the_rows_values() -> None:
    data = {"y": ["good"] * 70 + ["bad"] * 30, "said": ["good"] * 60 + ["bad"] * 30 + ["good"] * 10}
    found = evaluate(data, label="y", prediction="said", encoding=LOANS)
    values = value_matrix(VALUES, LOANS)
    assert values is not None
    each = np.array([VALUES[true][said] for true, said in zip(data["y"], data["said"], strict=True)])
    estimate = value_per_row(found.slices[0], values)
    assert estimate.value == pytest.approx(each.mean())
    assert estimate.low == pytest.approx(each.mean() - 1.959964 * each.std(ddof=1) / math.sqrt(100))


def test_no_rows_and_no_classes_are_undefined() -> None:
    values = value_matrix(VALUES, LOANS)
    assert values is not None
    assert value_per_row(SliceResult({}, 0, {}, [[0, 0], [0, 0]]), values).value is None
    assert value_per_row(SliceResult({}, 9, {}), values).value is None
    assert value_matrix({}, LOANS) is None


def test_mistakes_in_the_values_are_named() -> None:
    with pytest.raises(ProjectError, match="'god' is not a class") as unknown:
        value_matrix({"god": {"good": 1.0}}, LOANS)
    assert unknown.value.mend == "did you mean 'good'?"
    with pytest.raises(ProjectError, match="a row of 'bad' that is called 'good' has no value"):
        value_matrix({"good": {"good": 1.0, "bad": 0.0}, "bad": {"bad": 0.0}}, LOANS)
    with pytest.raises(ProjectError, match="which regression has not"):
        value_matrix(VALUES, LabelEncoding("regression"))
