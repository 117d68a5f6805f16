"""Bringing production's outcomes back into the data, with their lineage."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from tilth.errors import DataError
from tilth.labels import join_feedback
from tilth.pipelines.code_version import code_version
from tilth.pipelines.runner import end_early
from tilth.projects import Project
from tilth.projects.privacy import unknowable_columns, without_personal
from tilth.store import Artifact, ArtifactStore, Run, Store
from tilth.tables import Prediction, Table, fingerprint, read_feedback, read_predictions, write_table
from tilth.types import JSONObject

__all__ = ["collect_feedback"]

_SUFFIX = ".parquet"


def collect_feedback(project: Project, store: Store, artifacts: ArtifactStore, run: Run) -> Artifact:
    """The served predictions whose outcome is known by now, as a data set.

    It is recorded as made by the model versions that answered, so that lineage leads from a model's answers
    to the models that learned from them.

    Raises:
        DataError: no outcome has come back yet.
    """
    outcomes = read_feedback(project.predictions)
    known = [p for p in read_predictions(project.predictions) if p.model == project.name and p.id in outcomes]
    section = project.configuration.project
    if section.group is not None:
        known = [p for p in known if p.inputs.get(section.group) is not None]
    schema = project.schema()
    hidden = unknowable_columns(schema)
    table = join_feedback(
        [without_personal(made, hidden) for made in known],
        outcomes,
        label=project.label,
        types={column.name: column.type for column in schema.columns},
        missing=project.configuration.data.missing,
        separator=section.separator,
    )
    if table.rows == 0 and section.group is not None and outcomes:
        raise DataError(
            f"no outcome is of a prediction whose '{section.group}' is known",
            where=str(project.predictions),
            expected=f"requests that bring '{section.group}', so that rows can be ranked together",
            mend="send it with each row, or run without --with-feedback",
        )
    if table.rows == 0:
        raise DataError(
            "no outcome has come back yet",
            where=str(project.predictions),
            expected="answers to POST /feedback",
            mend='post {"prediction_id": ..., "label": ...} to the server, or run without --with-feedback',
        )
    mark = fingerprint(table)
    key = hashlib.sha256(f"collect {code_version()} {project.name} {mark}".encode()).hexdigest()
    cached = _cached(store, artifacts, run, key)
    if cached is not None:
        return cached
    execution = store.begin_execution(
        run,
        "collect",
        key,
        parameters={"rows": table.rows},
        code_version=code_version(),
        inputs=_answered_by(project, store, known),
    )
    try:
        return _keep(project, store, artifacts, table, mark, execution.id)
    except BaseException as error:
        end_early(store, execution, error)
        raise


def _cached(store: Store, artifacts: ArtifactStore, run: Run, key: str) -> Artifact | None:
    """The same outcomes, collected before, if their file is still there."""
    found = store.find_cached("collect", key)
    if found is None:
        return None
    artifact = store.outputs(found)["feedback"]
    if not artifacts.holds(artifact.digest, _SUFFIX, artifact.size):
        return None
    store.skip_execution(run, found)
    return artifact


def _answered_by(project: Project, store: Store, known: Sequence[Prediction]) -> Mapping[str, Artifact]:
    """The graphs of the versions that gave these answers."""
    graphs = {version.version: version.artifact for version in store.model_versions(project.name)}
    answered = sorted({prediction.version for prediction in known} & graphs.keys())
    return {f"answered by version {number}": graphs[number] for number in answered}


def _keep(
    project: Project, store: Store, artifacts: ArtifactStore, table: Table, mark: str, execution: int
) -> Artifact:
    draft = artifacts.draft(_SUFFIX)
    try:
        write_table(table, draft)
        digest, size = artifacts.put_draft(draft)
    finally:
        draft.unlink(missing_ok=True)
    properties: JSONObject = {"rows": table.rows, "suffix": _SUFFIX, "project": project.name}
    with store.transaction():
        artifact = store.record_artifact(
            "dataset", "feedback", digest, size, fingerprint=mark, properties=properties
        )
        store.end_execution(execution, "complete", {"feedback": artifact})
    return artifact
