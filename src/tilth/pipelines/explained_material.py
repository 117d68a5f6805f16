"""What `tilth explain` works on: a model, the rows to explain it by, the rows that it learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.errors import DataError, NotFoundError, StoreError, UsageError
from tilth.evaluation.explanation import ExplainedModel, some_rows, table_hashes, taken
from tilth.inference import Graph, read_trees
from tilth.metrics import LabelEncoding
from tilth.pipelines.batch import load_version
from tilth.pipelines.parts import Parts
from tilth.pipelines.run_side import RunSide
from tilth.pipelines.runs import find_run
from tilth.pipelines.scored_parts import scored_part
from tilth.pipelines.scoring import answer, column
from tilth.pipelines.versions import find_version
from tilth.projects import Project
from tilth.tables import Table, open_table

__all__ = ["Material", "data_material", "part_material", "taken"]

BACKGROUND_ROWS = 100


@dataclass(frozen=True)
class Material:
    """A model with the rows to explain it by.

    Args:
        name: of the model.
        told: whose rows, in words.
        graph: the model.
        encoding: the task and its classes.
        label: the column of true labels.
        table: the rows.
        truth: (n,), as codes or numbers; None where some row has no label.
        training: the rows that it learned from; None where they are not at hand.
    """

    name: str
    told: str
    graph: Graph
    encoding: LabelEncoding
    label: str
    table: Table
    truth: npt.NDArray[np.int64] | npt.NDArray[np.float64] | None
    training: Table | None

    @property
    def model(self) -> ExplainedModel:
        """The model as a function of rows."""
        graph, encoding = self.graph, self.encoding
        return ExplainedModel(
            lambda rows: answer(graph, open_table(rows), encoding),
            encoding,
            tuple(graph.inputs),
            read_trees(graph),
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What else must be known."""
        if self.training is not None:
            return ()
        return ("the training rows are not at hand, so that answers are held against rows of these data",)

    def check(self, columns: Sequence[str]) -> None:
        """Refuse columns that the model does not take."""
        for name in columns:
            if name not in self.graph.inputs:
                raise UsageError(
                    f"the model does not take the column '{name}'",
                    expected="one of " + ", ".join(self.graph.inputs),
                )

    def with_background(self, rows: pa.Table, seed: int) -> tuple[pa.Table, pa.Table]:
        """Rows with the columns of the model, and background rows with the same in the same types."""
        names = list(self.graph.inputs)
        table = self.training or self.table
        hashes = table_hashes(table)
        behind = taken(table, some_rows(hashes, BACKGROUND_ROWS, seed))
        pool = pa.concat_tables([rows.select(names), behind.select(names)], promote_options="permissive")
        return pool.slice(0, rows.num_rows), pool.slice(rows.num_rows)


def part_material(project: Project, reference: str | None, part: str) -> Material:
    """A run's model with one part of its rows; see `scored_part`."""
    found = scored_part(project, reference, (part,))
    assert found.run is not None
    rows = found.rows
    return Material(
        reference or f"run:{found.run}",
        f"{len(rows):,} {part} rows of run {found.run}",
        found.graph,
        rows.encoding,
        rows.label,
        rows.table,
        rows.answered.truth,
        _training(project, str(found.run)),
    )


def data_material(project: Project, data: str, reference: str | None) -> Material:
    """A model version with a table, which may have labels."""
    loaded = load_version(project, reference)
    table = loaded.read(data, project.label)
    if not table.rows:
        raise DataError("there are no rows", where=data)
    truth, labeled = None, project.label in table.columns
    if labeled:
        labels = column(table, project.label)
        truth = None if labels.null_count else loaded.encoding.encode(labels)
    if loaded.encoding.group is not None and loaded.encoding.group not in table.columns:
        truth = None
    with project.store() as store:
        name = find_version(project, store, reference or "champion").reference
    return Material(
        name,
        f"{table.rows:,} rows of {data}",
        loaded.graph,
        loaded.encoding,
        project.label,
        table,
        truth,
        _training(project, name),
    )


def _training(project: Project, reference: str) -> Table | None:
    """The rows that a run's model learned from; None where they are not at hand."""
    try:
        with project.store() as store:
            side = RunSide(store, project.artifacts(), find_run(store, project, reference))
        return Parts(side.path("dataset"), side.path("split")).part("train")
    except (NotFoundError, StoreError, UsageError):  # a version that no run here made, or files that are gone
        return None
