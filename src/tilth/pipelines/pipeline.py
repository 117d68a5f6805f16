"""The pipeline of a project: ingest to register, and what enters it from outside."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from tilth.engines import Engine
from tilth.errors import UsageError
from tilth.pipelines.data_steps import DATA_STEPS
from tilth.pipelines.dataset_versions import PROJECT_DATA
from tilth.pipelines.feedback import collect_feedback
from tilth.pipelines.model_steps import MODEL_STEPS
from tilth.pipelines.publishing import publish
from tilth.pipelines.release import register
from tilth.pipelines.runner import Listener, Runner, RunReport, Source, end_early
from tilth.pipelines.sources import record_source
from tilth.pipelines.step import Output, Step, StepContext, StepResult, in_order, needed_for
from tilth.projects import Project
from tilth.schemas import Schema
from tilth.store import Artifact, ArtifactStore, ModelVersion, Run, Store

__all__ = ["STEPS", "run_pipeline"]

REGISTERED = ("model", "evaluation", "reference", "reference_predictions", "schema", "dataset", "split")

STEPS: tuple[str, ...] = (*(step.name for step in in_order([*DATA_STEPS, *MODEL_STEPS])), "register")
"""The names of all steps, in order."""


def run_pipeline(
    project: Project,
    listener: Listener,
    *,
    until: str | None = None,
    with_feedback: bool = False,
    engine: Engine | None = None,
) -> RunReport:
    """Carry out a project's pipeline and record it.

    Args:
        project: the project.
        listener: who is told how it goes on.
        until: the last step wanted; default: all.
        with_feedback: learn also from what production has labeled by now.
        engine: where passes over all rows are made; default: in this process.

    Returns:
        What was done. `failure` is set when a check did not hold; nothing was registered then.

    Raises:
        UsageError: no such step.
        TilthError: whatever keeps a step from being carried out.
    """
    with project.store() as store:
        artifacts = project.artifacts()
        artifacts.clean()
        store.interrupt_stale()
        given = {"project": project.name, "until": until, "with_feedback": with_feedback}
        run = store.begin_run("run", {**given, "configuration": project.configuration.to_json()})
        with _ended(store, run):
            pipeline = _Pipeline(project, store, artifacts, run, with_feedback)
            steps = [*DATA_STEPS, *MODEL_STEPS, pipeline.register_step()]
            wanted = needed_for(steps, until) if until else steps
            runner = Runner(project, store, artifacts, pipeline.sources(), pipeline.files, engine)
            report = runner.run(wanted, listener, run)
            pipeline.write_schema(report)
            pipeline.name_dataset(report)
            failure = report.failure
            store.end_run(run, "failed" if failure else "complete", error=failure.what if failure else None)
        try:
            publish(project, store, artifacts, run, report)
        except UsageError as error:
            # A tracker that is away must not undo a run that is done.
            return replace(report, notes=(f"not published to MLflow: {error.what}",))
        return report


@contextlib.contextmanager
def _ended(store: Store, run: Run) -> Iterator[None]:
    """Record that a run was interrupted or failed, without hiding by what."""
    try:
        yield
    except BaseException as error:
        end_early(store, run, error)
        raise


@dataclass
class _Pipeline:
    """One run's view of what lies outside the steps: files, feedback, the champion."""

    project: Project
    store: Store
    artifacts: ArtifactStore
    run: Run
    with_feedback: bool
    files: dict[str, Path] = field(default_factory=dict)

    def sources(self) -> dict[str, Source]:
        """Where each input comes from that no step makes."""
        return {
            "sources": lambda _: tuple(self._file(path) for path in self.project.sources()),
            "schema_file": lambda _: self._text(self.project.schema_path),
            "features_file": lambda _: self._needed_text(self.project.features_path),
            "feedback": lambda _: self._feedback(),
            "champion": self._champion,
            "previous_profile": self._previous_profile,
        }

    def _file(self, path: Path) -> Artifact:
        """Data where they lie: they are recorded by their contents, and not copied."""
        source = record_source(self.store, path)
        self.files[source.digest] = path
        return source

    def _text(self, path: Path) -> tuple[Artifact, ...]:
        """A file that people write: kept, since it changes under the same name."""
        if not path.exists():
            return ()
        self.project.read_text(path)
        digest, size = self.artifacts.put_file(path, path.suffix)
        properties = {"suffix": path.suffix}
        return (self.store.record_artifact("file", path.name, digest, size, properties=properties),)

    def _needed_text(self, path: Path) -> tuple[Artifact, ...]:
        self.project.read_text(path)
        return self._text(path)

    def _feedback(self) -> tuple[Artifact, ...]:
        if not self.with_feedback:
            return ()
        return (collect_feedback(self.project, self.store, self.artifacts, self.run),)

    def _previous_profile(self, made: Mapping[str, tuple[Artifact, ...]]) -> tuple[Artifact, ...]:
        """The profile of the data set version before, where the schema bounds the change of size."""
        schema = Schema.from_toml(self.artifacts.read_bytes(made["schema"][0].digest, ".toml").decode())
        if schema.min_rows_ratio is None and schema.max_rows_ratio is None:
            return ()
        dataset = made["dataset"][0]
        known = self.store.dataset_versions(self.project.workspace.dataset_name(PROJECT_DATA))
        numbers = [v.version for v in known if v.artifact.fingerprint == dataset.fingerprint]
        before = [v for v in known if not numbers or v.version < numbers[0]]
        return self._profile_of(before[0].artifact) if before else ()

    def _profile_of(self, dataset: Artifact) -> tuple[Artifact, ...]:
        """The profile that a run made of a data set, if its file is still there."""
        for event in self.store.events(artifact=dataset):
            found = self.store.outputs(event.execution).get("profile") if event.role == "input" else None
            if found is not None and self.artifacts.holds(found.digest, ".json", found.size):
                return (found,)
        return ()

    @cached_property
    def _champion_version(self) -> ModelVersion | None:
        """The champion as this run met it; one that is promoted meanwhile is the next run's concern."""
        version = self.store.aliases(self.project.name).get("champion")
        return None if version is None else self.store.model_version(self.project.name, version)

    def _champion(self, made: Mapping[str, tuple[Artifact, ...]]) -> tuple[Artifact, ...]:
        """The champion's graph, data set, split and evaluation; nothing if it is this very model."""
        version = self._champion_version
        if version is None or version.artifact.digest == made["model"][0].digest:
            return ()
        names = ("dataset", "split", "evaluation")
        came_with = (self.store.artifacts(n, digest=str(version.properties[n]), limit=1)[0] for n in names)
        return (version.artifact, *came_with)

    def write_schema(self, report: RunReport) -> None:
        """Write the inferred schema for people to curate, where they have none."""
        schema = report.artifact("schema")
        path = self.project.schema_path
        if schema is None or path.exists():
            return
        waiting = path.with_name(f".schema.toml.{self.run.number}")
        waiting.write_bytes(self.artifacts.read_bytes(schema.digest, ".toml"))
        waiting.replace(path)

    def name_dataset(self, report: RunReport) -> None:
        """Give the data that was read its version number."""
        dataset = report.artifact("dataset")
        if dataset is not None:
            name = self.project.workspace.dataset_name(PROJECT_DATA)
            self.store.register_dataset(name, dataset, self.run)

    def register_step(self) -> Step:
        """The last step; it is carried out each time, since it depends on what is registered."""

        def run(context: StepContext) -> StepResult:
            tested = json.loads(context.text("evaluation"))["test"]
            label = {name: tested[name] for name in ("task", "classes", "positive")}
            made = {name: context.artifacts[name][0] for name in REGISTERED}
            outcome = register(self.project, self.store, self.run, made, label)
            context.output["registration"].write_text(json.dumps(outcome.to_json()), encoding="utf-8")
            return StepResult(outcome.summary, unchanged=not outcome.changed)

        return Step(
            "register", REGISTERED, {"registration": Output("registration", ".json")}, run, always=True
        )
