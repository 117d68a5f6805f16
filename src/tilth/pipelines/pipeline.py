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
from tilth.metrics import LabelEncoding
from tilth.pipelines.cautions import cautions
from tilth.pipelines.data_steps import DATA_STEPS
from tilth.pipelines.dataset_versions import PROJECT_DATA
from tilth.pipelines.feedback import collect_feedback
from tilth.pipelines.lookup_step import lookup_files
from tilth.pipelines.model_steps import MODEL_STEPS
from tilth.pipelines.obligations import must_pass_files, word_list_files
from tilth.pipelines.publishing import publish
from tilth.pipelines.release import register
from tilth.pipelines.runner import Listener, Runner, RunReport, Source, end_early
from tilth.pipelines.runs import chief_metric
from tilth.pipelines.sources import record_source
from tilth.pipelines.step import Output, Step, StepContext, StepResult, in_order, needed_for
from tilth.pipelines.surroundings import record_surroundings
from tilth.pipelines.training_files import training_files
from tilth.projects import Project
from tilth.schemas import Schema
from tilth.store import Artifact, ArtifactStore, ModelVersion, Run, Store
from tilth.types import JSONObject

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
            record_surroundings(project, store, artifacts, run)
            pipeline = _Pipeline(project, store, artifacts, run, with_feedback)
            steps = [*DATA_STEPS, *MODEL_STEPS, pipeline.register_step()]
            wanted = needed_for(steps, until) if until else steps
            if any("training_files" in step.inputs for step in wanted):
                training_files(project)  # what is wrong with them is better said before the data are read
            if any("must_pass" in step.inputs for step in wanted):
                must_pass_files(project), word_list_files(project)
            runner = Runner(project, store, artifacts, pipeline.sources(), pipeline.files, engine)
            report = runner.run(wanted, listener, run)
            report = replace(report, notes=cautions(report, artifacts))
            pipeline.write_schema(report)
            pipeline.name_dataset(report)
            failure = report.failure
            store.end_run(run, "failed" if failure else "complete", error=failure.what if failure else None)
            report = replace(report, metric=chief_metric(store, run))
        try:
            publish(project, store, artifacts, run, report)
        except UsageError as error:
            # A tracker that is away must not undo a run that is done.
            return replace(report, notes=(*report.notes, f"not published to MLflow: {error.what}"))
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
            "lookups": lambda _: tuple(self._file(path) for path in lookup_files(self.project)),
            "schema_file": lambda _: self._text(self.project.schema_path),
            "features_file": lambda _: self._needed_text(self.project.features_path),
            "training_files": lambda _: self._training_files(),
            "feedback": lambda _: self._feedback(),
            "champion": self._champion,
            "older": lambda _: self._older(),
            "must_pass": lambda _: tuple(map(self._file, must_pass_files(self.project))),
            "never": lambda _: tuple(a for p in word_list_files(self.project) for a in self._text(p)),
            "previous_dataset": self._previous_dataset,
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

    def _training_files(self) -> tuple[Artifact, ...]:
        """The code of a training function of the project's own: kept, under its names in the project."""
        found = []
        for name, path in training_files(self.project).items():
            digest, size = self.artifacts.put_file(path, ".py")
            properties: JSONObject = {"suffix": ".py"}
            found.append(self.store.record_artifact("file", name, digest, size, properties=properties))
        return tuple(found)

    def _feedback(self) -> tuple[Artifact, ...]:
        if not self.with_feedback:
            return ()
        return (collect_feedback(self.project, self.store, self.artifacts, self.run),)

    def _previous_profile(self, made: Mapping[str, tuple[Artifact, ...]]) -> tuple[Artifact, ...]:
        """The profile of the data set version before, where the schema bounds the change of size."""
        schema = Schema.from_toml(self.artifacts.read_bytes(made["schema"][0].digest, ".toml").decode())
        if schema.min_rows_ratio is None and schema.max_rows_ratio is None:
            return ()
        before = self._before(made["dataset"][0])
        return () if before is None else self._profile_of(before)

    def _before(self, dataset: Artifact) -> Artifact | None:
        """The data set version before one that is known, or that is to be the next."""
        known = self.store.dataset_versions(self.project.workspace.dataset_name(PROJECT_DATA))
        numbers = [v.version for v in known if v.artifact.fingerprint == dataset.fingerprint]
        before = [v for v in known if not numbers or v.version < numbers[0]]
        return before[0].artifact if before else None

    def _previous_dataset(self, made: Mapping[str, tuple[Artifact, ...]]) -> tuple[Artifact, ...]:
        """The data set version before, where there is no champion whose data set tells how data has grown."""
        before = None if self._champion_version is not None else self._before(made["dataset"][0])
        return () if before is None else (before,)

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
        return self._came_with(version)

    def _older(self) -> tuple[Artifact, ...]:
        """The same of the model that [baselines] names as the older system."""
        reference = self.project.configuration.baselines.older_model
        if reference is None:
            return ()
        name, _, which = reference.rpartition("@")
        return self._came_with(self.store.model_version(name or self.project.name, which))

    def _came_with(self, version: ModelVersion) -> tuple[Artifact, ...]:
        """A version's graph, data set, split and evaluation."""
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
            label = LabelEncoding.from_json(tested).to_json()
            made = {name: context.artifacts[name][0] for name in REGISTERED}
            outcome = register(self.project, self.store, self.run, made, label)
            context.output["registration"].write_text(json.dumps(outcome.to_json()), encoding="utf-8")
            return StepResult(outcome.summary, unchanged=not outcome.changed)

        return Step(
            "register", REGISTERED, {"registration": Output("registration", ".json")}, run, always=True
        )
