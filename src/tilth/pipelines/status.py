"""`tilth status`: where a project stands, on one screen."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tilth.metrics import CHIEF_METRIC
from tilth.projects import Project
from tilth.store import Artifact, ModelVersion, Run, Store
from tilth.tables import read_feedback, read_predictions
from tilth.types import JSONObject

__all__ = ["ProjectStatus", "project_status"]

_GAVE = ("complete", "skipped")


@dataclass(frozen=True)
class ProjectStatus:
    """Data, versions, the last run, what was served, what rings.

    Args:
        project: its name.
        dataset: the newest data set, if any.
        last_run: the newest `tilth run`, if any.
        versions: all model versions, newest first, each with its chief metric on the test part.
        aliases: where champion and challenger point.
        predictions: how many answers each version gave.
        outcomes: for how many answers the outcome is known.
        monitoring: the newest report of `tilth monitor`, if any.
        monitored: when that was made.
    """

    project: str
    dataset: Artifact | None
    last_run: Run | None
    versions: tuple[tuple[ModelVersion, str], ...]
    aliases: Mapping[str, int]
    predictions: Mapping[int, int]
    outcomes: int
    monitoring: Artifact | None
    monitored: datetime.datetime | None = None

    def to_json(self) -> JSONObject:
        """The status as JSON values."""
        data, run, watched, when = self.dataset, self.last_run, self.monitoring, self.monitored
        return {
            "project": self.project,
            "dataset": None if data is None else {"fingerprint": data.fingerprint, **data.properties},
            "last_run": None
            if run is None
            else {
                "run": run.number,
                "state": run.state,
                "started": run.started.isoformat(),
                "error": run.error,
            },
            "models": [
                {
                    "model": version.reference,
                    "aliases": [alias for alias, number in self.aliases.items() if number == version.version],
                    "metric": metric,
                    "predictions": self.predictions.get(version.version, 0),
                    "created": version.created.isoformat(),
                }
                for version, metric in self.versions
            ],
            "outcomes": self.outcomes,
            "monitoring": None
            if watched is None
            else {**watched.properties, "time": (when or watched.created).isoformat()},
        }

    def report(self) -> str:
        """The status for people, one fact a line."""
        lines = [
            f"project     {self.project}",
            f"data        {self._data()}",
            f"last run    {self._last_run()}",
        ]
        title = "models      "
        for version, metric in self.versions[:8]:
            aliases = [alias for alias, number in self.aliases.items() if number == version.version]
            served = self.predictions.get(version.version, 0)
            lines.append(
                f"{title}{version.reference:<20} {metric:<16} {served:>8,} answers  {', '.join(aliases)}"
            )
            title = " " * len(title)
        if not self.versions:
            lines.append("models      none yet: tilth run")
        lines.append(f"outcomes    {self.outcomes:,} of {sum(self.predictions.values()):,} answers")
        lines.append(f"monitoring  {self._monitoring()}")
        return "\n".join(lines)

    def _data(self) -> str:
        if self.dataset is None:
            return "none yet: tilth run"
        mark = (self.dataset.fingerprint or "")[:12]
        return f"{self.dataset.properties.get('rows'):,} rows, fingerprint {mark}"

    def _last_run(self) -> str:
        if self.last_run is None:
            return "none yet"
        reason = f": {self.last_run.error}" if self.last_run.error else ""
        when = f"{self.last_run.started:%Y-%m-%d %H:%M} UTC"
        return f"{self.last_run.number}, {self.last_run.state}, {when}{reason}"

    def _monitoring(self) -> str:
        if self.monitoring is None:
            return "not yet: tilth monitor"
        seen = self.monitoring.properties
        alarms, judged = seen.get("alarms"), seen.get("judged")
        when = f"{seen.get('model')}, {self.monitored or self.monitoring.created:%Y-%m-%d %H:%M} UTC"
        if not isinstance(alarms, list) or not alarms:
            return f"{'nothing to judge yet' if judged == 0 else 'quiet'} ({when})"
        return f"{len(alarms)} {'alarm rings' if len(alarms) == 1 else 'alarms ring'} ({when}): {alarms[0]}"


def project_status(project: Project) -> ProjectStatus:
    """Where a project stands, read from its store and logs.

    Of a store that several projects share, only what is this project's is looked at.
    """
    predictions = [p for p in read_predictions(project.predictions) if p.model == project.name]
    outcomes = read_feedback(project.predictions)
    with project.store() as store:
        store.interrupt_stale()
        runs = _runs(store, project.name, "run")
        dataset, _ = _newest(store, runs, "ingest", "dataset")
        monitoring, monitored = _newest(store, _runs(store, project.name, "monitor"), "monitor", "monitoring")
        return ProjectStatus(
            project.name,
            dataset,
            next(iter(runs), None),
            _versions(project, store),
            store.aliases(project.name),
            Counter(p.version for p in predictions),
            sum(p.id in outcomes for p in predictions),
            monitoring,
            monitored,
        )


def _runs(store: Store, project: str, command: str) -> list[Run]:
    """The project's runs of a command, the newest first; a run that names no project is of the only one."""
    return [run for run in store.runs(command=command) if run.parameters.get("project", project) == project]


def _newest(
    store: Store, runs: Sequence[Run], step: str, output: str
) -> tuple[Artifact | None, datetime.datetime | None]:
    """What a step gave last, and when its run began. The same again is the same artifact, so runs decide."""
    for run in runs:
        for execution in store.executions(run, step=step):
            found = store.outputs(execution).get(output) if execution.state in _GAVE else None
            if found is not None:
                return found, run.started
    return None, None


def _versions(project: Project, store: Store) -> tuple[tuple[ModelVersion, str], ...]:
    """All versions with their chief metric on the test part."""
    metric = CHIEF_METRIC[project.configuration.project.task]
    versions = []
    for version in store.model_versions(project.name):
        found = store.artifacts("evaluation", digest=str(version.properties["evaluation"]), limit=1)
        value = found[0].properties.get(metric) if found else None
        versions.append((version, f"{metric} {value:.4f}" if isinstance(value, float) else ""))
    return tuple(versions)
