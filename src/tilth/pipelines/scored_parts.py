"""The rows of a part with what a run's model answers, or those of a table with what a registered one does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tilth.errors import DataError, NotFoundError
from tilth.evaluation import ScoredRows
from tilth.inference import Graph
from tilth.metrics import Answered
from tilth.pipelines.batch import load_version
from tilth.pipelines.run_side import RunSide
from tilth.pipelines.runs import find_run
from tilth.pipelines.scoring import answer, column, groups_of
from tilth.projects import Project
from tilth.store import Artifact

__all__ = ["ScoredPart", "scored_data", "scored_part"]


@dataclass(frozen=True)
class ScoredPart:
    """Rows with a model's answers, and where both come from.

    Args:
        rows: the rows with the answers.
        graph: the model.
        run: the number of the run that made it; None where it is named by its version alone.
        parts: "dev", "test", ...; empty for a table of one's own.
        dataset: the version of the data; None for a table of one's own.
    """

    rows: ScoredRows
    graph: Graph
    run: int | None = None
    parts: tuple[str, ...] = ()
    dataset: Artifact | None = None


def scored_part(
    project: Project, reference: str | None = None, parts: Sequence[str] = ("dev",)
) -> ScoredPart:
    """The rows of some parts of a run's data set with what its model answers.

    Args:
        project: whose run.
        reference: a run ("run:4" or "4"), or a model whose run is meant ("census@champion"); default: the
            newest run whose model was evaluated.
        parts: "train", "dev", "test". Mistakes are looked at on the dev part, so that the test part stays one
            that nobody has learned from.

    Raises:
        NotFoundError: no such run, or no model in it.
        UsageError: the reference means something else.
        StoreError: a file of it is gone or damaged.
    """
    artifacts = project.artifacts()
    with project.store() as store:
        if reference is not None:
            side = RunSide(store, artifacts, find_run(store, project, reference))
        else:
            runs = [run for run in store.runs(command="run") if run.parameters.get("project") == project.name]
            sides = (RunSide(store, artifacts, run) for run in runs)
            found = next((side for side in sides if "evaluation" in side.artifacts), None)
            if found is None:
                raise NotFoundError(f"no run of '{project.name}' has evaluated a model", mend="tilth run")
            side = found
    return ScoredPart(
        side.scored(*parts), side.graph(), side.run.number, tuple(parts), side.artifacts["dataset"]
    )


def scored_data(project: Project, data: str, reference: str | None = None) -> ScoredPart:
    """The rows of a labeled table with what a model version answers.

    Args:
        project: whose model.
        data: what `tilth.tables.open_table` takes; rows without a label are left out.
        reference: which version; default: the champion.

    Raises:
        NotFoundError: no such version.
        ColumnNotFoundError: the label or a column that the model needs is not there.
        DataError: no row has a label, or the data cannot be read.
    """
    loaded = load_version(project, reference)
    table = loaded.read(data, project.label)
    labeled = np.asarray(column(table, project.label).is_valid().to_numpy(zero_copy_only=False), bool)
    if not labeled.any():
        raise DataError("no row has a label", where=f"{data}, column '{project.label}'")
    rows, encoding = table.filter(labeled), loaded.encoding
    found = answer(loaded.graph, rows, encoding)
    truth = encoding.encode(column(rows, project.label))
    answered = Answered(truth, found.predictions, found.scores, groups_of(rows, encoding))
    return ScoredPart(ScoredRows(rows, project.label, encoding, answered), loaded.graph)
