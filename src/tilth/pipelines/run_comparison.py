"""RunComparison: two runs side by side, as JSON values and as lines for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tilth.pipelines.environment import Change
from tilth.pipelines.run_differences import MetricChange
from tilth.store import Run, Usage
from tilth.types import JSONObject, JSONValue
from tilth.wording import aligned

__all__ = ["Difference", "RunComparison"]

_LONGEST_VALUE = 60
_TITLE = 16
_MARK = {True: "*", False: "", None: "?"}

Difference = tuple[JSONValue, JSONValue]
"""What the first run has, and the second."""

Curve = tuple[float | None, ...]


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
        commits: the state of the project's code in a few words, of each run.
        texts: file that people write -> the lines that differ, as a unified diff; "uncommitted changes" are
            the diffs of both working trees against their commits.
        environment: what is installed otherwise, where both were recorded.
        host: fact of the machine -> of each run, where they differ.
        metrics: metric on the test part -> what each reached.
        changes: metric -> the difference, and whether it is beyond chance, where both define it.
        curves: name -> the values by iteration of each run, where they differ; None where one has none.
        usage: step -> what each used when it did the work; None where nothing is recorded.
    """

    first: Run
    second: Run
    steps: Mapping[str, bool | None]
    artifacts: Mapping[str, bool]
    parameters: Mapping[str, Difference]
    code: Difference | None
    texts: Mapping[str, str]
    metrics: Mapping[str, tuple[JSONObject | None, JSONObject | None]]
    commits: Difference = (None, None)
    environment: Mapping[str, Change] = field(default_factory=dict)
    host: Mapping[str, Difference] = field(default_factory=dict)
    changes: Mapping[str, MetricChange] = field(default_factory=dict)
    curves: Mapping[str, tuple[Curve | None, Curve | None]] = field(default_factory=dict)
    usage: Mapping[str, tuple[Usage | None, Usage | None]] = field(default_factory=dict)

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
            "commits": list(self.commits),
            "texts": dict(self.texts),
            "environment": {name: list(versions) for name, versions in self.environment.items()},
            "host": {name: list(values) for name, values in self.host.items()},
            "metrics": {name: list(values) for name, values in self.metrics.items()},
            "changes": {name: change.to_json() for name, change in self.changes.items()},
            "curves": {
                name: [None if curve is None else list(curve) for curve in curves]
                for name, curves in self.curves.items()
            },
            "usage": {
                step: [None if used is None else used.to_json() for used in both]
                for step, both in self.usage.items()
            },
        }

    def report(self) -> str:
        """The comparison for people: what went in, then what came out."""
        return "\n".join(_lines(self))


def _lines(found: RunComparison) -> Iterator[str]:
    """What went in, then what came out."""
    for run in (found.first, found.second):
        yield f"{run.reference:<10} {run.started:%Y-%m-%d %H:%M}  {run.state}"
    yield ""
    for word, wanted in (("the same", True), ("different", False)):
        names = [name for name, same in found.artifacts.items() if same is wanted]
        yield f"{word:<{_TITLE}} {', '.join(names) or 'nothing'}"
    yield from _around(found)
    yield from _parameter_lines(found)
    for name, text in found.texts.items():
        yield f"\n{name}:\n{text.rstrip()}"
    yield from _metric_lines(found)
    yield from _curve_lines(found)
    yield from _usage_lines(found)


def _around(found: RunComparison) -> Iterator[str]:
    one, other = found.commits
    if one != other:
        yield f"{'code':<{_TITLE}} {one or 'not recorded'} | {other or 'not recorded'}"
    if found.code is not None:
        yield f"{'tilth':<{_TITLE}} {found.code[0]} | {found.code[1]}"
    for name, versions in found.environment.items():
        before, after = (version or "not installed" for version in versions)
        yield f"{name:<{_TITLE}} {before} | {after}"
    for name, (here, there) in found.host.items():
        yield f"{f'machine: {name}':<{_TITLE}} {_shown(here)} | {_shown(there)}"


def _parameter_lines(found: RunComparison) -> Iterator[str]:
    """Each parameter once: several steps are given the settings of training."""
    groups: dict[tuple[str, str], list[str]] = {}
    for name, (one, other) in found.parameters.items():
        shown = f"{_shown(one)} | {_shown(other)}"
        groups.setdefault((name.partition(".")[2], shown), []).append(name)
    for (own, shown), names in groups.items():
        name = f"train.{own}" if f"train.{own}" in names else names[0]
        yield f"{name:<{_TITLE}} {shown}"


def _metric_lines(found: RunComparison) -> Iterator[str]:
    changed = {name: values for name, values in found.metrics.items() if values[0] != values[1]}
    if not changed:
        return
    rows = [("on the test part", found.first.reference, found.second.reference, "change", "")]
    for name, (one, other) in changed.items():
        change = found.changes.get(name)
        mark = "" if change is None else _MARK[change.is_beyond_chance]
        rows.append((name, _estimate(one), _estimate(other), _change(change), mark))
    yield from ("", *aligned(rows))
    yield ""
    for side, at in ((found.first, 0), (found.second, 1)):
        if all(values[at] is None for values in found.metrics.values()):
            yield f"{side.reference} was not evaluated: there is nothing to compare"
            return
    yield from _legend([found.changes[name] for name in changed if name in found.changes])


def _legend(changes: Sequence[MetricChange]) -> Iterator[str]:
    if any(change.is_beyond_chance for change in changes):
        yield "* beyond chance: the 95 % interval of the change excludes 0"
    else:
        yield "no change is beyond chance: every 95 % interval of a change holds 0, or is not known"
    if not any(change.is_paired for change in changes):
        yield "the models were not judged on the same rows, where smaller changes could be told from chance"


def _curve_lines(found: RunComparison) -> Iterator[str]:
    rows = [("by iteration", found.first.reference, "", found.second.reference, "")]
    for name, curves in found.curves.items():
        cells = [cell for curve in curves for cell in _course(curve)]
        rows.append((name, cells[0], cells[1], cells[2], cells[3]))
    if len(rows) > 1:
        yield from ("", *aligned(rows))


def _course(curve: Sequence[float | None] | None) -> tuple[str, str]:
    """How many iterations, and from where to where."""
    if not curve:
        return "", ""
    first, last = ("undefined" if value is None else f"{value:.4g}" for value in (curve[0], curve[-1]))
    return f"{len(curve):,}", f"{first} -> {last}"


def _usage_lines(found: RunComparison) -> Iterator[str]:
    """What the steps used that were done anew."""
    rows = [("CPU and peak memory", found.first.reference, "", found.second.reference, "")]
    for step, (one, other) in found.usage.items():
        if one != other:
            rows.append((step, *_use(one), *_use(other)))
    if len(rows) > 1:
        yield from ("", *aligned(rows))


def _use(used: Usage | None) -> tuple[str, str]:
    return ("", "") if used is None else (f"{used.cpu_s:.2f} s", f"{used.peak_memory_mb:,.0f} MB")


def _shown(value: JSONValue) -> str:
    text = json.dumps(value)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 3] + "..."


def _estimate(found: JSONObject | None) -> str:
    if found is None:
        return ""
    if found["value"] is None:
        return "undefined"
    return _interval("{:.4f}", found.get("value"), found.get("low"), found.get("high"))


def _change(change: MetricChange | None) -> str:
    if change is None:
        return ""
    return _interval("{:+.4f}", change.estimate.value, change.estimate.low, change.estimate.high)


def _interval(form: str, value: JSONValue, low: JSONValue, high: JSONValue) -> str:
    around = f" [{form.format(low)}, {form.format(high)}]" if low is not None and high is not None else ""
    return f"{form.format(value)}{around}"


def _run(run: Run) -> JSONObject:
    finished = run.finished.isoformat() if run.finished is not None else None
    return {"run": run.number, "state": run.state, "started": run.started.isoformat(), "finished": finished}
