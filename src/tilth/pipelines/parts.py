"""The parts of a dealt data set, read once for a step."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tilth.evaluation.importance import Weighing, weighing_of
from tilth.metrics import LabelEncoding
from tilth.pipelines.scoring import column
from tilth.pipelines.step import StepContext
from tilth.projects import Project
from tilth.tables import Table, open_table
from tilth.tables.slicings import Slicing, slicing_of

__all__ = ["Parts", "encoding_of", "parts_of", "slices_of", "weighing_in"]


class Parts:
    """A data set with the part of each row.

    Args:
        dataset: the file of the data set.
        split: the file with its parts, one a row, in the same order.
    """

    def __init__(self, dataset: Path, split: Path) -> None:
        self.table = open_table(dataset)
        self._split = open_table(split)

    @cached_property
    def names(self) -> npt.NDArray[np.object_]:
        """The part of each row."""
        parts = self._split.to_arrow().column("part").combine_chunks()
        return np.asarray(parts.to_numpy(zero_copy_only=False), object)

    @cached_property
    def from_feedback(self) -> npt.NDArray[np.bool_]:
        """Which rows production has labeled."""
        if "tilth.source" not in self.table.columns:
            return np.zeros(len(self.names), bool)
        sources = self.table.select(["tilth.source"]).to_arrow().column(0)
        return np.asarray(sources.to_numpy() == "feedback", bool)

    def part(self, *names: str) -> Table:
        """The rows of one part, or of several."""
        return self.table.filter(np.isin(self.names, names))

    def newest_feedback(self, rows: int) -> npt.NDArray[np.bool_]:
        """Which rows are the newest that production has labeled; they stand in the order of the log."""
        chosen = np.zeros(len(self.names), bool)
        chosen[np.flatnonzero(self.from_feedback)[-rows:]] = True
        return chosen


def parts_of(context: StepContext) -> Parts:
    """The parts of the data set that a step reads."""
    return Parts(context.path("dataset"), context.path("split"))


def encoding_of(context: StepContext, parts: Parts) -> LabelEncoding:
    """How labels become numbers, from the whole data set so that no class is forgotten."""
    section = context.project.configuration.project
    values = column(parts.table, section.label)
    return LabelEncoding.from_column(
        values,
        positive=section.positive,
        task=section.task,
        group=section.group,
        separator=section.separator,
    )


def slices_of(project: Project, parts: Parts) -> Slicing:
    """The slices that tilth.toml names, and where the rows come from if some come from feedback.

    Quantiles are those of the whole data set, so that a slice means the same in each part.
    """
    own = [["tilth.source"]] if "tilth.source" in parts.table.columns else []
    return slicing_of(parts.table, [*project.configuration.evaluate.sliced, *own])


def weighing_in(project: Project, parts: Parts) -> Weighing | None:
    """How much rows count where a model is judged, as [evaluate] says; None: all alike."""
    section = project.configuration.evaluate
    return weighing_of(parts.table, section.weight, section.importance, where="tilth.toml, [evaluate]")
