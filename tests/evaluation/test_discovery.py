"""Slices found where a model is worse: planted ones are, and chance is not mistaken for one."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from tilth.errors import ColumnNotFoundError, UsageError
from tilth.evaluation import Discovery, ScoredRows, discover, discovery, evaluate
from tilth.metrics import Answered, LabelEncoding
from tilth.tables import open_table

BINARY = LabelEncoding("binary", ("no", "yes"))


def _columns(rows: int, seed: int = 0) -> dict[str, npt.NDArray[Any]]:
    random = np.random.default_rng(seed)
    return {
        "city": random.choice(["Ayr", "Bonn", "Cork", "Dax", "Essen"], rows),
        "plan": random.choice(["basic", "plus", "pro"], rows, p=[0.6, 0.3, 0.1]),
        "age": random.integers(18, 90, rows),
        "income": random.lognormal(3, 1, rows),
        "new": random.random(rows) < 0.2,
    }


def _rows(
    columns: dict[str, npt.NDArray[Any]],
    wrong: npt.NDArray[np.bool_],
    scores: npt.NDArray[np.float64] | None = None,
    seed: int = 9,
) -> ScoredRows:
    """Rows on which a model is wrong where it is said to be."""
    truth = np.random.default_rng(seed).integers(0, 2, len(wrong))
    shares = (
        None if scores is None else np.where(truth[:, None] == [0, 1], scores[:, None], 1 - scores[:, None])
    )
    said = np.where(wrong, 1 - truth, truth)
    table = pa.table({"y": np.array(["no", "yes"], object)[truth], **columns})
    return ScoredRows(open_table(table), "y", BINARY, Answered(truth, said, shares))


def _dealt(rows: int, chance: npt.NDArray[np.float64] | float, seed: int = 5) -> npt.NDArray[np.bool_]:
    return np.random.default_rng(seed).random(rows) < chance


@pytest.mark.parametrize("seed", range(3))
def test_a_planted_crossing_of_one_percent_is_found(seed: int) -> None:
    columns = _columns(20_000, seed)
    random = np.random.default_rng(seed + 100)
    columns["city"] = random.choice(["Ayr", "Bonn", "Cork"], 20_000, p=[0.6, 0.1, 0.3])
    planted = (columns["city"] == "Bonn") & (columns["plan"] == "pro")
    assert 0.008 < planted.mean() < 0.012
    found = discover(_rows(columns, _dealt(20_000, np.where(planted, 0.45, 0.15), seed + 50))).found
    assert [each.expression for each in found] == ["city = 'Bonn' and plan = 'pro'"]
    assert found[0].rows == planted.sum()
    assert found[0].value.value == pytest.approx(0.45, abs=0.1)
    assert found[0].p < 1e-3


def test_a_range_of_numbers_crossed_with_a_value_is_found() -> None:
    columns = _columns(20_000)
    planted = (columns["age"] >= 70) & columns["new"]
    (found,) = discover(_rows(columns, _dealt(20_000, np.where(planted, 0.5, 0.1)))).found
    assert found.columns == ("age", "new")
    selected = np.asarray([each is True for each in _selected(columns, found.expression)])
    assert (selected & planted).sum() > 0.8 * (selected | planted).sum()


def _selected(columns: dict[str, npt.NDArray[Any]], expression: str) -> list[object]:
    from tilth.tables.slicings import slicing_of

    table = open_table(pa.table({**columns}))
    slicing = slicing_of(table, [[expression]])
    arrow = table.to_arrow()
    found: list[object] = slicing.of({name: arrow.column(name) for name in slicing.sources})[
        expression
    ].to_pylist()
    return found


def test_shuffled_errors_have_no_slices() -> None:
    columns = _columns(4000)
    wrong = _dealt(4000, 0.2)
    found = [
        bool(discover(_rows(columns, np.random.default_rng(seed).permutation(wrong))).found)
        for seed in range(20)
    ]
    assert sum(found) <= 1


def test_a_condition_that_is_bad_all_over_is_not_told_as_its_crossings() -> None:
    columns = _columns(20_000)
    found = discover(_rows(columns, _dealt(20_000, np.where(columns["city"] == "Cork", 0.4, 0.1)))).found
    assert [each.expression for each in found] == ["city = 'Cork'"]


def test_slices_that_are_bad_only_because_they_overlap_a_bad_one_are_not_told() -> None:
    columns = _columns(20_000)
    french = np.isin(columns["city"], ["Dax"])
    columns["language"] = np.where(french, np.where(_dealt(20_000, 0.9), "fr", "en"), "en")
    found = discover(_rows(columns, _dealt(20_000, np.where(french, 0.4, 0.1), 6))).found
    assert [each.expression for each in found] == ["city = 'Dax'"]


def test_several_are_told_the_most_harmful_first() -> None:
    columns = _columns(20_000)
    chance = np.full(20_000, 0.1)
    chance[columns["plan"] == "plus"] = 0.2
    chance[columns["city"] == "Essen"] += 0.3
    found = discover(_rows(columns, _dealt(20_000, chance))).found
    assert [each.expression for each in found[:2]] == ["city = 'Essen'", "plan = 'plus'"]
    assert found[0].excess > found[1].excess
    assert len(discover(_rows(columns, _dealt(20_000, chance)), limit=1).found) == 1


def test_missing_values_are_a_slice() -> None:
    columns = _columns(5000)
    gone = _dealt(5000, 0.1, 3)
    table: dict[str, Any] = {**columns, "income": pa.array(columns["income"], mask=gone)}
    (found,) = discover(_rows(table, _dealt(5000, np.where(gone, 0.5, 0.1)))).found
    assert (found.expression, found.rows) == ("income is null", gone.sum())


def test_the_same_rows_in_another_order_give_the_same_result() -> None:
    columns = _columns(6000)
    wrong = _dealt(6000, np.where(columns["city"] == "Dax", 0.3, 0.1))
    scores = np.where(wrong, 0.3, 0.8) + np.random.default_rng(1).random(6000) / 10
    rows = _rows(columns, wrong, scores)
    order = np.random.default_rng(2).permutation(6000)
    table = open_table(rows.table.to_arrow().take(order))
    mixed = ScoredRows(table, "y", BINARY, rows.answered.take(order))
    assert json.dumps(discover(rows).to_json()) == json.dumps(discover(mixed).to_json())


def test_the_expression_is_a_slice_to_evaluate() -> None:
    columns = _columns(6000)
    wrong = _dealt(6000, np.where((columns["city"] == "Dax") & (columns["age"] < 50), 0.5, 0.1))
    rows = _rows(columns, wrong)
    (found,) = discover(rows).found
    said = np.array(["no", "yes"], object)[rows.answered.predictions]
    table = rows.table.with_column("said", pa.array(said.tolist()))
    result = evaluate(table, label="y", prediction="said", slices=[[found.expression]]).find(found.slice)
    assert result is not None
    assert result.rows == found.rows
    assert result.metrics["accuracy"].value == pytest.approx(1 - (found.value.value or 0))
    assert found.errors == round((found.value.value or 0) * found.rows)


def test_probabilities_that_are_too_sure_show_in_log_loss_alone() -> None:
    columns = _columns(20_000)
    wrong = _dealt(20_000, 0.2)
    sure = columns["plan"] == "pro"
    of_truth = np.where(wrong, np.where(sure, 0.01, 0.35), np.where(sure, 0.99, 0.65))
    found = discover(_rows(columns, wrong, of_truth)).found
    assert [(each.measure, each.expression, each.errors) for each in found] == [
        ("log_loss", "plan = 'pro'", None)
    ]


def test_numbers_are_judged_by_their_absolute_errors() -> None:
    columns = _columns(8000)
    random = np.random.default_rng(0)
    truth = random.normal(100, 20, 8000)
    said = truth + random.normal(0, np.where(columns["city"] == "Ayr", 9.0, 3.0))
    said[7] = 1e9  # one row decides nothing
    table = open_table(pa.table({"y": truth, **columns}))
    rows = ScoredRows(table, "y", LabelEncoding("regression"), Answered(truth, said))
    (found,) = discover(rows).found
    assert (found.measure, found.expression) == ("absolute_error", "city = 'Ayr'")
    shuffled = ScoredRows(
        table, "y", rows.encoding, Answered(truth, truth + random.permutation(said - truth))
    )
    assert discover(shuffled).found == ()


def test_several_labels_are_wrong_where_one_of_them_is() -> None:
    columns = _columns(6000)
    truth = np.random.default_rng(0).integers(0, 2, (6000, 3))
    said = truth.copy()
    said[_dealt(6000, np.where(columns["city"] == "Bonn", 0.4, 0.1)), 1] ^= 1
    encoding = LabelEncoding("multilabel", ("a", "b", "c"))
    rows = ScoredRows(
        open_table(pa.table({"y": truth[:, 0], **columns})), "y", encoding, Answered(truth, said)
    )
    assert [each.expression for each in discover(rows).found] == ["city = 'Bonn'"]


def test_answers_metadata_and_identifiers_are_not_sliced_by() -> None:
    columns = _columns(500)
    columns |= {"said": columns["plan"], "tilth.source": columns["plan"], "row": np.arange(500)}
    rows = _rows(columns, _dealt(500, 0.2))
    found = discover(ScoredRows(rows.table, "y", BINARY, rows.answered, None, ("said",)))
    assert found.columns == ("city", "plan", "age", "income", "new")
    assert "identifier" in found.skipped["row"]
    assert "not sliced by row" in found.report()


def test_the_columns_can_be_chosen_and_must_be_there() -> None:
    rows = _rows(_columns(500), _dealt(500, 0.2))
    assert discover(rows, ["plan", "age"]).columns == ("plan", "age")
    with pytest.raises(ColumnNotFoundError, match="did you mean 'plan'"):
        discover(rows, ["plam"])


def test_single_conditions_only() -> None:
    columns = _columns(20_000)
    planted = (columns["city"] == "Bonn") & (columns["plan"] == "pro")
    found = discover(_rows(columns, _dealt(20_000, np.where(planted, 0.9, 0.1))), depth=1).found
    assert all(len(each.columns) == 1 for each in found)


def test_of_very_many_rows_some_are_searched_and_all_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "_MOST_CELLS", 1)
    monkeypatch.setattr(discovery, "_LEAST_SEARCHED", 8000)
    columns = _columns(16_000)
    bad = columns["city"] == "Bonn"
    rows = _rows(columns, _dealt(16_000, np.where(bad, 0.4, 0.1)))
    found = discover(rows)
    assert 7600 < found.searched < 8400
    assert [(each.expression, each.rows) for each in found.found] == [("city = 'Bonn'", bad.sum())]
    assert f"on {found.searched:,} of 16,000 rows" in found.report()
    assert discover(rows, seed=1).searched != found.searched


def test_of_very_many_pairs_those_that_tell_most_are_crossed(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = _columns(4000)
    planted = (columns["city"] == "Bonn") & (columns["plan"] == "plus")
    rows = _rows(columns, _dealt(4000, np.where(planted, 0.6, 0.1)))
    whole = discover(rows)
    monkeypatch.setattr(discovery, "_MOST_CROSSED", 4000)
    found = discover(rows)
    assert [each.expression for each in found.found] == ["city = 'Bonn' and plan = 'plus'"]
    assert "of 10 pairs of columns the 1 that tell most were crossed" in found.report()
    assert found.tried > whole.tried / 2  # what was not looked at counts all the same


def test_weights_are_left_out_and_that_is_said() -> None:
    rows = _rows(_columns(500), _dealt(500, 0.2))
    weighed = ScoredRows(rows.table, "y", BINARY, rows.answered, np.ones(500))
    assert "whatever their weights" in discover(weighed).report()


@pytest.mark.parametrize("wrong", [0.0, 1.0])
def test_a_model_that_is_always_right_or_wrong_has_no_bad_slices(wrong: float) -> None:
    assert discover(_rows(_columns(300), _dealt(300, wrong))).found == ()


def test_few_rows_have_no_slices() -> None:
    assert discover(_rows(_columns(5), _dealt(5, 0.5))).found == ()


def test_a_ranking_has_no_wrong_rows() -> None:
    truth = np.arange(4.0)
    encoding = LabelEncoding("ranking", group="q")
    answered = Answered(truth, truth, None, np.zeros(4, np.int64))
    table = open_table({"y": truth.tolist(), "q": [1, 1, 1, 1]})
    with pytest.raises(UsageError, match="no wrong rows"):
        discover(ScoredRows(table, "y", encoding, answered))


def test_what_is_found_survives_json() -> None:
    columns = _columns(6000)
    rows = _rows(columns, _dealt(6000, np.where(columns["city"] == "Dax", 0.3, 0.1)))
    found = discover(rows)
    assert found.found
    assert Discovery.from_json(json.loads(json.dumps(found.to_json()))) == found
    assert Discovery.from_json({}) == Discovery()
