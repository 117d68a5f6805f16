"""`tilth runs RUN`: all that is recorded of one run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tilth.checks import Verdict
from tilth.metrics import Estimate
from tilth.pipelines.runs import RunEntry, chief_metric, find_run, model_of, part_of, used_by
from tilth.pipelines.surroundings import Surroundings, read_surroundings
from tilth.projects import Project
from tilth.store import Artifact, Execution, Metric, Usage
from tilth.types import JSONObject, JSONValue
from tilth.wording import aligned

__all__ = ["RunRecord", "read_run"]

_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 40
_TITLE = 12

Curve = tuple[float | None, ...]


@dataclass(frozen=True)
class RunRecord:
    """One run as it is recorded.

    Args:
        entry: the run at a glance.
        surroundings: code, environment and machine.
        steps: step -> its execution.
        outputs: step -> what it made, by name.
        metrics: on all slices.
        curves: name -> a value for each iteration.
        usage: step -> what it used.
        verdicts: of the declared checks.
        done_by: step that was skipped -> the run that did it.
    """

    entry: RunEntry
    surroundings: Surroundings
    steps: Mapping[str, Execution]
    outputs: Mapping[str, Mapping[str, Artifact]]
    metrics: tuple[Metric, ...]
    curves: Mapping[str, Curve]
    usage: Mapping[str, Usage]
    verdicts: tuple[Verdict, ...]
    done_by: Mapping[str, int]

    def to_json(self) -> JSONObject:
        """The record as JSON values."""
        around = self.surroundings
        packages = around.environment
        return {
            **self.entry.to_json(),
            "configuration": self.entry.run.parameters.get("configuration"),
            "tags": dict(self.entry.run.tags),
            "code": None if around.code is None else around.code.to_json(),
            "diff": None if around.code is None else around.code.diff.decode(errors="replace"),
            "environment": None
            if packages is None
            else {"python": packages.python, "packages": dict(packages.packages)},
            "host": around.host,
            "steps": [self._step(name) for name in self.steps],
            "metrics": [metric.to_json() for metric in self.metrics],
            "curves": {name: list(curve) for name, curve in self.curves.items()},
            "verdicts": [verdict.to_json() for verdict in self.verdicts],
        }

    def _step(self, name: str) -> JSONValue:
        execution, used = self.steps[name], self.usage.get(name)
        return {
            "step": name,
            "state": execution.state,
            "done_by_run": self.done_by.get(name, execution.run),
            "key": execution.key,
            "tilth": execution.code_version,
            "error": execution.error,
            "outputs": {output: found.digest for output, found in self.outputs[name].items()},
            "usage": None if used is None else used.to_json(),
        }

    def report(self) -> str:
        """The record for people."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        run, around = self.entry.run, self.surroundings
        took = "" if run.duration_s is None else f", {run.duration_s:.1f} s"
        yield f"{'run':<{_TITLE}}{run.number}, {run.state}, {run.started:%Y-%m-%d %H:%M} UTC{took}"
        if run.error:
            yield f"{'':<{_TITLE}}{run.error.splitlines()[0]}"
        if self.entry.model is not None:
            names = ", ".join(self.entry.aliases)
            yield f"{'model':<{_TITLE}}{self.entry.model.reference}{f', {names}' if names else ''}"
        train = part_of(run, "train")
        yield f"{'learned':<{_TITLE}}{train.get('estimator')} {_shown(train.get('parameters'))}".rstrip()
        seeds = f"train {train.get('seed')}, split {part_of(run, 'split').get('seed')}"
        yield f"{'seeds':<{_TITLE}}{seeds}"
        yield f"{'data':<{_TITLE}}{self._data()}"
        yield from _around(around)
        yield from self._step_lines()
        yield from self._metric_lines()
        yield from self._curve_lines()
        if self.verdicts:
            yield ""
            yield from map(str, self.verdicts)

    def _data(self) -> str:
        found = self.outputs.get("ingest", {}).get("dataset")
        if found is None:
            return "not read"
        return (
            f"{found.properties.get('rows'):,} rows, fingerprint {(found.fingerprint or found.digest)[:12]}"
        )

    def _step_lines(self) -> Iterator[str]:
        rows: list[tuple[str, ...]] = [
            ("step", "", "seconds", "CPU", "peak MB", "GPU", "GPU MB", "memory over time")
        ]
        for name, execution in self.steps.items():
            used = self.usage.get(name)
            state = execution.state if name not in self.done_by else f"as in run {self.done_by[name]}"
            rows.append((name, state, *_use(used)))
        if len(rows) > 1:
            keep = [c for c in range(len(rows[0])) if any(row[c] for row in rows[1:])]
            yield from ("", *aligned([tuple(row[c] for c in keep) for row in rows]))

    def _metric_lines(self) -> Iterator[str]:
        whole = [metric for metric in self.metrics if not metric.slice]
        if whole:
            rows = [(m.name, str(Estimate(m.value, m.low, m.high))) for m in whole]
            yield from ("", *aligned([("on the test part", ""), *rows]))

    def _curve_lines(self) -> Iterator[str]:
        if self.curves:
            rows = [("by iteration", "iterations", "first", "last", "")]
            rows += [
                (name, f"{len(curve):,}", _number(curve[0]), _number(curve[-1]), sparkline(curve))
                for name, curve in self.curves.items()
                if curve
            ]
            yield from ("", *aligned(rows))


def read_run(project: Project, reference: str) -> RunRecord:
    """All that is recorded of a run.

    Args:
        project: whose run.
        reference: a run ("4" or "run:4"), or the model that it registered ("census@champion", "census@3").

    Raises:
        UsageError: not a run of `tilth run`.
        NotFoundError: no such run.
    """
    artifacts = project.artifacts()
    with project.store() as store:
        run = find_run(store, project, reference)
        model = model_of(project, store, run)
        aliases = store.aliases(project.name).items()
        names = sorted(alias for alias, number in aliases if model is not None and number == model.version)
        steps = {execution.step: execution for execution in store.executions(run)}
        return RunRecord(
            entry=RunEntry(run, chief_metric(store, run), model, tuple(names), *used_by(store, run)),
            surroundings=read_surroundings(store, artifacts, run),
            steps=steps,
            outputs={step: store.outputs(execution) for step, execution in steps.items()},
            metrics=store.all_metrics(run),
            curves=store.curves(run),
            usage=store.usage(run),
            verdicts=store.verdicts(run),
            done_by={s: store.execution(e.reused).run for s, e in steps.items() if e.reused is not None},
        )


def sparkline(values: Sequence[float | None], width: int = _WIDTH, *, low: float | None = None) -> str:
    """A course of values as bars of eight heights; undefined ones are blank.

    Where there are more values than places, each place shows the last of its values. The lowest bar is the
    least value, or `low`.

    Example:
        >>> sparkline([1.0, 2.0, None, 8.0])
        '▁▂ █'
        >>> sparkline([3.0, 3.0])
        '▁▁'
    """
    places = min(width, len(values))
    shown = [values[(at + 1) * len(values) // places - 1] for at in range(places)]
    known = [value for value in shown if value is not None]
    if not known:
        return " " * places
    bottom = min(known) if low is None else low
    span, top = (max(known) - bottom) or 1.0, len(_BARS) - 1
    return "".join(" " if v is None else _BARS[round((v - bottom) / span * top)] for v in shown)


def _around(around: Surroundings) -> Iterator[str]:
    if around.code is not None:
        yield f"{'code':<{_TITLE}}{around.code.summary}"
        if around.code.note and around.code.commit:
            yield f"{'':<{_TITLE}}{around.code.note}"
        if around.code.withheld:
            yield f"{'':<{_TITLE}}changes not kept: {', '.join(around.code.withheld)}"
    if around.environment is not None:
        count = len(around.environment.packages)
        yield f"{'environment':<{_TITLE}}{around.environment.python}, {count} distributions"
    if around.host is not None:
        host = around.host
        cards = host.get("gpus")
        gpus = f", {', '.join(map(str, cards))}" if isinstance(cards, list) and cards else ""
        yield f"{'machine':<{_TITLE}}{host.get('cores')} cores of {host.get('processor')}{gpus}"


def _use(used: Usage | None) -> tuple[str, ...]:
    if used is None:
        return ("", "", "", "", "", "")
    return (
        f"{used.wall_s:.2f}",
        f"{used.cpu_s:.2f}",
        f"{used.peak_memory_mb:,.0f}",
        "" if used.gpu_share is None else f"{used.gpu_share:.0%}",
        "" if used.peak_gpu_memory_mb is None else f"{used.peak_gpu_memory_mb:,.0f}",
        sparkline([sample.memory_mb for sample in used.samples], 12, low=0.0),
    )


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4g}"


def _shown(value: JSONValue) -> str:
    return json.dumps(value) if value else ""
