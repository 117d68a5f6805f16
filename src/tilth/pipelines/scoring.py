"""Running a graph over a table and measuring its answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.errors import DataError
from tilth.evaluation import Evaluation, Evaluator, group_codes
from tilth.evaluation.importance import Weighing
from tilth.inference import Graph
from tilth.metrics import CustomMetric, LabelEncoding
from tilth.tables import Table
from tilth.tables.slicings import Slicing

__all__ = [
    "Answers",
    "answer",
    "column",
    "groups_of",
    "measure",
    "measure_rows",
    "run_model",
    "said",
    "weights_of",
]


@dataclass(frozen=True)
class Answers:
    """What a model says of n rows.

    Args:
        predictions: (n,), codes of the predicted classes, or numbers; for several labels (n, c), 1 or 0.
        scores: (n, c), the probability of each class; None for numbers.
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
        """The answers from labels in their own values; for several labels from (n, c), true or false."""
        if encoding.is_number:
            return cls(predicted.astype(np.float64), None)
        if encoding.task == "multilabel":
            return cls(predicted.astype(np.int64), scores)
        codes = {value: code for code, value in enumerate(encoding.classes)}
        return cls(np.array([codes[value] for value in predicted.tolist()], np.int64), scores)

    def table(self, encoding: LabelEncoding) -> pa.Table:
        """The answers as columns: `prediction`, and for classes `confidence` in it.

        Of several labels the confidence is the mean probability that what is said of each is right.
        """
        if self.scores is None:
            return pa.table({"prediction": np.asarray(self.predictions, np.float64)})
        if encoding.task == "multilabel":
            labels = pa.array(encoding.labels_of(self.predictions), pa.list_(pa.string()))
            of_said = np.where(self.predictions == 1, self.scores, 1 - self.scores).astype(np.float64)
            return pa.table({"prediction": labels, "confidence": of_said.mean(axis=1)})
        codes = np.asarray(self.predictions, np.int64)
        names = np.array(encoding.names, dtype=object)[codes]
        confidence = self.scores[np.arange(len(codes)), codes].astype(np.float64)
        return pa.table({"prediction": pa.array(names, pa.string()), "confidence": confidence})


def run_model(
    graph: Graph, table: Table, encoding: LabelEncoding
) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.floating] | None]:
    """A model's answers for all rows of a table: labels in their own values, and probabilities (n, c).

    Several labels are (n, c), true or false; a number has no probabilities.
    """
    parts = [said(result, encoding) for result in graph.run_table(table)]
    return _joined(parts, table)


def answer(graph: Graph, table: Table, encoding: LabelEncoding) -> Answers:
    """A model's answers for all rows of a table, as codes."""
    # Batch by batch, since a code takes much less room than a label.
    parts = (Answers.of(*said(result, encoding), encoding) for result in graph.run_table(table))
    return Answers(*_joined([(part.predictions, part.scores) for part in parts], table))


def said(
    result: Mapping[str, npt.NDArray[np.generic]], encoding: LabelEncoding
) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None]:
    """What a graph says of a batch: labels or numbers, and probabilities."""
    if encoding.is_number:
        return result["prediction"].ravel(), None
    labels = result["label"] if encoding.task == "multilabel" else result["label"].ravel()
    return labels, result["probabilities"]


def _joined(
    parts: Sequence[tuple[npt.NDArray[Any], npt.NDArray[Any] | None]], table: Table
) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None]:
    """The same of all batches.

    Raises:
        DataError: there is none.
    """
    if not parts:
        raise DataError("there are no rows", where=table.name, expected="at least one row to predict")
    scores = [of_part for _, of_part in parts if of_part is not None]
    return np.concatenate([said for said, _ in parts]), np.concatenate(scores) if scores else None


def measure(
    answers: Answers,
    table: Table,
    label: str,
    encoding: LabelEncoding,
    slicing: Slicing | None = None,
    weighing: Weighing | None = None,
    custom: Mapping[str, CustomMetric] | None = None,
) -> Evaluation:
    """The metrics of answers on a table that has the label, over all rows and on slices."""
    cut = slicing or Slicing()
    columns = cut.of({name: column(table, name) for name in cut.sources})
    labels = encoding.encode(column(table, label))
    groups, weights = groups_of(table, encoding), weights_of(table, weighing)
    found = measure_rows(answers, labels, encoding, cut.slices, columns, groups, weights, custom)
    return found if weighing is None else replace(found, notes=(*found.notes, weighing.note))


def weights_of(table: Table, weighing: Weighing | None) -> npt.NDArray[np.float64] | None:
    """How much each row (n,) counts where it is judged; None: all alike."""
    if weighing is None:
        return None
    return weighing.of({name: column(table, name) for name in weighing.sources})


def measure_rows(
    answers: Answers,
    labels: npt.NDArray[np.int64] | npt.NDArray[np.float64],
    encoding: LabelEncoding,
    slices: Sequence[Sequence[str]] = (),
    columns: Mapping[str, pa.Array] | None = None,
    groups: npt.NDArray[np.int64] | None = None,
    weights: npt.NDArray[np.float64] | None = None,
    custom: Mapping[str, CustomMetric] | None = None,
) -> Evaluation:
    """The same from encoded labels, the columns to slice by, for ranking the groups of rows, and weights."""
    evaluator = Evaluator(encoding, slices, detailed=bool(custom))
    scores = answers.scores
    if scores is not None and encoding.task == "binary":
        scores = scores[:, 1]
    evaluator.update(
        labels,
        predictions=answers.predictions,
        scores=scores,
        columns=columns,
        groups=groups,
        weights=weights,
    )
    return evaluator.result(custom=custom)


def groups_of(table: Table, encoding: LabelEncoding) -> npt.NDArray[np.int64] | None:
    """The group of each row (n,), as a number of 64 bits; None where the task has no groups.

    Raises:
        DataError: a row without one.
    """
    if encoding.group is None:
        return None
    values = pa.RecordBatch.from_arrays([column(table, encoding.group)], [encoding.group])
    return group_codes(values, encoding.group)


def column(table: Table, name: str) -> pa.Array:
    """One column of a table, whole."""
    return table.select([name]).to_arrow().column(0).combine_chunks()
