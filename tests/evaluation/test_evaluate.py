"""Metrics of tables, sliced."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from tilth.errors import ColumnNotFoundError, DataError, TilthError, UsageError
from tilth.evaluation import Evaluation, Evaluator, evaluate
from tilth.metrics import LabelEncoding
from tilth.tables import open_table


def people(rows: int = 2000) -> dict[str, np.ndarray]:
    """A table of labels and predictions with columns to slice by."""
    random = np.random.default_rng(6)
    positive = random.random(rows) < 0.3
    scores = np.clip(random.beta(2, 4, rows) + 0.3 * positive, 0, 1)
    return {
        "label": np.where(positive, "yes", "no"),
        "said": np.where(scores > 0.5, "yes", "no"),
        "score": scores,
        "sex": random.choice(["f", "m"], rows),
        "age": random.integers(1, 4, rows),
    }


def test_slices_agree_with_scikit_learn_on_their_rows() -> None:
    data = people()
    found = evaluate(data, label="label", prediction="said", score="score", slices=[["sex"], ["sex", "age"]])
    assert [dict(result.slice) for result in found.slices] == [
        {},
        {"sex": "f"},
        {"sex": "m"},
        *({"sex": sex, "age": age} for sex in "fm" for age in "123"),
    ]
    for result in found.slices:
        rows = np.ones(len(data["sex"]), bool)
        for column, value in result.slice.items():
            rows &= data[column].astype(str) == value
        labels, said = data["label"][rows] == "yes", data["said"][rows] == "yes"
        assert result.rows == rows.sum()
        assert result.confusion == reference.confusion_matrix(labels, said).tolist()
        values = {name: estimate.value for name, estimate in result.metrics.items()}
        assert values["precision"] == pytest.approx(reference.precision_score(labels, said))
        assert values["recall"] == pytest.approx(reference.recall_score(labels, said))
        auroc = reference.roc_auc_score(labels, data["score"][rows])
        assert values["auroc"] == pytest.approx(auroc, abs=1e-12)


def test_contract_of_json() -> None:
    found = evaluate(people(50), label="label", prediction="said", score="score", slices=[["sex"]])
    document = json.loads(json.dumps(found.to_json(), allow_nan=False))
    first, second = document["slices"][:2]
    assert first["slice"] == {}
    assert first["rows"] == 50
    assert set(first["metrics"]["f1"]) == {"value", "low", "high"}
    assert np.sum(first["confusion"]) == 50
    assert second["slice"] == {"sex": "f"}
    assert (document["task"], document["classes"], document["positive"]) == ("binary", ["no", "yes"], "yes")


def test_json_round_trip() -> None:
    for data, columns in (
        (people(60), {"label": "label", "prediction": "said", "score": "score"}),
        ({"y": ["a", "b", "c"], "p": ["a", "b", "b"]}, {"label": "y", "prediction": "p"}),
        ({"y": [0.5, 1.5], "p": [0.25, 1.0]}, {"label": "y", "prediction": "p"}),
    ):
        found = evaluate(data, **columns)
        assert Evaluation.from_json(json.loads(json.dumps(found.to_json()))) == found


@given(st.permutations(list(range(24))), st.integers(1, 24))
def test_order_and_batches_do_not_matter(order: list[int], cut: int) -> None:
    data = people(24)
    whole = evaluate(data, label="label", score="score", slices=[["sex"]])
    moved = {name: column[order] for name, column in data.items()}
    encoding = LabelEncoding("binary", ("no", "yes"))
    parts = []
    for rows in (slice(cut), slice(cut, None)):
        evaluator = Evaluator(encoding, [["sex"]])
        evaluator.update(
            (moved["label"][rows] == "yes").astype(np.int64),
            scores=moved["score"][rows],
            columns={"sex": pa.array(moved["sex"][rows])},
        )
        parts.append(evaluator)
    parts[1].merge(parts[0])
    assert parts[1].result() == whole


def test_evaluators_of_other_tasks_do_not_merge() -> None:
    with pytest.raises(UsageError, match="cannot be merged"):
        Evaluator(LabelEncoding("regression")).merge(Evaluator(LabelEncoding("binary", (0, 1))))


def test_score_alone_decides_by_the_threshold() -> None:
    data = {"y": [0, 0, 1, 1], "p": [0.1, 0.4, 0.35, 0.8]}
    assert evaluate(data, label="y", score="p").slices[0].confusion == [[2, 0], [1, 1]]
    assert evaluate(data, label="y", score="p", threshold=0.3).slices[0].confusion == [[1, 1], [0, 2]]


def test_rows_without_a_label_are_left_out_and_counted() -> None:
    data = {"y": ["a", None, "b", "b"], "p": ["a", None, "b", "a"]}
    found = evaluate(data, label="y", prediction="p")
    assert (found.rows, found.unlabeled) == (3, 1)
    assert "1 rows without a label left out" in found.report()
    numbers = evaluate({"y": [1.5, float("nan"), 2.5], "p": [1.0, 1.0, 1.0]}, label="y", prediction="p")
    assert (numbers.rows, numbers.unlabeled) == (2, 1)


def test_missing_values_make_a_slice() -> None:
    data = {"y": [0, 1, 1], "p": [0, 1, 0], "city": ["x", None, None]}
    found = evaluate(data, label="y", prediction="p", slices=[["city"]])
    assert found.metric("recall", {"city": "(missing)"}) == 0.5


def test_slices_of_numbers_and_booleans_read_well() -> None:
    data = {"y": [0, 1, 1], "p": [0, 1, 0], "n": [1, 2, 2], "b": [True, False, True], "f": [0.5, 1.0, 0.5]}
    found = evaluate(data, label="y", prediction="p", slices=[["n"], ["b"], ["f"]])
    assert [result.name for result in found.slices[1:]] == [
        "n=1",
        "n=2",
        "b=false",
        "b=true",
        "f=0.5",
        "f=1.0",
    ]


def test_several_classes() -> None:
    found = evaluate({"y": ["a", "b", "c", "a"], "p": ["a", "b", "b", "a"]}, label="y", prediction="p")
    assert found.task == "multiclass"
    assert found.slices[0].confusion == [[2, 0, 0], [0, 1, 0], [0, 1, 0]]
    assert found.metric("recall.c") == 0
    assert found.metric("precision.c") is None


def test_numbers() -> None:
    found = evaluate({"y": [0.5, 1.5, 3.0], "p": [1, 1, 3]}, label="y", prediction="p")
    assert found.task == "regression"
    assert found.slices[0].confusion is None
    assert found.metric("mae") == pytest.approx(1 / 3)


def test_task_and_positive_class_may_be_given() -> None:
    data = {"y": [0, 1, 2], "p": [0, 1, 1]}
    assert evaluate(data, label="y", prediction="p", task="regression").metric("mae") == pytest.approx(1 / 3)
    data = {"y": ["good", "bad", "bad"], "p": ["good", "good", "bad"]}
    found = evaluate(data, label="y", prediction="p", positive="good")
    assert (found.positive, found.metric("recall"), found.metric("precision")) == ("good", 1.0, 0.5)


def test_labels_and_predictions_may_be_written_differently() -> None:
    found = evaluate({"y": [0, 1, 1], "p": ["0", "1", "0"]}, label="y", prediction="p")
    assert found.slices[0].confusion == [[1, 0], [1, 1]]


def test_one_class_only() -> None:
    with pytest.raises(DataError, match="one class only, 0"):
        evaluate({"y": [0, 0, None], "p": [0, 1, 1]}, label="y", prediction="p")
    encoding = LabelEncoding("binary", (0, 1))
    found = evaluate({"y": [0, 0], "p": [0, 1]}, label="y", prediction="p", encoding=encoding)
    assert found.slices[0].confusion == [[1, 1], [0, 0]]
    assert found.metric("recall") is None


def test_known_classes_need_not_all_occur() -> None:
    encoding = LabelEncoding("binary", ("no", "yes"))
    found = evaluate({"y": ["yes", "yes"], "p": ["yes", "yes"]}, label="y", prediction="p", encoding=encoding)
    assert found.slices[0].confusion == [[0, 0], [0, 2]]
    several = LabelEncoding("multiclass", ("a", "b", "c"))
    found = evaluate({"y": ["a", "b"], "p": ["a", "b"]}, label="y", prediction="p", encoding=several)
    assert found.slices[0].confusion == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]
    with pytest.raises(DataError, match="'d' is not a class"):
        evaluate({"y": ["a", "d"], "p": ["a", "b"]}, label="y", prediction="p", encoding=several)


@pytest.mark.parametrize(
    ("data", "columns", "words"),
    [
        ({"y": [0, 1]}, {"label": "y"}, "nothing to evaluate"),
        (
            {"y": [0, 1], "p": [0, None]},
            {"label": "y", "prediction": "p"},
            "1 rows have a label but nothing in 'p'",
        ),
        (
            {"y": [0, 1], "p": [0.1, float("nan")]},
            {"label": "y", "score": "p"},
            "1 rows have a label but nothing in 'p'",
        ),
        ({"y": [0, 1], "p": ["a", "b"]}, {"label": "y", "score": "p"}, "the score 'p' is string"),
        ({"y": [0, 1, 2], "p": [0.1, 0.2, 0.3]}, {"label": "y", "score": "p"}, "a score needs two classes"),
        (
            {"y": [None, None], "p": ["a", "b"]},
            {"label": "y", "prediction": "p"},
            "the label column is empty",
        ),
        ({"y": [0.5, 1.5], "p": ["a", "b"]}, {"label": "y", "prediction": "p"}, "prediction 'p' is"),
        ({"y": [0, 1], "p": [0.5, 1.5]}, {"label": "y", "score": "p"}, "1 scores are outside 0 to 1"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(
    data: dict[str, Any], columns: dict[str, str], words: str
) -> None:
    with pytest.raises((UsageError, DataError), match=words):
        evaluate(data, **columns)


def test_unknown_column_is_refused() -> None:
    with pytest.raises(ColumnNotFoundError) as caught:
        evaluate({"y": [0, 1], "said": [0, 1]}, label="y", prediction="sad")
    assert caught.value.mend == "did you mean 'said'?"


def test_too_many_slices_are_refused() -> None:
    data = {"y": [0, 1] * 1000, "p": [0, 1] * 1000, "id": list(range(2000))}
    with pytest.raises(UsageError, match="id makes 2000 slices"):
        evaluate(data, label="y", prediction="p", slices=[["id"]])


def test_unknown_metric_or_slice_is_told() -> None:
    found = evaluate(people(50), label="label", prediction="said", slices=[["sex"]])
    with pytest.raises(UsageError, match="no metric 'recal'; did you mean 'recall'"):
        found.metric("recal")
    with pytest.raises(TilthError, match=r"no slice 'sex=x'. There are: all rows, sex=f, sex=m"):
        found.metric("recall", {"sex": "x"})


def test_report_shows_intervals_confusion_and_slices() -> None:
    text = evaluate(people(500), label="label", prediction="said", score="score", slices=[["sex"]]).report()
    assert text.startswith("binary, 500 rows\n'yes' is taken as the positive class")
    lines = text.splitlines()
    assert any(line.startswith("recall ") and " to " in line for line in lines)
    assert any(line.startswith("true \\ predicted") for line in lines)
    assert any(line.startswith("sex=f ") for line in lines)
    undefined = evaluate({"y": [0, 1], "p": [0, 0]}, label="y", prediction="p").report()
    assert "precision" in undefined
    assert "undefined" in undefined
    assert "nan" not in undefined.lower()


def test_figures_of_the_feature_selection_lab(shared_case: Callable[[str, str], dict[str, Any]]) -> None:
    from sklearn.datasets import load_breast_cancer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    case = shared_case("evaluation", "ev-30")
    X, y = load_breast_cancer(return_X_y=True)
    malignant = 1 - y
    train, test, y_train, y_test = train_test_split(
        X, malignant, test_size=0.2, stratify=malignant, random_state=123
    )
    scaler = StandardScaler().fit(train)
    forest = RandomForestClassifier(criterion="entropy", random_state=47).fit(
        scaler.transform(train), y_train
    )
    said = forest.predict(scaler.transform(test))
    found = evaluate({"y": y_test, "p": said, "s": said.astype(float)}, label="y", prediction="p", score="s")
    expected = dict(case["expected"]["all_30"])
    expected["auroc"] = expected.pop("roc_auc_of_labels")
    assert {name: found.metric(name) for name in expected} == pytest.approx(expected, abs=case["tolerance"])


def test_csv_file(tmp_path: Path) -> None:
    path = tmp_path / "said.csv"
    path.write_text("y,p,s\nyes,yes,0.9\nno,yes,0.6\nno,no,0.2\n", encoding="utf-8")
    found = evaluate(open_table(path), label="y", prediction="p", score="s")
    assert found.slices[0].confusion == [[1, 1], [0, 1]]
