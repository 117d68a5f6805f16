"""Bringing production's outcomes back into the data, with their lineage."""

from __future__ import annotations

import hashlib

from tilth.errors import DataError
from tilth.labels import join_feedback
from tilth.pipelines.runner import code_version
from tilth.projects import Project
from tilth.store import Artifact, ArtifactStore, Run, Store
from tilth.tables import fingerprint, read_feedback, read_predictions, write_table

__all__ = ["collect_feedback"]


def collect_feedback(project: Project, store: Store, artifacts: ArtifactStore, run: Run) -> Artifact:
    """The served predictions whose outcome is known by now, as a data set.

    It is recorded as made by the model versions that answered, so that lineage leads from a model's answers
    to the models that learned from them.

    Raises:
        DataError: no outcome has come back yet.
    """
    predictions = read_predictions(project.predictions)
    outcomes = read_feedback(project.predictions)
    schema = project.schema()
    types = {column.name: column.type for column in schema.columns}
    table = join_feedback(predictions, outcomes, label=project.label, types=types)
    if table.rows == 0:
        raise DataError(
            "no outcome has come back yet",
            where=str(project.predictions),
            expected="answers to POST /feedback",
            mend='post {"prediction_id": ..., "label": ...} to the server, or run without --with-feedback',
        )
    answered_by = sorted({p.version for p in predictions if p.id in outcomes})
    known = {v.version: v.artifact for v in store.model_versions(project.name)}
    served = {f"answered by version {version}": known[version] for version in answered_by if version in known}
    mark = fingerprint(table)
    key = hashlib.sha256(f"collect {code_version()} {mark}".encode()).hexdigest()
    found = store.find_cached("collect", key)
    if found is not None:
        return store.outputs(found)["feedback"]
    execution = store.begin_execution(
        run, "collect", key, parameters={"rows": table.rows}, code_version=code_version(), inputs=served
    )
    draft = artifacts.draft(".parquet")
    write_table(table, draft)
    digest, size = artifacts.put_draft(draft)
    artifact = store.record_artifact(
        "dataset",
        "feedback",
        digest,
        size,
        fingerprint=mark,
        properties={"rows": table.rows, "suffix": ".parquet"},
    )
    store.end_execution(execution, "complete", {"feedback": artifact})
    return artifact
