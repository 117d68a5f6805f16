"""The step from dealt data to features: constants from the training part, as one graph."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tilth.features import Transform, with_notes
from tilth.pipelines.parts import encoding_of, parts_of
from tilth.pipelines.step import Output, Step, StepContext, StepResult
from tilth.pipelines.vocabularies import vocabulary_digests
from tilth.profiles import ColumnProfile, Profile
from tilth.projects import Project
from tilth.schemas import Schema
from tilth.tables import Table
from tilth.types import JSONObject, JSONValue

__all__ = ["TRANSFORM_STEP", "label_parameters"]

_FEW_VALUES = 100


def _transform(context: StepContext) -> StepResult:
    project = context.project
    parts = parts_of(context)
    train = parts.part("train")
    text, path = context.text("features_file"), str(project.features_path)
    transform = Transform(text, where=path, forbidden=_forbidden(context, train))
    transform.fit(train, project.label, encoding=encoding_of(context, parts), engine=context.engine)
    notes = _notes(context, transform)
    context.output["transform"].write_bytes(with_notes(transform.to_onnx(), notes))
    context.output["training_transform"].write_bytes(with_notes(transform.to_training_onnx(), notes))
    names = list(transform.feature_names)
    return StepResult(
        f"{len(names)} features, constants from {train.rows:,} training rows",
        properties={"transform": {"features": list(names)}},
    )


def _forbidden(context: StepContext, train: Table) -> dict[str, str]:
    """The columns that may not be features, each with the reason."""
    schema = Schema.from_toml(context.text("schema"))
    forbidden = {name: "Tilth adds it itself" for name in train.columns if name.startswith("tilth.")}
    for name in train.columns:
        if name not in schema.names:
            forbidden.setdefault(name, "schema.toml does not list it, so requests cannot have it")
    for name in schema.names:
        if "serving" in schema[name].not_in:
            forbidden[name] = "the schema says that it is not known when the model is asked (not_in serving)"
    forbidden |= dict(_reserved(context.project))
    forbidden[context.project.label] = "it is the label, which is not known when the model is asked"
    return forbidden


def _reserved(project: Project) -> Iterator[tuple[str, str]]:
    """The columns that tilth.toml gives another part to play."""
    configuration = project.configuration
    if configuration.baselines.older is not None:
        yield configuration.baselines.older, "it is an older system's answer ([baselines] older)"
    if configuration.baselines.human is not None:
        yield configuration.baselines.human, "it is a person's answer ([baselines] human)"
    if configuration.train.weight is not None:
        yield configuration.train.weight, "it is the weight of the row ([train] weight)"


def _notes(context: StepContext, transform: Transform) -> dict[str, str]:
    """What the graph says of itself: the data that its constants are from, and what stood in them.

    That is the data's own range and not the schema's, which people curate without training anew.
    """
    dataset = context.artifacts["dataset"][0]
    seen = Profile.from_json(context.text("profile"))
    domains = {name: _domain(seen[name]) for name in transform.graph.inputs}
    return {"tilth.data": dataset.fingerprint or dataset.digest, "tilth.domains": json.dumps(domains)}


def _domain(column: ColumnProfile) -> JSONValue:
    """The least and greatest number, or the values of a category that has few."""
    if column.type in ("int", "float"):
        return {"min": column.min, "max": column.max}
    few = column.kind in ("category", "flag") and column.is_exact and (column.distinct or 0) <= _FEW_VALUES
    values: list[JSONValue] = [*sorted(str(value) for value in column.counts())] if few else []
    return {"domain": values} if few else {}


def _transform_parameters(project: Project) -> JSONObject:
    vocabularies = vocabulary_digests(project.directory)
    return {**label_parameters(project), **({"vocabularies": vocabularies} if vocabularies else {})}


def label_parameters(project: Project) -> JSONObject:
    """What the label is, as parameters of a step."""
    section = project.configuration.project
    names = ("label", "task", "positive", "group", "separator")
    return {name: getattr(section, name) for name in names}


TRANSFORM_STEP = Step(
    "transform",
    ("dataset", "split", "profile", "schema", "features_file"),
    {
        "transform": Output("transform", ".onnx"),
        "training_transform": Output("transform", ".onnx"),
    },
    _transform,
    _transform_parameters,
)
