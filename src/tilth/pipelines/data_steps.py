"""The steps from files to checked, dealt data: ingest, profile, schema, validate, split."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import CheckFailed, ColumnNotFoundError, DataError, SchemaError
from tilth.evaluation.importance import weighing_of
from tilth.pipelines.lookup_step import join_lookups, lookup_parameters
from tilth.pipelines.ranked_parts import refuse_torn_groups
from tilth.pipelines.row_history import history_parameters, without_older
from tilth.pipelines.sources import digest_of_source
from tilth.pipelines.step import Output, Step, StepContext, StepResult
from tilth.profiles import Profile, profile
from tilth.projects import Project
from tilth.projects.first_label import with_several_labels
from tilth.schemas import Schema
from tilth.tables import PARTS, Table, concat_tables, fingerprint, open_table, split, write_table
from tilth.tables.slicings import slicing_of
from tilth.types import JSONObject, JSONValue
from tilth.validation import Anomaly, infer_schema, validate

__all__ = ["DATA_STEPS"]


def _ingest(context: StepContext) -> StepResult:
    project = context.project
    section = project.configuration.data
    table = open_table(
        [str(p) for p in context.files["sources"]], missing=section.missing, types=section.types
    )
    _refuse_reserved(table)
    table, known = join_lookups(project, table, context.files["lookups"], context.parameters)
    for place, name in _named_columns(project):
        if name not in table.columns:
            raise ColumnNotFoundError(name, table.columns, where=f"tilth.toml, {place}")
    _refuse_unmeasured(project, table)
    if context.optional("feedback"):
        learned = open_table(str(context.path("feedback")))
        table = concat_tables([table.with_column("tilth.source", "data"), learned])
    table, without_label = _with_label(table, project.label)
    if table.rows == 0:
        raise DataError("no row has a label", where=f"{table.name}, column '{project.label}'")
    write_table(table, context.output["dataset"])
    _refuse_changed(context)
    stored = open_table(context.output["dataset"])
    properties: JSONObject = {
        "rows": stored.rows,
        "columns": dict(stored.columns),
        "fingerprint": fingerprint(stored),
        "notes": list(table.notes),
        "without_label": without_label,
        "project": project.name,
    }
    known = f"; {known}" if known else ""
    left_out = f", {without_label:,} without a label left out" if without_label else ""
    return StepResult(
        f"{stored.rows:,} rows x {len(stored.columns)} columns{left_out}{known}",
        properties={"dataset": properties},
    )


def _refuse_unmeasured(project: Project, table: Table) -> None:
    """What [evaluate] asks of columns that are not there is better said before anything is done."""
    section = project.configuration.evaluate
    slicing_of(table, section.slices, where="tilth.toml, [evaluate] slices")
    slicing_of(table, section.attributes, where="tilth.toml, [evaluate] protected")
    weighing_of(table, section.weight, section.importance, where="tilth.toml, [evaluate]")


def _named_columns(project: Project) -> list[tuple[str, str]]:
    """The columns that tilth.toml names, each with its place there."""
    configuration = project.configuration
    return [
        ("[project] label", project.label),
        *((("[project] group", configuration.project.group),) if configuration.project.group else ()),
        *(("[split] columns", name) for name in configuration.split.columns),
        *(
            ("[train]", name)
            for name in (configuration.train.weight, configuration.train.time)
            if name is not None
        ),
        *(("[train] allow", name) for name in configuration.train.allow),
    ]


def _refuse_reserved(table: Table) -> None:
    reserved = [name for name in table.columns if name.startswith("tilth.")]
    if reserved:
        raise DataError(
            f"the column '{reserved[0]}' has a name that Tilth keeps for itself",
            where=table.name,
            expected="names that do not begin with 'tilth.'",
            mend="rename the column",
        )


def _refuse_changed(context: StepContext) -> None:
    """Data that changed while they were read are neither what was recorded nor what is there."""
    names = ("sources", "lookups")
    read = [(a, p) for n in names for a, p in zip(context.artifacts[n], context.files[n], strict=True)]
    for artifact, path in read:
        if digest_of_source(path)[0] != artifact.digest:
            what = "folder" if path.is_dir() else "file"
            raise DataError(f"the {what} changed while it was read", where=str(path), mend="run again")


_NONE: npt.NDArray[np.bool_] = np.empty(0, bool)


def _with_label(table: Table, label: str) -> tuple[Table, int]:
    """The rows that have a label, and how many have none; a number that is none is no label."""
    keep = np.concatenate([_is_known(b.column(0)) for b in table.select([label]).batches()] or [_NONE])
    missing = int(len(keep) - keep.sum())
    return (table if missing == 0 else table.filter(keep.astype(bool))), missing


def _is_known(values: pa.Array) -> npt.NDArray[np.bool_]:
    known = values.is_valid()
    if pa.types.is_floating(values.type):
        known = pc.and_(known, pc.fill_null(pc.invert(pc.is_nan(values)), False))
    return np.asarray(known.to_numpy(zero_copy_only=False), np.bool_)


def _profile(context: StepContext) -> StepResult:
    made = profile(context.path("dataset"), engine=context.engine)
    context.output["profile"].write_text(made.to_json(), encoding="utf-8")
    missing = [name for name, column in made.columns.items() if column.missing]
    return StepResult(
        f"{len(made.columns)} columns, "
        + (f"{len(missing)} with missing values" if missing else "nothing missing")
    )


def _schema(context: StepContext) -> StepResult:
    project = context.project
    if context.optional("schema_file"):
        curated = Schema.from_toml(context.text("schema_file"), where="schema.toml")
        summary = f"schema.toml: {len(curated.columns)} columns"
    else:
        inferred = infer_schema(Profile.from_json(context.text("profile")), label=project.label)
        separator = project.configuration.project.separator
        curated = with_several_labels(inferred, project.label) if separator else inferred
        summary = f"no schema.toml was there: {len(curated.columns)} columns inferred"
    if project.label not in curated.names:
        raise SchemaError(
            f"the label '{project.label}' is not in the schema",
            where="schema.toml",
            mend=f'add [columns."{project.label}"], or change label in tilth.toml',
        )
    context.output["schema"].write_text(curated.to_toml(), encoding="utf-8")
    return StepResult(summary)


def _validate(context: StepContext) -> StepResult:
    schema = Schema.from_toml(context.text("schema"))
    before = context.optional("previous_profile")
    previous = Profile.from_json(context.text("previous_profile")) if before else None
    if context.optional("feedback"):
        anomalies = _validate_with_feedback(open_table(context.path("dataset")), schema)
    else:
        known = Profile.from_json(context.text("profile"))
        data: object = open_table(context.path("dataset")) if _needs_rows(schema, known) else known
        anomalies = validate(data, schema, environment="training", previous=previous)
    document = {"anomalies": [anomaly.to_json() for anomaly in anomalies]}
    context.output["anomalies"].write_text(json.dumps(document, indent=1, sort_keys=True), encoding="utf-8")
    errors = [anomaly for anomaly in anomalies if anomaly.severity == "error"]
    warnings = [anomaly.message for anomaly in anomalies if anomaly.severity != "error"]
    summary = f"{len(errors)} errors" if errors else "no errors" if warnings else "no anomalies"
    if warnings:
        more = f"; and {len(warnings) - 1} more" if len(warnings) > 1 else ""
        summary += f"; warning: {warnings[0]}{more}"
    return StepResult(summary, failure=_invalid(errors) if errors else None)


def _needs_rows(schema: Schema, known: Profile) -> bool:
    """Whether a profile does not tell all: rules and patterns need the rows, and so do cells that misfit."""
    other_type = (c for c in schema if c.name in known.columns and known[c.name].type != c.type)
    return bool(schema.rules) or any(c.pattern for c in schema) or any(other_type)


def _validate_with_feedback(table: Table, schema: Schema) -> list[Anomaly]:
    """The data must hold to the schema; what production was asked is reported, since it was answered too.

    A request may lack the columns that the model does not use, and bring categories that nobody had listed:
    that is what a model learns from feedback for.
    """
    sources = np.asarray(table.select(["tilth.source"]).to_arrow().column(0).to_pylist())
    anomalies = validate(profile(table.filter(sources == "data")), schema, environment="training")
    served = validate(profile(table.filter(sources == "feedback")), schema, environment="serving")
    told = [a for a in served if a.kind not in ("too_many_missing", "missing_column", "new_column")]
    return [
        *anomalies,
        *(replace(a, severity="warning", message=f"in the feedback: {a.message}") for a in told),
    ]


def _invalid(errors: list[Anomaly]) -> CheckFailed:
    shown = "\n".join(f"    {anomaly.message}" for anomaly in errors[:10])
    more = f"\n    ... and {len(errors) - 10} more" if len(errors) > 10 else ""
    return CheckFailed(
        f"the data does not hold to the schema:\n{shown}{more}",
        mend="correct the data, or curate schema.toml if the data is right",
    )


def _split(context: StepContext) -> StepResult:
    plan = context.project.configuration.split.plan()
    dataset, group = open_table(context.path("dataset")), context.project.configuration.project.group
    parts = split(dataset, plan)
    if group is not None:
        refuse_torn_groups(dataset, parts, group)
    codes = parts.indices.to_numpy()
    counts = {part: int(np.count_nonzero(codes == code)) for code, part in enumerate(PARTS)}
    empty = [part for part in PARTS if not counts[part]]
    if empty:
        raise DataError(
            f"the {' and '.join(empty)} part would be empty",
            where="tilth.toml, [split]",
            expected="rows in train, dev and test",
            mend='use method = "balanced" or "random" for small data, or other fractions'
            if group is None
            else "use other fractions or another seed, or data with more groups",
        )
    kept = without_older(context.project, dataset, parts)
    codes = kept.indices.to_numpy()
    dealt: JSONObject = {
        part: int(np.count_nonzero(codes == code)) for code, part in enumerate(kept.dictionary.to_pylist())
    }
    write_table(pa.table({"part": kept}), context.output["split"])
    summary = ", ".join(f"{part} {rows:,}" for part, rows in dealt.items())
    return StepResult(summary, properties={"split": {"rows": dealt}})


def _ingest_parameters(project: Project) -> JSONObject:
    section = project.configuration.data
    return {
        "missing": list(section.missing),
        "types": dict(section.types),
        "label": project.label,
        "lookups": lookup_parameters(project),
        "named": list[JSONValue](sorted({name for _, name in _named_columns(project)} | _sliced(project))),
    }


def _sliced(project: Project) -> set[str]:
    section = project.configuration.evaluate
    weighed = {name for name in (section.weight, *section.importance) if name is not None}
    return {name for names in section.sliced for name in names} | weighed


def _split_parameters(project: Project) -> JSONObject:
    section = project.configuration.split
    return {
        "method": section.method,
        "fractions": list(section.fractions),
        "columns": list(section.columns),
        "seed": section.seed,
        "group": project.configuration.project.group,
        **history_parameters(project),
    }


DATA_STEPS: tuple[Step, ...] = (
    Step(
        "ingest",
        ("sources", "lookups", "feedback"),
        {"dataset": Output("dataset", ".parquet")},
        _ingest,
        _ingest_parameters,
    ),
    Step("profile", ("dataset",), {"profile": Output("profile", ".json")}, _profile),
    Step(
        "schema",
        ("profile", "schema_file"),
        {"schema": Output("schema", ".toml")},
        _schema,
        lambda project: {
            "label": project.label,
            "separator": project.configuration.project.separator,
        },
    ),
    Step(
        "validate",
        ("dataset", "feedback", "profile", "previous_profile", "schema"),
        {"anomalies": Output("anomalies", ".json")},
        _validate,
    ),
    Step(
        "split", ("dataset", "anomalies"), {"split": Output("split", ".parquet")}, _split, _split_parameters
    ),
)
