"""Predictions as a table: CSV, or an Arrow stream or file."""

from __future__ import annotations

import io
from collections.abc import Sequence

import msgspec
import pyarrow as pa
import pyarrow.csv as pacsv

from tilth.serving.answers import Answer
from tilth.serving.manners import ARROW_FILE, ARROW_STREAM, CSV, Form
from tilth.serving.scoring import Scorer
from tilth.types import NUMBER_TASKS, JSONObject

__all__ = ["prediction_table", "table_answer"]


def table_answer(predictions: Sequence[JSONObject], scorer: Scorer, form: Form) -> Answer:
    """Predictions in a form that is no JSON."""
    if form == "csv":
        sink = io.BytesIO()
        pacsv.write_csv(_flat(prediction_table(predictions, scorer)), sink)
        return Answer(200, sink.getvalue(), f"{CSV}; charset=utf-8; header=present".encode())
    table = prediction_table(predictions, scorer)
    sink = io.BytesIO()
    is_file = form == "arrow file"
    made = pa.ipc.new_file(sink, table.schema) if is_file else pa.ipc.new_stream(sink, table.schema)
    with made as writer:
        writer.write_table(table)
    return Answer(200, sink.getvalue(), (ARROW_FILE if is_file else ARROW_STREAM).encode())


def prediction_table(predictions: Sequence[JSONObject], scorer: Scorer) -> pa.Table:
    """One row for each row of the request.

    Args:
        predictions: as they stand in an answer of JSON.
        scorer: the model that answered.

    Returns:
        `prediction_id`, `label`, `score`, for classes `scores.NAME` of each, `model`, `version`, `warnings`
        and `error`, texts that are null where all is well.
    """
    columns: dict[str, pa.Array] = {
        "prediction_id": pa.array([each.get("prediction_id") for each in predictions], pa.string()),
        "label": pa.array([each.get("label") for each in predictions], _label_type(scorer)),
        "score": pa.array([each.get("score") for each in predictions], pa.float64()),
    }
    for name in scorer.class_names:
        shares = [(each.get("scores") or {}).get(name) for each in predictions]  # type: ignore[union-attr]
        columns[f"scores.{name}"] = pa.array(shares, pa.float64())
    columns["model"] = pa.array([scorer.model.name] * len(predictions), pa.string())
    columns["version"] = pa.array([scorer.model.version] * len(predictions), pa.int64())
    columns["warnings"] = pa.array([_warnings(each) for each in predictions], pa.string())
    columns["error"] = pa.array([each.get("error") for each in predictions], pa.string())
    return pa.table(columns)


def _label_type(scorer: Scorer) -> pa.DataType:
    if scorer.model.task in NUMBER_TASKS:
        return pa.float64()
    if scorer.model.task == "multilabel":
        return pa.list_(pa.string())
    return {bool: pa.bool_(), int: pa.int64()}.get(scorer.label_type, pa.string())


def _warnings(prediction: JSONObject) -> str | None:
    found = prediction.get("warnings")
    if not isinstance(found, list):
        return None
    told = [each for each in found if isinstance(each, dict)]
    return "; ".join(f"{each['column']}: got {each['got']}, expected {each['expected']}" for each in told)


def _flat(table: pa.Table) -> pa.Table:
    """The table with several labels as JSON texts, since a cell of CSV is one text."""
    if not pa.types.is_list(table.schema.field("label").type):
        return table
    texts = [
        None if each is None else msgspec.json.encode(each).decode() for each in table["label"].to_pylist()
    ]
    return table.set_column(1, "label", pa.array(texts, pa.string()))
