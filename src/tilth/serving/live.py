"""The model that answers now, and how it is replaced while requests go on."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from tilth.errors import TilthError
from tilth.schemas import Schema
from tilth.serving.metering import Meters
from tilth.serving.scoring import Scorer, ServedModel
from tilth.serving.settings import ServingSettings

__all__ = ["LiveModel", "ModelSource", "fixed_model"]

_log = logging.getLogger("tilth.serving")


@dataclass(frozen=True)
class ModelSource:
    """Where the served model comes from.

    Args:
        poll: the name and version that should answer now; None while there is no champion. Called often, in a
            thread, so it must be cheap.
        load: that model version, with its graph. Called in a thread, once for each new version.
    """

    poll: Callable[[], tuple[str, int] | None]
    load: Callable[[str, int], ServedModel]


def fixed_model(model: ServedModel) -> ModelSource:
    """A source that always gives one model."""
    return ModelSource(lambda: (model.name, model.version), lambda _name, _version: model)


class LiveModel:
    """Holds the scorer that answers and swaps it when the source names another model version.

    A version that cannot be loaded leaves the present one in place; the reason is logged and kept in
    `problem`, and the version is tried again after a while.
    """

    def __init__(
        self, source: ModelSource, schema: Schema, settings: ServingSettings, meters: Meters
    ) -> None:
        self.scorer: Scorer | None = None
        self.problem: str | None = None
        self._source = source
        self._schema = schema
        self._settings = settings
        self._meters = meters
        self._failed: tuple[str, int] | None = None
        self._retry_at = 0.0

    def refresh(self) -> None:
        """Ask the source, and load and swap if it names another version; never raises.

        Not for the event loop: it reads and loads.
        """
        try:
            wanted = self._source.poll()
        except Exception as error:  # noqa: BLE001 - whatever the source does, the present model keeps answering
            self._note(f"the model source cannot be asked: {_words(error)}")
            return
        if wanted is None:
            if self.scorer is None:
                self.problem = "no model is champion yet"
            return
        if self._serves(wanted):
            self.problem = None
        elif wanted != self._failed or time.monotonic() >= self._retry_at:
            self._swap(*wanted)

    def _serves(self, wanted: tuple[str, int]) -> bool:
        scorer = self.scorer
        return scorer is not None and (scorer.model.name, scorer.model.version) == wanted

    def _swap(self, name: str, version: int) -> None:
        try:
            scorer = Scorer(self._source.load(name, version), self._schema, self._settings)
        except Exception as error:  # noqa: BLE001 - a broken new version must not stop the one that answers
            self._failed = (name, version)
            self._retry_at = time.monotonic() + self._settings.retry_interval_s
            self._meters.load_failed()
            self._note(f"{name} version {version} cannot be served: {_words(error)}")
            return
        self.scorer, self.problem, self._failed = scorer, None, None
        self._meters.model(name, version)
        _log.info("%s version %d answers from now on", name, version)

    def _note(self, problem: str) -> None:
        if problem != self.problem:
            _log.error("%s", problem)
        self.problem = problem


def _words(error: Exception) -> str:
    return error.what if isinstance(error, TilthError) else f"{type(error).__name__}: {error}"
