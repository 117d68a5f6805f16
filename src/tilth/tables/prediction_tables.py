"""Logged predictions as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from tilth.errors import DataError
from tilth.tables.arrow_types import ARROW_TYPES, MEDIA_TYPES
from tilth.tables.log_arrays import value_of_type
from tilth.tables.log_batches import predicted_score
from tilth.tables.media_cells import ROWS_AT_ONCE
from tilth.tables.media_statistics import statistic_columns
from tilth.tables.memory import table_from_arrow
from tilth.tables.prediction_lines import Label, Prediction
from tilth.tables.table import Table
from tilth.types import ColumnType

__all__ = ["predictions_table"]


def predictions_table(
    predictions: Sequence[Prediction], types: Mapping[str, ColumnType], *, missing: Sequence[str] = ()
) -> Table:
    """One row a prediction, in the order given.

    Args:
        predictions: what was answered.
        types: the input columns and their types; one that an input lacks is missing there. Statistics of
            images and recordings are left out unless inputs have them: a profile computes them.
        missing: texts that mean missing, beside the empty one.

    Returns:
        The input columns, then `tilth.prediction_id`, `tilth.time`, `tilth.version`, `tilth.label` and
        `tilth.score` (the probability of the predicted class, missing for numbers and several labels).

    Raises:
        DataError: an input that is not of its column's type.

    Example:
        >>> import datetime
        >>> now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
        >>> made = Prediction("a-0", now, "m", 1, "live", {"x": 1}, "yes", {"no": 0.2, "yes": 0.8}, 0.001)
        >>> predictions_table([made], {"x": "float"}).select(["x", "tilth.score"]).to_arrow().to_pylist()
        [{'x': 1.0, 'tilth.score': 0.8}]
    """
    absent = frozenset(("", *missing))
    computed = {n for n in statistic_columns(types) if not any(n in made.inputs for made in predictions)}
    types = {name: kind for name, kind in types.items() if name not in computed}
    inputs = {name: _inputs(predictions, name, kind, absent) for name, kind in types.items()}
    media = {name: values for name, values in inputs.items() if types[name] in MEDIA_TYPES}
    arrays = {
        name: pa.array(values, ARROW_TYPES[types[name]])
        for name, values in inputs.items()
        if name not in media
    }
    arrays["tilth.prediction_id"] = pa.array([p.id for p in predictions], pa.string())
    arrays["tilth.time"] = pa.array(
        [p.time.replace(tzinfo=None) for p in predictions], ARROW_TYPES["datetime"]
    )
    arrays["tilth.version"] = pa.array([p.version for p in predictions], pa.int64())
    arrays["tilth.label"] = _labels([p.label for p in predictions])
    arrays["tilth.score"] = pa.array([predicted_score(p.label, p.scores) for p in predictions], pa.float64())
    table = table_from_arrow(pa.table(arrays), "<predictions>")
    return _with_media(table, media, types) if media else table


def _with_media(table: Table, media: Mapping[str, list[Any]], types: Mapping[str, ColumnType]) -> Table:
    """The table with images and recordings, which are read only when they are needed, a few at a time."""

    def read(names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        others = [name for name in names if name not in media]
        known = table.select(others or list(table.columns)[-1:])
        start = 0
        for batch in known.batches(size if len(others) == len(names) else min(size, ROWS_AT_ONCE)):
            rows = slice(start, start + batch.num_rows)
            start = rows.stop
            arrays = [
                pa.array([each and each.read() for each in media[name][rows]], ARROW_TYPES[types[name]])
                if name in media
                else batch.column(name)
                for name in names
            ]
            yield pa.RecordBatch.from_arrays(arrays, list(names))

    columns = {**types, **table.columns}
    return Table(table.name, columns, read, rows=table.rows, empty=table.empty)


def _inputs(
    predictions: Sequence[Prediction], name: str, kind: ColumnType, absent: frozenset[str]
) -> list[object]:
    values: list[object] = []
    for made in predictions:
        value = made.inputs.get(name)
        try:
            values.append(None if isinstance(value, str) and value in absent else value_of_type(value, kind))
        except ValueError as error:
            raise DataError(
                f"column '{name}' has the value {value!r}",
                where=f"prediction {made.id}",
                expected=f"a value of type {kind}",
            ) from error
    return values


def _labels(labels: Sequence[Label]) -> pa.Array:
    """Labels in their own type; as text where they are of several types."""
    if labels and all(isinstance(label, tuple) for label in labels):
        return pa.array([list(label) for label in labels if isinstance(label, tuple)], pa.list_(pa.string()))
    kinds = {type(label) for label in labels}
    if kinds <= {int, float} and kinds:
        return pa.array(
            [float(v) for v in labels if not isinstance(v, tuple)] if float in kinds else list(labels)
        )
    if kinds == {bool}:
        return pa.array(list(labels), pa.bool_())
    return pa.array([str(label) for label in labels], pa.string())
