"""What surrounds a run, recorded before its first step: code, environment and machine."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tilth.pipelines.code_state import CodeState, code_state
from tilth.pipelines.environment import Environment, host_facts, present_environment
from tilth.projects import Project
from tilth.store import Artifact, ArtifactStore, Run, Store
from tilth.types import JSONObject

__all__ = ["Surroundings", "read_surroundings", "record_surroundings"]

_SUFFIX = {"code": ".json", "diff": ".patch", "environment": ".txt", "host": ".json"}


@dataclass(frozen=True)
class Surroundings:
    """What surrounded a run; None where nothing was recorded.

    Args:
        code: the state of the project's code, with its diff.
        environment: Python and all installed distributions.
        host: facts of the machine.
    """

    code: CodeState | None = None
    environment: Environment | None = None
    host: JSONObject | None = None


def record_surroundings(project: Project, store: Store, artifacts: ArtifactStore, run: Run) -> None:
    """Record the code, environment and machine of a run; by content, so that equal ones are kept once."""
    code = code_state(project.directory)
    texts = {
        "code": _text(code.to_json()),
        "environment": present_environment().lock().encode(),
        "host": _text(host_facts()),
    }
    if code.diff:
        texts["diff"] = code.diff
    kept = {name: artifacts.put_bytes(text, _SUFFIX[name]) for name, text in texts.items()}
    with store.transaction():
        found = {
            name: store.record_artifact(name, name, digest, size, properties={"suffix": _SUFFIX[name]})
            for name, (digest, size) in kept.items()
        }
        store.surround(run, found)
        if code.commit is not None:
            tags = {"git.commit": code.commit, "git.dirty": "true" if code.dirty else "false"}
            store.tag_run(run, tags | ({"git.branch": code.branch} if code.branch else {}))


def read_surroundings(store: Store, artifacts: ArtifactStore, run: Run) -> Surroundings:
    """What was recorded of a run's surroundings.

    Raises:
        StoreError: a file is missing or damaged.
    """
    known = store.surroundings(run)
    texts = {name: _read(artifacts, artifact) for name, artifact in known.items()}
    code = None
    if "code" in texts:
        document = {**json.loads(texts["code"]), "diff": texts.get("diff", b"")}
        code = CodeState.from_json(document)
    lock = texts.get("environment")
    return Surroundings(
        code=code,
        environment=None if lock is None else Environment.from_lock(lock.decode()),
        host=json.loads(texts["host"]) if "host" in texts else None,
    )


def _text(document: JSONObject) -> bytes:
    return json.dumps(document, indent=1, sort_keys=True).encode()


def _read(artifacts: ArtifactStore, artifact: Artifact) -> bytes:
    return artifacts.read_bytes(artifact.digest, str(artifact.properties.get("suffix", "")))
