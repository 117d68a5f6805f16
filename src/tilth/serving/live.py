"""The model that answers now, and how it is replaced while requests go on."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from tilth.errors import TilthError
from tilth.schemas import Schema
from tilth.serving.answers import Refusal
from tilth.serving.metering import Meters
from tilth.serving.scoring import Scorer, ServedModel
from tilth.serving.settings import ServingSettings

__all__ = ["LiveModel", "ModelSource", "fixed_model", "no_model"]

_log = logging.getLogger("tilth.serving")


@dataclass(frozen=True)
class ModelSource:
    """Where the served model comes from.

    Args:
        poll: the name and version that should answer now; None while there is no champion. Called often, in a
            thread, so it must be cheap.
        load: that model version, with its graph. Called in a thread, once for each new version.
        beside: the versions that can be asked for by their number beside the champion, cheap as well.
        name: the model's name, where it is known before there is a champion.
    """

    poll: Callable[[], tuple[str, int] | None]
    load: Callable[[str, int], ServedModel]
    beside: Callable[[], Collection[int]] = tuple
    name: str | None = None


def fixed_model(model: ServedModel) -> ModelSource:
    """A source that always gives one model."""
    return ModelSource(lambda: (model.name, model.version), lambda _name, _version: model, name=model.name)


class LiveModel:
    """Holds the scorer that answers and those of versions beside it, and swaps them as the source says.

    A version that cannot be loaded leaves the present one in place; the reason is logged and kept in
    `problem`, and the version is tried again after a while.
    """

    def __init__(
        self, source: ModelSource, schema: Schema, settings: ServingSettings, meters: Meters
    ) -> None:
        self.scorer: Scorer | None = None
        self.problem: str | None = None
        self.versions: Mapping[int, Scorer] = {}
        self._source = source
        self._schema = schema
        self._settings = settings
        self._meters = meters
        self._failed: dict[tuple[str, int], tuple[float, str]] = {}

    @property
    def name(self) -> str | None:
        """The model's name, as soon as it is known."""
        return self._source.name or (None if self.scorer is None else self.scorer.model.name)

    def find(self, version: str | None = None) -> Scorer:
        """The scorer that is live, or that of a version.

        Raises:
            Refusal: 404 for a version that is not served, 503 while no version is live.
        """
        scorer = self.scorer
        if version is not None:
            scorer = next((s for v, s in self.versions.items() if str(v) == version), None)
            if scorer is None:
                raise no_model(self.name or "", version)
        if scorer is None:
            why = self.problem or "the model is being loaded"
            raise Refusal(503, f"not ready: {why}", headers=((b"retry-after", b"1"),))
        return scorer

    def refresh(self) -> None:
        """Ask the source, and load and swap if it names other versions; never raises.

        Not for the event loop: it reads and loads.
        """
        try:
            wanted, beside = self._source.poll(), self._source.beside()
        except Exception as error:  # noqa: BLE001 - whatever the source does, the present model keeps answering
            self._note(f"the model source cannot be asked: {_words(error)}")
            return
        problem = None
        if wanted is None:
            problem = "no model is champion yet" if self.scorer is None else self.problem
        elif not self._serves(wanted):
            problem = self._swap(*wanted)
        problem = self._beside(beside) or problem
        if problem is None:
            self.problem = None
        else:
            self._note(problem)

    def _serves(self, wanted: tuple[str, int]) -> bool:
        scorer = self.scorer
        return scorer is not None and (scorer.model.name, scorer.model.version) == wanted

    def _swap(self, name: str, version: int) -> str | None:
        """Let a version answer; the problem with it, if there is one."""
        scorer = self.versions.get(version) or self._loaded(name, version)
        if isinstance(scorer, str):
            return scorer
        self.versions = {**self.versions, version: scorer}
        self.scorer = scorer
        self._meters.model(name, version)
        _log.info("%s version %d answers from now on", name, version)
        return None

    def _beside(self, wanted: Collection[int]) -> str | None:
        """Hold the scorers of exactly the live version and those beside it."""
        if self.scorer is None:
            return None
        live, problem = self.scorer.model, None
        held = {live.version: self.scorer}
        for version in wanted:
            if version not in held:
                found = self.versions.get(version) or self._loaded(live.name, version)
                if isinstance(found, str):
                    problem = found
                else:
                    held[version] = found
        self.versions = held
        return problem

    def _loaded(self, name: str, version: int) -> Scorer | str:
        """A version's scorer, or why there is none; one that failed is left alone for a while."""
        until, problem = self._failed.get((name, version), (0.0, ""))
        if time.monotonic() < until:
            return problem
        try:
            scorer = Scorer(self._source.load(name, version), self._schema, self._settings)
        except Exception as error:  # noqa: BLE001 - a broken new version must not stop the one that answers
            problem = f"{name} version {version} cannot be served: {_words(error)}"
            self._failed[name, version] = (time.monotonic() + self._settings.retry_interval_s, problem)
            self._meters.load_failed()
            return problem
        self._failed.pop((name, version), None)
        return scorer

    def _note(self, problem: str) -> None:
        if problem != self.problem:
            _log.error("%s", problem)
        self.problem = problem


def no_model(name: str, version: str | None) -> Refusal:
    """The answer 404 for a model or version that is not served.

    Example:
        >>> print(no_model("my-model", "v0"))
        Model my-model with version v0 not found
    """
    which = f"Model {name[:100]}" + (f" with version {version[:100]}" if version is not None else "")
    return Refusal(404, f"{which} not found")


def _words(error: Exception) -> str:
    return error.what if isinstance(error, TilthError) else f"{type(error).__name__}: {error}"
