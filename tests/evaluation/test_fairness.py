"""How groups of protected attributes fare."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.evaluation import Evaluation, evaluate, fairness_of
from tilth.evaluation.gaps import least_ratio, widest_gap
from tilth.evaluation.impossibility import false_positive_rate, impossibility
from tilth.metrics import Estimate
from tilth.metrics.intervals import mean, wilson


def applicants(rows: int = 3000, *, seed: int = 3) -> dict[str, np.ndarray]:
    """Groups with unequal base rates, and scores that know less of one of them."""
    random = np.random.default_rng(seed)
    sex = random.choice(["f", "m"], rows)
    good = random.random(rows) < np.where(sex == "f", 0.55, 0.7)
    noise = random.normal(0, np.where(sex == "f", 0.35, 0.2), rows)
    score = np.clip(0.5 + np.where(good, 0.2, -0.2) + noise, 0, 1)
    said = np.where(score > 0.5, "good", "bad")
    return {
        "y": np.where(good, "good", "bad"),
        "said": said,
        "score": score,
        "sex": sex,
        "age": random.integers(18, 70, rows),
        "rare": np.where(np.arange(rows) < 12, "few", "many"),
    }


def measured(data: dict[str, np.ndarray], *keys: str, weight: str | None = None) -> Evaluation:
    return evaluate(
        data,
        label="y",
        prediction="said",
        score="score",
        positive="good",
        weight=weight,
        slices=[keys],
    )


def test_rates_of_groups_and_their_gaps_are_those_of_their_definitions() -> None:
    data = applicants()
    (sex,) = fairness_of(measured(data, "sex"), [["sex"]]).attributes
    rates = {}
    for group in sex.groups:
        rows = data["sex"] == group.slice["sex"]
        truth, said = data["y"][rows] == "good", data["said"][rows] == "good"
        values = {name: found.value for name, found in group.metrics.items()}
        assert group.rows == rows.sum()
        assert values["prevalence"] == pytest.approx(truth.mean())
        assert values["positive_rate"] == pytest.approx(said.mean())
        assert values["fpr"] == pytest.approx(said[~truth].mean())
        assert values["fnr"] == pytest.approx((~said[truth]).mean())
        assert values["precision"] == pytest.approx(truth[said].mean())
        assert values["calibration"] == pytest.approx(data["score"][rows].mean() - truth.mean())
        rates[group.slice["sex"]] = values
    found = fairness_of(measured(data, "sex"), [["sex"]]).metrics()
    for name in ("prevalence", "positive_rate", "fpr", "fnr", "precision", "accuracy", "calibration"):
        pair = [rates[each][name] for each in "fm"]
        assert found[f"gap.{name}.sex"].value == pytest.approx(max(pair) - min(pair))
        if name != "calibration":
            assert found[f"ratio.{name}.sex"].value == pytest.approx(min(pair) / max(pair))
    assert "ratio.calibration.sex" not in found


def test_the_interval_of_calibration_is_that_of_the_mean_of_score_minus_label() -> None:
    data = applicants(500)
    (sex,) = fairness_of(measured(data, "sex"), [["sex"]]).attributes
    rows = data["sex"] == "f"
    off = data["score"][rows] - (data["y"][rows] == "good")
    wanted = mean(off.mean(), off.var(), rows.sum())
    found = sex.groups[0].metrics["calibration"]
    assert (found.low, found.high) == (pytest.approx(wanted.low), pytest.approx(wanted.high))


def test_the_interval_of_calibration_counts_rows_that_weigh_alike_as_they_are() -> None:
    data = applicants(500)
    plain = fairness_of(measured(data, "sex"), [["sex"]])
    doubled = fairness_of(measured({**data, "w": np.full(500, 2.0)}, "sex", weight="w"), [["sex"]])
    one, other = (each.attributes[0].groups[1].metrics["calibration"] for each in (plain, doubled))
    assert (one.low, one.high) == (pytest.approx(other.low), pytest.approx(other.high))


def test_two_groups_have_newcombes_interval() -> None:
    """Newcombe 1998, method 10, example (a): 56/70 against 48/80 gives .0524 to .3339."""
    found = widest_gap([wilson(56 / 70, 70), wilson(48 / 80, 80)])
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == (pytest.approx(0.0524, abs=5e-5), pytest.approx(0.3339, abs=5e-5))


@pytest.mark.parametrize("shares", [(0.3, 0.3), (0.1, 0.35), (0.5, 0.5, 0.5, 0.5, 0.5), (0.2, 0.3, 0.4, 0.4)])
def test_intervals_of_gap_and_ratio_hold_the_true_ones(shares: tuple[float, ...]) -> None:
    random = np.random.default_rng(8)
    held = np.zeros(2)
    for _ in range(600):
        groups = [wilson(random.binomial(120, share) / 120, 120) for share in shares]
        gap, ratio = widest_gap(groups), least_ratio(groups)
        true_gap, true_ratio = max(shares) - min(shares), min(shares) / max(shares)
        held += (_holds(gap, true_gap), _holds(ratio, true_ratio))
        assert _holds(gap, gap.value)
        assert _holds(ratio, ratio.value)
    assert (held / 600 >= 0.93).all()


def _holds(found: Estimate, value: float | None) -> bool:
    assert value is not None
    assert found.low is not None
    assert found.high is not None
    return found.low <= value <= found.high


@given(st.lists(st.tuples(st.integers(1, 400), st.integers(0, 400)), min_size=2, max_size=6))
def test_gap_and_ratio_are_within_their_intervals_in_any_order(groups: list[tuple[int, int]]) -> None:
    shares = [wilson(min(hits, rows) / rows, rows) for rows, hits in groups]
    gap, ratio = widest_gap(shares), least_ratio(shares)
    assert _holds(gap, gap.value)
    assert 0 <= (gap.low or 0.0) <= (gap.high or 0.0) <= 1
    if ratio.value is not None:
        assert _holds(ratio, ratio.value)
        assert 0 <= (ratio.low or 0.0) <= (ratio.high or 0.0) <= 1
    assert (widest_gap(shares[::-1]), least_ratio(shares[::-1])) == (gap, ratio)


def test_gaps_of_what_is_undefined_are_undefined() -> None:
    assert widest_gap([Estimate(0.5)]).value is None
    assert widest_gap([Estimate(0.5), Estimate(None)]).value is None
    assert least_ratio([Estimate(0.0, 0.0, 0.2), Estimate(0.0, 0.0, 0.1)]).value is None
    assert widest_gap([Estimate(0.5), Estimate(0.25)]) == Estimate(0.25)
    assert least_ratio([Estimate(0.0, 0.0, 0.2), Estimate(0.5, 0.4, 0.6)]).low == 0.0


def test_a_small_group_is_shown_and_takes_no_part_in_gaps() -> None:
    data = applicants()
    found = fairness_of(measured(data, "rare"), [["rare"]])
    few, many = found.attributes[0].groups
    assert (few.slice, few.small, many.small) == ({"rare": "few"}, True, False)
    (first, *_) = found.attributes[0].gaps
    assert first.gap.value is None
    assert first.reason == "fewer than two groups have 30 rows"
    assert (
        fairness_of(measured(data, "rare"), [["rare"]], 12).metrics()["gap.accuracy.rare"].value is not None
    )
    assert "few (small)" in found.report()


def test_a_group_that_does_not_define_a_rate_leaves_the_gap_undefined() -> None:
    data = {"y": ["good"] * 40 + ["good", "bad"] * 20, "said": ["good"] * 80, "g": ["a"] * 40 + ["b"] * 40}
    found = fairness_of(
        evaluate(data, label="y", prediction="said", positive="good", slices=[["g"]]), [["g"]]
    )
    gaps = {gap.metric: gap for gap in found.attributes[0].gaps}
    assert gaps["fpr"].gap.value is None
    assert gaps["fpr"].reason == "undefined for g=a"
    assert gaps["prevalence"].gap.value == 0.5
    assert "no gap in fpr" in found.report()


def test_crossings_have_groups_of_their_own() -> None:
    data = applicants()
    found = fairness_of(measured(data, "sex", "ranges(age, 40)"), [["sex", "ranges(age, 40)"]])
    assert [group.slice for group in found.attributes[0].groups] == [
        {"sex": sex, "ranges(age, 40)": age} for sex in "fm" for age in ("< 40", ">= 40")
    ]
    assert found.metrics()["gap.fnr.sex,ranges(age, 40)"].value is not None


def test_base_rate_precision_and_miss_rate_leave_no_choice_of_the_false_alarms() -> None:
    """The identity of Chouldechova 2017 holds in each group as it is."""
    (sex,) = fairness_of(measured(applicants(), "sex"), [["sex"]]).attributes
    for group in sex.groups:
        rates = {name: found.value for name, found in group.metrics.items()}
        expected = false_positive_rate(rates["prevalence"], rates["precision"], rates["fnr"])  # type: ignore[arg-type]
        assert rates["fpr"] == pytest.approx(expected)
    assert sex.fact is not None
    assert "not all three can be equal" in sex.fact


def test_nothing_is_impossible_where_base_rates_are_equal_or_predictions_perfect() -> None:
    assert impossibility({"f": 0.5, "m": 0.5}, 0.8, 0.1) is None
    assert impossibility({"f": 0.4, "m": 0.5}, 1.0, 0.1) is None
    assert impossibility({"f": 0.4, "m": None}, 0.8, 0.1) is None
    assert "more than there can be" in (impossibility({"f": 0.5, "m": 0.95}, 0.8, 0.1) or "")


def test_several_classes_have_gaps_in_the_recall_of_each() -> None:
    data = {
        "y": ["cat", "dog", "cat", "dog"] * 10,
        "p": ["cat", "dog", "dog", "dog"] * 10,
        "g": ["a", "a", "b", "b"] * 10,
    }
    data["y"][0] = data["p"][0] = "owl"
    found = fairness_of(
        evaluate(data, label="y", prediction="p", task="multiclass", slices=[["g"]]), [["g"]], 10
    ).metrics()
    assert found["gap.recall.cat.g"].value == 1.0
    assert found["gap.accuracy.g"].value == 0.5
    assert found["gap.recall.owl.g"].value is None


def test_numbers_have_gaps_in_their_errors() -> None:
    data = {"y": [1.0, 2.0, 3.0, 4.0] * 10, "p": [1.0, 2.0, 4.0, 6.0] * 10, "g": ["a", "a", "b", "b"] * 10}
    found = fairness_of(evaluate(data, label="y", prediction="p", slices=[["g"]]), [["g"]], 10).metrics()
    assert found["gap.mean_error.g"].value == found["gap.mae.g"].value == 1.5
    assert "ratio.mean_error.g" not in found


def test_json_has_all_of_it_and_the_order_of_rows_changes_nothing() -> None:
    data = applicants(400)
    order = np.random.default_rng(1).permutation(400)
    texts = [
        json.dumps(fairness_of(measured(each, "sex"), [["sex"]]).to_json(), allow_nan=False)
        for each in (data, {name: values[order] for name, values in data.items()})
    ]
    assert texts[0] == texts[1]
    (sex,) = json.loads(texts[0])["attributes"]
    assert set(sex) == {"attribute", "columns", "groups", "gaps", "fact"}
    assert set(sex["groups"][0]) == {"slice", "rows", "small", "metrics"}
    assert set(sex["gaps"]["fpr"]) == {"gap", "ratio", "greatest", "least", "reason"}


def test_german_credit_shows_the_known_difference_of_good_rates(
    shared_data: Callable[[str], Path], tmp_path: Path, ask: Callable[..., tuple[int, str, str]]
) -> None:
    """Good rate 0.7232 of men, 0.6484 of women (ratio 0.8966), 0.5789 up to 25 years, 0.7284 above."""
    frame = pl.read_csv(shared_data("german-credit/german_credit.csv.gz"))
    female = pl.col("personal_status_sex").is_in(["A92", "A95"])
    path = tmp_path / "credit.csv"
    frame.with_columns(sex=pl.when(female).then(pl.lit("female")).otherwise(pl.lit("male"))).write_csv(path)
    asked = ("--label", "risk", "--prediction", "risk", "--positive", "1")
    protected = ("--protected", "sex", "--protected", "age <= 25")
    status, out, _ = ask("evaluate", path, *asked, *protected, "--json")
    assert status == 0
    document = json.loads(out)
    rates = {
        value: round(group["metrics"]["prevalence"]["value"], 4)
        for attribute in document["fairness"]["attributes"]
        for group in attribute["groups"]
        for value in group["slice"].values()
    }
    assert rates == {"female": 0.6484, "male": 0.7232, "true": 0.5789, "false": 0.7284}
    metrics = document["slices"][0]["metrics"]
    assert round(metrics["ratio.prevalence.sex"]["value"], 4) == 0.8966
    assert metrics["gap.prevalence.sex"]["low"] > 0
    assert metrics["gap.prevalence.age <= 25"]["low"] > 0
    status, out, _ = ask("evaluate", path, *asked, *protected)
    assert "base rate: most in male, least in female, gap 0.0748" in out
    assert "gap.prevalence" not in out
