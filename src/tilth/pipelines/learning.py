"""What a project's steps learn from, and how: rows with features, and the recipe of tilth.toml."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from tilth.features import blocks_of, with_folds
from tilth.inference import Graph
from tilth.metrics import LabelEncoding
from tilth.pipelines.parts import Parts, encoding_of, parts_of
from tilth.pipelines.scoring import column
from tilth.pipelines.step import StepContext
from tilth.pipelines.transform_step import label_parameters
from tilth.projects import Project
from tilth.tables import Table
from tilth.training import Recipe, Rows
from tilth.types import JSONObject

__all__ = ["Material", "material_of", "recipe_parameters"]


class Material:
    """What the steps of one run learn from: the dealt data, its labels, and its features, computed once.

    Args:
        context: of a step that reads dataset, split, transform and training_transform.
    """

    def __init__(self, context: StepContext) -> None:
        self.project: Project = context.project
        self.parts: Parts = parts_of(context)
        self.encoding: LabelEncoding = encoding_of(context, self.parts)
        self.transform: bytes = context.path("transform").read_bytes()
        self.graph = Graph.from_bytes(self.transform)
        self._training_graph = Graph.from_path(context.path("training_transform"))
        self._rows: dict[str, Rows] = {}

    def rows(self, part: str) -> Rows:
        """The rows of a part; training rows may not see their own labels in their features."""
        if part not in self._rows:
            table = self.parts.part(part)
            labels = self.encoding.encode(column(table, self.project.label))
            graph = self.graph
            if part == "train":
                graph = self._training_graph
                table = with_folds(table, graph, labels)
            self._rows[part] = Rows(_features(graph, table), labels)
        return self._rows[part]

    @property
    def recipe(self) -> Recipe:
        """How tilth.toml wants the model to be made."""
        section = self.project.configuration.train
        return Recipe(
            encoding=self.encoding,
            estimator=section.estimator,
            parameters=section.parameters,
            seed=section.seed,
            class_weights=section.class_weights,
            early_stopping_rounds=section.early_stopping_rounds,
            calibration=section.calibration,
            threshold=section.threshold,
            blocks=blocks_of(self.graph),
            directory=self.project.directory,
        )


def material_of(context: StepContext) -> Material:
    """What a step learns from; the steps of one run share it, so that features are computed once."""
    needed = ("dataset", "split", "transform", "training_transform")
    key = ("material", *(context.artifacts[name][0].digest for name in needed))
    if key not in context.shared:
        context.shared[key] = Material(context)
    found = context.shared[key]
    assert isinstance(found, Material)
    return found


def recipe_parameters(project: Project) -> JSONObject:
    """The part of the configuration that changes what `Material` gives."""
    section: JSONObject = msgspec.to_builtins(project.configuration.train)
    return {**section, **label_parameters(project)}


def _features(graph: Graph, table: Table) -> npt.NDArray[np.float32]:
    """The transform's output for every row: float32, (rows, features)."""
    return np.concatenate([result["features"] for result in graph.run_table(table)])
