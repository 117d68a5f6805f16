"""Direct labeling by process feedback: outcomes joined to the predictions that they judge."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence

import pyarrow as pa

from tilth.errors import DataError
from tilth.metrics import label_text
from tilth.tables import Label, Prediction, Table, open_table, predictions_table
from tilth.types import ColumnType

__all__ = ["join_feedback"]

Outcome = tuple[Label, datetime.datetime]

_TRUTH = {"true": True, "1": True, "false": False, "0": False}


def join_feedback(
    predictions: Sequence[Prediction],
    feedback: Mapping[str, Outcome],
    *,
    label: str,
    types: Mapping[str, ColumnType],
    missing: Sequence[str] = (),
    separator: str | None = None,
) -> Table:
    """The predictions whose outcome is known, as rows to learn from.

    Args:
        predictions: what was answered.
        feedback: the outcome and its time by prediction id.
        label: the name of the label's column.
        types: the types of all columns, the label's included.
        missing: texts among the inputs that mean missing, beside the empty one.
        separator: for several labels in one text, what stands between them.

    Returns:
        One row a prediction with an outcome, in the order given: the input columns, the label,
        `tilth.source` ("feedback"), `tilth.time` (when the prediction was made) and the columns that
        `predictions_table` adds. A label of whole numbers becomes one of numbers where an outcome is not
        whole.

    Raises:
        DataError: an outcome, or an input, that is not of its column's type.

    Example:
        >>> from datetime import datetime, UTC
        >>> now = datetime(2026, 1, 1, tzinfo=UTC)
        >>> made = Prediction("a-0", now, "m", 1, "live", {"x": 1.0}, "yes", {"no": 0.2, "yes": 0.8}, 0.001)
        >>> types = {"x": "float", "y": "string"}
        >>> table = join_feedback([made], {"a-0": ("no", now)}, label="y", types=types)
        >>> table.to_arrow().column("y").to_pylist()
        ['no']
    """
    known = [p for p in predictions if p.id in feedback]
    inputs = {name: kind for name, kind in types.items() if name != label}
    table = predictions_table(known, inputs, missing=missing)
    values = [_value(_as_text(feedback[p.id][0], separator), types[label], label, p.id) for p in known]
    labels = open_table(pa.table({label: _column(values, types[label])}))
    joined = table.with_column(label, labels.to_arrow().column(0).combine_chunks())
    return joined.with_column("tilth.source", "feedback")


def _as_text(outcome: Label, separator: str | None) -> Label:
    """Several labels as the data have them: in one text, which is the separator alone where there is none."""
    if separator is None or not isinstance(outcome, tuple):
        return outcome
    return separator.join(outcome) or separator


def _value(outcome: Label, kind: ColumnType, label: str, prediction_id: str) -> Label:
    """An outcome in the label's own type; for whole numbers possibly one that is not whole."""
    found: Label | None
    if isinstance(outcome, tuple) or kind == "list[string]":
        found = outcome if isinstance(outcome, tuple) and kind == "list[string]" else None
    elif kind == "string":
        return label_text(outcome)
    else:
        found = _TRUTH.get(label_text(outcome)) if kind == "bool" else _number(outcome)
    if found is None:
        raise DataError(
            f"the outcome {outcome!r} does not fit the label '{label}'",
            where=f"prediction {prediction_id}",
            expected=f"a value of type {kind}",
        )
    return found


def _number(outcome: str | float) -> float | None:
    """The number that an outcome is or says, exactly where it is whole; None if it is none."""
    if isinstance(outcome, int):
        return int(outcome)
    try:
        number = float(outcome)
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() and abs(number) < 2**63 else number


def _column(values: Sequence[Label], kind: ColumnType) -> pa.Array:
    if kind == "list[string]":
        return pa.array([list(value) for value in values if isinstance(value, tuple)], pa.list_(pa.string()))
    if kind == "string":
        return pa.array(values, pa.string())
    if kind == "bool":
        return pa.array(values, pa.bool_())
    if kind == "int" and all(isinstance(value, int) and abs(value) < 2**63 for value in values):
        return pa.array(values, pa.int64())
    return pa.array([float(value) for value in values if not isinstance(value, tuple)], pa.float64())
