"""A model ready to answer: its request validator, its graph, and how its outputs are read."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from tilth.errors import GraphError
from tilth.schemas import Schema
from tilth.serving.columns import Unexpected
from tilth.serving.examples import example_row
from tilth.serving.lookups import Filling, OnlineLookup
from tilth.serving.settings import ServingSettings
from tilth.serving.validation import RequestValidator, Row, ValidRows
from tilth.tables import Label, Redaction
from tilth.types import NUMBER_TASKS, Task

if TYPE_CHECKING:
    import numpy as np

    from tilth.serving.explaining import Explainer

__all__ = ["PredictionGraph", "Scored", "Scorer", "ServedModel"]

_WARM_UP_S = 1.0
"""How long the warm-up of a version may take; requests in work wait for the same cores meanwhile."""


class PredictionGraph(Protocol):
    """What serving needs of a graph; `tilth.inference.Graph` is one."""

    @property
    def inputs(self) -> Mapping[str, str]:
        """The raw columns that the graph takes, each with its kind."""

    def run(self, columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The outputs for columns of n rows each."""


@dataclass(frozen=True)
class ServedModel:
    """One model version as it is served.

    Args:
        name: the model's name.
        version: its version, from 1.
        graph: from raw columns to `label` and `probabilities`, or to `prediction` for a number.
        task: what it predicts.
        classes: for classes, the labels in the order of the graph's probabilities.
        schema: the contract on its columns; None for the server's own.
        missing: texts that meant missing when it was trained; None for the server's own.
        explainer: what explains its answers; None where they are not to be explained.
        log_key: for the hashes of personal columns in the log; None for one that is gone with the process.
        lookups: where requests get columns that they leave out.
    """

    name: str
    version: int
    graph: PredictionGraph
    task: Task
    classes: tuple[str | int | bool, ...] = ()
    schema: Schema | None = None
    missing: tuple[str, ...] | None = None
    explainer: Explainer | None = None
    log_key: bytes | None = None
    lookups: tuple[OnlineLookup, ...] = ()


@dataclass(frozen=True, slots=True)
class Scored:
    """Predictions for n rows.

    Args:
        rows: the rows as they were understood.
        labels: the predicted label of each row: a class, several of them, or a number.
        scores: the probability of each class for each row, (n, classes); None for a number.
        confidence: the probability of each row's predicted class; None for a number and for several labels.
        unexpected: values that the schema does not list.
    """

    rows: list[Row]
    labels: list[Label]
    scores: list[list[float]] | None
    confidence: list[float] | None
    unexpected: list[Unexpected]


class Scorer:
    """Validates rows and predicts them with one model.

    Args:
        model: the model version.
        schema: the contract on the columns where the model has none of its own.
        settings: how strict to be.

    Raises:
        GraphError: the graph wants a column that the schema does not have, or fails at a first prediction, or
            its outputs do not fit the classes.
    """

    def __init__(self, model: ServedModel, schema: Schema, settings: ServingSettings) -> None:
        self.model = model
        self.schema = model.schema or schema
        if model.missing is not None:
            settings = replace(settings, missing=model.missing)
        self.validator = RequestValidator(self.schema, settings)
        self.filling = Filling(model.lookups, self.validator.schema) if model.lookups else None
        self.redaction = Redaction.of(self.validator.schema, model.log_key)
        self.class_names = [_class_name(label) for label in model.classes]
        self.label_type: type = type(model.classes[0]) if model.classes else float
        self._labels: dict[Label, int] = {label: index for index, label in enumerate(model.classes)}
        self._check_inputs()
        self._warm_up()

    def score(self, requests: Sequence[ValidRows]) -> list[Scored]:
        """Predict the rows of several requests at once.

        Raises:
            GraphError: the graph fails.
        """
        if not any(valid.values for valid in requests):  # all rows of all requests were left out
            return [_nothing(valid, self.model.task) for valid in requests]
        values = requests[0].values if len(requests) == 1 else [v for valid in requests for v in valid.values]
        outputs = self.model.graph.run(self.validator.layout.arrays(values))
        labels, scores, confidence = self._read(outputs)
        if len(requests) == 1:
            valid = requests[0]
            return [Scored(valid.rows, labels, scores, confidence, valid.unexpected)]
        scored = []
        end = 0
        for valid in requests:
            start, end = end, end + len(valid.rows)
            scored.append(
                Scored(
                    valid.rows,
                    labels[start:end],
                    None if scores is None else scores[start:end],
                    None if confidence is None else confidence[start:end],
                    valid.unexpected,
                )
            )
        return scored

    def _read(
        self, outputs: Mapping[str, np.ndarray]
    ) -> tuple[list[Label], list[list[float]] | None, list[float] | None]:
        if self.model.task in NUMBER_TASKS:
            return outputs["prediction"].ravel().tolist(), None, None
        if self.model.task == "multilabel":
            return self._labels_of(outputs["label"]), outputs["probabilities"].tolist(), None
        labels: list[Label] = outputs["label"].ravel().tolist()
        if self.label_type is bool:
            labels = [bool(label) for label in labels]
        scores: list[list[float]] = outputs["probabilities"].tolist()
        index = self._labels
        return labels, scores, [row[index[label]] for row, label in zip(scores, labels, strict=True)]

    def _labels_of(self, said: np.ndarray) -> list[Label]:
        """The labels of each row, from (n, classes)."""
        names = self.class_names
        return [
            tuple(name for name, is_said in zip(names, row, strict=True) if is_said) for row in said.tolist()
        ]

    def _check_inputs(self) -> None:
        names = set(self.validator.schema.names)
        lacking = [name for name in self.model.graph.inputs if name not in names]
        if lacking:
            raise GraphError(
                f"the graph of {self.model.name} version {self.model.version} wants columns that requests "
                f"cannot have: {', '.join(lacking)}",
                expected="columns of the schema's environment 'serving'",
                mend="add them to schema.toml or train again without them",
            )

    def _warm_up(self) -> None:
        valid = RequestValidator(self.schema).validate([example_row(self.schema)])
        try:
            (scored,) = self.score([valid])
        except (KeyError, TypeError, ValueError, IndexError) as error:
            if isinstance(error, GraphError):
                raise
            raise self._misfit(f"{type(error).__name__}: {error}") from error
        if scored.scores is not None and len(scored.scores[0]) != len(self.model.classes):
            raise self._misfit(f"{len(scored.scores[0])} probabilities for {len(self.model.classes)} classes")

    def warm_up(self, most_rows: int) -> None:
        """Predict batches of 1, 2, 4, ... rows, so that the first requests do not wait for memory.

        A slow graph is left at the sizes that it manages in a second.

        Args:
            most_rows: the largest batch.

        Raises:
            GraphError: the graph fails.
        """
        valid = RequestValidator(self.schema).validate([example_row(self.schema)])
        rows, until = 1, time.monotonic() + _WARM_UP_S
        while rows <= most_rows:
            begun = time.monotonic()
            self.score([valid] * rows)
            now = time.monotonic()
            if now + 2 * (now - begun) > until:
                return
            rows *= 2

    def _misfit(self, why: str) -> GraphError:
        wanted = "prediction" if self.model.task in NUMBER_TASKS else "label and probabilities"
        return GraphError(
            f"the outputs of {self.model.name} version {self.model.version} do not fit its task: {why}",
            expected=f"{wanted} for a {self.model.task} model",
        )


def _nothing(valid: ValidRows, task: Task) -> Scored:
    return Scored([], [], None if task in NUMBER_TASKS else [], None, valid.unexpected)


def _class_name(label: str | int | bool) -> str:
    if isinstance(label, bool):
        return "true" if label else "false"
    return str(label)
