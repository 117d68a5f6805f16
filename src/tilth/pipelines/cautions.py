"""Cautions: what a run saw that stops nothing, but that people should know."""

from __future__ import annotations

import json

from tilth.pipelines.runner import RunReport
from tilth.store import ArtifactStore

__all__ = ["cautions"]

_PLACES = {"sanity": "notes", "evaluation": "warnings"}
"""Artifact -> the key under which it keeps its sentences."""


def cautions(report: RunReport, artifacts: ArtifactStore) -> tuple[str, ...]:
    """The sentences in the artifacts of a run, made now or before, each once."""
    found: dict[str, None] = {}
    for name, key in _PLACES.items():
        artifact = report.artifact(name)
        if artifact is None:
            continue
        suffix = str(artifact.properties.get("suffix", ".json"))
        document = json.loads(artifacts.read_bytes(artifact.digest, suffix))
        found.update(dict.fromkeys(str(sentence) for sentence in document.get(key, ())))
    return tuple(found)
