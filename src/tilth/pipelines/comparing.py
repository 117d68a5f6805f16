"""`tilth compare-runs`: what differs between two runs, from their records alone."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tilth.errors import UsageError
from tilth.projects import Project
from tilth.store import Artifact, ArtifactStore, Execution, ModelVersion, Run, Store
from tilth.types import JSONObject, JSONValue
from tilth.wording import aligned

__all__ = ["RunComparison", "compare_runs", "find_run"]

_GAVE = ("complete", "skipped", "failed")
_TEXTS = ("features_file", "schema")
_LONGEST_VALUE = 60
_SHOWN_RUNS = 10

Difference = tuple[JSONValue, JSONValue]
"""What the first run has, and the second."""


@dataclass(frozen=True)
class RunComparison:
    """Two runs side by side.

    Args:
        first: the one.
        second: the other.
        steps: for each step of either run whether its outputs are the same bytes; None where one lacks it.
        artifacts: name of an output or input -> whether it is the same, by content.
        parameters: "step.name" -> what each was given, where they differ.
        code: the versions of Tilth that did the work, where they differ.
        texts: file -> the lines that differ, as a unified diff.
        metrics: metric on the test part -> what each reached.
    """

    first: Run
    second: Run
    steps: Mapping[str, bool | None]
    artifacts: Mapping[str, bool]
    parameters: Mapping[str, Difference]
    code: Difference | None
    texts: Mapping[str, str]
    metrics: Mapping[str, tuple[JSONObject | None, JSONObject | None]]

    @property
    def is_same(self) -> bool:
        """Whether both runs made the same bytes in every step."""
        return all(self.steps.values())

    def to_json(self) -> JSONObject:
        """The comparison as JSON values."""
        return {
            "runs": [_run(self.first), _run(self.second)],
            "same": self.is_same,
            "steps": dict(self.steps),
            "artifacts": dict(self.artifacts),
            "parameters": {name: list(values) for name, values in self.parameters.items()},
            "code": None if self.code is None else list(self.code),
            "texts": dict(self.texts),
            "metrics": {name: list(values) for name, values in self.metrics.items()},
        }

    def report(self) -> str:
        """The comparison for people: what went in, then what came out."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        for run in (self.first, self.second):
            yield f"{run.reference:<10} {run.started:%Y-%m-%d %H:%M}  {run.state}"
        yield ""
        for word, wanted in (("the same", True), ("different", False)):
            names = [name for name, same in self.artifacts.items() if same is wanted]
            yield f"{word:<16} {', '.join(names) or 'nothing'}"
        if self.code is not None:
            yield f"{'code':<16} {self.code[0]} | {self.code[1]}"
        for name, (one, other) in self.parameters.items():
            yield f"{name:<16} {_shown(one)} | {_shown(other)}"
        for name, text in self.texts.items():
            yield f"\n{name}:\n{text.rstrip()}"
        yield from self._metric_lines()

    def _metric_lines(self) -> Iterator[str]:
        changed = {name: values for name, values in self.metrics.items() if values[0] != values[1]}
        if not changed:
            return
        rows = [("on the test part", self.first.reference, self.second.reference, "change")]
        rows += [(name, _estimate(a), _estimate(b), _change(a, b)) for name, (a, b) in changed.items()]
        yield from ("", *aligned(rows))


def compare_runs(project: Project, first: str, second: str) -> RunComparison:
    """Compare two runs of a project.

    Args:
        project: whose runs.
        first: a run ("run:4" or "4"), or a model whose run is meant ("census@champion", "census@3").
        second: another.

    Raises:
        UsageError: no such run, or not one of `tilth run`.
    """
    artifacts = project.artifacts()
    with project.store() as store:
        sides = [_Side(store, artifacts, find_run(store, project, name)) for name in (first, second)]
        return _compared(*sides)


def find_run(store: Store, project: Project, reference: str) -> Run:
    """The run of the pipeline that a reference means, or that registered the model that it means.

    Raises:
        UsageError: it means something else.
        NotFoundError: it means nothing.
    """
    found = store.find(reference)[0]
    run = store.run(found.run) if isinstance(found, ModelVersion) and found.run is not None else found
    if isinstance(run, Run) and run.command == "run":
        return run
    known = [str(run.number) for run in store.runs(command="run", limit=_SHOWN_RUNS)]
    if isinstance(run, Run):
        what = f"{run.reference} is one of `tilth {run.command}`, not of `tilth run`"
    else:
        what = f"'{reference}' is not a run of the pipeline"
    raise UsageError(
        what,
        where=str(project.directory),
        expected=f'a run ({", ".join(known)}), or a model such as "census@champion"'
        if known
        else "a run of `tilth run`, of which there is none yet",
    )


class _Side:
    """One run with what its steps were given and made."""

    def __init__(self, store: Store, files: ArtifactStore, run: Run) -> None:
        self.run = run
        self._files = files
        self.executions: dict[str, Execution] = {}
        self.made: dict[str, dict[str, Artifact]] = {}
        self.artifacts: dict[str, Artifact] = {}
        for execution in store.executions(run=run):
            if execution.state in _GAVE:
                did = store.execution(execution.reused) if execution.reused is not None else execution
                self.executions[did.step] = did
                self.made[did.step] = store.outputs(did)
                self.artifacts |= {**store.inputs(did), **self.made[did.step]}

    def text(self, name: str) -> str:
        """The text of an artifact; "" where there is none."""
        artifact = self.artifacts.get(name)
        if artifact is None:
            return ""
        suffix = str(artifact.properties.get("suffix", ""))
        return self._files.read_bytes(artifact.digest, suffix).decode()

    def metrics(self) -> dict[str, JSONObject]:
        """The estimates on all rows of the test part."""
        text = self.text("evaluation")
        slices = json.loads(text)["test"]["slices"] if text else []
        return {**slices[0]["metrics"]} if slices else {}


def _compared(first: _Side, second: _Side) -> RunComparison:
    steps = dict.fromkeys([*first.executions, *second.executions])
    names = dict.fromkeys([*first.artifacts, *second.artifacts])
    both = [name for name in names if name in first.artifacts and name in second.artifacts]
    codes = [{e.code_version for e in side.executions.values()} for side in (first, second)]
    mine, theirs = first.metrics(), second.metrics()
    return RunComparison(
        first.run,
        second.run,
        steps={step: _same_outputs(first.made.get(step), second.made.get(step)) for step in steps},
        artifacts={
            name: _content(first.artifacts[name]) == _content(second.artifacts[name]) for name in both
        },
        parameters=dict(_parameters(first, second)),
        code=None if codes[0] == codes[1] else (_joined(codes[0]), _joined(codes[1])),
        texts={name: text for name in _TEXTS if (text := _difference(first, second, name))},
        metrics={name: (mine.get(name), theirs.get(name)) for name in dict.fromkeys([*mine, *theirs])},
    )


def _same_outputs(first: Mapping[str, Artifact] | None, second: Mapping[str, Artifact] | None) -> bool | None:
    if first is None or second is None:
        return None
    return {n: _content(a) for n, a in first.items()} == {n: _content(a) for n, a in second.items()}


def _content(artifact: Artifact) -> str:
    return artifact.fingerprint or artifact.digest


def _parameters(first: _Side, second: _Side) -> Iterator[tuple[str, Difference]]:
    for step in dict.fromkeys([*first.executions, *second.executions]):
        sides = [s.executions[step].parameters if step in s.executions else None for s in (first, second)]
        if None in sides:
            continue
        one, other = (dict(_flat(step, parameters)) for parameters in sides)
        for name in dict.fromkeys([*one, *other]):
            if one.get(name) != other.get(name):
                yield name, (one.get(name), other.get(name))


def _flat(prefix: str, value: JSONValue) -> Iterator[tuple[str, JSONValue]]:
    if not isinstance(value, dict):
        yield prefix, value
        return
    for name, part in value.items():
        yield from _flat(f"{prefix}.{name}", part)


def _difference(first: _Side, second: _Side, name: str) -> str:
    one, other = (side.text(name).splitlines() for side in (first, second))
    return "\n".join(
        difflib.unified_diff(one, other, first.run.reference, second.run.reference, lineterm="", n=1)
    )


def _joined(versions: set[str | None]) -> str:
    return ", ".join(sorted(str(version) for version in versions))


def _run(run: Run) -> JSONObject:
    finished = run.finished.isoformat() if run.finished is not None else None
    return {"run": run.number, "state": run.state, "started": run.started.isoformat(), "finished": finished}


def _shown(value: JSONValue) -> str:
    text = json.dumps(value)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 3] + "..."


def _estimate(found: JSONObject | None) -> str:
    if found is None:
        return ""
    if found["value"] is None:
        return "undefined"
    value, low, high = (found.get(name) for name in ("value", "low", "high"))
    around = f" [{low:.4f}, {high:.4f}]" if low is not None and high is not None else ""
    return f"{value:.4f}{around}"


def _change(one: JSONObject | None, other: JSONObject | None) -> str:
    values = [found["value"] if found is not None else None for found in (one, other)]
    if not all(isinstance(value, int | float) for value in values):
        return ""
    return f"{values[1] - values[0]:+.4f}"  # type: ignore[operator]
