"""`tilth runs`: the runs of a project, one a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tilth.errors import UsageError
from tilth.metrics import CHIEF_METRIC, Estimate
from tilth.projects import Project
from tilth.store import Metric, ModelVersion, Run, Store
from tilth.types import JSONObject, JSONValue
from tilth.wording import aligned

__all__ = [
    "RunEntry",
    "RunListing",
    "chief_metric",
    "find_run",
    "list_runs",
    "model_of",
    "part_of",
    "used_by",
]

_DIGITS = 7
_SHOWN_RUNS = 10


@dataclass(frozen=True)
class RunEntry:
    """One run at a glance.

    Args:
        run: its record, with the configuration among its parameters.
        metric: its chief metric on the test part; None where it did not come that far.
        model: the version that it registered, or found to be registered; None where it came to none.
        aliases: which aliases name that version now.
        cpu_s: seconds of CPU that its own steps used, all cores together; skipped steps used none.
        peak_memory_mb: the most memory that one of them held; None where all were skipped.
    """

    run: Run
    metric: Metric | None
    model: ModelVersion | None
    aliases: tuple[str, ...]
    cpu_s: float
    peak_memory_mb: float | None

    def to_json(self) -> JSONObject:
        """The run as JSON values."""
        run, tags = self.run, self.run.tags
        train = part_of(run, "train")
        return {
            "run": run.number,
            "state": run.state,
            "started": run.started.isoformat(),
            "seconds": run.duration_s,
            "error": run.error,
            "estimator": train.get("estimator"),
            "parameters": train.get("parameters"),
            "seed": train.get("seed"),
            "metric": None if self.metric is None else self.metric.to_json(),
            "model": None if self.model is None else self.model.reference,
            "aliases": list(self.aliases),
            "code": {
                "commit": tags.get("git.commit"),
                "branch": tags.get("git.branch"),
                "dirty": None if "git.dirty" not in tags else tags["git.dirty"] == "true",
            },
            "cpu_seconds": round(self.cpu_s, 3),
            "peak_memory_mb": self.peak_memory_mb,
        }


@dataclass(frozen=True)
class RunListing:
    """The newest runs of a project, the newest first."""

    project: str
    entries: tuple[RunEntry, ...]
    total: int

    def to_json(self) -> JSONObject:
        """The listing as JSON values."""
        runs: list[JSONValue] = [entry.to_json() for entry in self.entries]
        return {"project": self.project, "total": self.total, "runs": runs}

    def report(self) -> str:
        """The listing for people."""
        if not self.entries:
            return f"{self.project}: no run yet; tilth run makes one"
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        titles = (
            "run",
            "started (UTC)",
            "took",
            "state",
            "estimator",
            "metric",
            "model",
            "code",
            "CPU",
            "peak",
        )
        yield from aligned([titles, *map(_cells, self.entries)])
        if self.total > len(self.entries):
            yield f"... and {self.total - len(self.entries):,} before them: tilth runs --limit {self.total}"


def list_runs(project: Project, limit: int = 20) -> RunListing:
    """The newest runs of a project's pipeline, at most `limit`."""
    with project.store() as store:
        store.interrupt_stale()  # a run that was killed shall not look as if it still ran
        runs = [r for r in store.runs(command="run") if r.parameters.get("project") == project.name]
        aliases = store.aliases(project.name)
        entries = tuple(_entry(project, store, run, aliases) for run in runs[:limit])
        return RunListing(project.name, entries, len(runs))


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


def chief_metric(store: Store, run: Run) -> Metric | None:
    """The metric by which models of a run's task are told apart first, on all rows of its test part."""
    name = CHIEF_METRIC.get(part_of(run, "project").get("task"))  # type: ignore[call-overload] # of any version
    found = [metric for metric in store.all_metrics(run) if metric.name == name and not metric.slice]
    return found[0] if found else None


def part_of(run: Run, section: str) -> JSONObject:
    """A section of the configuration that a run was carried out with; empty where it was not recorded."""
    configuration = run.parameters.get("configuration")
    found = configuration.get(section) if isinstance(configuration, dict) else None
    return found if isinstance(found, dict) else {}


def model_of(project: Project, store: Store, run: Run) -> ModelVersion | None:
    """The model version that a run registered, or found to be registered."""
    steps = {execution.step: execution for execution in store.executions(run)}
    if "register" not in steps or steps["register"].state != "complete" or "train" not in steps:
        return None
    made = store.outputs(steps["train"]).get("model")
    versions = store.model_versions(project.name)
    registered = [version for version in versions if version.run == run.number]
    known = [v for v in versions if v.artifact == made and v.run is not None and v.run <= run.number]
    return next(iter((*registered, *known)), None)


def used_by(store: Store, run: Run) -> tuple[float, float | None]:
    """Seconds of CPU, and the most memory in MB, of the steps that a run did not skip."""
    own = {execution.step for execution in store.executions(run) if execution.reused is None}
    used = [usage for step, usage in store.usage(run).items() if step in own]
    return sum(u.cpu_s for u in used), max((u.peak_memory_mb for u in used), default=None)


def _entry(project: Project, store: Store, run: Run, aliases: Mapping[str, int]) -> RunEntry:
    model = model_of(project, store, run)
    names = [alias for alias, number in aliases.items() if model is not None and number == model.version]
    return RunEntry(run, chief_metric(store, run), model, tuple(sorted(names)), *used_by(store, run))


def _cells(entry: RunEntry) -> tuple[str, ...]:
    run, tags, metric = entry.run, entry.run.tags, entry.metric
    until = run.parameters.get("until")
    commit = tags.get("git.commit", "")[:_DIGITS]
    model = "" if entry.model is None else " ".join((entry.model.reference, *entry.aliases))
    return (
        str(run.number),
        f"{run.started:%Y-%m-%d %H:%M}",
        "" if run.duration_s is None else f"{run.duration_s:.1f} s",
        f"{run.state} to {until}" if until else run.state,
        str(part_of(run, "train").get("estimator", "")).rpartition(".")[2],
        "" if metric is None else f"{metric.name} {Estimate(metric.value, metric.low, metric.high)}",
        model,
        f"{commit}+" if tags.get("git.dirty") == "true" else commit,
        f"{entry.cpu_s:.1f} s",
        "" if entry.peak_memory_mb is None else f"{entry.peak_memory_mb:,.0f} MB",
    )
