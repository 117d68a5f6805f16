"""The models that one server answers with: those of one project, or of several side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tilth.schemas import Schema
from tilth.serving.live import LiveModel, ModelSource, no_model
from tilth.serving.metering import Meters
from tilth.serving.predictor import Predictor
from tilth.serving.repository import Repository
from tilth.serving.settings import ServingSettings
from tilth.tables import FeedbackLog, PredictionLog

__all__ = ["Hub", "ServedProject"]


@dataclass(frozen=True)
class ServedProject:
    """One project as it is served.

    Args:
        source: where its models come from.
        log: where each of its predictions is written before it is answered.
        feedback: where its outcomes are written.
        schema: the contract on the columns of models that bring none of their own.
        entity: the column with the key of whom a prediction is about.
    """

    source: ModelSource
    log: PredictionLog
    feedback: FeedbackLog
    schema: Schema = field(default_factory=lambda: Schema(()))
    entity: str | None = None


class Hub:
    """The predictors of all projects; the first answers where a request names no model.

    Args:
        projects: at least one.
        settings: limits and manners.
        meters: what counts.
        folder: shared by the workers of one server; None for a server of one process.
    """

    def __init__(
        self,
        projects: Sequence[ServedProject],
        settings: ServingSettings,
        meters: Meters,
        folder: Path | None = None,
    ) -> None:
        self.predictors = tuple(
            Predictor(
                LiveModel(project.source, project.schema, settings, meters),
                project.log,
                meters,
                entity=project.entity,
                sample=settings.sample,
                when_full=settings.when_full,
            )
            for project in projects
        )
        self.feedback = tuple(project.feedback for project in projects)
        self.schema = projects[0].schema
        self.first = self.predictors[0]
        self.repository = Repository([each.live for each in self.predictors], folder)
        self._is_draining = False

    def named(self, name: str | None, version: str | None = None) -> Predictor:
        """The predictor of a model; the first where no name is given.

        Raises:
            Refusal: 404 for a model that is not served.
        """
        if name is None:
            return self.first
        for predictor in self.predictors:
            if predictor.live.name == name:
                return predictor
        raise no_model(name, version)

    @property
    def ready(self) -> bool:
        """Every model that is in service answers, one at least, and the server is not about to end."""
        models = [predictor.live for predictor in self.predictors if not predictor.live.is_unloaded]
        return not self._is_draining and bool(models) and all(live.scorer is not None for live in models)

    @property
    def problems(self) -> list[str]:
        """What stands in the way of a model, in words."""
        problems = [each.live.problem for each in self.predictors if each.live.problem]
        return ["the server is ending", *problems] if self._is_draining else problems

    def drain(self) -> None:
        """Say from now on that the server is not ready; requests that still come are answered."""
        self._is_draining = True

    def refresh(self) -> None:
        """Ask all sources for other versions; never raises. Not for the event loop."""
        self.repository.refresh()
