"""`tilth evaluate --model`, and a model version loaded: a whole table, with the same graph as the server."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
from msgspec import structs

from tilth.errors import ColumnNotFoundError
from tilth.evaluation import Discovery, Evaluation
from tilth.evaluation.fairness import fairness_of
from tilth.evaluation.importance import Weighing, weighing_of
from tilth.inference import Graph
from tilth.metrics import CHIEF_METRIC, CustomMetric, LabelEncoding
from tilth.pipelines.custom_metrics import project_metrics
from tilth.pipelines.lookup_step import completed, lookup_state
from tilth.pipelines.scoring import answer, column, measure
from tilth.pipelines.versions import find_version
from tilth.projects import Project
from tilth.projects.lookup_stores import trained_lookups
from tilth.schemas import Schema
from tilth.tables import Table, open_table
from tilth.tables.slicings import slicing_of
from tilth.types import JSONObject

__all__ = [
    "LoadedVersion",
    "RecordedEvaluation",
    "evaluate_model",
    "load_version",
    "recorded_evaluation",
]

_BESIDE = ("fairness", "must_pass", "never", "discovered", "discovery")


def evaluate_model(
    project: Project,
    data: str,
    *,
    reference: str | None = None,
    slices: Sequence[Sequence[str]] = (),
    custom: Mapping[str, CustomMetric] | None = None,
) -> Evaluation:
    """Measure a model version on a labeled table.

    Args:
        project: the project.
        data: rows with the project's label; those without one are left out and counted.
        reference: which model version; default: the champion.
        slices: groups of columns to slice by.
        custom: metrics of one's own by name; default: those that [evaluate] metrics names.

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
    weighing = _weighing(project, table)
    custom = project_metrics(project) if custom is None else custom
    cut = slicing_of(table, slices)
    found = measure(answers, rows, project.label, loaded.encoding, cut, weighing, custom)
    return replace(found, unlabeled=int((~labeled).sum()))


def _weighing(project: Project, table: Table) -> Weighing | None:
    """How tilth.toml weighs rows; None where a table does not have all that this needs."""
    section = project.configuration.evaluate
    try:
        return weighing_of(table, section.weight, section.importance)
    except ColumnNotFoundError:
        return None  # rows that count alike are measured without a note that says otherwise


@dataclass(frozen=True)
class RecordedEvaluation:
    """What a model version's test part and baselines measured when it was registered.

    Args:
        model: the version.
        test: the model on its test part.
        baselines: what it was held against.
        verdicts: what the checks said.
        beside: what else was found then, such as "fairness", as JSON values.
    """

    model: str
    test: Evaluation
    baselines: Mapping[str, Evaluation]
    verdicts: Sequence[JSONObject]
    beside: JSONObject = field(default_factory=dict)

    def to_json(self) -> JSONObject:
        """The evaluation as JSON values: that of the test part, with the baselines beside it."""
        return {
            **self.test.to_json(),
            **self.beside,
            "model": self.model,
            "baselines": {name: found.to_json() for name, found in self.baselines.items()},
            "verdicts": list(self.verdicts),
        }

    def report(self) -> str:
        """The evaluation for people."""
        lines = [f"{self.model} on its test part", self.test.report(), "", *self._groups()]
        metric = CHIEF_METRIC[self.test.task]
        for name, found in self.baselines.items():
            value = found.metric(metric)
            shown = "undefined" if value is None else f"{value:.4f}"
            lines.append(f"{name:<10} {metric} {shown} on {found.rows:,} rows")
        lines += [
            f"{'pass' if verdict['passed'] else 'fail':<10} {verdict['check']} {verdict['reason']}"
            for verdict in self.verdicts
        ]
        if "discovery" in self.beside:
            lines += ["", "on the dev part:", Discovery.from_json(self.beside).report()]
        return "\n".join(lines)

    def _groups(self) -> list[str]:
        """How the groups of protected attributes fared."""
        found = cast("Mapping[str, Any]", self.beside.get("fairness") or {})
        if not found:
            return []
        attributes = [each["columns"] for each in found["attributes"]]
        return [fairness_of(self.test, attributes, found["minimum_rows"]).report(), ""]


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
        {name: document[name] for name in _BESIDE if document.get(name)},
    )


@dataclass(frozen=True)
class LoadedVersion:
    """A model version, ready to be run over tables as they were read in its time."""

    graph: Graph
    schema: Schema
    missing: Sequence[str]
    encoding: LabelEncoding
    complete: Callable[[Table], Table] = lambda table: table
    looked_up_in: str = ""

    def read(self, data: str, label: str) -> Table:
        """The table, with the columns that the model needs in the types that it learned from.

        Columns that are looked up and are not there are joined, as known at each row's time, or now.

        So is a label of texts that are cut: the few of a small file may look like numbers.
        """
        inputs = list(self.graph.inputs)
        table = open_table(data, missing=self.missing)
        whole = self.complete(table)
        whole.select(inputs)
        texts = [label] if self.encoding.separator and label in table.columns else []
        own = [name for name in (*inputs, *texts) if name in table.columns]
        types = {name: self.schema[name].type for name in own if name in self.schema.names}
        if all(table.columns[name] == kind for name, kind in types.items()):
            return whole
        return self.complete(open_table(data, missing=self.missing, types=types))


def load_version(project: Project, reference: str | None) -> LoadedVersion:
    """A model version with all that running it needs; the champion where none is named.

    Raises:
        NotFoundError: no such version.
        StoreError: a file of it is gone or damaged.
    """
    artifacts = project.artifacts()
    with project.store() as store:
        version = find_version(project, store, reference or "champion")
        lookups = trained_lookups(project, store, version)
    project = replace(project, configuration=structs.replace(project.configuration, lookups=lookups))
    text = artifacts.read_bytes(str(version.properties["schema"]), ".toml").decode()
    # A version from before it kept them was made with what tilth.toml says.
    kept = version.properties.get("missing", list(project.configuration.data.missing))
    graph = Graph.from_path(artifacts.verify(version.artifact.digest, ".onnx"))
    return LoadedVersion(
        graph,
        Schema.from_toml(text, where=f"the schema of {version.reference}"),
        cast("list[str]", kept),
        LabelEncoding.from_json(cast("JSONObject", version.properties["label"])),
        completed(project, list(graph.inputs)),
        lookup_state(project),
    )
