"""Graph: one ONNX model, run on columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tilth.errors import GraphError, closest
from tilth.inference.feeds import DTYPES, KINDS, InputKind, arrow_feed, numpy_feed
from tilth.inference.session import Session, open_session

if TYPE_CHECKING:
    import pyarrow as pa

    from tilth.tables import Table

__all__ = ["BATCH_ROWS", "INPUT_NAMES_KEY", "Graph", "InputKind"]

INPUT_NAMES_KEY = "tilth.inputs"
"""Metadata of a graph: JSON, input -> column, for columns whose names an input cannot have."""

BATCH_ROWS = 8_192
"""Rows run at once: what one batch needs then stays in the processor's cache."""


class Graph:
    """One ONNX model: raw columns in, named arrays out.

    Made by `Graph.from_bytes` or `Graph.from_path`. Every input is a column of shape (n, 1); numbers are
    double precision with NaN for missing, texts have "" for missing. A row's result does not depend on the
    rows beside it.

    Args:
        session: the loaded model.
        size_bytes: how long the file is.

    Raises:
        GraphError: an input of a type that a column cannot have.
    """

    def __init__(self, session: Session, size_bytes: int) -> None:
        unknown = {name: kind for name, kind in session.inputs.items() if kind not in KINDS}
        if unknown:
            name, kind = next(iter(unknown.items()))
            raise GraphError(
                f"the graph's input '{name}' is a {kind}",
                where=f"column '{name}'",
                expected="one of " + ", ".join(KINDS),
            )
        columns = json.loads(session.metadata.get(INPUT_NAMES_KEY, "{}"))
        named = [(tensor, columns.get(tensor, tensor), kind) for tensor, kind in session.inputs.items()]
        self._session = session
        self._takes = [(tensor, column, DTYPES[kind]) for tensor, column, kind in named]
        self.inputs: dict[str, InputKind] = {column: KINDS[kind] for _, column, kind in named}
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
        if batch.num_rows <= BATCH_ROWS:
            return self._run(self._feeds(columns, arrow_feed))
        parts = [
            self.run_batch(batch.slice(start, BATCH_ROWS)) for start in range(0, batch.num_rows, BATCH_ROWS)
        ]
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
        for batch in needed.batches(BATCH_ROWS):
            yield self.run_batch(batch)

    def _feeds(self, columns: Mapping[str, Any], convert: Callable[..., np.ndarray]) -> dict[str, np.ndarray]:
        try:
            feeds = {tensor: convert(column, columns[column], dtype) for tensor, column, dtype in self._takes}
        except KeyError as error:
            raise self._lacks(error.args[0], columns) from error
        return feeds

    def _run(self, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        rows = _row_count(feeds)
        if rows == 0:
            # Not every operator takes an empty batch, so one row is run to learn the outputs' shapes.
            padded = {name: np.zeros((1, 1), dtype=feed.dtype) for name, feed in feeds.items()}
            padded = {k: np.full((1, 1), "", object) if v.dtype == object else v for k, v in padded.items()}
            return {name: array[:0] for name, array in self._run(padded).items()}
        answers = self._session.run(self.outputs, feeds)
        return dict(zip(self.outputs, answers, strict=True))

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
