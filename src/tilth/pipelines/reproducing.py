"""`tilth reproduce`: a run carried out again from its record, and whether the same bytes come out."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from tilth.errors import CheckFailed, TilthError, UsageError
from tilth.inference import Graph
from tilth.pipelines.code_state import code_state
from tilth.pipelines.code_version import code_version
from tilth.pipelines.data_steps import DATA_STEPS
from tilth.pipelines.environment import Change, present_environment
from tilth.pipelines.model_steps import MODEL_STEPS
from tilth.pipelines.parts import Parts
from tilth.pipelines.runner import Listener, StepReport
from tilth.pipelines.runs import find_run
from tilth.pipelines.sources import digest_of_source, is_source
from tilth.pipelines.step import Step, StepContext
from tilth.pipelines.surroundings import read_surroundings
from tilth.projects import Configuration, Project
from tilth.store import Artifact, ArtifactStore, Execution, Run, Store, digest_of_file
from tilth.types import JSONObject

__all__ = ["Reproduction", "reproduce"]

Outcome = Literal["identical", "different", "not possible"]

_STEPS: Mapping[str, Step] = {step.name: step for step in (*DATA_STEPS, *MODEL_STEPS)}
_GAVE = ("complete", "skipped", "failed")
_SHOWN = 5
_GONE = ("is not there any more", "has changed since")
_NUMBERED = re.compile(r"(?P<name>.*)\[(?P<position>\d+)\]")


@dataclass(frozen=True)
class Reproduction:
    """How a run came out when it was done again.

    Args:
        run: the run.
        steps: for each step "identical", "different" or "not possible", with what to know of it.
        code: the version of Tilth that did the run, and the present one, with its libraries.
        environment: what is installed otherwise now than when its steps were done; only as far as recorded.
        commits: the state of the project's code then and now, in a few words; features.py is taken from the
            record, so it need not be the same.
    """

    run: Run
    steps: Mapping[str, tuple[Outcome, str]]
    code: tuple[str, str]
    environment: Mapping[str, Change] = field(default_factory=dict)
    commits: tuple[str | None, str | None] = (None, None)

    @property
    def is_identical(self) -> bool:
        """Whether every step made the same bytes again."""
        return all(outcome == "identical" for outcome, _ in self.steps.values())

    def to_json(self) -> JSONObject:
        """The outcome as JSON values."""
        return {
            "run": self.run.number,
            "identical": self.is_identical,
            "code": list(self.code),
            "environment": {name: list(versions) for name, versions in self.environment.items()},
            "commits": list(self.commits),
            "steps": {
                name: {"outcome": outcome, "note": note} for name, (outcome, note) in self.steps.items()
            },
        }

    def failure(self) -> CheckFailed | None:
        """The error to end with where something was not the same."""
        if self.is_identical:
            return None
        wrong = [f"{name} ({note})" for name, (outcome, note) in self.steps.items() if outcome != "identical"]
        what = f"{self.run.reference} is not reproduced: {', '.join(wrong)}"
        return CheckFailed(what, where="; ".join(self.differences()) or None, mend=self._mend())

    def differences(self) -> list[str]:
        """What is otherwise now than when the run was made, in words."""
        found = []
        shown = [
            f"{name} {before or 'not installed'}, now {now or 'not installed'}"
            for name, (before, now) in self.environment.items()
        ]
        if shown:
            more = f" and {len(shown) - _SHOWN:,} more" if len(shown) > _SHOWN else ""
            found.append(f"the run had {', '.join(shown[:_SHOWN])}{more}")
        then, present = self.commits
        if then is not None and then != present:
            found.append(f"its code was {then}, now it is {present}")
        return found

    def _mend(self) -> str | None:
        before, now = self.code
        if all(note.endswith(_GONE) for outcome, note in self.steps.values() if outcome != "identical"):
            return "put the data back as they were"
        if before != now:
            return f"the run was made by {before}, this is {now}: install that version"
        if self.environment:
            lock = f"tilth runs {self.run.number} --json"
            return f"install the distributions that the run had; its environment is in {lock}"
        return None


def reproduce(project: Project, reference: str, listener: Listener) -> Reproduction:
    """Carry out the steps of a run again, each from its recorded inputs, and compare what they make.

    Nothing is recorded and nothing registered; what is made is thrown away.

    Args:
        project: whose run.
        reference: a run ("run:4" or "4"), or the model that it registered ("census@champion").
        listener: who is told how it goes on.

    Raises:
        UsageError: no such run, one that was recorded without its configuration, or without a finished step.
    """
    artifacts = project.artifacts()
    with project.store() as store:
        run = find_run(store, project, reference)
        given = run.parameters.get("configuration")
        if not isinstance(given, dict):
            raise UsageError(
                f"{run.reference} was recorded without its configuration",
                expected="a run of a version of Tilth that records it",
            )
        then = replace(project, configuration=Configuration.from_json(given))
        steps: dict[str, tuple[Outcome, str]] = {}
        codes, runs = set(), {run.number}
        shared: dict[object, object] = {}
        for execution in store.executions(run=run):
            if execution.state in _GAVE and execution.step in _STEPS and store.outputs(execution):
                did = store.execution(execution.reused) if execution.reused is not None else execution
                codes.add(str(did.code_version))
                runs.add(did.run)
                listener.started(did.step)
                steps[did.step] = _Again(then, store, artifacts, shared).outcome(did, listener)
        if not steps:
            raise UsageError(
                f"{run.reference} ended before a step was complete: there is nothing to do again",
                where=str(project.directory),
                mend="see how far each run came with: tilth lineage run:NUMBER",
            )
        environment, commits = _since(
            project, store, artifacts, [store.run(number) for number in sorted(runs)]
        )
        return Reproduction(run, steps, (", ".join(sorted(codes)), code_version()), environment, commits)


def _since(
    project: Project, store: Store, artifacts: ArtifactStore, runs: Sequence[Run]
) -> tuple[dict[str, Change], tuple[str | None, str | None]]:
    """What has changed in the environment since runs, and the state of the code of the last and of now."""
    changes: dict[str, Change] = {}
    now, then = present_environment(), None
    for run in runs:
        around = read_surroundings(store, artifacts, run)
        if around.environment is not None:
            changes |= around.environment.changes(now)
        then = around.code or then
    present = code_state(project.directory)
    if then is None or (then.to_json(), then.diff) == (present.to_json(), present.diff):
        return changes, (None, None)
    return changes, (then.summary, present.summary)


@dataclass(frozen=True)
class _Again:
    """Does steps again, of a project as it was then."""

    project: Project
    store: Store
    artifacts: ArtifactStore
    shared: dict[object, object]

    def outcome(self, execution: Execution, listener: Listener) -> tuple[Outcome, str]:
        """How a step comes out, which the listener is told too."""
        start = time.perf_counter()
        outcome, note = self._done(execution)
        state: Literal["complete", "failed"] = "complete" if outcome == "identical" else "failed"
        said = f"{outcome}: {note}" if note else outcome
        listener.ended(StepReport(execution.step, state, time.perf_counter() - start, said))
        return outcome, note

    def _done(self, execution: Execution) -> tuple[Outcome, str]:
        step = _STEPS[execution.step]
        inputs = _regrouped(step, self.store.inputs(execution))
        try:
            files = {name: tuple(_file(self.artifacts, a) for a in group) for name, group in inputs.items()}
        except _GoneError as gone:
            return "not possible", str(gone)
        drafts = {name: self.artifacts.draft(output.suffix) for name, output in step.outputs.items()}
        given = execution.parameters
        try:
            # What went well then and is refused now is told: another version of Tilth may see it otherwise.
            step.run(StepContext(self.project, given, inputs, files, drafts, shared=self.shared))
            return self._compared(execution, files, drafts)
        except TilthError as error:
            return "not possible", error.what
        finally:
            for draft in drafts.values():
                draft.unlink(missing_ok=True)

    def _compared(
        self, execution: Execution, files: Mapping[str, Sequence[Path]], drafts: Mapping[str, Path]
    ) -> tuple[Outcome, str]:
        recorded = self.store.outputs(execution)
        changed = [
            name
            for name, draft in drafts.items()
            if name not in recorded or digest_of_file(draft) != recorded[name].digest
        ]
        if not changed:
            return "identical", ""
        note = f"other bytes in {', '.join(changed)}"
        if "model" in changed and "model" in recorded:
            kept = _file(self.artifacts, recorded["model"])
            note += f"; {_answers_differ(kept, drafts['model'], files)}"
        return "different", note


def _answers_differ(before: Path, after: Path, files: Mapping[str, Sequence[Path]]) -> str:
    """How far the answers of two graphs are apart on the test part, in words."""
    test = Parts(files["dataset"][0], files["split"][0]).part("test")
    apart, rows, others = 0.0, 0, 0
    graphs = (Graph.from_path(path).run_table(test) for path in (before, after))
    for one, other in zip(*graphs, strict=True):
        for name in one.keys() & other.keys():
            if one[name].dtype.kind == "f":
                apart = max(apart, float(np.max(np.abs(one[name] - other[name]), initial=0.0)))
            else:
                others += int((one[name] != other[name]).sum())
        rows += len(next(iter(one.values())))
    if apart == 0 and others == 0:
        return f"its answers on the {rows:,} test rows are the same"
    labels = f" and {others:,} labels are others" if others else ""
    return f"its answers on the {rows:,} test rows differ by up to {apart:.2g}{labels}"


class _GoneError(Exception):
    """An input is not there any more."""


def _file(artifacts: ArtifactStore, artifact: Artifact) -> Path:
    """The file of an artifact: kept, or where it lay when it was read, if it has not changed."""
    suffix = str(artifact.properties.get("suffix", ""))
    if artifacts.holds(artifact.digest, suffix):
        return artifacts.path(artifact.digest, suffix)
    path = Path(artifact.name)
    if not is_source(path):
        raise _GoneError(f"{path.name} {_GONE[0]}")
    if digest_of_source(path)[0] != artifact.digest:
        raise _GoneError(f"{path.name} {_GONE[1]}")
    return path


def _regrouped(step: Step, named: Mapping[str, Artifact]) -> dict[str, tuple[Artifact, ...]]:
    """Inputs by their step's names: `sources[0]`, `sources[1]` are the files of `sources`."""
    groups: dict[str, dict[int, Artifact]] = {name: {} for name in step.inputs}
    for name, artifact in named.items():
        numbered = None if name in groups else _NUMBERED.fullmatch(name)
        if numbered is None:
            groups.setdefault(name, {})[0] = artifact
        else:
            groups.setdefault(numbered["name"], {})[int(numbered["position"])] = artifact
    return {name: tuple(found[at] for at in sorted(found)) for name, found in groups.items()}
