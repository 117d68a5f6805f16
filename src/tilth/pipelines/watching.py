"""`tilth monitor`: the newest window of what was served, judged and recorded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from tilth.errors import NotFoundError
from tilth.evaluation import Evaluation, Evaluator
from tilth.metrics import LabelEncoding, label_text
from tilth.monitoring import Monitoring, Reference, watch
from tilth.pipelines.runner import code_version
from tilth.profiles import Profile, profile
from tilth.projects import Project
from tilth.schemas import Schema
from tilth.store import ArtifactStore, ModelVersion, Store
from tilth.tables import Prediction, predictions_table, read_feedback, read_predictions
from tilth.types import JSONObject

__all__ = ["monitor"]


@dataclass(frozen=True)
class _Served:
    """What a champion was accepted on, read back from the store."""

    version: ModelVersion
    reference: Reference
    schema: Schema
    encoding: LabelEncoding


def monitor(project: Project) -> Monitoring:
    """Judge the newest window of the champion's predictions, and record the verdict.

    Raises:
        NotFoundError: there is no champion.
    """
    with project.store() as store:
        artifacts = project.artifacts()
        served = _champion(project, store, artifacts)
        found = _window(project, served)
        _record(store, artifacts, served.version, found)
        return found


def _champion(project: Project, store: Store, artifacts: ArtifactStore) -> _Served:
    number = store.aliases(project.name).get("champion")
    if number is None:
        raise NotFoundError(f"the model '{project.name}' has no champion", mend="make one with: tilth run")
    version = store.model_version(project.name, number)

    def text(name: str, suffix: str) -> str:
        return artifacts.path(str(version.properties[name]), suffix).read_text(encoding="utf-8")

    evaluation = Evaluation.from_json(json.loads(text("evaluation", ".json"))["test"])
    reference = Reference(
        Profile.from_json(text("reference", ".json")),
        Profile.from_json(text("reference_predictions", ".json")),
        evaluation.slices[0].metrics,
    )
    schema = Schema.from_toml(text("schema", ".toml")).in_environment("serving")
    return _Served(version, reference, schema, evaluation.encoding)


def _window(project: Project, served: _Served) -> Monitoring:
    section = project.configuration.monitor
    every = read_predictions(project.predictions, version=served.version.version)
    predictions = sorted(every, key=lambda p: (p.time, p.id))[-section.window :]
    performance = _performance(project, served, predictions)
    types = {name: served.schema[name].type for name in served.reference.inputs.columns}
    return watch(
        f"{project.name}@{served.version.version}",
        profile(predictions_table(predictions, types).select(list(types))),
        profile(_answers(predictions, served.encoding)),
        performance.slices[0].metrics if performance else None,
        performance.rows if performance else 0,
        served.reference,
        replace(served.schema, columns=tuple(c for c in served.schema.columns if c.name in types)),
        project.configuration.checks_at("live"),
        minimum_rows=section.minimum_rows,
        drift_threshold=section.drift_threshold,
        significance=section.significance,
    )


def _answers(predictions: Sequence[Prediction], encoding: LabelEncoding) -> pa.Table:
    """The answers as columns, as `Answers.table` gives them for the reference."""
    if encoding.task == "regression":
        return pa.table({"prediction": pa.array([float(p.label) for p in predictions], pa.float64())})
    names = [label_text(p.label) for p in predictions]
    confidence = [(p.scores or {}).get(name) for p, name in zip(predictions, names, strict=True)]
    return pa.table(
        {"prediction": pa.array(names, pa.string()), "confidence": pa.array(confidence, pa.float64())}
    )


def _performance(project: Project, served: _Served, predictions: Sequence[Prediction]) -> Evaluation | None:
    """The metrics on the predictions whose outcome is known; None while there are none."""
    outcomes = read_feedback(project.predictions)
    known = [p for p in predictions if p.id in outcomes]
    if not known:
        return None
    encoding = served.encoding
    evaluator = Evaluator(encoding, threshold=project.configuration.train.threshold)
    if encoding.task == "regression":
        truth = np.array([float(outcomes[p.id][0]) for p in known])
        evaluator.update(truth, predictions=np.array([float(p.label) for p in known]))
        return evaluator.result()
    codes = {name: code for code, name in enumerate(encoding.names)}
    truth = np.array([codes[label_text(outcomes[p.id][0])] for p in known])
    said = np.array([codes[label_text(p.label)] for p in known])
    scores = np.array([[(p.scores or {})[name] for name in encoding.names] for p in known])
    evaluator.update(truth, predictions=said, scores=scores[:, 1] if encoding.task == "binary" else scores)
    return evaluator.result()


def _record(store: Store, artifacts: ArtifactStore, version: ModelVersion, found: Monitoring) -> None:
    """Keep the window's report, with the verdicts, as made from the model that it judges."""
    run = store.begin_run("monitor", {"model": found.model})
    text = json.dumps(found.to_json(), indent=1, allow_nan=False)
    key = hashlib.sha256(text.encode()).hexdigest()
    execution = store.begin_execution(
        run, "monitor", key, code_version=code_version(), inputs={"model": version.artifact}
    )
    digest, size = artifacts.put_bytes(text.encode(), ".json")
    with store.transaction():
        properties: JSONObject = {
            "suffix": ".json",
            "model": found.model,
            "rows": found.rows,
            "outcomes": found.outcomes,
            "alarms": [str(verdict) for verdict in found.alarms],
            "drifted": list(found.inputs.drifted),
        }
        report = store.record_artifact("monitoring", "monitoring", digest, size, properties=properties)
        store.log_verdicts(run, found.verdicts)
        store.end_execution(execution, "complete", {"monitoring": report})
        store.end_run(run, "complete")
