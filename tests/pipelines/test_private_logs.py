"""Monitoring and retraining where the log has only hashes of a column, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from project_factory import hurried_project
from tilth.pipelines import StepReport, collect_feedback, monitor, run_pipeline
from tilth.projects import Project
from tilth.schemas import Personal
from tilth.tables import (
    FeedbackLog,
    Prediction,
    PredictionLog,
    compact,
    open_table,
    redacted,
    redaction_key,
)
from tilth.types import utc_now


class Silent:
    def started(self, step: str) -> None:
        pass

    def ended(self, report: StepReport) -> None:
        pass


def test_personal_columns_are_neither_judged_nor_learned_from(tmp_path: Path) -> None:
    project = hurried_project(tmp_path)
    run_pipeline(project, Silent())
    personal: Mapping[str, Personal] = {"age": "hash", "plan": "redact"}
    serve(project, personal)
    text = project.schema_path.read_text()
    for name, how in personal.items():
        text = text.replace(f"[columns.{name}]\n", f'[columns.{name}]\npersonal = "{how}"\n')
    project.schema_path.write_text(text)
    project = Project.load(tmp_path)
    found = monitor(project)
    assert found.rows == 300
    assert list(found.inputs.columns) == ["income"]
    assert not found.inputs.drifted
    assert not found.anomalies
    with project.store() as store:
        artifacts = project.artifacts()
        run = store.begin_run("run", {"project": project.name})
        artifact = collect_feedback(project, store, artifacts, run)
        rows = open_table(artifacts.path(artifact.digest, ".parquet")).to_arrow()
    assert rows.num_rows == 300
    assert rows["age"].null_count == rows["plan"].null_count == 300
    assert rows["income"].null_count == 0


def serve(project: Project, personal: Mapping[str, Personal]) -> None:
    """The training rows with their outcomes, logged as a server does; half of them are in Parquet."""
    key = redaction_key(project.state / "log.key")
    log, told = PredictionLog(project.predictions), FeedbackLog(project.predictions)
    for half in range(2):
        rows = open_table(project.directory / "customers.csv", missing=["?"]).to_arrow().to_pylist()
        for row in rows[150 * half : 150 * (half + 1)]:
            inputs = {name: row[name] for name in ("income", "age", "plan")}
            label = row["bought"]
            scores = {"no": float(label == "no"), "yes": float(label == "yes")}
            made = redacted(inputs, personal, key)
            [identity] = log.append(
                [Prediction("", utc_now(), project.name, 1, "live", made, label, scores, 0.001)]
            )
            told.append(identity, label, utc_now())
        log.close()
        if half == 0:
            assert compact(project.predictions).rows == 150
    told.close()
