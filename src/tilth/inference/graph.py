"""Graph: one ONNX model, run on columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tilth.errors import GraphError, closest
from tilth.inference.feeds import DTYPES, RAGGED_KINDS, InputKind, arrow_feed, input_kind, numpy_feed
from tilth.inference.ragged import SAMPLE_RATE, Ragged, groups, ragged_column
from tilth.inference.session import Session, open_session

if TYPE_CHECKING:
    import pyarrow as pa

    from tilth.tables import Table

__all__ = ["BATCH_ROWS", "INPUT_NAMES_KEY", "SAMPLE_RATES_KEY", "Graph", "InputKind"]

INPUT_NAMES_KEY = "tilth.inputs"
"""Metadata of a graph: JSON, input -> column, for columns whose names an input cannot have."""

SAMPLE_RATES_KEY = "tilth.sample_rates"
"""Metadata of a graph: JSON, column of recordings -> samples a second that it takes."""

BATCH_ROWS = 8_192
"""Rows run at once: what one batch needs then stays in the processor's cache."""

_MEDIA_ROWS = 32
"""The same where rows hold images or recordings."""


class Graph:
    """One ONNX model: raw columns in, named arrays out.

    Made by `Graph.from_bytes` or `Graph.from_path`. Most inputs are columns of shape (n, 1); numbers are
    double precision with NaN for missing, texts have "" for missing. Lists, images and recordings are
    decoded here. A row's result does not depend on the rows beside it.

    Args:
        session: the loaded model.
        size_bytes: how long the file is.

    Raises:
        GraphError: an input of a type that a column cannot have.
    """

    def __init__(self, session: Session, size_bytes: int) -> None:
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
        self._rates: dict[str, int] = json.loads(session.metadata.get(SAMPLE_RATES_KEY, "{}"))
        self._batch_rows = _MEDIA_ROWS if {"image", "audio"} & set(self.inputs.values()) else BATCH_ROWS
        self.outputs = session.outputs
        self.metadata = session.metadata
        self.size_bytes = size_bytes

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
        return cls(open_session(model, threads), len(model))

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
        return self._run(self._feeds(columns, numpy_feed))

    def run_batch(self, batch: pa.RecordBatch | pa.Table) -> dict[str, np.ndarray]:
        """Compute all outputs for the rows of an Arrow batch or table; nulls are missing values.

        Raises:
            GraphError: a column is missing or of the wrong type.
        """
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        size = self._batch_rows
        if batch.num_rows <= size:
            return self._run(self._feeds(columns, arrow_feed))
        parts = [self.run_batch(batch.slice(start, size)) for start in range(0, batch.num_rows, size)]
        return {name: np.concatenate([part[name] for part in parts]) for name in self.outputs}

    def run_table(self, table: Table) -> Iterator[dict[str, np.ndarray]]:
        """Compute all outputs for a table, batch after batch; only the columns that are needed are read.

        Raises:
            GraphError: a column is missing or of the wrong type.
        """
        for name in self.inputs:
            if name not in table.columns:
                raise self._lacks(name, table.columns, where=table.name)
        needed = table.select(list(self.inputs))
        for batch in needed.batches(self._batch_rows):
            yield self.run_batch(batch)

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
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        for start in range(0, batch.num_rows, self._batch_rows):
            part = {name: column.slice(start, self._batch_rows) for name, column in columns.items()}
            feeds = self._feeds(part, arrow_feed)
            if not self._takes_ragged:
                yield np.arange(start, start + _row_count(feeds)), self._run(feeds)
                continue
            for rows, tensors in groups(feeds):
                yield rows + start, self._answers(tensors)

    def _feeds(self, columns: Mapping[str, Any], convert: Callable[..., np.ndarray]) -> dict[str, Any]:
        try:
            feeds: dict[str, Any] = {
                tensor: convert(column, columns[column], dtype) for tensor, column, dtype in self._takes
            }
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
        return self._answers(feeds)

    def _run_ragged(self, feeds: dict[str, np.ndarray | Ragged]) -> dict[str, np.ndarray]:
        rows = _row_count({k: f if isinstance(f, np.ndarray) else f.sizes for k, f in feeds.items()})
        if rows == 0:
            return {name: array[:0] for name, array in self._run_ragged(self._missing_row()).items()}
        found: dict[str, np.ndarray] = {}
        for places, tensors in groups(feeds):
            for name, answer in self._answers(tensors).items():
                if name not in found:
                    found[name] = np.empty((rows, *answer.shape[1:]), dtype=answer.dtype)
                found[name][places] = answer
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


def _row_count(feeds: Mapping[str, np.ndarray]) -> int:
    counts = {len(feed) for feed in feeds.values()}
    if len(counts) <= 1:
        return counts.pop() if counts else 1
    lengths = ", ".join(f"{name} {len(feed)}" for name, feed in feeds.items())
    raise GraphError(f"the columns differ in length: {lengths}", expected="one value per row in every column")
