"""Running a graph over a table and measuring its answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.errors import DataError
from tilth.evaluation import Evaluation, Evaluator
from tilth.inference import Graph
from tilth.metrics import LabelEncoding
from tilth.tables import Table

__all__ = ["Answers", "answer", "column", "measure", "measure_rows", "run_model"]


@dataclass(frozen=True)
class Answers:
    """What a model says of n rows.

    Args:
        predictions: (n,), codes of the predicted classes, or numbers.
        scores: (n, c), the probability of each class; None for a regression.
    """

    predictions: npt.NDArray[np.int64] | npt.NDArray[np.float64]
    scores: npt.NDArray[np.floating] | None

    @classmethod
    def of(
        cls,
        predicted: npt.NDArray[np.generic],
        scores: npt.NDArray[np.floating] | None,
        encoding: LabelEncoding,
    ) -> Answers:
        """The answers from labels in their own values."""
        if encoding.task == "regression":
            return cls(predicted.astype(np.float64), None)
        codes = {value: code for code, value in enumerate(encoding.classes)}
        return cls(np.array([codes[value] for value in predicted.tolist()], np.int64), scores)

    def table(self, encoding: LabelEncoding) -> pa.Table:
        """The answers as columns: `prediction`, and for classes `confidence` in it."""
        if self.scores is None:
            return pa.table({"prediction": np.asarray(self.predictions, np.float64)})
        codes = np.asarray(self.predictions, np.int64)
        names = np.array(encoding.names, dtype=object)[codes]
        confidence = self.scores[np.arange(len(codes)), codes].astype(np.float64)
        return pa.table({"prediction": pa.array(names, pa.string()), "confidence": confidence})


def run_model(
    graph: Graph, table: Table, encoding: LabelEncoding
) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.floating] | None]:
    """A model's answers for all rows of a table: labels in their own values, and probabilities (n, c)."""
    results = list(graph.run_table(table))
    if not results:
        raise DataError("there are no rows", where=table.name, expected="at least one row to predict")
    if encoding.task == "regression":
        return np.concatenate([r["prediction"].ravel() for r in results]), None
    labels = np.concatenate([r["label"].ravel() for r in results])
    return labels, np.concatenate([r["probabilities"] for r in results])


def answer(graph: Graph, table: Table, encoding: LabelEncoding) -> Answers:
    """A model's answers for all rows of a table, as codes."""
    return Answers.of(*run_model(graph, table, encoding), encoding)


def measure(
    answers: Answers, table: Table, label: str, encoding: LabelEncoding, slices: Sequence[Sequence[str]] = ()
) -> Evaluation:
    """The metrics of answers on a table that has the label, over all rows and on slices."""
    columns = {name: column(table, name) for group in slices for name in group}
    return measure_rows(answers, encoding.encode(column(table, label)), encoding, slices, columns)


def measure_rows(
    answers: Answers,
    labels: npt.NDArray[np.int64] | npt.NDArray[np.float64],
    encoding: LabelEncoding,
    slices: Sequence[Sequence[str]] = (),
    columns: Mapping[str, pa.Array] | None = None,
) -> Evaluation:
    """The same from encoded labels, and the columns to slice by."""
    evaluator = Evaluator(encoding, slices)
    scores = answers.scores
    if scores is not None and encoding.task == "binary":
        scores = scores[:, 1]
    evaluator.update(labels, predictions=answers.predictions, scores=scores, columns=columns)
    return evaluator.result()


def column(table: Table, name: str) -> pa.Array:
    """One column of a table, whole."""
    return table.select([name]).to_arrow().column(0).combine_chunks()
