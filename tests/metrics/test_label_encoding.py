"""What a label column means."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.errors import DataError, TilthError, UsageError
from tilth.metrics import LabelEncoding
from tilth.tables import open_table
from tilth.types import Task


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        (["<=50K", ">50K", "<=50K"], "binary", ("<=50K", ">50K")),
        (["no", "yes", "yes"], "binary", ("no", "yes")),
        (["spam", "ham", "ham"], "binary", ("ham", "spam")),
        (["ham", "spam", "spam"], "binary", ("spam", "ham")),
        (["a", "b"], "binary", ("a", "b")),
        ([1, 0, 1, 1], "binary", (0, 1)),
        ([-1, 1, 1], "binary", (-1, 1)),
        ([1, 2, 1, 1], "binary", (1, 2)),
        ([0, 3, 3], "binary", (0, 3)),
        ([1.0, 0.0, None], "binary", (0, 1)),
        ([True, False], "binary", (False, True)),
        ([1, 1, 1], "binary", (0, 1)),
        ([False], "binary", (False, True)),
        (["a", "c", "b", None], "multiclass", ("a", "b", "c")),
        ([3, 1, 2], "multiclass", (1, 2, 3)),
        ([float(n) for n in range(30)], "regression", ()),
        ([1.0, 2.0, 3.0], "regression", ()),
        (list(range(30)), "regression", ()),
        ([0.5, 0.25], "regression", ()),
    ],
)
def test_task_and_classes_follow_from_the_labels(
    values: list[Any], task: Task, classes: Sequence[Any]
) -> None:
    encoding = LabelEncoding.from_column(pa.array(values))
    assert encoding.task == task
    assert encoding.classes == tuple(classes)
    assert [type(value) for value in encoding.classes] == [type(value) for value in classes]


def test_assumptions_are_told() -> None:
    guessed = LabelEncoding.from_column(pa.array(["ham", "spam", "ham"]))
    assert guessed.notes == ("'spam' is taken as the positive class: it is the rarer class",)
    assert LabelEncoding.from_column(pa.array(["ham", "spam"]), positive="ham").notes == ()
    assert "taken as a quantity" in LabelEncoding.from_column(pa.array(range(30))).notes[0]
    assert "taken as classes" in LabelEncoding.from_column(pa.array(range(7))).notes[0]


@pytest.mark.parametrize(
    ("values", "positive", "found"),
    [
        (["a", "b"], "a", "a"),
        ([0, 1], "0", 0),
        (["0", "1"], 0, "0"),
        ([True, False], "false", False),
        ([True, False], 0, False),
    ],
)
def test_positive_class_may_be_given(values: list[Any], positive: Any, found: Any) -> None:
    chosen = LabelEncoding.from_column(pa.array(values), positive=positive).positive
    assert (chosen, type(chosen)) == (found, type(found))


def test_task_may_be_given() -> None:
    assert LabelEncoding.from_column(pa.array([1, 2, 3]), task="regression").classes == ()
    assert LabelEncoding.from_column(pa.array(range(30)), task="multiclass").classes == tuple(range(30))
    assert LabelEncoding.from_column(pa.array(["a", "b"]), task="multiclass").positive is None


@pytest.mark.parametrize(
    ("values", "options", "words"),
    [
        (pa.array([], pa.string()), {}, "the label column is empty"),
        (pa.array([None, None], pa.float64()), {}, "the label column is empty"),
        (pa.array([datetime.datetime(2024, 1, 1)]), {}, "cannot be predicted"),
        (pa.array(["a", "a"]), {}, "only one value, 'a'"),
        (pa.array(["a", "a"]), {"task": "multiclass"}, "only one value, 'a'"),
        (pa.array(["a", "b", "c"]), {"task": "binary"}, "3 distinct values where two are needed: a, b, c"),
        (pa.array(["a", "b"]), {"task": "regression"}, "text, which regression cannot predict"),
        (pa.array(["a", "b"]), {"positive": "c"}, "'c' is not a class"),
        (pa.array([0.5, 1.5]), {"task": "binary"}, "0.5 is not a class"),
        (pa.array([str(n) for n in range(2000)]), {}, "2000 distinct values, too many"),
    ],
)
def test_labels_that_cannot_be_predicted_are_refused(
    values: pa.Array, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(TilthError, match=words):
        LabelEncoding.from_column(values, **options)


@given(st.lists(st.sampled_from(["x", "y", "z"]), min_size=1))
def test_decode_is_the_inverse_of_encode(values: list[str]) -> None:
    encoding = LabelEncoding("multiclass", ("x", "y", "z"))
    assert encoding.decode(encoding.encode(pa.array(values))) == values


def test_values_are_matched_across_types() -> None:
    encoding = LabelEncoding("binary", (0, 1))
    for values in (["0", "1"], [0, 1], [0.0, 1.0], [False, True]):
        assert encoding.encode(pa.array(values)).tolist() == [0, 1]
    assert encoding.encode(pa.chunked_array([["1"], ["0"]])).tolist() == [1, 0]
    assert encoding.encode(pa.array([], pa.string())).tolist() == []


def test_values_of_predictions_become_classes_too() -> None:
    encoding = LabelEncoding.from_column(pa.array(["a", "b"]), also=pa.array(["a", "c"]))
    assert (encoding.task, encoding.classes) == ("multiclass", ("a", "b", "c"))
    lone = LabelEncoding.from_column(pa.array(["a", "a"]), also=pa.array(["a", "b"]))
    assert lone.classes == ("a", "b")


def test_predictions_with_fractions_make_a_regression() -> None:
    labels = pa.array([0, 1, 1])
    assert LabelEncoding.from_column(labels, also=pa.array([0.25, 0.5, 1.0])).task == "regression"
    assert LabelEncoding.from_column(labels, also=pa.array([0.0, 1.0, 1.0])).task == "binary"


def test_missing_and_unknown_labels_are_refused() -> None:
    encoding = LabelEncoding("binary", ("no", "yes"))
    with pytest.raises(DataError, match="1 labels are missing"):
        encoding.encode(pa.array(["no", None]))
    with pytest.raises(DataError, match="'yess' is not a class") as caught:
        encoding.encode(pa.array(["yess"]))
    assert caught.value.mend == "did you mean 'yes'?"
    with pytest.raises(DataError, match="NaN or infinite"):
        LabelEncoding("regression").encode(pa.array([1.0, float("inf")]))
    with pytest.raises(DataError, match="not a number"):
        LabelEncoding("regression").encode(pa.array(["a"]))


def test_json_round_trip() -> None:
    for encoding in (LabelEncoding("binary", (False, True)), LabelEncoding("multiclass", ("a", "b", "c"))):
        assert LabelEncoding.from_json(encoding.to_json()) == encoding
    with pytest.raises(UsageError, match="not a label encoding"):
        LabelEncoding.from_json({"task": "guess", "classes": []})


def test_answers_of_several_classes_and_of_numbers() -> None:
    table = open_table({"x": [1, 2]})
    several = LabelEncoding("multiclass", (3, 5, 8)).answers(
        table, np.array([8, 3]), np.array([[0.1, 0.2, 0.7], [0.5, 0.3, 0.2]])
    )
    assert several.to_arrow().to_pylist() == [
        {"x": 1, "tilth.label": 8, "tilth.score": 0.7},
        {"x": 2, "tilth.label": 3, "tilth.score": 0.5},
    ]
    numbers = LabelEncoding("regression").answers(table, np.array([0.5, 1.5]))
    assert numbers.to_arrow().column("tilth.label").to_pylist() == [0.5, 1.5]


def test_lists_of_texts_are_several_labels() -> None:
    lists = pa.array([["b", "a"], [], None, ["b", "b"]])
    encoding = LabelEncoding.from_column(lists)
    assert (encoding.task, encoding.classes) == ("multilabel", ("a", "b"))
    codes = encoding.encode(lists.drop_null())
    assert codes.tolist() == [[1, 1], [0, 0], [0, 1]]
    assert encoding.labels_of(codes) == [("a", "b"), (), ("b",)]
    assert LabelEncoding.from_json(encoding.to_json()) == encoding


def test_texts_are_several_labels_where_a_separator_says_so() -> None:
    encoding = LabelEncoding.from_column(pa.array(["a; b", ";", "b"]), task="multilabel", separator=";")
    assert encoding.classes == ("a", "b")
    assert encoding.encode(pa.array(["b;a", ";"])).tolist() == [[1, 1], [0, 0]]
    assert encoding.encode(pa.array([["a"], []], pa.list_(pa.string()))).tolist() == [[1, 0], [0, 0]]
    assert LabelEncoding.from_json(encoding.to_json()) == encoding
    with pytest.raises(DataError, match="'c' is not a class"):
        encoding.encode(pa.array(["a;c"]))
    with pytest.raises(DataError, match="1 labels are missing"):
        encoding.encode(pa.array([None, "a"]))


@pytest.mark.parametrize(
    ("values", "what"),
    [
        (pa.array([[1, 2]]), "lists of int64"),
        (pa.array([["a", None]]), "1 items of the label's lists are missing"),
        (pa.array([[], []], pa.list_(pa.string())), "no row has any label"),
        (pa.array([None, None], pa.list_(pa.string())), "the label column is empty"),
        (pa.array([1.5, 2.0]), "are no lists"),
        (pa.array([[str(at)] for at in range(1001)]), "1001 distinct values, too many"),
    ],
)
def test_what_cannot_be_several_labels_is_refused(values: pa.Array, what: str) -> None:
    with pytest.raises(DataError, match=what):
        LabelEncoding.from_column(values, task="multilabel", separator="|")


def test_a_list_is_no_other_task() -> None:
    with pytest.raises(UsageError, match="the label is a list, which is not regression"):
        LabelEncoding.from_column(pa.array([["a"]]), task="regression")


def test_a_ranking_has_numbers_from_zero_and_a_group() -> None:
    encoding = LabelEncoding.from_column(pa.array([0, 3, None, 1]), task="ranking", group="query")
    assert (encoding.classes, encoding.is_number, encoding.group) == ((), True, "query")
    assert encoding.encode(pa.array([2, 0])).tolist() == [2.0, 0.0]
    assert LabelEncoding.from_json(encoding.to_json()) == encoding
    with pytest.raises(UsageError, match="which rows are ranked together"):
        LabelEncoding.from_column(pa.array([0, 1]), task="ranking")
    with pytest.raises(DataError, match="-1 is negative"):
        LabelEncoding.from_column(pa.array([0, -1]), task="ranking", group="query")
    with pytest.raises(DataError, match="string, not a number"):
        LabelEncoding.from_column(pa.array(["a"]), task="ranking", group="query")


def test_answers_of_several_labels_have_a_score_for_each() -> None:
    encoding = LabelEncoding("multilabel", ("a", "b"))
    table = encoding.answers(
        open_table({"x": [1, 2]}),
        np.array([[True, False], [False, False]]),
        np.array([[0.75, 0.5], [0.25, 0]]),
    )
    assert table.to_arrow().to_pylist() == [
        {"x": 1, "tilth.label": ["a"], "tilth.score.a": 0.75, "tilth.score.b": 0.5},
        {"x": 2, "tilth.label": [], "tilth.score.a": 0.25, "tilth.score.b": 0.0},
    ]
