"""`tilth compare-runs`: what differs between two runs, from their records alone."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from tilth.metrics import Estimate
from tilth.pipelines.environment import Change
from tilth.pipelines.run_comparison import Difference, RunComparison
from tilth.pipelines.run_differences import MetricChange, metric_changes
from tilth.pipelines.run_side import RunSide, content
from tilth.pipelines.runs import find_run
from tilth.pipelines.surroundings import Surroundings
from tilth.projects import Project
from tilth.store import Artifact
from tilth.types import JSONObject, JSONValue

__all__ = ["compare_runs"]

_TEXTS = ("features_file", "schema")


def compare_runs(project: Project, first: str, second: str) -> RunComparison:
    """Compare two runs of a project.

    Where both models were judged on the same rows and are still kept, they answer these rows again, since
    the interval of their difference needs the answers row by row.

    Args:
        project: whose runs.
        first: a run ("run:4" or "4"), or a model whose run is meant ("census@champion", "census@3").
        second: another.

    Raises:
        UsageError: no such run, or not one of `tilth run`.
    """
    artifacts = project.artifacts()
    with project.store() as store:
        sides = [RunSide(store, artifacts, find_run(store, project, name)) for name in (first, second)]
    return _compared(*sides)


def _compared(first: RunSide, second: RunSide) -> RunComparison:
    steps = dict.fromkeys([*first.executions, *second.executions])
    names = dict.fromkeys([*first.artifacts, *second.artifacts])
    both = [name for name in names if name in first.artifacts and name in second.artifacts]
    codes = [{e.code_version for e in side.executions.values()} for side in (first, second)]
    mine, theirs = _metrics(first), _metrics(second)
    measured = dict.fromkeys([*mine, *theirs])
    courses = dict.fromkeys([*first.curves, *second.curves])
    return RunComparison(
        first.run,
        second.run,
        steps={step: _same_outputs(first.made.get(step), second.made.get(step)) for step in steps},
        artifacts={name: content(first.artifacts[name]) == content(second.artifacts[name]) for name in both},
        parameters=dict(_parameters(first, second)),
        code=None if codes[0] == codes[1] else (_joined(codes[0]), _joined(codes[1])),
        texts=dict(_texts(first, second)),
        metrics={name: (_document(mine.get(name)), _document(theirs.get(name))) for name in measured},
        commits=(_commit(first.surroundings), _commit(second.surroundings)),
        environment=_environment(first.surroundings, second.surroundings),
        host=_host(first.surroundings, second.surroundings),
        changes=_changes(first, second, mine, theirs),
        curves={
            name: (first.curves.get(name), second.curves.get(name))
            for name in courses
            if first.curves.get(name) != second.curves.get(name)
        },
        usage={step: (first.usage.get(step), second.usage.get(step)) for step in steps},
    )


def _metrics(side: RunSide) -> dict[str, Estimate]:
    """The estimates on all rows of the test part."""
    return {} if side.evaluation is None else dict(side.evaluation.slices[0].metrics)


def _changes(
    first: RunSide, second: RunSide, mine: Mapping[str, Estimate], theirs: Mapping[str, Estimate]
) -> dict[str, MetricChange]:
    answers = None
    if mine != theirs and first.is_tested_on_the_rows_of(second):
        one, other = first.answers(), second.answers()
        answers = None if one is None or other is None else (one, other)
    return metric_changes(mine, theirs, answers)


def _same_outputs(first: Mapping[str, Artifact] | None, second: Mapping[str, Artifact] | None) -> bool | None:
    if first is None or second is None:
        return None
    return {n: content(a) for n, a in first.items()} == {n: content(a) for n, a in second.items()}


def _parameters(first: RunSide, second: RunSide) -> Iterator[tuple[str, Difference]]:
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


def _texts(first: RunSide, second: RunSide) -> Iterator[tuple[str, str]]:
    pairs = {name: (first.text(name), second.text(name)) for name in _TEXTS}
    for path in sorted({*first.training_files, *second.training_files}):
        pairs[path] = (first.training_files.get(path, ""), second.training_files.get(path, ""))
    around = (first.surroundings.code, second.surroundings.code)
    if around[0] is not None and around[1] is not None:
        one, other = (code.diff.decode(errors="replace") for code in around if code is not None)
        pairs["uncommitted changes"] = (one, other)
    for name, (one, other) in pairs.items():
        lines = difflib.unified_diff(
            one.splitlines(),
            other.splitlines(),
            first.run.reference,
            second.run.reference,
            lineterm="",
            n=1,
        )
        if text := "\n".join(lines):
            yield name, text


def _commit(surroundings: Surroundings) -> str | None:
    return None if surroundings.code is None else surroundings.code.summary


def _environment(one: Surroundings, other: Surroundings) -> dict[str, Change]:
    if one.environment is None or other.environment is None:
        return {}
    return one.environment.changes(other.environment)


def _host(one: Surroundings, other: Surroundings) -> dict[str, Difference]:
    if one.host is None or other.host is None:
        return {}
    names = dict.fromkeys([*one.host, *other.host])
    return {n: (one.host.get(n), other.host.get(n)) for n in names if one.host.get(n) != other.host.get(n)}


def _document(found: Estimate | None) -> JSONObject | None:
    return None if found is None else found.to_json()


def _joined(versions: set[str | None]) -> str:
    return ", ".join(sorted(str(version) for version in versions))
