"""`tilth predict` and `tilth evaluate --model`: a whole table, with the same graph as the server."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np

from tilth.evaluation import Evaluation
from tilth.inference import Graph
from tilth.metrics import CHIEF_METRIC, LabelEncoding
from tilth.pipelines.release import find_version
from tilth.pipelines.scoring import answer, column, measure, run_model
from tilth.projects import Project
from tilth.schemas import Schema
from tilth.tables import Table, open_table, write_table
from tilth.tables.arrow_types import MEDIA_TYPES
from tilth.tables.slicings import slicing_of
from tilth.types import JSONObject

__all__ = [
    "LoadedVersion",
    "RecordedEvaluation",
    "evaluate_model",
    "load_version",
    "predict_table",
    "recorded_evaluation",
]

_TEXT_SUFFIXES = {".csv", ".jsonl"}


def predict_table(project: Project, data: str, output: Path, *, reference: str | None = None) -> int:
    """Predict every row of a table and write it with the answers beside its columns.

    The table is read by the schema that belongs to the model version, whatever schema.toml says by now.

    Args:
        project: the project.
        data: the rows to predict.
        output: where to write; the suffix picks the format.
        reference: which model version; default: the champion.

    Returns:
        The number of rows. The file has the columns of the data (in a file of text without images and
        recordings), `tilth.label` (the prediction), and for classes `tilth.score` (the probability of what
        was predicted) and `tilth.positive`; for several labels `tilth.score.NAME` for each.

    Raises:
        ColumnNotFoundError: a column that the model needs is not there.
        DataError: the data cannot be read, or a column does not hold what the model expects.
    """
    loaded = load_version(project, reference)
    table = loaded.read(data, project.label)
    predicted, scores = run_model(loaded.graph, table, loaded.encoding)
    answered = loaded.encoding.answers(_kept(table, output), predicted, scores)
    write_table(answered, output)
    return table.rows


def _kept(table: Table, output: Path) -> Table:
    """The columns that a file of this kind has a place for."""
    if not _TEXT_SUFFIXES & set(output.suffixes):
        return table
    return table.select([name for name, kind in table.columns.items() if kind not in MEDIA_TYPES])


def evaluate_model(
    project: Project, data: str, *, reference: str | None = None, slices: Sequence[Sequence[str]] = ()
) -> Evaluation:
    """Measure a model version on a labeled table.

    Args:
        project: the project.
        data: rows with the project's label; those without one are left out and counted.
        reference: which model version; default: the champion.
        slices: groups of columns to slice by.

    Raises:
        ColumnNotFoundError: the label, a slice or a column that the model needs is not there.
        DataError: the data cannot be read, or hold a label that is no class of the model.
    """
    loaded = load_version(project, reference)
    table = loaded.read(data, project.label)
    group = [loaded.encoding.group] if loaded.encoding.group else []
    table.select([project.label, *group])
    labeled = np.asarray(column(table, project.label).is_valid().to_numpy(zero_copy_only=False), bool)
    rows = table.filter(labeled)
    answers = answer(loaded.graph, rows, loaded.encoding)
    found = measure(answers, rows, project.label, loaded.encoding, slicing_of(table, slices))
    return replace(found, unlabeled=int((~labeled).sum()))


@dataclass(frozen=True)
class RecordedEvaluation:
    """What a model version's test part and baselines measured when it was registered."""

    model: str
    test: Evaluation
    baselines: Mapping[str, Evaluation]
    verdicts: Sequence[JSONObject]

    def to_json(self) -> JSONObject:
        """The evaluation as JSON values: that of the test part, with the baselines beside it."""
        return {
            **self.test.to_json(),
            "model": self.model,
            "baselines": {name: found.to_json() for name, found in self.baselines.items()},
            "verdicts": list(self.verdicts),
        }

    def report(self) -> str:
        """The evaluation for people."""
        lines = [f"{self.model} on its test part", self.test.report(), ""]
        metric = CHIEF_METRIC[self.test.task]
        for name, found in self.baselines.items():
            value = found.metric(metric)
            shown = "undefined" if value is None else f"{value:.4f}"
            lines.append(f"{name:<10} {metric} {shown} on {found.rows:,} rows")
        lines += [
            f"{'pass' if verdict['passed'] else 'fail':<10} {verdict['check']} {verdict['reason']}"
            for verdict in self.verdicts
        ]
        return "\n".join(lines)


def recorded_evaluation(project: Project, reference: str | None = None) -> RecordedEvaluation:
    """The evaluation with which a model version was registered.

    Raises:
        NotFoundError: no such version.
        StoreError: its evaluation is gone or damaged.
    """
    with project.store() as store:
        version = find_version(project, store, reference or "champion")
    text = project.artifacts().read_bytes(str(version.properties["evaluation"]), ".json")
    document = json.loads(text)
    return RecordedEvaluation(
        version.reference,
        Evaluation.from_json(document["test"]),
        {name: Evaluation.from_json(found) for name, found in document["baselines"].items()},
        document["verdicts"],
    )


@dataclass(frozen=True)
class LoadedVersion:
    """A model version, ready to be run over tables as they were read in its time."""

    graph: Graph
    schema: Schema
    missing: Sequence[str]
    encoding: LabelEncoding

    def read(self, data: str, label: str) -> Table:
        """The table, with the columns that the model needs in the types that it learned from.

        So is a label of texts that are cut: the few of a small file may look like numbers.
        """
        inputs = list(self.graph.inputs)
        table = open_table(data, missing=self.missing)
        table.select(inputs)
        texts = [label] if self.encoding.separator and label in table.columns else []
        types = {name: self.schema[name].type for name in (*inputs, *texts) if name in self.schema.names}
        return open_table(data, missing=self.missing, types=types)


def load_version(project: Project, reference: str | None) -> LoadedVersion:
    """A model version with all that running it needs; the champion where none is named.

    Raises:
        NotFoundError: no such version.
        StoreError: a file of it is gone or damaged.
    """
    artifacts = project.artifacts()
    with project.store() as store:
        version = find_version(project, store, reference or "champion")
    text = artifacts.read_bytes(str(version.properties["schema"]), ".toml").decode()
    # A version from before it kept them was made with what tilth.toml says.
    kept = version.properties.get("missing", list(project.configuration.data.missing))
    return LoadedVersion(
        Graph.from_path(artifacts.verify(version.artifact.digest, ".onnx")),
        Schema.from_toml(text, where=f"the schema of {version.reference}"),
        cast("list[str]", kept),
        LabelEncoding.from_json(cast("JSONObject", version.properties["label"])),
    )
