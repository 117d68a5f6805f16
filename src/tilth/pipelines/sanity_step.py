"""The step before a training: whether recipe, labels, columns and targets make sense together."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.evaluation import Evaluation
from tilth.metrics import LabelEncoding
from tilth.pipelines.learning import Material, material_of, recipe_parameters
from tilth.pipelines.rivals import answers_in, called_out, human_level
from tilth.pipelines.scoring import column, measure
from tilth.pipelines.step import Output, Step, StepContext, StepResult
from tilth.projects import Project
from tilth.tables import Table
from tilth.tables.row_hashes import row_hashes
from tilth.training.findings import Finding, failure, in_words
from tilth.training.leaks import FeatureSample, Target, feature_sources, find_leaks
from tilth.training.rehearsing import drawn, in_turns
from tilth.training.sanity import check_recipe
from tilth.types import SCALAR_TYPES, JSONObject

__all__ = ["SANITY_STEP"]

_MOST_ROWS = 4000
_CLASSES = ("binary", "multiclass")


def _sanity(context: StepContext) -> StepResult:
    if not context.project.configuration.train.sanity_checks:
        return _said(context, [], "turned off: sanity_checks = false under [train]")
    material = material_of(context)
    findings = [
        *check_recipe(material.recipe, material.rows("train"), material.rows("dev")),
        *_leaks(context, material),
        *_targets(context, material),
    ]
    return _said(context, findings, in_words(findings))


def _said(context: StepContext, findings: Sequence[Finding], summary: str) -> StepResult:
    document: JSONObject = {
        "findings": [finding.to_json() for finding in findings],
        "notes": [finding.sentence for finding in findings if finding.outcome == "noted"],
    }
    context.output["sanity"].write_text(json.dumps(document, indent=1, allow_nan=False), encoding="utf-8")
    return StepResult(summary, failure=failure(findings))


def _leaks(context: StepContext, material: Material) -> list[Finding]:
    project = context.project
    train = material.parts.part("train")
    names = [name for name in material.graph.inputs if train.columns.get(name) in SCALAR_TYPES]
    time = _time_column(project, train)
    wanted = list(dict.fromkeys([*names, *([time] if time else [])]))
    codes = material.encoding.encode(column(train, project.label))
    sample = _sample(train, [*wanted, project.label], codes)
    rows = drawn(material.rows("train"), _MOST_ROWS, material.encoding.task)
    features = list(json.loads(material.graph.metadata["tilth.feature_names"]))
    return find_leaks(
        _rows(train, wanted, sample),
        Target(material.encoding.task, codes[sample]),
        label=project.label,
        time=time,
        allow=project.configuration.train.allow,
        features=FeatureSample(
            rows.X,
            Target(material.encoding.task, rows.y),
            features,
            feature_sources(context.text("features_file"), train.columns, features),
        ),
    )


def _targets(context: StepContext, material: Material) -> list[Finding]:
    """Targets above what people reach, told before the training and not after it."""
    project, encoding = context.project, material.encoding
    dev = material.parts.part("dev")
    human = human_level(project, encoding) or _people(project, dev, encoding)
    codes = encoding.encode(column(dev, project.label))
    counts = np.bincount(codes, minlength=len(encoding.classes)) if encoding.task in _CLASSES else None
    others = {} if human is None else {"human": human}
    said = list(called_out(project, encoding, None, others, counts))
    if not said:
        return [Finding("targets", "passed", "no target is above what is known to be possible")]
    return [Finding("targets", "noted", sentence) for sentence in said]


def _people(project: Project, dev: Table, encoding: LabelEncoding) -> Evaluation | None:
    """What is measured of people's answers on the dev part, where a column has them."""
    name = project.configuration.baselines.human
    if name is None or name not in dev.columns:
        return None
    known, answers = answers_in(column(dev, name), encoding, name)
    return measure(answers, dev.filter(known), project.label, encoding) if known.any() else None


def _time_column(project: Project, table: Table) -> str | None:
    """The column that says when a row was made: for weighting by age, or for the split by time."""
    configuration = project.configuration
    by_time = configuration.split.columns if configuration.split.method == "time" else []
    return next((name for name in (configuration.train.time, *by_time) if name in table.columns), None)


def _sample(table: Table, columns: Sequence[str], codes: npt.NDArray[np.number]) -> npt.NDArray[np.int64]:
    """Positions of rows chosen by their contents, rare classes first."""
    hashes = [row_hashes(batch, columns=columns) for batch in table.select(list(columns)).batches()]
    order = np.argsort(np.concatenate(hashes), kind="stable")
    if codes.ndim == 1 and codes.dtype.kind == "i":  # codes of classes
        return order[np.sort(in_turns(codes[order])[:_MOST_ROWS])]
    return order[:_MOST_ROWS]


def _rows(table: Table, columns: Sequence[str], positions: npt.NDArray[np.int64]) -> pa.Table:
    """Some rows of a table, in the order of the positions."""
    if not columns:
        return pa.table({})
    chosen = np.zeros(table.rows, bool)
    chosen[positions] = True
    found = table.select(list(columns)).filter(chosen).to_arrow()
    return found.take(pa.array(np.argsort(np.argsort(positions, kind="stable"), kind="stable")))


def _sanity_parameters(project: Project) -> JSONObject:
    configuration = project.configuration
    by_time = configuration.split.columns if configuration.split.method == "time" else []
    checks = [check for check in configuration.checks if check.moment == "model"]
    document = configuration.to_json()
    return {
        **recipe_parameters(project),
        "time": list(by_time),
        "checks": [[c.metric, c.min, c.max, dict(c.slice), c.baseline] for c in checks],
        "baselines": document["baselines"],
        "business": document["business"],
    }


SANITY_STEP = Step(
    "sanity",
    ("dataset", "split", "transform", "training_transform", "features_file", "training_files"),
    {"sanity": Output("sanity", ".json")},
    _sanity,
    _sanity_parameters,
)
