"""The runner: carries out a pipeline's steps in order, records each, skips what has not changed."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from tilth.engines import Engine
from tilth.errors import CheckFailed
from tilth.pipelines.code_version import code_version
from tilth.pipelines.resources import Meter
from tilth.pipelines.step import Step, StepContext, StepResult, in_order
from tilth.projects import Project
from tilth.store import Artifact, ArtifactStore, Execution, Metric, Run, Store, Stored, Usage
from tilth.store import State as ExecutionState
from tilth.types import JSONObject

__all__ = ["Listener", "RunReport", "Runner", "StepReport", "end_early"]

State = Literal["complete", "skipped", "failed"]


@dataclass(frozen=True)
class StepReport:
    """How one step ended, what it made, and what it used; None where it was skipped."""

    step: str
    state: State
    seconds: float
    summary: str
    outputs: Mapping[str, Artifact] = field(default_factory=dict)
    usage: Usage | None = None

    def to_json(self) -> JSONObject:
        """The report as JSON values; what was used over time is in the record."""
        return {
            "step": self.step,
            "state": self.state,
            "seconds": round(self.seconds, 3),
            "cpu_seconds": None if self.usage is None else round(self.usage.cpu_s, 3),
            "peak_memory_mb": None if self.usage is None else self.usage.peak_memory_mb,
            "summary": self.summary,
            "outputs": {name: artifact.digest for name, artifact in self.outputs.items()},
        }


@dataclass(frozen=True)
class RunReport:
    """How a run ended: its number, its steps, the check that did not hold, and what else to know.

    `metric` is the one by which models of its task are told apart first, on the test part; None where the
    run did not come that far.
    """

    run: int
    steps: tuple[StepReport, ...]
    failure: CheckFailed | None = None
    notes: tuple[str, ...] = ()
    metric: Metric | None = None

    def artifact(self, name: str) -> Artifact | None:
        """The artifact that a step of this run made or reused."""
        for report in self.steps:
            if name in report.outputs:
                return report.outputs[name]
        return None

    def to_json(self) -> JSONObject:
        """The report as JSON values."""
        return {
            "run": self.run,
            "state": "failed" if self.failure else "complete",
            "reason": str(self.failure) if self.failure else None,
            "notes": list(self.notes),
            "metric": None if self.metric is None else self.metric.to_json(),
            "steps": [report.to_json() for report in self.steps],
        }


class Listener(Protocol):
    """Who is told how a run goes on."""

    def started(self, step: str) -> None:
        """A step begins."""

    def ended(self, report: StepReport) -> None:
        """A step ended, or was skipped."""


Source = Callable[[Mapping[str, tuple[Artifact, ...]]], tuple[Artifact, ...]]
"""Where an input from outside the pipeline comes from, given the artifacts so far."""


@dataclass(frozen=True)
class Runner:
    """Carries out steps against one store.

    Args:
        project: whose steps.
        store: where executions are recorded.
        artifacts: where outputs are kept.
        sources: inputs that no step makes, by name.
        source_files: where to find the file of an artifact that is not kept in `artifacts`.
        engine: where passes over all rows are made; it changes no result, so it is not part of any key.
        shared: what steps have made for each other; nor does this.
    """

    project: Project
    store: Store
    artifacts: ArtifactStore
    sources: Mapping[str, Source]
    source_files: Mapping[str, Path]
    engine: Engine | None = None
    shared: dict[object, object] = field(default_factory=dict)

    def run(self, steps: Sequence[Step], listener: Listener, run: Run) -> RunReport:
        """Carry out the steps in order; stop at the first check that does not hold.

        Whatever ends it early (an error, Ctrl-C, a crash) leaves the steps that had finished recorded, so
        that the next run goes on after them.
        """
        made: dict[str, tuple[Artifact, ...]] = {}
        reports: list[StepReport] = []
        for step in in_order(steps):
            listener.started(step.name)
            for name in step.inputs:
                if name not in made:
                    made[name] = self.sources[name](made)
            report, failure = self._step(step, {name: made[name] for name in step.inputs}, run)
            listener.ended(report)
            reports.append(report)
            made.update({name: (artifact,) for name, artifact in report.outputs.items()})
            if failure is not None:
                return RunReport(run.number, tuple(reports), failure)
        return RunReport(run.number, tuple(reports))

    def _step(
        self, step: Step, inputs: Mapping[str, tuple[Artifact, ...]], run: Run
    ) -> tuple[StepReport, CheckFailed | None]:
        start = time.perf_counter()
        parameters = step.parameters(self.project)
        key = _key(step, parameters, inputs)
        cached = None if step.always else self._cached(step, key)
        if cached is not None:
            self.store.skip_execution(run, cached)
            outputs = self.store.outputs(cached)
            return StepReport(step.name, "skipped", time.perf_counter() - start, "unchanged", outputs), None
        execution = self.store.begin_execution(
            run, step.name, key, parameters=parameters, code_version=code_version(), inputs=_by_name(inputs)
        )
        meter = Meter()
        try:
            with meter:
                result, stored = self._execute(step, parameters, inputs)
            used = meter.usage()
            outputs = self._finish(step, execution, run, result, stored, used)
        except BaseException as error:
            end_early(self.store, execution, error, meter.usage())
            raise
        state: State = "failed" if result.failure else "skipped" if result.unchanged else "complete"
        seconds = time.perf_counter() - start
        return StepReport(step.name, state, seconds, result.summary, outputs, used), result.failure

    def _cached(self, step: Step, key: str) -> Execution | None:
        """An earlier execution of exactly this, if the files that it made are still there."""
        execution = self.store.find_cached(step.name, key)
        if execution is None:
            return None
        outputs = self.store.outputs(execution)
        whole = set(outputs) == set(step.outputs) and all(
            self.artifacts.holds(artifact.digest, step.outputs[name].suffix, artifact.size)
            for name, artifact in outputs.items()
        )
        return execution if whole else None

    def _execute(
        self, step: Step, parameters: JSONObject, inputs: Mapping[str, tuple[Artifact, ...]]
    ) -> tuple[StepResult, dict[str, Stored]]:
        """Run the function; it writes to drafts, which are kept only when it is done."""
        drafts = {name: self.artifacts.draft(output.suffix) for name, output in step.outputs.items()}
        files = {name: tuple(self.file(a) for a in found) for name, found in inputs.items()}
        try:
            context = StepContext(self.project, parameters, inputs, files, drafts, self.engine, self.shared)
            result = step.run(context)
            return result, {name: self.artifacts.put_draft(draft) for name, draft in drafts.items()}
        finally:
            for draft in drafts.values():
                draft.unlink(missing_ok=True)

    def _finish(
        self,
        step: Step,
        execution: Execution,
        run: Run,
        result: StepResult,
        stored: Mapping[str, Stored],
        used: Usage,
    ) -> dict[str, Artifact]:
        """Record the outputs, what was measured and used, and the end of an execution, in one transaction."""
        with self.store.transaction():
            outputs = {}
            for name, (digest, size) in stored.items():
                properties = {**result.properties.get(name, {}), "suffix": step.outputs[name].suffix}
                mark = properties.pop("fingerprint", None)
                outputs[name] = self.store.record_artifact(
                    step.outputs[name].kind,
                    name,
                    digest,
                    size,
                    fingerprint=None if mark is None else str(mark),
                    properties=properties,
                )
            self.store.log_metrics(run, result.metrics, execution=execution)
            self.store.log_verdicts(run, result.verdicts, execution=execution)
            self.store.log_curves(execution, result.curves)
            self.store.log_usage(execution, used)
            state: ExecutionState = "failed" if result.failure else "complete"
            error = result.failure.what if result.failure else None
            self.store.end_execution(execution, state, outputs, error=error)
        return outputs

    def file(self, artifact: Artifact) -> Path:
        """The file that holds an artifact's bytes."""
        if artifact.digest in self.source_files:
            return self.source_files[artifact.digest]
        return self.artifacts.path(artifact.digest, str(artifact.properties.get("suffix", "")))


def end_early(store: Store, record: Run | Execution, error: BaseException, used: Usage | None = None) -> None:
    """Record that an error, or Ctrl-C, ended a run or an execution, and what that had used.

    It never raises, so that the error itself is what people see, and not that the store is broken too, or
    that the end had been recorded already when Ctrl-C came.
    """
    stopped = isinstance(error, KeyboardInterrupt)
    state: ExecutionState = "interrupted" if stopped else "failed"
    words = "interrupted by Ctrl-C" if stopped else str(error) or type(error).__name__
    try:
        if isinstance(record, Run):
            store.end_run(record, state, error=words)
        else:
            store.end_execution(record, state, error=words)
            if used is not None:
                store.log_usage(record, used)
    except Exception as second:  # noqa: BLE001 - whatever it is, the first error matters more
        error.add_note(f"{record.reference} could not be recorded as {state}: {second}")


def _by_name(inputs: Mapping[str, tuple[Artifact, ...]]) -> dict[str, Artifact]:
    """The inputs under names of their own: several data files become sources[0], sources[1]."""
    named = {}
    for name, found in inputs.items():
        for position, artifact in enumerate(found):
            named[name if len(found) == 1 else f"{name}[{position}]"] = artifact
    return named


def _key(step: Step, parameters: JSONObject, inputs: Mapping[str, tuple[Artifact, ...]]) -> str:
    """What an execution depends on, as one digest."""
    document = {
        "step": step.name,
        "outputs": sorted(step.outputs),
        "code": code_version(),
        "parameters": parameters,
        "inputs": {name: [artifact.digest for artifact in found] for name, found in inputs.items()},
    }
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
