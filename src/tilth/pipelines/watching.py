"""`tilth monitor`: the newest window of what was served, judged and recorded."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import cast

from tilth.errors import NotFoundError
from tilth.evaluation import Evaluation
from tilth.metrics import LabelEncoding
from tilth.monitoring import Monitoring, Reference, Thresholds, Window, watch
from tilth.pipelines.code_version import code_version
from tilth.pipelines.served_answers import answers_of, is_answer, left_out, performance
from tilth.profiles import Profile, profile
from tilth.projects import Project
from tilth.projects.privacy import as_private_as_now, unknowable_columns
from tilth.schemas import Schema
from tilth.store import ArtifactStore, ModelVersion, Store
from tilth.tables import predictions_table, read_feedback, read_predictions
from tilth.types import JSONObject

__all__ = ["monitor"]


@dataclass(frozen=True)
class _Served:
    """What a champion was accepted on, read back from the store, and the versions that answer as it does."""

    version: ModelVersion
    same_graph: frozenset[int]
    reference: Reference
    schema: Schema
    encoding: LabelEncoding


def monitor(project: Project) -> Monitoring:
    """Judge the newest window of the champion's predictions, and record the verdict.

    Inputs and answers are those of the newest `window` predictions; performance is that of the newest
    `window` predictions whose outcome is known, since outcomes come late.

    Raises:
        NotFoundError: there is no champion.
    """
    with project.store() as store:
        artifacts = project.artifacts()
        served = _champion(project, store, artifacts)
        section = project.configuration.monitor
        found = watch(
            served.version.reference,
            _window(project, served),
            served.reference,
            served.schema,
            project.configuration.checks_at("live"),
            Thresholds(section.minimum_rows, section.drift_threshold, section.significance),
        )
        _record(project, store, artifacts, served.version, found)
        return found


def _champion(project: Project, store: Store, artifacts: ArtifactStore) -> _Served:
    number = store.aliases(project.name).get("champion")
    if number is None:
        raise NotFoundError(f"the model '{project.name}' has no champion", mend="make one with: tilth run")
    version = store.model_version(project.name, number)

    def text(name: str, suffix: str) -> str:
        return artifacts.read_bytes(str(version.properties[name]), suffix).decode()

    document = json.loads(text("evaluation", ".json"))
    evaluation = Evaluation.from_json(document.get("unweighted") or document["test"])
    reference = Reference(
        Profile.from_json(text("reference", ".json")),
        Profile.from_json(text("reference_predictions", ".json")),
        evaluation.slices[0].metrics,
    )
    schema = Schema.from_toml(text("schema", ".toml")).in_environment("serving")
    same = [
        v.version for v in store.model_versions(project.name) if v.artifact.digest == version.artifact.digest
    ]
    hidden = unknowable_columns(as_private_as_now(schema, project))
    known = [name for name in reference.inputs.columns if name not in hidden]
    reference = replace(reference, inputs=reference.inputs.select(known))
    watched = tuple(column for column in schema.columns if column.name in reference.inputs.columns)
    return _Served(version, frozenset(same), reference, replace(schema, columns=watched), evaluation.encoding)


def _window(project: Project, served: _Served) -> Window:
    size = project.configuration.monitor.window
    made = [
        prediction
        for prediction in read_predictions(project.predictions)
        if prediction.model == project.name and prediction.version in served.same_graph
    ]
    every = [prediction for prediction in made if is_answer(prediction, served.encoding)]
    notes = left_out(len(made) - len(every), "answer", "")
    newest = every[-size:]
    outcomes = {identity: label for identity, (label, _) in read_feedback(project.predictions).items()}
    found, more = performance(every, outcomes, size, served.encoding)
    types = {column.name: column.type for column in served.schema.columns}
    # A version from before it kept them was made with what tilth.toml says.
    kept = served.version.properties.get("missing", list(project.configuration.data.missing))
    rows = predictions_table(newest, types, missing=cast("list[str]", kept))
    return Window(
        profile(rows.select([name for name in types if name in rows.columns])),
        profile(answers_of(newest, served.encoding).table(served.encoding)),
        found.slices[0].metrics if found else None,
        found.rows if found else 0,
        (*notes, *more),
    )


def _record(
    project: Project, store: Store, artifacts: ArtifactStore, version: ModelVersion, found: Monitoring
) -> None:
    """Keep the window's report, with the verdicts, as made from the model that it judges."""
    run = store.begin_run("monitor", {"project": project.name, "model": found.model})
    text = json.dumps(found.to_json(), indent=1, allow_nan=False)
    key = hashlib.sha256(text.encode()).hexdigest()
    execution = store.begin_execution(
        run, "monitor", key, code_version=code_version(), inputs={"model": version.artifact}
    )
    digest, size = artifacts.put_bytes(text.encode(), ".json")
    with store.transaction():
        properties: JSONObject = {
            "suffix": ".json",
            "project": project.name,
            "model": found.model,
            "rows": found.rows,
            "outcomes": found.outcomes,
            "judged": len(found.verdicts),
            "alarms": [str(verdict) for verdict in found.alarms],
            "drifted": list(found.inputs.drifted),
        }
        report = store.record_artifact("monitoring", "monitoring", digest, size, properties=properties)
        store.log_verdicts(run, found.verdicts)
        store.end_execution(execution, "complete", {"monitoring": report})
        store.end_run(run, "complete")
