"""`tilth monitor`: the newest window of what was served, judged and recorded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import pyarrow as pa

from tilth.errors import DataError, NotFoundError
from tilth.evaluation import Evaluation
from tilth.metrics import LabelEncoding, label_text
from tilth.monitoring import Monitoring, Reference, Thresholds, Window, watch
from tilth.pipelines.runner import code_version
from tilth.pipelines.scoring import Answers, measure
from tilth.profiles import Profile, profile
from tilth.projects import Project
from tilth.schemas import Schema
from tilth.store import ArtifactStore, ModelVersion, Store
from tilth.tables import Label, Prediction, open_table, predictions_table, read_feedback, read_predictions
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

    evaluation = Evaluation.from_json(json.loads(text("evaluation", ".json"))["test"])
    reference = Reference(
        Profile.from_json(text("reference", ".json")),
        Profile.from_json(text("reference_predictions", ".json")),
        evaluation.slices[0].metrics,
    )
    schema = Schema.from_toml(text("schema", ".toml")).in_environment("serving")
    same = [
        v.version for v in store.model_versions(project.name) if v.artifact.digest == version.artifact.digest
    ]
    watched = tuple(column for column in schema.columns if column.name in reference.inputs.columns)
    return _Served(version, frozenset(same), reference, replace(schema, columns=watched), evaluation.encoding)


def _window(project: Project, served: _Served) -> Window:
    size = project.configuration.monitor.window
    made = [
        prediction
        for prediction in read_predictions(project.predictions)
        if prediction.model == project.name and prediction.version in served.same_graph
    ]
    every = [prediction for prediction in made if _is_answer(prediction, served.encoding)]
    notes = _left_out(len(made) - len(every), "answer", "")
    newest = every[-size:]
    outcomes = {identity: label for identity, (label, _) in read_feedback(project.predictions).items()}
    performance, left_out = _performance(every, outcomes, size, served.encoding)
    types = {column.name: column.type for column in served.schema.columns}
    # A version from before it kept them was made with what tilth.toml says.
    kept = served.version.properties.get("missing", list(project.configuration.data.missing))
    rows = predictions_table(newest, types, missing=cast("list[str]", kept))
    return Window(
        profile(rows.select([name for name in types if name in rows.columns])),
        profile(_answers(newest, served.encoding).table(served.encoding)),
        performance.slices[0].metrics if performance else None,
        performance.rows if performance else 0,
        (*notes, *left_out),
    )


def _is_answer(prediction: Prediction, encoding: LabelEncoding) -> bool:
    """Whether a model of these classes can have said this."""
    if encoding.task == "regression":
        return prediction.scores is None and not isinstance(prediction.label, str)
    names = set(encoding.names)
    return label_text(prediction.label) in names and names <= set(prediction.scores or ())


def _answers(predictions: Sequence[Prediction], encoding: LabelEncoding) -> Answers:
    """What was said, as the same model would say it now."""
    if encoding.task == "regression":
        return Answers(np.array([float(p.label) for p in predictions], np.float64), None)
    names = encoding.names
    codes = [names.index(label_text(p.label)) for p in predictions]
    scores = [[(p.scores or {})[name] for name in names] for p in predictions]
    return Answers(
        np.array(codes, np.int64), np.array(scores, np.float64).reshape(len(predictions), len(names))
    )


def _performance(
    every: Sequence[Prediction], outcomes: Mapping[str, Label], size: int, encoding: LabelEncoding
) -> tuple[Evaluation | None, tuple[str, ...]]:
    """The metrics on the newest predictions whose outcome is known, and a note on what was left out."""
    known = [(p, label_text(outcomes[p.id])) for p in every if p.id in outcomes][-size:]
    fits = {text: _fits(text, encoding) for text in {text for _, text in known}}
    strange = [text for _, text in known if not fits[text]]
    judged = [(p, text) for p, text in known if fits[text]]
    notes = _left_out(len(strange), "outcome", f", such as '{strange[0][:50]}'" if strange else "")
    if not judged:
        return None, notes
    texts = [text for _, text in judged]
    truth = pa.array([float(text) for text in texts] if encoding.task == "regression" else texts)
    answers = _answers([p for p, _ in judged], encoding)
    return measure(answers, open_table(pa.table({"outcome": truth})), "outcome", encoding), notes


def _fits(outcome: str, encoding: LabelEncoding) -> bool:
    """Whether an outcome can be true of what the model predicts."""
    try:
        encoding.encode(pa.array([float(outcome) if encoding.task == "regression" else outcome]))
    except (DataError, ValueError):
        return False
    return True


def _left_out(count: int, what: str, example: str) -> tuple[str, ...]:
    if not count:
        return ()
    named = f"{what} left out that does" if count == 1 else f"{what}s left out that do"
    return (f"{count:,} {named} not fit this model{example}",)


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
