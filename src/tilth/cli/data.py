"""Commands that work on any data, without a project."""

from __future__ import annotations

import json as json_module
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

import tilth
from tilth.cli.output import people, print_json, print_text
from tilth.cli.streams import write_whole
from tilth.errors import UsageError, closest

if TYPE_CHECKING:
    from tilth.evaluation import Evaluation
    from tilth.pipelines import RecordedEvaluation
    from tilth.profiles import Profile
    from tilth.schemas import Schema
    from tilth.validation import Anomaly

__all__ = ["compare", "evaluate", "profile", "schema", "split", "validate"]

Missing = Annotated[
    list[str] | None, Parameter(name="--missing", negative="", help="Text that means missing; repeatable.")
]
Json = Annotated[bool, Parameter(name="--json", negative="", help="Print one JSON document.")]
Output = Annotated[Path | None, Parameter(name=["--output", "-o"], help="Write the result to this file.")]
SchemaFile = Annotated[Path | None, Parameter(name="--schema", help="A schema.toml.")]


def profile(*data: str, output: Output = None, missing: Missing = None, json: Json = False) -> int:
    """Statistics of every column; several DATA are merged.

    Args:
        data: Files to read: CSV, Parquet, JSON lines, Arrow; or a profile.json that was written before.
    """
    made = _profiles(data, missing)
    if output is not None:
        write_whole(output, made.to_json())
    if json:
        print_json(made.to_dict())
    elif output is None:
        print_text(made.report())
    return 0


def schema(*data: str, output: Output = None, missing: Missing = None, json: Json = False) -> int:
    """Infer a schema, to be curated by a person.

    Args:
        data: Files to read, or a profile.json.
    """
    inferred = tilth.infer_schema(_profiles(data, missing))
    text = inferred.to_toml()
    if output is not None:
        write_whole(output, text)
        people().print(f"{len(inferred.columns)} columns written to {output}", markup=False)
    if json:
        import tomllib

        print_json(tomllib.loads(text))
    elif output is None:
        print_text(text)
    return 0


def validate(
    data: str,
    *,
    schema: SchemaFile = None,
    environment: str | None = None,
    missing: Missing = None,
    json: Json = False,
) -> int:
    """Check data against a schema; exit status 1 when an error is found.

    Args:
        data: The file to check, or a profile.json.
        environment: Such as "serving", where the label may be absent.
    """
    if schema is None:
        raise UsageError("validate needs a schema", mend="write one with: tilth schema DATA -o schema.toml")
    contract = _schema(schema)
    _refuse_unknown_environment(contract, environment)
    if data.endswith(".json"):
        made = _read_profile(Path(data))
        rows, anomalies = made.rows, tilth.validate(made, contract, environment)
    else:
        rows, anomalies = _validate_file(data, contract, environment, missing or ())
    if json:
        print_json({"rows": rows, "anomalies": [anomaly.to_json() for anomaly in anomalies]})
    else:
        lines = [f"{anomaly.severity:<8}{anomaly.message}" for anomaly in anomalies]
        print_text("\n".join(lines) or f"{rows:,} rows hold to the schema")
    return int(any(anomaly.severity == "error" for anomaly in anomalies))


def _refuse_unknown_environment(schema: Schema, environment: str | None) -> None:
    """A misspelt environment would check everything, or nothing, in silence."""
    known = {"training", "serving"} | {name for column in schema.columns for name in column.not_in}
    if environment is None or environment in known:
        return
    near = closest(environment, known)
    raise UsageError(
        f"the schema knows no environment '{environment}'",
        expected=f"one of {', '.join(sorted(known))}",
        mend=f"did you mean '{near}'?" if near else None,
    )


def compare(
    reference: str,
    current: str,
    *,
    schema: SchemaFile = None,
    threshold: float = 0.1,
    moment: Literal["drift", "skew"] = "drift",
    missing: Missing = None,
    json: Json = False,
) -> int:
    """Drift and skew between two data sets; exit status 1 when a column drifted.

    Args:
        reference: The data to compare with, or its profile.json.
        current: The data in question, or its profile.json.
        threshold: From which effect on a column counts as drifted: standard deviations, or share of rows.
        moment: Which of the schema's bounds decide: those on drift (the same source over time) or on skew
            (training against serving).
    """
    contract = _schema(schema) if schema else None
    found = tilth.compare(
        _profiles([reference], missing),
        _profiles([current], missing),
        contract,
        threshold=threshold,
        moment=moment,
    )
    if json:
        print_json(found.to_json())
    else:
        print_text(found.report())
    return int(bool(found.drifted or found.new_columns or found.missing_columns))


def split(
    data: str,
    *,
    by: Literal["random", "hash", "group", "time", "balanced"] = "random",
    columns: Annotated[
        list[str] | None, Parameter(name="--column", negative="", help="What to balance, group or sort by.")
    ] = None,
    fractions: tuple[float, float, float] = (0.6, 0.2, 0.2),
    seed: int = 0,
    output: Output = None,
    missing: Missing = None,
    json: Json = False,
) -> int:
    """Deal rows to train, dev and test.

    Args:
        data: The file to deal.
        by: How: see docs/data.md.
        fractions: The shares of train, dev and test.
        seed: Another seed deals otherwise.
        output: A folder; train.parquet, dev.parquet and test.parquet are written there.
    """
    from tilth.tables import PARTS, SplitPlan, open_table, write_table
    from tilth.tables import split as deal

    table = open_table(data, missing=missing or ())
    parts = deal(table, SplitPlan(by, fractions, tuple(columns or ()), seed))
    counts = Counter(parts.to_pylist())
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        names = parts.dictionary_decode().to_numpy(zero_copy_only=False)
        for part in PARTS:
            write_table(table.filter(names == part), output / f"{part}.parquet")
    if json:
        print_json({"rows": {part: counts[part] for part in PARTS}})
    else:
        print_text("\n".join(f"{part:<6}{counts[part]:>12,} rows" for part in PARTS))
    return 0


def evaluate(
    data: str | None = None,
    *,
    label: str | None = None,
    prediction: str | None = None,
    score: str | None = None,
    slices: Annotated[
        list[str] | None,
        Parameter(name="--slice", negative="", help="Columns to slice by, joined by commas; repeatable."),
    ] = None,
    positive: str | None = None,
    model: str | None = None,
    dir: Annotated[Path, Parameter(name="--dir", help="The project's folder, with --model.")] = Path(),  # noqa: A002
    missing: Missing = None,
    json: Json = False,
) -> int:
    """Metrics with intervals, by slice: of predictions that any model made, or of a registered model.

    Args:
        data: A table with labels and predictions; with --model one with labels, or none for the evaluation
            with which the model was registered.
        label: The column of true labels.
        prediction: The column of predictions.
        score: The column of the positive class's probability.
        positive: The positive class.
        model: A registered model: "census@champion", "census@3", "champion".
    """
    groups = [text.split(",") for text in slices or []]
    found: Evaluation | RecordedEvaluation
    if model is not None:
        found = _evaluate_model(model, data, groups, dir)
    elif data is None or label is None or prediction is None:
        raise UsageError(
            "evaluate needs DATA with --label and --prediction, or --model",
            mend="tilth evaluate DATA --label y --prediction said, or tilth evaluate --model champion",
        )
    else:
        from tilth.tables import open_table

        table = open_table(data, missing=missing or ())
        found = tilth.evaluate(
            table, label=label, prediction=prediction, score=score, slices=groups, positive=positive
        )
    if json:
        print_json(found.to_json())
    else:
        print_text(found.report())
    return 0


def _evaluate_model(
    model: str, data: str | None, slices: list[list[str]], folder: Path
) -> Evaluation | RecordedEvaluation:
    from tilth.pipelines import evaluate_model, recorded_evaluation
    from tilth.projects import Project

    project = Project.load(folder)
    if data is None:
        return recorded_evaluation(project, model)
    return evaluate_model(project, data, reference=model, slices=slices)


def _profiles(data: list[str] | tuple[str, ...], missing: list[str] | None) -> Profile:
    """The merged profile of files, each data or a profile that was written before."""
    if not data:
        raise UsageError("which data?", expected="at least one file")
    merged: Profile | None = None
    for path in data:
        made = (
            _read_profile(Path(path))
            if path.endswith(".json")
            else tilth.profile(path, missing=missing or ())
        )
        merged = made if merged is None else merged + made
    assert merged is not None
    return merged


def _validate_file(
    data: str, contract: Schema, environment: str | None, missing: Sequence[str]
) -> tuple[int, list[Anomaly]]:
    """The number of rows and what is wrong with them, the schema's texts being read as texts."""
    from tilth.tables import open_table

    anomalies = tilth.validate(data, contract, environment, missing=missing)
    return open_table(data, missing=missing).rows, anomalies


def _read_profile(path: Path) -> Profile:
    from tilth.profiles import Profile

    try:
        return Profile.from_json(path.read_text(encoding="utf-8"))
    except (json_module.JSONDecodeError, UnicodeDecodeError, KeyError) as error:
        raise UsageError(
            "this is not a profile that Tilth wrote",
            where=str(path),
            mend="name the data itself; JSON lines end in .jsonl",
        ) from error


def _schema(path: Path) -> Schema:
    from tilth.schemas import Schema

    return Schema.from_toml(path.read_text(encoding="utf-8"), where=str(path))
