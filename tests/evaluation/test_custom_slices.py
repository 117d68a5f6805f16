"""Evaluations with metrics of one's own, curves of all rows, and notes on rare classes."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pyarrow as pa
import pytest

from tilth.engines import find_engine
from tilth.errors import UsageError
from tilth.evaluation import Evaluation, Evaluator, evaluate
from tilth.metrics import BinaryCounts, LabelEncoding
from tilth.tables import open_table, write_table


def cost(counts: BinaryCounts) -> float:
    return 5 * counts.fn + counts.fp


def table(rows: int = 500) -> pa.Table:
    random = np.random.default_rng(0)
    y = random.integers(0, 2, rows)
    return pa.table(
        {
            "y": y,
            "p": np.round(np.clip(0.4 * y + random.random(rows) * 0.6, 0, 1), 3),
            "sex": random.choice(["f", "m"], rows),
            "age": random.choice(["old", "young"], rows),
            "w": random.integers(1, 3, rows),
        }
    )


sliced = partial(evaluate, label="y", score="p", weight="w", slices=[["sex"], ["sex", "age"], ["age", "sex"]])


def test_every_slice_has_the_metric_of_its_own_rows() -> None:
    data = table()
    found = sliced(data, custom={"cost": cost})
    y, said, w = (np.asarray(data[name]) for name in ("y", "p", "w"))
    said = said > 0.5
    for result in found.slices:
        inside = np.ones(len(y), bool)
        for column, value in result.slice.items():
            inside &= np.asarray(data[column]) == value
        wanted = 5 * w[inside & (y == 1) & ~said].sum() + w[inside & (y == 0) & said].sum()
        estimate = result.metrics["custom.cost"]
        assert estimate.value == wanted
        assert estimate.low < wanted < estimate.high
    assert found.metric("custom.cost", {"sex": "f"}) == found.find({"sex": "f"}).metrics["custom.cost"].value


def test_the_order_of_rows_and_the_engine_make_no_difference(tmp_path: object) -> None:
    data = table()
    folder = tmp_path / "parts"  # type: ignore[operator]
    folder.mkdir()
    for at in range(3):
        write_table(open_table(data.take(np.arange(at, len(data), 3))), folder / f"{at}.parquet")
    shuffled = data.take(np.random.default_rng(1).permutation(len(data)))
    wanted = json.dumps(sliced(data, custom={"cost": cost}).to_json())
    assert json.dumps(sliced(shuffled, custom={"cost": cost}).to_json()) == wanted
    engine = find_engine("local")
    assert json.dumps(sliced(str(folder), custom={"cost": cost}, engine=engine).to_json()) == wanted


def test_curves_are_of_all_rows_and_come_back_from_json() -> None:
    found = sliced(table())
    whole, *others = found.slices
    assert len(whole.calibration) == 10
    assert sum(each.rows for each in whole.calibration) == 500
    assert 50 <= len(whole.thresholds) <= 101
    assert all(not each.calibration and not each.thresholds for each in others)
    document = found.to_json()
    assert "thresholds" in document["slices"][0]  # type: ignore[index, operator]
    assert "thresholds" not in document["slices"][1]  # type: ignore[index, operator]
    assert Evaluation.from_json(json.loads(json.dumps(document))) == found


def test_predictions_alone_have_no_curves() -> None:
    (whole,) = evaluate({"y": [0, 1], "said": [0, 1]}, label="y", prediction="said").slices
    assert whole.calibration == whole.thresholds == ()


def test_custom_metrics_need_a_detailed_evaluator() -> None:
    evaluator = Evaluator(LabelEncoding("binary", ("no", "yes")))
    evaluator.update(np.array([0, 1]), scores=np.array([0.1, 0.9]))
    with pytest.raises(UsageError, match="detailed"):
        evaluator.result(custom={"cost": cost})


def test_rare_classes_are_noted() -> None:
    labels = ["cat"] * 150 + ["dog"] * 140 + ["owl"] * 9 + ["elk"]
    found = evaluate({"y": labels, "said": labels}, label="y", prediction="said")
    assert "class owl: 9 rows (3 %), so its figures are uncertain" in found.notes
    assert "class elk: 1 row (0.33 %), so its figures are uncertain" in found.notes
    assert not [note for note in found.notes if "cat" in note or "dog" in note]
    assert "class owl: 9 rows" in found.report()


def test_rare_positives_of_two_classes_and_rare_labels_are_noted() -> None:
    encoding = LabelEncoding("binary", ("well", "ill"))
    data = {"y": ["well"] * 990 + ["ill"] * 10, "p": np.linspace(0, 1, 1000)}
    found = evaluate(data, label="y", score="p", encoding=encoding)
    assert "class ill: 10 rows (1 %), so its figures are uncertain" in found.notes
    tags = {"y": [["sea"]] * 98 + [["sea", "sun"]] * 2, "said": [["sea"]] * 100}
    many = evaluate(tags, label="y", prediction="said")
    assert "class sun: 2 rows (2 %), so its figures are uncertain" in many.notes


def test_few_rows_in_all_make_no_class_rare() -> None:
    labels = ["cat"] * 6 + ["dog"] * 4
    assert (
        evaluate({"y": labels, "said": labels}, label="y", prediction="said", task="multiclass").notes == ()
    )


def test_of_many_rare_classes_a_few_are_named() -> None:
    labels = [f"class {at}" for at in range(15)] + ["common"] * 500
    found = evaluate({"y": labels, "said": labels}, label="y", prediction="said")
    rare = [note for note in found.notes if "rare" in note or "uncertain" in note]
    assert len(rare) == 6
    assert rare[-1] == "10 more classes are as rare"
