"""Direct labeling by process feedback: outcomes joined to the predictions that they judge."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

import pyarrow as pa

from tilth.tables import Prediction, Table, open_table, predictions_table
from tilth.types import ColumnType

__all__ = ["join_feedback"]

Outcome = tuple[str | int | float | bool, datetime.datetime]


def join_feedback(
    predictions: Sequence[Prediction],
    feedback: Mapping[str, Outcome],
    *,
    label: str,
    types: Mapping[str, ColumnType],
) -> Table:
    """The predictions whose outcome is known, as rows to learn from.

    Args:
        predictions: what was answered.
        feedback: the outcome and its time by prediction id.
        label: the name of the label's column.
        types: the types of all columns, the label's included.

    Returns:
        One row a prediction with an outcome, ordered by prediction time then id: the input columns, the
        label, `tilth.source` ("feedback"), `tilth.time` (when the prediction was made) and the columns
        that `predictions_table` adds.

    Example:
        >>> from datetime import datetime, UTC
        >>> now = datetime(2026, 1, 1, tzinfo=UTC)
        >>> made = Prediction("a-0", now, "m", 1, "live", {"x": 1.0}, "yes", {"no": 0.2, "yes": 0.8}, 0.001)
        >>> types = {"x": "float", "y": "string"}
        >>> table = join_feedback([made], {"a-0": ("no", now)}, label="y", types=types)
        >>> table.to_arrow().column("y").to_pylist()
        ['no']
    """
    known = sorted((p for p in predictions if p.id in feedback), key=lambda p: (p.time, p.id))
    inputs = {name: kind for name, kind in types.items() if name != label}
    table = predictions_table(known, inputs)
    outcomes = [feedback[p.id][0] for p in known]
    labels = open_table({label: _column(outcomes, types[label])})
    joined = table.with_column(label, labels.to_arrow().column(0).combine_chunks())
    return joined.with_column("tilth.source", "feedback")


def _column(values: Sequence[str | int | float | bool], kind: ColumnType) -> pa.Array:
    """The outcomes in the label's own type."""
    if kind == "string":
        return pa.array([str(v) for v in values], pa.string())
    if kind == "bool":
        return pa.array([bool(v) for v in values], pa.bool_())
    return pa.array([float(v) for v in values], pa.float64()).cast(
        pa.int64() if kind == "int" else pa.float64()
    )
