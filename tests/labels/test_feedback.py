"""Outcomes joined to the predictions that they judge."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tilth.errors import DataError, TilthError
from tilth.labels import join_feedback
from tilth.tables import (
    FeedbackLog,
    Label,
    Prediction,
    PredictionLog,
    concat_tables,
    open_table,
    read_feedback,
    read_predictions,
)
from tilth.types import ColumnType, JSONObject

NOON = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
TYPES: dict[str, ColumnType] = {"size": "float", "plan": "string", "bought": "string"}


def prediction(number: int, *, minutes: int = 0, **inputs: str | float | None) -> Prediction:
    given: JSONObject = {
        "size": float(number),
        "plan": "pro",
        **inputs,
    }
    time = NOON + datetime.timedelta(minutes=minutes)
    return Prediction(
        f"p-{number}",
        time,
        "shop",
        3,
        "live",
        given,
        "yes",
        {"no": 0.25, "yes": 0.75},
        0.001,
    )


def outcome(value: str | float | bool) -> tuple[str | int | float | bool, datetime.datetime]:
    return value, NOON


def test_only_predictions_with_an_outcome_come_back() -> None:
    made = [prediction(1), prediction(2), prediction(3)]
    table = join_feedback(made, {"p-2": outcome("no")}, label="bought", types=TYPES)
    assert table.to_arrow().to_pylist() == [
        {
            "size": 2.0,
            "plan": "pro",
            "tilth.prediction_id": "p-2",
            "tilth.time": NOON.replace(tzinfo=None),
            "tilth.version": 3,
            "tilth.label": "yes",
            "tilth.score": 0.75,
            "bought": "no",
            "tilth.source": "feedback",
        }
    ]


def test_the_label_is_the_outcome_and_not_the_prediction() -> None:
    table = join_feedback([prediction(1)], {"p-1": outcome("no")}, label="bought", types=TYPES)
    (row,) = table.to_arrow().to_pylist()
    assert (row["bought"], row["tilth.label"]) == ("no", "yes")


def test_an_outcome_of_nothing_that_was_answered_is_left_out() -> None:
    table = join_feedback([prediction(1)], {"p-9": outcome("no")}, label="bought", types=TYPES)
    assert table.rows == 0
    assert set(TYPES) < set(table.columns)


def test_nothing_at_all_has_the_columns_nevertheless() -> None:
    table = join_feedback([], {}, label="bought", types=TYPES)
    assert table.rows == 0
    assert table.columns["size"] == "float"
    assert table.columns["bought"] == "string"
    assert table.columns["tilth.source"] == "string"


def test_rows_stay_in_the_order_of_the_log() -> None:
    """The ids of one request's rows are no order: as text, "...-10" comes before "...-9"."""
    made = [replace(prediction(i), id=f"p-{i:x}") for i in range(40)]
    told = {p.id: outcome("no") for p in reversed(made)}
    table = join_feedback(made, told, label="bought", types=TYPES).to_arrow()
    assert table.column("size").to_pylist() == list(range(40))


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("string", "no", "no"),
        ("string", 1, "1"),
        ("int", 1, 1),
        ("int", 1.0, 1),
        ("int", "1", 1),
        ("float", 1, 1.0),
        ("float", 2.5, 2.5),
        ("bool", True, True),
        ("bool", False, False),
        ("bool", "false", False),
        ("bool", "true", True),
        ("bool", 0, False),
        ("string", True, "true"),
        ("string", 1.0, "1"),
    ],
)
def test_an_outcome_takes_the_type_of_the_label(
    kind: ColumnType, value: str | float | bool, expected: object
) -> None:
    types = {**TYPES, "bought": kind}
    table = join_feedback([prediction(1)], {"p-1": outcome(value)}, label="bought", types=types)
    assert table.columns["bought"] == kind
    assert table.to_arrow().column("bought").to_pylist() == [expected]


def test_a_large_whole_number_is_not_rounded() -> None:
    number = 2**53 + 1
    types: dict[str, ColumnType] = {**TYPES, "bought": "int"}
    table = join_feedback([prediction(1)], {"p-1": outcome(number)}, label="bought", types=types)
    assert table.to_arrow().column("bought").to_pylist() == [number]


@pytest.mark.parametrize(
    ("kind", "value"), [("int", "many"), ("float", "many"), ("float", "nan"), ("bool", "maybe"), ("bool", 2)]
)
def test_an_outcome_that_does_not_fit_the_label_is_told_in_words(
    kind: ColumnType, value: str | float
) -> None:
    types = {**TYPES, "bought": kind}
    with pytest.raises(TilthError) as caught:
        join_feedback([prediction(1)], {"p-1": outcome(value)}, label="bought", types=types)
    assert "bought" in str(caught.value)
    assert str(value) in str(caught.value)


def test_an_outcome_that_is_not_whole_makes_a_column_of_numbers() -> None:
    """The server takes any number as the outcome of a regression, though its labels so far are whole."""
    types: dict[str, ColumnType] = {**TYPES, "bought": "int"}
    made = [prediction(1), prediction(2)]
    told = {"p-1": outcome(3), "p-2": outcome(3.5)}
    table = join_feedback(made, told, label="bought", types=types)
    assert table.columns["bought"] == "float"
    assert table.to_arrow().column("bought").to_pylist() == [3.0, 3.5]
    whole = open_table({"bought": [1, 2]})
    assert concat_tables([whole, table]).columns["bought"] == "float"


@pytest.mark.parametrize("number", [2**63, -(2**70), 1e300])
def test_a_number_too_large_for_whole_numbers_is_kept_as_one(number: float) -> None:
    types: dict[str, ColumnType] = {**TYPES, "bought": "int"}
    table = join_feedback([prediction(1)], {"p-1": outcome(number)}, label="bought", types=types)
    assert table.to_arrow().column("bought").to_pylist() == [float(number)]


def test_texts_that_mean_missing_are_missing() -> None:
    made = prediction(1, plan="?")
    table = join_feedback([made], {"p-1": outcome("no")}, label="bought", types=TYPES, missing=["?"])
    assert table.to_arrow().column("plan").to_pylist() == [None]


def test_what_was_missing_when_served_stays_missing() -> None:
    made = prediction(1, size=None, plan="")
    table = join_feedback([made], {"p-1": outcome("no")}, label="bought", types=TYPES)
    (row,) = table.to_arrow().to_pylist()
    assert (row["size"], row["plan"]) == (None, None)


def test_a_column_that_was_not_sent_is_missing() -> None:
    made = replace(prediction(1), inputs={"size": 1.0})
    table = join_feedback([made], {"p-1": outcome("no")}, label="bought", types=TYPES)
    assert table.to_arrow().column("plan").to_pylist() == [None]


def test_a_label_that_was_sent_as_an_input_is_not_believed() -> None:
    made = prediction(1, bought="yes")
    table = join_feedback([made], {"p-1": outcome("no")}, label="bought", types=TYPES)
    assert table.to_arrow().column("bought").to_pylist() == ["no"]
    assert list(table.columns).count("bought") == 1


def test_dates_become_dates() -> None:
    types: dict[str, ColumnType] = {**TYPES, "since": "datetime"}
    made = prediction(1, since="2026-01-01T12:00:00+02:00")
    table = join_feedback([made], {"p-1": outcome("no")}, label="bought", types=types)
    assert table.to_arrow().column("since").to_pylist() == [datetime.datetime(2026, 1, 1, 10)]


def test_through_the_logs_the_latest_outcome_wins(tmp_path: Path) -> None:
    log, told = PredictionLog(tmp_path), FeedbackLog(tmp_path)
    first, second = log.append([prediction(1), prediction(2, minutes=1)])
    told.append(first, "no", NOON)
    told.append(second, "yes", NOON + datetime.timedelta(hours=2))
    told.append(second, "no", NOON + datetime.timedelta(hours=1))
    log.close()
    told.close()
    table = join_feedback(read_predictions(tmp_path), read_feedback(tmp_path), label="bought", types=TYPES)
    assert table.to_arrow().column("bought").to_pylist() == ["no", "yes"]
    assert table.to_arrow().column("tilth.prediction_id").to_pylist() == [first, second]


@given(st.sets(st.integers(0, 30)), st.dictionaries(st.integers(0, 30), st.sampled_from(["no", "yes"])))
def test_one_row_for_each_prediction_with_an_outcome(made: set[int], told: Mapping[int, str]) -> None:
    predictions = [prediction(i, minutes=i) for i in sorted(made)]
    feedback = {f"p-{i}": outcome(value) for i, value in told.items()}
    rows = join_feedback(predictions, feedback, label="bought", types=TYPES).to_arrow().to_pylist()
    assert [(row["tilth.prediction_id"], row["bought"]) for row in rows] == [
        (f"p-{i}", told[i]) for i in sorted(made & told.keys())
    ]


LIST_TYPES: dict[str, ColumnType] = {"x": "float", "tags": "list[string]"}
TEXT_TYPES: dict[str, ColumnType] = {"x": "float", "tags": "string"}


def tagged(outcomes: list[Label], types: dict[str, ColumnType], separator: str | None = None) -> list[object]:
    made = [
        Prediction(f"t-{at}", NOON, "m", 1, "live", {"x": 1.0}, ("sea",), {"sea": 0.9, "sky": 0.1}, 0.001)
        for at in range(len(outcomes))
    ]
    feedback = {f"t-{at}": (outcome, NOON) for at, outcome in enumerate(outcomes)}
    table = join_feedback(made, feedback, label="tags", types=types, separator=separator)
    assert table.select(["tilth.label"]).to_arrow().column(0).to_pylist() == [["sea"]] * len(outcomes)
    assert table.select(["tilth.score"]).to_arrow().column(0).to_pylist() == [None] * len(outcomes)
    return list(table.select(["tags"]).to_arrow().column(0).to_pylist())


def test_several_labels_come_back_as_the_data_have_them() -> None:
    assert tagged([("sea", "sky"), ()], LIST_TYPES) == [["sea", "sky"], []]
    assert tagged([("sea", "sky"), ()], TEXT_TYPES, "|") == ["sea|sky", "|"]


@pytest.mark.parametrize(("outcome", "types"), [("sea", LIST_TYPES), (("sea",), TEXT_TYPES)])
def test_an_outcome_of_another_task_is_refused(outcome: Label, types: dict[str, ColumnType]) -> None:
    with pytest.raises(DataError, match="does not fit the label 'tags'"):
        tagged([outcome], types)
