"""The new model against the champion, on the rows that the champion has not learned from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tilth.evaluation import Evaluation
from tilth.evaluation.importance import Weighing
from tilth.inference import Graph
from tilth.metrics import CustomMetric, LabelEncoding, find_class
from tilth.pipelines.parts import Parts
from tilth.pipelines.scoring import Answers, answer, measure, run_model
from tilth.tables import Table, number_copies, row_hashes, rows_repeat
from tilth.tables.slicings import Slicing

__all__ = ["Champion", "Duel", "Incomparable", "Met", "challenge", "is_among", "meet", "shared_columns"]


@dataclass(frozen=True)
class Champion:
    """What a champion came with.

    Args:
        graph: its graph.
        parts: the data set that it learned from, dealt as it was then.
        encoding: its task and classes.
    """

    graph: Graph
    parts: Parts
    encoding: LabelEncoding

    @classmethod
    def read(cls, files: Sequence[Path]) -> Champion:
        """From the files of its graph, data set, split and evaluation."""
        graph, dataset, split, evaluation = files
        document = json.loads(evaluation.read_text(encoding="utf-8"))
        encoding = Evaluation.from_json(document["test"]).encoding
        return cls(Graph.from_path(graph), Parts(dataset, split), encoding)


@dataclass(frozen=True)
class Duel:
    """Both models on the same rows, which are new to the champion."""

    rows: int
    theirs: Evaluation
    mine: Evaluation


@dataclass(frozen=True)
class Met:
    """What both models answer on rows that are new to the champion."""

    rows: Table
    theirs: Answers
    mine: Answers


@dataclass(frozen=True)
class Incomparable:
    """Why the champion cannot be compared with."""

    reason: str


def challenge(
    champion: Champion,
    graph: Graph,
    parts: Parts,
    label: str,
    encoding: LabelEncoding,
    slices: Slicing,
    weighing: Weighing | None = None,
    custom: Mapping[str, CustomMetric] | None = None,
) -> Duel | Incomparable:
    """Measure the champion and a new model on the test rows that the champion has not learned from.

    Rows are recognized by their content in the columns that both data sets have in the same type, so that
    neither a column that was added nor a split that moved lets the champion shine on rows it knows.

    Args:
        champion: the champion.
        graph: the new model's graph.
        parts: the new data.
        label: the label's column.
        encoding: the new model's task and classes.
        slices: groups of columns to slice by.
        weighing: how much rows count; default: all alike.
        custom: metrics of the project's own.
    """
    met = meet(champion, graph, parts, label, encoding)
    if isinstance(met, Incomparable):
        return met
    return Duel(
        met.rows.rows,
        measure(met.theirs, met.rows, label, encoding, slices, weighing, custom),
        measure(met.mine, met.rows, label, encoding, slices, weighing, custom),
    )


def meet(
    champion: Champion, graph: Graph, parts: Parts, label: str, encoding: LabelEncoding
) -> Met | Incomparable:
    """What both models answer on the test rows that the champion has not learned from; see `challenge`."""
    shared = shared_columns(parts.table, champion.parts.table)
    reason = _hindrance(champion, parts.table, label, encoding, shared)
    if reason:
        return Incomparable(reason)
    learned = champion.parts.names == "train"
    new = ~is_among(champion.parts.table, parts.table, shared, among=learned)
    rows = parts.table.filter(new & (parts.names == "test"))
    if rows.rows == 0:
        return Incomparable("the champion has learned from every test row")
    return Met(rows, _translated(champion, rows, encoding), answer(graph, rows, encoding))


def _hindrance(
    champion: Champion, data: Table, label: str, encoding: LabelEncoding, shared: Sequence[str]
) -> str | None:
    """What keeps the two from being compared, or None."""
    if champion.encoding.task != encoding.task:
        return f"the champion predicts another task, {champion.encoding.task}"
    if champion.encoding.group != encoding.group:
        return f"the champion ranks within another column, '{champion.encoding.group}'"
    lost = [name for name in champion.graph.inputs if name not in data.columns]
    if lost:
        return f"the champion needs {', '.join(map(repr, lost))}, which the data no longer have"
    unknown = [c for c in champion.encoding.classes if find_class(c, encoding.classes) is None]
    if unknown:
        return f"the champion says {', '.join(map(repr, unknown))}, which the label no longer has"
    if not set(shared) - {label}:
        return "the champion's data and these have no column in common"
    return None


def _translated(champion: Champion, rows: Table, encoding: LabelEncoding) -> Answers:
    """The champion's answers in the codes and the order of the new model's classes."""
    labels, scores = run_model(champion.graph, rows, champion.encoding)
    answers = Answers.of(labels, scores, champion.encoding)
    if answers.scores is None:
        return answers
    classes = len(encoding.classes)
    known = [find_class(value, encoding.classes) for value in champion.encoding.classes]
    places = np.array([encoding.classes.index(value) for value in known if value is not None])
    wide = np.zeros((len(answers.scores), classes))
    wide[:, places] = answers.scores
    if encoding.task == "multilabel":
        said = np.zeros((len(answers.scores), classes), np.int64)
        said[:, places] = answers.predictions
        return Answers(said, wide)
    return Answers(places[np.asarray(answers.predictions, np.int64)], wide)


def shared_columns(one: Table, other: Table) -> list[str]:
    """The data columns that two tables have in the same type; whole numbers are numbers."""

    def family(table: Table, name: str) -> str:
        return "number" if table.columns[name] in ("int", "float") else table.columns[name]

    return sorted(
        name
        for name in one.columns
        if not name.startswith("tilth.")
        and name in other.columns
        and family(one, name) == family(other, name)
    )


def is_among(
    known: Table, table: Table, columns: Sequence[str], *, among: npt.NDArray[np.bool_] | None = None
) -> npt.NDArray[np.bool_]:
    """Which rows of a table are among the rows of another one, by their content in some columns.

    Where rows repeat by nature, a copy is found only as often as it is there.

    Args:
        known: the other table.
        table: n rows.
        columns: of both.
        among: which rows of the other one count; default: all.
    """
    theirs, mine = _hashes(known, columns), _hashes(table, columns)
    if rows_repeat(mine):
        theirs, mine = number_copies(theirs), number_copies(mine)
    return np.isin(mine, np.unique(theirs if among is None else theirs[among]))


def _hashes(table: Table, columns: Sequence[str]) -> npt.NDArray[np.uint64]:
    """One hash a row over some columns."""
    batches = [row_hashes(batch, columns=columns) for batch in table.select(columns).batches()]
    return np.concatenate(batches) if batches else np.empty(0, np.uint64)
