"""`tilth reproduce`: a run carried out again from its record, and whether the same bytes come out."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from tilth.errors import CheckFailed, TilthError, UsageError
from tilth.pipelines.comparing import find_run
from tilth.pipelines.data_steps import DATA_STEPS
from tilth.pipelines.model_steps import MODEL_STEPS
from tilth.pipelines.runner import Listener, StepReport, code_version
from tilth.pipelines.step import Step, StepContext
from tilth.projects import Configuration, Project
from tilth.store import Artifact, ArtifactStore, Execution, Run, Store, digest_of_file
from tilth.types import JSONObject

__all__ = ["Reproduction", "reproduce"]

Outcome = Literal["identical", "different", "not possible"]

_STEPS: Mapping[str, Step] = {step.name: step for step in (*DATA_STEPS, *MODEL_STEPS)}
_GAVE = ("complete", "skipped", "failed")
_GONE = ("is not there any more", "has changed since")
_NUMBERED = re.compile(r"(?P<name>.*)\[(?P<position>\d+)\]")


@dataclass(frozen=True)
class Reproduction:
    """How a run came out when it was done again.

    Args:
        run: the run.
        steps: for each step "identical", "different" or "not possible", with what to know of it.
        code: the version of Tilth that did the run, and the present one, with its libraries.
    """

    run: Run
    steps: Mapping[str, tuple[Outcome, str]]
    code: tuple[str, str]

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
            "steps": {
                name: {"outcome": outcome, "note": note} for name, (outcome, note) in self.steps.items()
            },
        }

    def failure(self) -> CheckFailed | None:
        """The error to end with where something was not the same."""
        if self.is_identical:
            return None
        wrong = [f"{name} ({note})" for name, (outcome, note) in self.steps.items() if outcome != "identical"]
        before, now = self.code
        mend = None
        if all(note.endswith(_GONE) for outcome, note in self.steps.values() if outcome != "identical"):
            mend = "put the data back as they were"
        elif before != now:
            mend = f"the run was made by {before}, this is {now}: install that version"
        return CheckFailed(f"{self.run.reference} is not reproduced: {', '.join(wrong)}", mend=mend)


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
        codes = set()
        for execution in store.executions(run=run):
            if execution.state in _GAVE and execution.step in _STEPS and store.outputs(execution):
                did = store.execution(execution.reused) if execution.reused is not None else execution
                codes.add(str(did.code_version))
                listener.started(did.step)
                steps[did.step] = _again(then, store, artifacts, did, listener)
        if not steps:
            raise UsageError(
                f"{run.reference} ended before a step was complete: there is nothing to do again",
                where=str(project.directory),
                mend="see how far each run came with: tilth lineage run:NUMBER",
            )
        return Reproduction(run, steps, (", ".join(sorted(codes)), code_version()))


def _again(
    project: Project, store: Store, artifacts: ArtifactStore, execution: Execution, listener: Listener
) -> tuple[Outcome, str]:
    start = time.perf_counter()
    outcome, note = _outcome(project, store, artifacts, execution)
    state: Literal["complete", "failed"] = "complete" if outcome == "identical" else "failed"
    said = f"{outcome}: {note}" if note else outcome
    listener.ended(StepReport(execution.step, state, time.perf_counter() - start, said))
    return outcome, note


def _outcome(
    project: Project, store: Store, artifacts: ArtifactStore, execution: Execution
) -> tuple[Outcome, str]:
    step = _STEPS[execution.step]
    inputs = _regrouped(step, store.inputs(execution))
    try:
        files = {name: tuple(_file(artifacts, found) for found in group) for name, group in inputs.items()}
    except _GoneError as gone:
        return "not possible", str(gone)
    drafts = {name: artifacts.draft(output.suffix) for name, output in step.outputs.items()}
    try:
        # What went well then and is refused now is told: another version of Tilth may see it otherwise.
        step.run(StepContext(project, execution.parameters, inputs, files, drafts))
        recorded = store.outputs(execution)
        changed = [
            name
            for name, draft in drafts.items()
            if name not in recorded or digest_of_file(draft) != recorded[name].digest
        ]
    except TilthError as error:
        return "not possible", error.what
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
    return ("different", f"other bytes in {', '.join(changed)}") if changed else ("identical", "")


class _GoneError(Exception):
    """An input is not there any more."""


def _file(artifacts: ArtifactStore, artifact: Artifact) -> Path:
    """The file of an artifact: kept, or where it lay when it was read, if it has not changed."""
    suffix = str(artifact.properties.get("suffix", ""))
    if artifacts.holds(artifact.digest, suffix):
        return artifacts.path(artifact.digest, suffix)
    path = Path(artifact.name)
    if not path.is_file():
        raise _GoneError(f"{path.name} {_GONE[0]}")
    if digest_of_file(path) != artifact.digest:
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
