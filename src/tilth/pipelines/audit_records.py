"""Audits as records: a run with one execution, which the lineage of the model shows."""

from __future__ import annotations

import json

from tilth.pipelines.audit import Audit
from tilth.pipelines.code_version import code_version
from tilth.pipelines.runner import end_early
from tilth.projects import Project
from tilth.store import Artifact, ArtifactStore, Execution, Run, Store

__all__ = ["record_audit"]


def record_audit(project: Project, store: Store, audit: Audit, *, why: str = "") -> Run:
    """Record an audit with its verdicts, the risks as they were written, and the evaluation.

    Args:
        project: the project.
        store: its open store.
        audit: what was found.
        why: what it was for, where it let a version out.
    """
    artifacts = project.artifacts()
    given = {"project": project.name, "model": audit.version.reference}
    run = store.begin_run("audit", given | ({"why": why} if why else {}))
    try:
        execution = _begin(store, artifacts, run, audit)
        document = json.dumps(audit.to_json(), indent=1, allow_nan=False)
        digest, size = artifacts.put_bytes(document.encode(), ".json")
        verdicts = [entry.finding.verdict for entry in audit.entries]
        with store.transaction():
            made = store.record_artifact("audit", "audit", digest, size, properties={"suffix": ".json"})
            store.log_verdicts(run, verdicts, execution=execution)
            store.end_execution(execution, "complete", {"audit": made})
            store.end_run(run, "complete")
    except BaseException as error:
        end_early(store, run, error)
        raise
    return run


def _begin(store: Store, artifacts: ArtifactStore, run: Run, audit: Audit) -> Execution:
    digest, size = artifacts.put_bytes(audit.text.encode(), ".toml")
    risks = store.record_artifact("file", audit.file, digest, size, properties={"suffix": ".toml"})
    inputs: dict[str, Artifact] = {"model": audit.version.artifact, "risks": risks}
    evaluation = str(audit.version.properties.get("evaluation"))
    for found in store.artifacts("evaluation", digest=evaluation, limit=1):
        inputs["evaluation"] = found
    return store.begin_execution(run, "audit", run.reference, code_version=code_version(), inputs=inputs)
