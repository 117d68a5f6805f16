"""What a project's steps learn from, and how: rows with features, and the recipe of tilth.toml."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cached_property

import msgspec
import numpy as np
import numpy.typing as npt

from tilth.evaluation.business import value_matrix
from tilth.features import blocks_of, with_folds
from tilth.inference import Graph
from tilth.metrics import LabelEncoding
from tilth.pipelines.feature_rows import feature_rows
from tilth.pipelines.parts import Parts, encoding_of, parts_of
from tilth.pipelines.row_history import weights_of_rows
from tilth.pipelines.scoring import column, groups_of
from tilth.pipelines.step import StepContext
from tilth.pipelines.training_files import source_digests, training_directory
from tilth.pipelines.transform_step import label_parameters
from tilth.projects import Project
from tilth.training import Learned, Recipe, Rows, learn
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
        sources = context.parameters.get("sources")
        self._sources = {k: str(v) for k, v in sources.items()} if isinstance(sources, dict) else {}

    def rows(self, part: str) -> Rows:
        """The rows of a part; training rows may not see their own labels in their features."""
        if part not in self._rows:
            table = self.parts.part(part)
            labels = self.encoding.encode(column(table, self.project.label))
            graph = self.graph
            if part == "train":
                graph = self._training_graph
                table = with_folds(table, graph, labels)
            rows = feature_rows(graph, table, labels, self.project.state)
            weights = None if self._weights is None else self._weights[self.parts.names == part]
            self._rows[part] = replace(rows, groups=groups_of(table, self.encoding), weights=weights)
        return self._rows[part]

    @cached_property
    def _weights(self) -> npt.NDArray[np.float64] | None:
        """How much each row of the data set counts."""
        return weights_of_rows(self.project, self.parts)

    @cached_property
    def learned(self) -> Learned:
        """The model of all training rows; the same bit for bit whenever it is learned."""
        return learn(self.recipe, self.rows("train"), self.rows("dev"))

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
            values=self._values,
            blocks=blocks_of(self.graph),
            directory=training_directory(self.project, self._sources),
            feature_names=tuple(json.loads(self.graph.metadata.get("tilth.feature_names", "[]"))),
        )

    @property
    def _values(self) -> npt.NDArray[np.float64] | None:
        """The value of a row by its true and its said class, where the rule is chosen by it."""
        configuration = self.project.configuration
        if configuration.train.threshold != "value":
            return None
        return value_matrix(configuration.business.values, self.encoding)


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
    if project.configuration.train.threshold == "value":
        section["values"] = msgspec.to_builtins(project.configuration.business.values)
    return {**section, **label_parameters(project), **source_digests(project)}
