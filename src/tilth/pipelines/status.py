"""`tilth status`: where a project stands, on one screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tilth.metrics import CHIEF_METRIC
from tilth.projects import Project
from tilth.store import Artifact, ModelVersion, Run
from tilth.tables import read_feedback, read_predictions
from tilth.types import JSONObject

__all__ = ["ProjectStatus", "project_status"]


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
    """

    project: str
    dataset: Artifact | None
    last_run: Run | None
    versions: tuple[tuple[ModelVersion, str], ...]
    aliases: Mapping[str, int]
    predictions: Mapping[int, int]
    outcomes: int
    monitoring: Artifact | None

    def to_json(self) -> JSONObject:
        """The status as JSON values."""
        data, run, watched = self.dataset, self.last_run, self.monitoring
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
            else {**watched.properties, "time": watched.created.isoformat()},
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
        alarms = self.monitoring.properties.get("alarms")
        when = f"{self.monitoring.properties.get('model')}, {self.monitoring.created:%Y-%m-%d %H:%M} UTC"
        if not isinstance(alarms, list) or not alarms:
            return f"quiet ({when})"
        return f"{len(alarms)} {'alarm rings' if len(alarms) == 1 else 'alarms ring'} ({when}): {alarms[0]}"


def project_status(project: Project) -> ProjectStatus:
    """Where a project stands, read from its store and logs."""
    answers: dict[int, int] = {}
    for prediction in read_predictions(project.predictions):
        answers[prediction.version] = answers.get(prediction.version, 0) + 1
    with project.store() as store:
        store.interrupt_stale()
        metric = CHIEF_METRIC[project.configuration.project.task]
        versions = []
        for version in store.model_versions(project.name):
            found = store.artifacts("evaluation", digest=str(version.properties["evaluation"]), limit=1)
            value = found[0].properties.get(metric) if found else None
            versions.append((version, f"{metric} {value:.4f}" if isinstance(value, float) else ""))
        return ProjectStatus(
            project.name,
            next(iter(store.artifacts("dataset", "dataset", limit=1)), None),
            next(iter(store.runs(command="run", limit=1)), None),
            tuple(versions),
            store.aliases(project.name),
            answers,
            len(read_feedback(project.predictions)),
            next(iter(store.artifacts("monitoring", limit=1)), None),
        )
