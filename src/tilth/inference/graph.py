"""Graph: one ONNX model, run on columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tilth.engines import local_engine
from tilth.errors import GraphError, closest
from tilth.inference.cutting import Cutting
from tilth.inference.feeds import DTYPES, RAGGED_KINDS, InputKind, arrow_feed, input_kind, numpy_feed
from tilth.inference.image_spans import image_spans
from tilth.inference.long_texts import SPLIT_TEXTS_KEY, LongTexts, in_order
from tilth.inference.ragged import SAMPLE_RATE, Ragged, groups, ragged_column
from tilth.inference.session import Session, open_session

if TYPE_CHECKING:
    import pyarrow as pa

    from tilth.tables import Table

__all__ = ["BATCH_ROWS", "INPUT_NAMES_KEY", "ROW_CELLS_KEY", "SAMPLE_RATES_KEY", "Graph", "InputKind"]

INPUT_NAMES_KEY = "tilth.inputs"
"""Metadata of a graph: JSON, input -> column, for columns whose names an input cannot have."""

SAMPLE_RATES_KEY = "tilth.sample_rates"
"""Metadata of a graph: JSON, column of recordings -> samples a second that it takes."""

ROW_CELLS_KEY = "tilth.row_cells"
"""Metadata of a graph: how many numbers it holds of one row at once, where these are many."""

_BATCH_CELLS = 1 << 23

BATCH_ROWS = 8_192
"""Rows run at once: what one batch needs then stays in the processor's cache."""

_MEDIA_ROWS = 32
"""The same where rows hold images or recordings."""

_TABLE_ROWS = 65_536
_TABLE_CELLS = 1 << 22
"""At most so many rows and cells of a table are taken at once, to be run `BATCH_ROWS` at a time."""


class Graph:
    """One ONNX model: raw columns in, named arrays out.

    Made by `Graph.from_bytes` or `Graph.from_path`. Most inputs are columns of shape (n, 1); numbers are
    double precision with NaN for missing, texts have "" for missing. Lists, images and recordings are
    decoded here. A row's result does not depend on the rows beside it.

    Args:
        session: the loaded model.
        model: the file's bytes.

    Raises:
        GraphError: an input of a type that a column cannot have.
    """

    def __init__(self, session: Session, model: bytes) -> None:
        columns = json.loads(session.metadata.get(INPUT_NAMES_KEY, "{}"))
        named = [(tensor, columns.get(tensor, tensor), kind) for tensor, kind in session.inputs.items()]
        self.inputs: dict[str, InputKind] = {
            column: input_kind(tensor, kind, session.shapes[tensor]) for tensor, column, kind in named
        }
        self._session = session
        ragged = [(tensor, column) for tensor, column, _ in named if self.inputs[column] in RAGGED_KINDS]
        self._takes = [
            (tensor, column, DTYPES[kind])
            for tensor, column, kind in named
            if self.inputs[column] not in RAGGED_KINDS
        ]
        self._takes_ragged = ragged
        self._images = [column for _, column in ragged if self.inputs[column] == "image"]
        self._rates: dict[str, int] = json.loads(session.metadata.get(SAMPLE_RATES_KEY, "{}"))
        self._batch_rows = _MEDIA_ROWS if {"image", "audio"} & set(self.inputs.values()) else BATCH_ROWS
        row_cells = int(session.metadata.get(ROW_CELLS_KEY, "1"))
        self._batch_rows = min(self._batch_rows, max(1, _BATCH_CELLS // max(1, row_cells)))
        self.outputs = session.outputs
        self.metadata = session.metadata
        self.model = model
        self.size_bytes = len(model)
        split_texts = json.loads(session.metadata.get(SPLIT_TEXTS_KEY, "[]"))
        self._long_texts = LongTexts(split_texts, self._batch_rows)
        self._cutting = Cutting(model, [] if ragged else self._takes, self._batch_rows)
        cells = len(self.inputs) + session.width
        self._table_rows = max(self._batch_rows, min(_TABLE_ROWS, _TABLE_CELLS // max(1, cells)))

    @property
    def tensors(self) -> dict[str, np.dtype]:
        """The type of each input by its tensor's name; only of those of shape (n, 1)."""
        return {tensor: dtype for tensor, _, dtype in self._takes}

    @property
    def table_rows(self) -> int:
        """How many rows of a table are best run at once."""
        return self._batch_rows if self._takes_ragged else self._table_rows

    @classmethod
    def from_bytes(cls, model: bytes, threads: int = 1) -> Graph:
        """Load a model.

        Args:
            model: the ONNX file's bytes.
            threads: how many cores one call may use.

        Raises:
            GraphError: not a model that can be run.

        Example:
            >>> Graph.from_bytes(b"nonsense")
            Traceback (most recent call last):
            ...
            tilth.errors.GraphError: not a graph that can be run: ...
              expected: an ONNX model
        """
        return cls(open_session(model, threads), model)

    @classmethod
    def from_path(cls, path: str | Path, threads: int = 1) -> Graph:
        """Load a model from a file.

        Raises:
            GraphError: the file cannot be read, or is not a model that can be run.
        """
        try:
            model = Path(path).read_bytes()
        except OSError as error:
            raise GraphError(
                f"the graph cannot be read: {error.strerror}", where=str(path), expected="an ONNX file"
            ) from error
        return cls.from_bytes(model, threads)

    def run(self, columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Compute all outputs for n rows.

        Args:
            columns: an array of shape (n,) or (n, 1) for each input; columns that the graph does not know are
                ignored. None in an array of objects is a missing value.

        Returns:
            For each output an array whose first axis is the n rows.

        Raises:
            GraphError: a column is missing, of the wrong type, or of another length than the others.
        """
        return self._run_pieces(columns, numpy_feed)

    def run_batch(self, batch: pa.RecordBatch | pa.Table) -> dict[str, np.ndarray]:
        """Compute all outputs for the rows of an Arrow batch or table; nulls are missing values.

        Raises:
            GraphError: a column is missing or of the wrong type.
        """
        if self._takes_ragged or batch.num_rows <= self._batch_rows:
            return self._run_pieces(_columns(batch), arrow_feed)
        parts = list(self.run_groups(batch))
        found = _joined([outputs for _, outputs in parts])
        if len(found) > 1:
            raise GraphError("the graph's outputs differ in shape from row to row", mend="use run_groups()")
        return in_order([(np.concatenate([rows for rows, _ in parts]), found[0])])

    def run_table(self, table: Table, threads: int | None = None) -> Iterator[dict[str, np.ndarray]]:
        """Compute all outputs for a table, batch after batch; only the columns that are needed are read.

        Args:
            table: any number of rows.
            threads: how many batches are worked on at the same time; default: one for each core.

        Raises:
            GraphError: a column is missing or of the wrong type.
        """
        for name in self.inputs:
            if name not in table.columns:
                raise self._lacks(name, table.columns, where=table.name)
        needed = table.select(list(self.inputs))
        if self._takes_ragged:  # cells are decoded on threads already
            return map(self.run_batch, needed.batches(self._batch_rows))
        self._cutting.expect(table._rows or 0)
        return local_engine(threads).map(self.run_batch, needed.coded_batches(self._table_rows))

    def run_groups(
        self, batch: pa.RecordBatch | pa.Table
    ) -> Iterator[tuple[np.ndarray, dict[str, np.ndarray]]]:
        """Compute all outputs for the rows of an Arrow batch, the rows of one size at a time.

        For graphs whose outputs differ in shape from row to row, such as lists.

        Yields:
            The positions of some rows in the batch, and their outputs.

        Raises:
            GraphError: a column is missing or of the wrong type.
        """
        for start in range(0, batch.num_rows, self.table_rows):
            part = batch.slice(start, self.table_rows)
            columns = _columns(part)
            if self._takes_ragged:
                for begin, piece in self._pieces(columns):
                    for rows, tensors in groups(self._feeds(piece, arrow_feed)):
                        for places, outputs in self._answered(tensors):
                            yield rows[places] + begin + start, outputs
            elif (apart := self._long_texts.groups(columns)) is not None:
                for rows in apart:
                    taken = {name: column.take(rows) for name, column in columns.items()}
                    yield rows + start, self._answers(self._feeds(taken, arrow_feed))
            else:
                first = start
                for outputs in _joined(self._run_columns(columns, part.num_rows)):
                    stop = first + len(outputs[self.outputs[0]])
                    yield np.arange(first, stop), outputs
                    first = stop

    def _run_pieces(
        self, columns: Mapping[str, Any], convert: Callable[..., np.ndarray]
    ) -> dict[str, np.ndarray]:
        if not self._images:
            return self._run(self._feeds(columns, convert))
        parts = [self._run(self._feeds(piece, convert)) for _, piece in self._pieces(columns)]
        if len(parts) == 1:
            return parts[0]
        return {name: np.concatenate([part[name] for part in parts]) for name in self.outputs}

    def _pieces(self, columns: Mapping[str, Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """The rows, in pieces of which none has many pixels, each with the number of its first row."""
        images = [columns[name] for name in self._images if name in columns]
        used = {name: column for name, column in columns.items() if name in self.inputs}
        spans = image_spans(images) if images else []
        if len(spans) < 2 or len({len(column) for column in used.values()}) > 1:
            yield 0, columns
            return
        for start, stop in spans:
            yield start, {name: column[start:stop] for name, column in used.items()}

    def _run_columns(self, columns: Mapping[str, Any], rows: int) -> list[dict[str, np.ndarray]]:
        """All outputs for some rows, `_batch_rows` at a time, with work on texts done once for each text."""
        for _, column, _ in self._takes:
            if column not in columns:
                raise self._lacks(column, columns)
        found = self._cutting.run(columns, rows)
        if found is not None:
            return found
        pieces = (
            {name: column.slice(start, self._batch_rows) for name, column in columns.items()}
            for start in range(0, rows, self._batch_rows)
        )
        return [self._run(self._feeds(piece, arrow_feed)) for piece in pieces]

    def _feeds(self, columns: Mapping[str, Any], convert: Callable[..., np.ndarray]) -> dict[str, Any]:
        try:
            feeds: dict[str, Any] = {}
            for tensor, column, dtype in self._takes:
                values = columns[column]
                # Most of what the server sends fits; a call for each column would cost as much as the trees.
                fits = type(values) is np.ndarray and values.dtype is dtype and values.shape[1:] == (1,)
                feeds[tensor] = values if fits and dtype.kind != "O" else convert(column, values, dtype)
            for tensor, column in self._takes_ragged:
                rate = self._rates.get(column, SAMPLE_RATE)
                feeds[tensor] = ragged_column(column, self.inputs[column], columns[column], rate)
        except KeyError as error:
            raise self._lacks(error.args[0], columns) from error
        return feeds

    def _run(self, feeds: dict[str, Any]) -> dict[str, np.ndarray]:
        if self._takes_ragged:
            return self._run_ragged(feeds)
        rows = _row_count(feeds)
        if rows == 0:
            # Not every operator takes an empty batch, so one row is run to learn the outputs' shapes.
            return {name: array[:0] for name, array in self._answers(self._missing_row()).items()}
        apart = self._apart(feeds)
        return self._answers(feeds) if apart is None else in_order(self._answered(feeds))

    def _run_ragged(self, feeds: dict[str, np.ndarray | Ragged]) -> dict[str, np.ndarray]:
        rows = _row_count({k: f if isinstance(f, np.ndarray) else f.sizes for k, f in feeds.items()})
        if rows == 0:
            return {name: array[:0] for name, array in self._run_ragged(self._missing_row()).items()}
        found: dict[str, np.ndarray] = {}
        for places, tensors in groups(feeds):
            for among, answers in self._answered(tensors):
                for name, answer in answers.items():
                    if name not in found:
                        found[name] = np.empty((rows, *answer.shape[1:]), dtype=answer.dtype)
                    found[name][places[among]] = answer
        return found

    def _missing_row(self) -> dict[str, np.ndarray | Ragged]:
        """One row in which everything is missing, or 0 where nothing can be."""
        import pyarrow as pa

        missing = pa.nulls(1)
        feeds: dict[str, np.ndarray | Ragged] = {
            tensor: np.full((1, 1), "" if dtype.kind == "O" else 0, dtype) for tensor, _, dtype in self._takes
        }
        for tensor, column in self._takes_ragged:
            feeds[tensor] = ragged_column(column, self.inputs[column], missing)
        return feeds

    def _apart(self, feeds: Mapping[str, np.ndarray]) -> list[np.ndarray] | None:
        """The rows in groups, where texts are too long to be taken apart at once."""
        if not self._long_texts.columns:
            return None
        return self._long_texts.groups({column: feeds[tensor] for tensor, column, _ in self._takes})

    def _answered(
        self, feeds: Mapping[str, np.ndarray]
    ) -> Iterator[tuple[np.ndarray, dict[str, np.ndarray]]]:
        """The positions of some rows and their outputs; all at once unless texts are too long for that."""
        apart = self._apart(feeds)
        if apart is None:
            yield np.arange(_row_count(feeds)), self._answers(feeds)
            return
        for rows in apart:
            yield rows, self._answers({name: feed[rows] for name, feed in feeds.items()})

    def _answers(self, feeds: Mapping[str, Any]) -> dict[str, np.ndarray]:
        return dict(zip(self.outputs, self._session.run(self.outputs, feeds), strict=True))

    def _lacks(self, name: str, available: Mapping[str, object], where: str | None = None) -> GraphError:
        near = closest(name, available)
        return GraphError(
            f"the graph needs the column '{name}', which is not there",
            where=where,
            expected="the columns " + ", ".join(self.inputs),
            mend=f"did you mean '{near}'?" if near else None,
        )


def _joined(pieces: Sequence[dict[str, np.ndarray]]) -> Sequence[dict[str, np.ndarray]]:
    """Outputs for some rows after the other as one, unless they differ in shape."""
    shapes = [{name: array.shape[1:] for name, array in piece.items()} for piece in pieces]
    if len(pieces) < 2 or any(shape != shapes[0] for shape in shapes):
        return pieces
    return [{name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}]


def _columns(batch: pa.RecordBatch | pa.Table) -> dict[str, Any]:
    arrays = (a.combine_chunks() if hasattr(a, "combine_chunks") else a for a in batch.columns)
    return dict(zip(batch.schema.names, arrays, strict=True))


def _row_count(feeds: Mapping[str, np.ndarray]) -> int:
    counts = {len(feed) for feed in feeds.values()}
    if len(counts) <= 1:
        return counts.pop() if counts else 1
    lengths = ", ".join(f"{name} {len(feed)}" for name, feed in feeds.items())
    raise GraphError(f"the columns differ in length: {lengths}", expected="one value per row in every column")
