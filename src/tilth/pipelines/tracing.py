"""`tilth lineage`: what made a thing, and what was made from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tilth.errors import NotFoundError
from tilth.pipelines.dataset_versions import dataset_reference
from tilth.pipelines.sources import find_sources, is_source
from tilth.projects import Project
from tilth.store import Artifact, LineageGraph, Record, Store
from tilth.types import JSONObject

__all__ = ["Trace", "trace"]


@dataclass(frozen=True)
class Trace:
    """The two directions of a thing's lineage; None where it was not asked for."""

    reference: str
    upstream: LineageGraph | None
    downstream: LineageGraph | None

    def to_json(self) -> JSONObject:
        """The lineage as JSON values."""
        return {
            "reference": self.reference,
            "upstream": self.upstream.to_json() if self.upstream else None,
            "downstream": self.downstream.to_json() if self.downstream else None,
        }

    def report(self) -> str:
        """The lineage for people: each execution with what it read and made."""
        lines = []
        for title, graph in (("made from", self.upstream), ("made into", self.downstream)):
            if graph is None:
                continue
            lines.append(
                f"{self.reference} was {title}:"
                if graph.executions
                else f"{self.reference} was {title}: nothing"
            )
            models: dict[int, str] = {}
            for model in graph.models:  # one graph may be several versions
                before = f"{models[model.artifact.id]}, " if model.artifact.id in models else ""
                models[model.artifact.id] = before + model.reference
            for execution in graph.executions:
                made = ", ".join(_name(a, models) for a in graph.outputs(execution).values())
                read = ", ".join(_name(a, models) for a in graph.inputs(execution).values())
                left = f"{read} -> " if read else ""
                when = f"{execution.started:%Y-%m-%d %H:%M}"
                lines.append(f"  {execution.step:<10} run {execution.run:<4} {when}  {left}{made}")
        return "\n".join(lines)


def trace(project: Project, reference: str, *, upstream: bool = True, downstream: bool = True) -> Trace:
    """The lineage of a model, run, artifact or data file.

    Raises:
        NotFoundError: no record of that name.
    """
    with project.store() as store:
        start = _start(project, store, reference)
        return Trace(
            reference,
            store.lineage(start, "upstream") if upstream else None,
            store.lineage(start, "downstream") if downstream else None,
        )


def _start(project: Project, store: Store, reference: str) -> tuple[Record, ...]:
    """The records meant: data by their contents and their path, else whatever the store finds."""
    path = Path(reference)
    if is_source(path):
        found = find_sources(store, path)
        if found:
            return found
        what = "folder" if path.is_dir() else "file"
        raise NotFoundError(f"no run has read the {what} {reference}", mend="carry out: tilth run")
    if reference in store.aliases(project.name):
        return store.find(f"{project.name}@{reference}")
    dataset = dataset_reference(reference)
    if dataset is not None:
        own = project.workspace.dataset_name(dataset[0])
        if store.dataset_versions(own):
            return (store.dataset_version(own, dataset[1]),)
    return store.find(reference)


def _name(artifact: Artifact, models: dict[int, str]) -> str:
    name = models.get(artifact.id, artifact.name)
    return f"{name} ({artifact.reference[:8]})"
