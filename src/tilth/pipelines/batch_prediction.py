"""`tilth predict`: any table with a model's answers beside it, in bounded memory, on all cores."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.engines import Engine, local_engine
from tilth.errors import DataError
from tilth.inference import Graph
from tilth.metrics import LabelEncoding
from tilth.pipelines.batch import LoadedVersion, load_version
from tilth.pipelines.batch_answers import KeptAnswers
from tilth.pipelines.batch_source import data_state
from tilth.pipelines.code_version import code_version
from tilth.pipelines.scoring import said
from tilth.projects import Project
from tilth.tables import Table, open_table, write_table
from tilth.tables.arrow_types import MEDIA_TYPES
from tilth.types import ColumnType, JSONObject

__all__ = ["predict_rows", "predict_table"]

_TEXT_SUFFIXES = {".csv", ".jsonl"}
_ROW = "row"

Progress = Callable[[int, int | None], None]
Tell = Callable[[str], None]


def predict_table(
    project: Project,
    data: str,
    output: Path,
    *,
    reference: str | None = None,
    engine: Engine | None = None,
    progress: Progress | None = None,
    tell: Tell | None = None,
) -> int:
    """Predict every row of a table and write it with the answers beside its columns.

    The table is read by the schema that belongs to the model version, whatever schema.toml says by now. What
    a row is answered does not depend on the engine, nor on where a prediction was broken off and went on.

    Args:
        project: the project.
        data: the rows to predict.
        output: where to write; the suffix picks the format. Until it is whole, answers are kept in a folder
            beside it, OUTPUT.parts, from which the same call goes on after a crash.
        reference: which model version; default: the champion.
        engine: where the model runs; default: on the threads of this machine.
        progress: called with the rows that are done and, if it is known, how many there are.
        tell: called with sentences for people: that it goes on, or begins anew, and why.

    Returns:
        The number of rows. The file has the columns of the data (in a file of text without images and
        recordings), `tilth.label` (the prediction), and for classes `tilth.score` (the probability of what
        was predicted) and `tilth.positive`; for several labels `tilth.score.NAME` for each.

    Raises:
        ColumnNotFoundError: a column that the model needs is not there.
        DataError: the data cannot be read, or a column does not hold what the model expects; or another
            process is predicting into this file.
    """
    loaded = load_version(project, reference)
    return predict_rows(loaded, data, output, project.label, engine=engine, progress=progress, tell=tell)


def predict_rows(
    loaded: LoadedVersion,
    data: str,
    output: Path,
    label: str,
    *,
    engine: Engine | None = None,
    progress: Progress | None = None,
    tell: Tell | None = None,
) -> int:
    """The same with a model version that is loaded already; `label` is the column of outcomes."""
    _check_place(output, data)
    table = loaded.read(data, label)
    plan = {
        "the data": data_state(data, table),
        "how the data are read": _digest([list(table.columns.items()), list(loaded.missing)]),
        "the model": _digest([hashlib.sha256(loaded.graph.model).hexdigest(), loaded.encoding.to_json()]),
        "Tilth or a library": code_version(),
        **({"the features of a look-up": loaded.looked_up_in} if loaded.looked_up_in else {}),
    }
    with KeptAnswers.opened(output, plan, tell or _silent) as kept:
        answered = _Answered(loaded, table, engine or local_engine(), kept, progress)
        write_table(answered.table(_kept_columns(table, output)), output, drafts=kept.folder)
    return answered.rows


def _silent(_: str) -> None:
    """Nobody is told."""


def _digest(document: JSONObject | list[object]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True, default=str).encode()).hexdigest()


def _check_place(output: Path, data: str) -> None:
    """Refuse to write where no answers can be kept beside."""
    real = Path(os.path.realpath(output))
    if not real.parent.is_dir():
        raise DataError("there is no such folder", where=str(real.parent), mend="make the folder first")
    if Path(os.path.realpath(data)) in real.parents:
        raise DataError(
            "this would lie among the files that are read", where=str(output), mend="write to another folder"
        )


def _kept_columns(table: Table, output: Path) -> list[str]:
    """The columns that a file of this kind has a place for."""
    if not _TEXT_SUFFIXES & {suffix.lower() for suffix in output.suffixes}:
        return list(table.columns)
    return [name for name, kind in table.columns.items() if kind not in MEDIA_TYPES]


class _Answered:
    """The rows of a table with answers: those that were kept, then those that the engine gives."""

    def __init__(
        self,
        loaded: LoadedVersion,
        table: Table,
        engine: Engine,
        kept: KeptAnswers,
        progress: Progress | None,
    ) -> None:
        self.rows = 0
        self._source = table
        self._answering = _Answering(loaded.graph, loaded.encoding)
        self._engine = engine
        self._kept = kept
        self._progress = progress

    def table(self, columns: Sequence[str]) -> Table:
        """The rows as a table that is computed while it is read, once.

        Args:
            columns: the columns of the data that it has.
        """
        needed = {*columns, *self._answering.graph.inputs}
        rows = self._source.select([name for name in self._source.columns if name in needed])
        types = rows.select(columns).columns | _answer_columns(self._answering.encoding)
        return Table(rows.name, types, lambda names, _: self._batches(rows, names), rows=rows._rows)

    def _batches(self, rows: Table, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        for batch, answers in self._pairs(rows):
            by_name = dict(zip(batch.schema.names, batch.columns, strict=True))
            by_name |= dict(zip(answers.schema.names, answers.columns, strict=True))
            yield pa.RecordBatch.from_arrays([by_name[name] for name in names], list(names))
            self.rows += batch.num_rows
            if self._progress is not None:
                self._progress(self.rows, rows._rows)
        if not self.rows:
            raise DataError("there are no rows", where=rows.name, expected="at least one row to predict")

    def _pairs(self, rows: Table) -> Iterator[tuple[pa.RecordBatch, pa.RecordBatch]]:
        """Rows with their answers, in order."""
        stream = _Stream(rows.coded_batches(self._answering.graph.table_rows), rows.name)
        for answers in self._kept.batches():
            start = 0
            for batch in stream.take(answers.num_rows):
                yield batch, answers.slice(start, batch.num_rows)
                start += batch.num_rows
        yield from self._new(stream.rest())

    def _new(self, batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[pa.RecordBatch, pa.RecordBatch]]:
        """Rows with the engine's answers, which are kept."""
        under_way: deque[pa.RecordBatch] = deque()
        inputs = list(self._answering.graph.inputs)

        def items() -> Iterator[_Rows]:
            for batch in batches:
                under_way.append(batch)
                yield _Rows(batch.select(inputs))

        for answers in self._engine.map(self._answering, items()):
            self._kept.add(answers)
            yield under_way.popleft(), answers


class _Stream:
    """Batches of rows, of which any number is taken at a time."""

    def __init__(self, batches: Iterator[pa.RecordBatch], name: str) -> None:
        self._batches = batches
        self._name = name

    def take(self, count: int) -> Iterator[pa.RecordBatch]:
        """The next rows, so many of them."""
        while count:
            batch = next(self._batches, None)
            if batch is None:
                raise DataError(
                    "the data have fewer rows than were answered before",
                    where=self._name,
                    mend="remove the folder of kept answers and start again",
                )
            if batch.num_rows > count:
                self._batches = itertools.chain([batch.slice(count)], self._batches)
                batch = batch.slice(0, count)
            count -= batch.num_rows
            yield batch

    def rest(self) -> Iterator[pa.RecordBatch]:
        """All that was not taken."""
        return self._batches


@dataclass(frozen=True)
class _Rows:
    """Some rows; to another process go these rows alone, not the batch that they were cut from."""

    batch: pa.RecordBatch

    def __reduce__(self) -> tuple[Callable[[bytes], _Rows], tuple[bytes]]:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self.batch.schema) as writer:
            writer.write_batch(self.batch)
        return _received, (sink.getvalue().to_pybytes(),)


def _received(stream: bytes) -> _Rows:
    return _Rows(pa.ipc.open_stream(stream).read_next_batch())


@dataclass(frozen=True)
class _Answering:
    """A model as a function from rows to answers; another process loads it once."""

    graph: Graph
    encoding: LabelEncoding

    def __call__(self, rows: _Rows) -> pa.RecordBatch:
        return _columns_of(self.encoding, *said(self.graph.run_batch(rows.batch), self.encoding))

    def __reduce__(self) -> tuple[Callable[[bytes, LabelEncoding], _Answering], tuple[bytes, LabelEncoding]]:
        return _loaded, (self.graph.model, self.encoding)


@lru_cache(maxsize=1)
def _loaded(model: bytes, encoding: LabelEncoding) -> _Answering:
    return _Answering(Graph.from_bytes(model), encoding)


def _columns_of(
    encoding: LabelEncoding,
    predicted: npt.NDArray[np.generic],
    scores: npt.NDArray[np.floating] | None,
) -> pa.RecordBatch:
    """The answers for some rows, one or more, as the columns that `LabelEncoding.answers` makes of them."""
    rows = open_table({_ROW: np.arange(len(predicted))})
    found = encoding.answers(rows, predicted, scores)
    names = [name for name in found.columns if name != _ROW]
    (batch,) = found.select(names).to_arrow().combine_chunks().to_batches()
    return batch


def _answer_columns(encoding: LabelEncoding) -> dict[str, ColumnType]:
    """The names and types of these columns."""
    classes = len(encoding.classes)
    said_of_one = np.zeros((1, classes), np.int64) if encoding.task == "multilabel" else _one(encoding)
    scores = None if encoding.is_number else np.zeros((1, classes))
    return open_table(pa.table(_columns_of(encoding, said_of_one, scores))).columns


def _one(encoding: LabelEncoding) -> npt.NDArray[np.generic]:
    return np.array(
        [0.0] if encoding.is_number else [encoding.classes[0]], None if encoding.is_number else object
    )
