"""Lines of a prediction log as Arrow batches, in the columns that its Parquet files have."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from tilth.tables.log_arrays import as_type, common_type, input_array
from tilth.tables.log_files import OWN_COLUMNS
from tilth.tables.prediction_lines import (
    Label,
    PredictionLine,
    SegmentHeader,
    in_utc,
    read_header,
    read_prediction_line,
)
from tilth.tables.segments import Segment, segment_header
from tilth.types import ColumnType

__all__ = ["LineBatch", "header_of", "line_batches", "predicted_score", "same_types", "with_types"]

ROWS_AT_ONCE = 8_192
BYTES_AT_ONCE = 1 << 23

_TIME = pa.timestamp("us", "UTC")
_SCORES = pa.map_(pa.string(), pa.float64())


class LineBatch(NamedTuple):
    """Predictions of one model version.

    Args:
        model: the model that answered.
        version: its version.
        offsets: where the line of each is.
        types: the types of the inputs; None where no value is known.
        batch: the inputs, then the log's own columns.
    """

    model: str
    version: int
    offsets: Sequence[int]
    types: Mapping[str, ColumnType | None]
    batch: pa.RecordBatch


def header_of(segment: Segment) -> SegmentHeader | None:
    """What a file of lines says that they are about; None where it says nothing.

    Raises:
        FileNotFoundError: it is no longer there.
        DataError: the header is damaged.
    """
    line = segment_header(segment)
    return None if line is None else read_header(line, segment.token)


def line_batches(
    segment: Segment, types: Mapping[str, ColumnType] | None, rows: int = ROWS_AT_ONCE
) -> Iterator[LineBatch]:
    """The predictions of a file of lines, in its order, those of one model version together in a batch.

    Args:
        segment: the file.
        types: the declared types of the inputs; others are found out, for each batch on its own.
        rows: how many predictions a batch has at most.

    Raises:
        FileNotFoundError: it is no longer there.
        DataError: a line is damaged.
    """
    held: list[tuple[int, PredictionLine]] = []
    size = 0
    for offset, line in segment.lines():
        held.append((offset, read_prediction_line(segment.token, offset, line)))
        size += len(line)
        if len(held) >= rows or size >= BYTES_AT_ONCE:
            yield from _by_version(segment.token, held, types)
            held, size = [], 0
    yield from _by_version(segment.token, held, types)


def _by_version(
    token: str, held: Sequence[tuple[int, PredictionLine]], types: Mapping[str, ColumnType] | None
) -> Iterator[LineBatch]:
    groups: dict[tuple[str, int], list[tuple[int, PredictionLine]]] = {}
    for offset, line in held:
        groups.setdefault((line.model, line.version), []).append((offset, line))
    for (model, version), group in groups.items():
        offsets, lines = [offset for offset, _ in group], [line for _, line in group]
        found, batch = _batch(token, offsets, lines, types or {})
        yield LineBatch(model, version, offsets, found, batch)


def _batch(
    token: str, offsets: Sequence[int], lines: Sequence[PredictionLine], types: Mapping[str, ColumnType]
) -> tuple[dict[str, ColumnType | None], pa.RecordBatch]:
    inputs = [line.inputs for line in lines]
    arrays: dict[str, pa.Array] = {}
    found: dict[str, ColumnType | None] = {}
    for name in dict.fromkeys([*types, *(name for given in inputs for name in given)]):
        column = f"input.{name}" if name in OWN_COLUMNS else name
        arrays[column], found[column] = input_array([given.get(name) for given in inputs], types.get(name))
    own = (
        pa.array([f"{token}-{offset:x}" for offset in offsets], pa.string()),
        pa.array([in_utc(line.time) for line in lines], _TIME),
        pa.array([line.model for line in lines], pa.string()),
        pa.array([line.version for line in lines], pa.int64()),
        pa.array([line.role for line in lines], pa.string()),
        label_array([line.label for line in lines]),
        pa.array([predicted_score(line.label, line.scores) for line in lines], pa.float64()),
        pa.array([None if line.scores is None else list(line.scores.items()) for line in lines], _SCORES),
        pa.array([line.latency_s for line in lines], pa.float64()),
        pa.array([line.entity for line in lines], pa.string()),
        pa.array([line.trace_id for line in lines], pa.string()),
    )
    arrays.update(zip(OWN_COLUMNS, own, strict=True))
    return found, pa.RecordBatch.from_arrays(list(arrays.values()), list(arrays))


def label_array(labels: Sequence[Label | None]) -> pa.Array:
    """Labels in their own type; as text where they are of several types; NaN is missing.

    Example:
        >>> label_array([1, 2.5, float("nan")]).to_pylist(), label_array([1, "a"]).to_pylist()
        ([1.0, 2.5, None], ['1', 'a'])
    """
    known = [None if isinstance(v, float) and math.isnan(v) else v for v in labels]
    kinds = {type(label) for label in known} - {type(None)}
    if kinds <= {tuple, list} and kinds:
        items = [None if v is None else [str(item) for item in _items(v)] for v in known]
        return pa.array(items, pa.list_(pa.string()))
    for types, arrow in _LABELS:
        if kinds <= types:
            with contextlib.suppress(OverflowError, pa.ArrowInvalid):  # whole numbers of more than 64 bits
                return pa.array(known, arrow)
    return pa.array([None if label is None else str(label) for label in known], pa.string())


def _items(label: object) -> Sequence[object]:
    return label if isinstance(label, (tuple, list)) else ()


_LABELS: list[tuple[set[type], pa.DataType]] = [
    ({str}, pa.string()),
    ({bool}, pa.bool_()),
    ({int}, pa.int64()),
    ({int, float}, pa.float64()),
]


def predicted_score(label: Label | None, scores: Mapping[str, float | None] | None) -> float | None:
    """The probability of what was predicted; None for numbers and several labels.

    Example:
        >>> predicted_score(True, {"false": 0.2, "true": 0.8}), predicted_score(3.5, None)
        (0.8, None)
    """
    if not scores or isinstance(label, tuple) or label is None:
        return None
    text = str(label).lower() if isinstance(label, bool) else str(label)
    found = scores.get(text, scores.get(str(label)))
    return max((p for p in scores.values() if p is not None), default=None) if found is None else found


def same_types(batches: Sequence[LineBatch]) -> tuple[dict[str, ColumnType | None], pa.Schema]:
    """The types of the inputs and the Arrow schema that batches of one model version have in common."""
    types: dict[str, ColumnType | None] = {}
    label: pa.DataType | None = None
    for one in batches:
        for name, kind in one.types.items():
            types[name] = common_type(types.get(name), kind)
        label = common_label(label, _label_type(one.batch))
    sample = with_types(batches[0].batch, batches[0].types, types, label or pa.string())
    return types, sample.schema


def _label_type(batch: pa.RecordBatch) -> pa.DataType | None:
    array = batch.column("tilth.label")
    return None if array.null_count == len(array) else array.type


def common_label(one: pa.DataType | None, other: pa.DataType | None) -> pa.DataType | None:
    """The type of labels that two types have in common; None is that of labels that are all missing.

    Example:
        >>> common_label(pa.int64(), pa.float64()), common_label(None, pa.bool_())
        (DataType(double), DataType(bool))
    """
    if one == other or other is None:
        return one
    if one is None:
        return other
    return pa.float64() if {one, other} == {pa.int64(), pa.float64()} else pa.string()


def with_types(
    batch: pa.RecordBatch,
    have: Mapping[str, ColumnType | None],
    want: Mapping[str, ColumnType | None],
    label: pa.DataType,
) -> pa.RecordBatch:
    """A batch with these inputs in these types, and labels of a type."""
    arrays: list[pa.Array] = []
    for name, kind in want.items():
        known = name in have
        array = batch.column(name) if known else pa.nulls(batch.num_rows, pa.string())
        arrays.append(as_type(array, have[name] if known else None, kind))
    own = [
        label_as(batch.column(name), label) if name == "tilth.label" else batch.column(name)
        for name in OWN_COLUMNS
    ]
    return pa.RecordBatch.from_arrays([*arrays, *own], [*want, *OWN_COLUMNS])


def label_as(labels: pa.Array, wanted: pa.DataType) -> pa.Array:
    """Labels of one type as those of a common one.

    Raises:
        ValueError: the type wanted is narrower.
    """
    if labels.type == wanted:
        return labels
    if labels.null_count == len(labels):
        return pa.nulls(len(labels), wanted)
    if pa.types.is_string(wanted):
        texts: list[Any] = [None if label is None else str(label) for label in labels.to_pylist()]
        return pa.array(texts, pa.string())
    if common_label(labels.type, wanted) != wanted:
        raise ValueError(f"{labels.type} as {wanted}")
    return labels.cast(wanted, safe=False)
