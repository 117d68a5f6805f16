"""One model against another on the same rows: paired differences and flips."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import binomtest

from tilth.errors import UsageError
from tilth.evaluation import Comparison, Scored, ScoredRows, compare, evaluate
from tilth.evaluation.versus import FLIP
from tilth.metrics import paired_difference


def _data(rows: int = 600) -> dict[str, list[object]]:
    random = np.random.default_rng(0)
    truth = random.random(rows) < 0.4
    new = np.clip(0.5 + (truth - 0.5) * 0.5 + random.normal(0, 0.25, rows), 0.01, 0.99)
    old = np.clip(new + random.normal(0, 0.2, rows), 0.01, 0.99)
    return {
        "y": truth.tolist(),
        "new": (new > 0.5).tolist(),
        "new_score": new.tolist(),
        "old": (old > 0.5).tolist(),
        "old_score": old.tolist(),
        "city": random.choice(["a", "b", "c"], rows, p=[0.5, 0.47, 0.03]).tolist(),
    }


def _models(data: dict[str, list[object]]) -> tuple[ScoredRows, ScoredRows]:
    new, old = (
        Scored.of(data, label="y", prediction=name, score=f"{name}_score").rows() for name in ("new", "old")
    )
    return new, old


def test_differences_are_those_of_the_evaluations_with_paired_intervals() -> None:
    data = _data()
    new, old = _models(data)
    found = compare(new, old, [["city"]])
    of_new, of_old = (
        evaluate(data, label="y", prediction=name, score=f"{name}_score", slices=[["city"]])
        for name in ("new", "old")
    )
    for result, mine, theirs in zip(found.slices, of_new.slices, of_old.slices, strict=True):
        assert (result.slice, result.rows) == (mine.slice, mine.rows)
        for name in ("accuracy", "recall", "precision", "f1", "auroc", "log_loss", "brier"):
            assert result.this[name] == pytest.approx(mine.metrics[name].value)
            assert result.other[name] == pytest.approx(theirs.metrics[name].value)
    whole = found.slices[0]
    assert whole.difference["auroc"] == paired_difference("auroc", old.answered, new.answered)


def test_flips_are_counted_both_ways_and_listed() -> None:
    data = _data()
    new, old = _models(data)
    found = compare(new, old, [["city"]])
    lost = [y == o and y != n for y, n, o in zip(data["y"], data["new"], data["old"], strict=True)]
    won = [y == n and y != o for y, n, o in zip(data["y"], data["new"], data["old"], strict=True)]
    flips = found.slices[0].flips
    assert flips is not None
    assert (flips.right_to_wrong, flips.wrong_to_right) == (sum(lost), sum(won))
    assert flips.p == pytest.approx(binomtest(sum(won), sum(won) + sum(lost)).pvalue)
    by_slice = [each.flips for each in found.slices[1:]]
    assert sum(each.wrong_to_right for each in by_slice if each) == sum(won)
    rows = found.flips(new.table).to_arrow().to_pylist()
    assert len(rows) == sum(won) + sum(lost)
    assert [row[FLIP] == "wrong to right" for row in rows] == [row["new"] == row["y"] for row in rows]


def test_a_model_against_itself_differs_in_nothing() -> None:
    new, _ = _models(_data())
    found = compare(new, new.answered)
    assert all(each.value == 0 for each in found.slices[0].difference.values())
    flips = found.slices[0].flips
    assert flips is not None
    assert (flips.right_to_wrong, flips.wrong_to_right, flips.p) == (0, 0, None)
    assert found.flips(new.table).rows == 0


def test_small_slices_are_marked() -> None:
    new, old = _models(_data())
    found = compare(new, old, [["city"]])
    assert [each.small for each in found.slices] == [False, False, False, True]
    assert "city=c (small)" in found.report()
    assert not any(each.small for each in compare(new, old, [["city"]], minimum_rows=5).slices)


def test_numbers_have_differences_and_no_flips() -> None:
    random = np.random.default_rng(0)
    truth = random.normal(size=200)
    data = {"y": truth, "new": truth + random.normal(0, 0.1, 200), "old": truth + random.normal(0, 0.5, 200)}
    new, old = (
        Scored.of(
            {k: v.tolist() for k, v in data.items()}, label="y", prediction=name, task="regression"
        ).rows()
        for name in ("new", "old")
    )
    found = compare(new, old)
    whole = found.slices[0]
    assert set(whole.difference) == {"mae", "rmse", "mse", "r2"}
    assert (whole.difference["mae"].high or 0) < 0
    assert whole.flips is None
    with pytest.raises(UsageError, match="no rows flip"):
        found.flips(new.table)


def test_several_classes_are_compared_by_what_they_share() -> None:
    data = {"y": list("abcabc") * 9, "new": list("abcabb") * 9, "old": list("aaaabb") * 9}
    new, old = (Scored.of(data, label="y", prediction=name).rows() for name in ("new", "old"))
    found = compare(new, old)
    assert set(found.slices[0].difference) == {"accuracy", "balanced_accuracy", "macro_f1"}


def test_other_rows_are_refused() -> None:
    new, old = _models(_data())
    with pytest.raises(UsageError, match="not asked about the same rows"):
        compare(new, old.take(np.arange(len(old)) > 0))
    turned = old.take(np.arange(len(old)) >= 0)
    turned.answered.truth[:] = 1 - turned.answered.truth
    with pytest.raises(UsageError, match="not asked about the same rows"):
        compare(new, turned)


def test_the_comparison_survives_json_but_for_the_rows() -> None:
    new, old = _models(_data())
    found = compare(new, old, [["city"]], against="old")
    again = Comparison.from_json(json.loads(json.dumps(found.to_json(), allow_nan=False)))
    assert again == found
    assert again.report() == found.report()
