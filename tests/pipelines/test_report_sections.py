"""The sections of reports: what they show of an evaluation's JSON, and what where nothing is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from tilth.evaluation import Scored, ScoredRows, compare, evaluate
from tilth.metrics import Answered, Estimate, LabelEncoding
from tilth.pipelines.report_sections import Looked, metric_names, sections
from tilth.pipelines.report_sections.calibration import calibration_of
from tilth.pipelines.report_sections.confusion import confusion_of
from tilth.pipelines.report_sections.curves import curves_of
from tilth.pipelines.report_sections.discovered import discovered_of
from tilth.pipelines.report_sections.fairness import fairness_of
from tilth.pipelines.report_sections.mistakes import mistakes_of
from tilth.pipelines.report_sections.obligations import obligations_of
from tilth.pipelines.report_sections.slices import harm, slice_title, slices_of
from tilth.pipelines.report_sections.versus import versus_of
from tilth.pipelines.unit_charts import UnitLine, UnitPoint, unit_chart
from tilth.tables import open_table


def scored(rows: int = 600, *, seed: int = 0) -> dict[str, Any]:
    """Two classes with scores; one city in which the model is bad, and a tiny one."""
    random = np.random.default_rng(seed)
    truth = random.random(rows) < 0.4
    city = np.where(np.arange(rows) < 12, "tiny", random.choice(["bad", "good"], rows, p=[0.2, 0.8]))
    noise = np.where(city == "bad", 2.5, 0.6)
    score = 1 / (1 + np.exp(-(3 * truth - 1.5 + random.normal(0, 1, rows) * noise)))
    names = np.array(["no", "yes"])
    return {
        "y": names[truth.astype(int)].tolist(),
        "said": names[(score > 0.5).astype(int)].tolist(),
        "p": score.tolist(),
        "city": city.tolist(),
    }


def document(data: dict[str, Any], **more: Any) -> dict[str, Any]:
    found = evaluate(data, label="y", prediction="said", score="p", slices=[["city"]], **more)
    return cast("dict[str, Any]", found.to_json())


def test_the_slices_stand_by_harm_with_all_rows_first() -> None:
    data = scored()
    found = slices_of(document(data), ["auroc", "accuracy"])
    assert found is not None
    assert [row.name for row in found.rows][:2] == ["all rows", "city=bad"]
    assert {row.name for row in found.rows if row.mark} == {"city=tiny"}
    assert found.small == 1
    wrong = np.array(data["y"]) != np.array(data["said"])
    bad = np.array(data["city"]) == "bad"
    excess = (wrong[bad].mean() - wrong.mean()) * bad.sum()
    assert found.rows[1].cells[1].sort == pytest.approx(excess)
    harms = [row.cells[1].sort for row in found.rows[1:]]
    assert harms == sorted(cast("list[float]", harms), reverse=True)


def test_the_harms_of_a_partition_add_up_to_nothing() -> None:
    whole, *slices = document(scored())["slices"]
    assert sum(harm(each, whole, "binary").value or 0.0 for each in slices) == pytest.approx(0, abs=1e-9)


def test_harm_is_undefined_where_the_rate_is() -> None:
    nothing = {"rows": 3, "metrics": {}}
    assert harm(nothing, {"rows": 9, "metrics": {"accuracy": {"value": 0.5}}}, "binary") == Estimate(None)


def test_slices_are_named_as_people_would() -> None:
    assert slice_title({"quantiles(age, 4)": "< 30", "sex": "f"}) == "age < 30, sex=f"
    assert slice_title({"age > 60 and sex = 'f'": "true"}) == "age > 60 and sex = 'f'"
    assert slice_title({"age > 60": "false"}) == "age > 60=false"
    assert slice_title({"alive": "true"}) == "alive=true"


def test_curves_come_from_the_thresholds_of_the_evaluation() -> None:
    whole = document(scored())["slices"][0]
    found = curves_of(whole)
    assert found is not None
    assert [chart.title for chart in found.charts] == ["ROC", "Precision and recall"]
    assert found.calibration is not None
    auroc = whole["metrics"]["auroc"]["value"]
    assert f"auroc {auroc:.4g}" in found.charts[0].lines[0][1]
    assert 2 <= len(found.thresholds) <= 11
    for each in found.thresholds:
        assert sum(float(count.replace(",", "")) for count in each.counts) == 600


def test_without_scores_there_are_no_curves() -> None:
    data = scored()
    found = evaluate({name: data[name] for name in ("y", "said")}, label="y", prediction="said").to_json()
    assert curves_of(cast("dict[str, Any]", found)["slices"][0]) is None


def test_one_class_only_draws_no_curve_and_breaks_nothing() -> None:
    encoding = LabelEncoding("binary", ("no", "yes"))
    data = {"y": ["no"] * 5, "p": [0.1, 0.2, 0.2, 0.4, 0.6]}
    found = evaluate(data, label="y", score="p", encoding=encoding)
    made = sections(found.to_json(), Looked(), names=metric_names(found))
    curves = cast("Any", made["curves"])
    assert curves is None or [chart.title for chart in curves.charts] == []
    assert cast("Any", made["confusion"]).lines[1][1] == "0"


def test_many_classes_show_what_is_confused_most() -> None:
    counts = np.eye(20, dtype=int) * 50
    counts[3, 7], counts[7, 3] = 9, 4
    found = confusion_of([f"class {at}" for at in range(20)], counts.tolist())
    assert found is not None
    assert found.names == ()
    assert found.pairs[:2] == (("class 3", "class 7", 9, "15.3%"), ("class 7", "class 3", 4, "7.4%"))
    assert confusion_of(["a", "b"], None) is None


def test_mistakes_are_the_worst_first_whatever_the_order_of_rows() -> None:
    data = scored()
    rows = Scored.of(data, label="y", prediction="said", score="p").rows()
    found = mistakes_of(rows, "dev")
    assert found is not None
    assert found.wrong == int(rows.wrong.sum())
    assert len(found.shown) == 30
    losses = [rows.losses[each.row - 1] for each in found.shown]
    assert losses == sorted(losses, reverse=True)
    assert min(losses) >= np.sort(rows.losses[rows.wrong])[-30]
    assert all([name for name, _ in each.inputs] == ["city"] for each in found.shown)
    turned = Scored.of(
        {name: values[::-1] for name, values in data.items()}, label="y", prediction="said", score="p"
    ).rows()
    again = mistakes_of(turned, "dev")
    assert again is not None
    assert [each.key for each in again.shown] == [each.key for each in found.shown]


def test_of_equally_wrong_rows_the_same_are_shown_in_any_order() -> None:
    data = {"y": ["a"] * 80 + ["b"] * 80, "said": ["b"] * 80 + ["a"] * 80, "at": list(range(160))}
    keys = []
    for step in (1, -1):
        turned = {name: values[::step] for name, values in data.items()}
        found = mistakes_of(Scored.of(turned, label="y", prediction="said").rows(), "dev")
        assert found is not None
        keys.append([each.key for each in found.shown])
    assert keys[0] == keys[1]
    assert len(set(keys[0])) == 30


def test_of_scores_that_are_no_probabilities_no_sureness_is_said() -> None:
    rows = Scored.of(scored(), label="y", prediction="said", score="p").rows()
    assert rows.answered.scores is not None
    margins = replace(rows, answered=replace(rows.answered, scores=rows.answered.scores * 9 - 4))
    sure, unsure = (mistakes_of(each, "dev") for each in (rows, margins))
    assert sure is not None
    assert unsure is not None
    assert all(each.confidence.endswith("% sure") for each in sure.shown)
    assert {each.confidence for each in unsure.shown} == {""}


def test_hidden_columns_are_not_shown() -> None:
    rows = Scored.of(scored(), label="y", prediction="said", score="p").rows()
    found = mistakes_of(rows, "dev", hidden=["city"])
    assert found is not None
    assert found.hidden == ("city",)
    assert all(each.inputs == () for each in found.shown)


def test_a_ranking_has_no_mistakes_and_numbers_have_the_largest_errors() -> None:
    data = {"y": [1.0, 2.0, 3.0, 4.5] * 10, "p": [1.0, 2.5, 3.0, 9.0] * 10, "q": ["a", "b"] * 20}
    numbers = mistakes_of(Scored.of(data, label="y", prediction="p", task="regression").rows(), "dev")
    assert numbers is not None
    assert numbers.is_number
    assert [each.loss for each in numbers.shown] == ["4.5"] * 10 + ["0.5"] * 10
    whole = {**data, "y": [0, 1, 0, 2] * 10}
    assert mistakes_of(Scored.of(whole, label="y", prediction="p", group="q").rows(), "dev") is None


def test_several_labels_are_shown_as_lists() -> None:
    data = {"y": [["a", "b"], ["a"], []], "said": [["a"], ["a"], ["b"]]}
    found = mistakes_of(Scored.of(data, label="y", prediction="said").rows(), "dev")
    assert found is not None
    shown = {(each.truth.text, each.said.text) for each in found.shown}
    assert shown == {("a, b", "a"), ("none", "b")}


def test_against_another_model_the_flips_are_counted_and_shown() -> None:
    data = scored()
    data["before"] = ["no"] * 600
    mine = Scored.of(data, label="y", prediction="said", score="p").rows()
    before = Scored.of(data, label="y", prediction="before", encoding=mine.encoding).rows()
    found = compare(mine, before, [["city"]], against="before")
    made = versus_of(found, ["accuracy"], mine, known=["before"])
    truth, said = np.array(data["y"]), np.array(data["said"])
    broken, mended = (truth == "no") & (said == "yes"), (truth == "yes") & (said == "yes")
    assert made.flips is not None
    assert made.flips[:2] == (str(broken.sum()), str(mended.sum()))
    assert {each.truth.text for each in made.shown} == {"no"}
    assert {row.name for row in made.slices} == {"city=bad", "city=good", "city=tiny"}
    assert made.metrics[0].mark == "better"
    from_json = sections({**document(data), "against": found.to_json()}, Looked(), names=["accuracy"])
    told = cast("Any", from_json["versus"])
    assert (told.flips, told.shown) == (made.flips, ())


def test_sections_are_none_where_nothing_is_known() -> None:
    whole = {"fairness": None, "discovered": None, "must_pass": [], "never": []}
    assert discovered_of({}) is None
    assert discovered_of({"discovered": []}) is not None
    assert fairness_of(None) == ()
    assert obligations_of(whole) == ()


def test_a_gap_that_is_surely_there_is_marked_and_one_without_says_why() -> None:
    data = scored()
    found = evaluate(data, label="y", prediction="said", score="p", slices=[["city"]])
    from tilth.evaluation import fairness_of as measured

    (groups,) = fairness_of(measured(found, [["city"]], 30).to_json())
    assert groups.name == "city"
    assert {row.name for row in groups.rows if row.mark == "small"} == {"city=tiny"}
    marked = {row.name for row in groups.gaps if row.mark}
    assert "accuracy" in marked
    (alone,) = fairness_of(measured(found, [["city"]], 500).to_json())
    assert all("fewer than two groups" in row.cells[0].around for row in alone.gaps)


def test_obligations_say_what_breaks_them() -> None:
    words = {"name": "rude", "rows": 9, "hits": 2, "words": [{"word": "darn", "rows": 2}], "at": [1, 4]}
    sets = {"name": "loyal", "rows": 4, "failed": 0, "failing": []}
    kept, broken = obligations_of({"must_pass": [sets], "never": [words]})
    assert (kept.holds, kept.said) == (True, "all 4 rows right")
    assert (broken.holds, broken.said) == (False, "2 of 9 rows hold a word of it")
    assert broken.broken == ("“darn” in 2 rows",)
    (empty,) = obligations_of({"must_pass": [{**sets, "rows": 0}]})
    assert not empty.holds


def test_calibration_of_classes_is_of_how_sure_the_answer_is() -> None:
    random = np.random.default_rng(1)
    scores = random.dirichlet([1, 1, 1], 3000)
    truth = np.array([random.choice(3, p=each) for each in scores])
    encoding = LabelEncoding("multiclass", ("a", "b", "c"))
    data = open_table({"y": np.array(["a", "b", "c"])[truth].tolist()})
    answered = Answered(truth, scores.argmax(axis=1), scores)
    found = calibration_of(ScoredRows(data, "y", encoding, answered))
    assert found is not None
    assert found.kind == "unit"
    assert found.chart.svg.count("<title>") == 10
    certain = Answered(truth, scores.argmax(axis=1), None)
    assert calibration_of(ScoredRows(data, "y", encoding, certain)) is None


def test_calibration_of_numbers_is_of_the_mean_label_in_bins() -> None:
    random = np.random.default_rng(2)
    said = random.normal(0, 1, 500)
    data = {"y": (said * 2 + random.normal(0, 0.1, 500)).tolist(), "said": said.tolist()}
    found = calibration_of(Scored.of(data, label="y", prediction="said", task="regression").rows())
    assert found is not None
    assert found.kind == ""
    assert "10 bins" in found.words
    constant = {"y": [1.0, 2.0, 4.5], "said": [1.5, 1.5, 1.5]}
    rows = Scored.of(constant, label="y", prediction="said", task="regression").rows()
    assert calibration_of(rows) is None


def test_a_unit_chart_is_no_larger_than_its_points() -> None:
    line = UnitLine("", "a", [UnitPoint(0.01, 0.03, "few", 0.0, 0.08)], joined=False, dotted=True)
    drawn = unit_chart("calibration", [line], diagonal=True, whole=False)
    assert drawn is not None
    assert drawn.below[-1] == (100.0, "0.1")
    assert unit_chart("nothing", [UnitLine("", "a", [])]) is None
