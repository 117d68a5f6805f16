"""The model that answers now, and how it is replaced while requests go on."""

from __future__ import annotations

import datetime
import logging
import math
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from tilth.checks import Verdict
from tilth.errors import TilthError
from tilth.schemas import Schema
from tilth.serving.answers import Refusal
from tilth.serving.metering import Meters
from tilth.serving.scoring import Scorer, ServedModel
from tilth.serving.settings import ServingSettings

__all__ = ["LiveModel", "Look", "ModelSource", "fixed_model", "no_model"]

_log = logging.getLogger("tilth.serving")


Look = tuple[Sequence[Verdict], datetime.datetime]
"""The verdicts on the live checks, and when they were made."""


def _no_look() -> Look | None:
    return None


@dataclass(frozen=True)
class ModelSource:
    """Where the served model comes from.

    Args:
        poll: the name and version that should answer now; None while there is no champion. Called often, in a
            thread, so it must be cheap.
        load: that model version, with its graph. Called in a thread, once for each new version.
        beside: the versions that can be asked for by their number beside the champion, cheap as well.
        name: the model's name, where it is known before there is a champion.
        look: what the newest look at the live checks found, and when; None while nobody has looked.
    """

    poll: Callable[[], tuple[str, int] | None]
    load: Callable[[str, int], ServedModel]
    beside: Callable[[], Collection[int]] = tuple
    name: str | None = None
    look: Callable[[], Look | None] = _no_look


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
        self._looked = -math.inf
        self.is_unloaded = False
        self._lock = threading.Lock()
        self.on_load: Callable[[Scorer], None] = _nothing

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
        if self.is_unloaded:
            raise Refusal(503, f"{self.name} was taken out of service", reason="not_ready")
        if version is not None:
            scorer = next((s for v, s in self.versions.items() if str(v) == version), None)
            if scorer is None:
                raise no_model(self.name or "", version)
        if scorer is None:
            why = self.problem or "the model is being loaded"
            raise Refusal(503, f"not ready: {why}", headers=((b"retry-after", b"1"),), reason="not_ready")
        return scorer

    def refresh(self) -> None:
        """Ask the source, and load and swap if it names other versions; never raises.

        Not for the event loop: it reads and loads.
        """
        with self._lock:
            if self.is_unloaded:
                self._look()
            else:
                self._follow()

    def put_away(self) -> None:
        """Answer nothing until `put_back`; requests in work keep their model."""
        with self._lock:
            self.is_unloaded = True
            self.scorer, self.versions, self.problem = None, {}, None
            self._tell()
        _log.info("%s was taken out of service", self.name)

    def put_back(self) -> None:
        """Answer again, with the versions that the source names now. Not for the event loop."""
        with self._lock:
            self.is_unloaded = False
            self._failed.clear()
        self.refresh()

    def _follow(self) -> None:
        try:
            wanted, beside = self._source.poll(), self._source.beside()
        except Exception as error:  # noqa: BLE001 - whatever the source does, the present model keeps answering
            self._note(f"the model source cannot be asked: {_words(error)}")
            self._tell()
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
        self._tell()
        self._look()
        self._look_up()

    def _look_up(self) -> None:
        """Take over what was materialized since, once for each look-up of the versions."""
        online = [each for scorer in self.versions.values() for each in scorer.model.lookups]
        for each in {id(each.store): each for each in online}.values():
            each.refresh(self._meters)

    def _tell(self) -> None:
        """Let the metrics say what is served."""
        if self.name is not None:
            live = None if self.scorer is None else self.scorer.model.version
            self._meters.models(self.name, live, self.versions)

    def _look(self) -> None:
        """Let the metrics say what `tilth monitor` found last; asked for now and then."""
        now = time.monotonic()
        if self.name is None or now < self._looked + self._settings.look_interval_s:
            return
        self._looked = now
        try:
            look = self._source.look()
        except Exception as error:  # noqa: BLE001 - the models answer, whatever becomes of the checks
            _log.warning("the newest look of tilth monitor cannot be read: %s", _words(error))
            return
        if look is not None:
            self._meters.looked(self.name, *look)

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
            scorer.warm_up(self._settings.batch_rows)
            self.on_load(scorer)
        except Exception as error:  # noqa: BLE001 - a broken new version must not stop the one that answers
            problem = f"{name} version {version} cannot be served: {_words(error)}"
            self._failed[name, version] = (time.monotonic() + self._settings.retry_interval_s, problem)
            self._meters.load_failed(name)
            return problem
        self._failed.pop((name, version), None)
        return scorer

    def _note(self, problem: str) -> None:
        if problem != self.problem:
            _log.error("%s", problem)
        self.problem = problem


def _nothing(scorer: Scorer) -> None:
    """Nobody wants to know of versions that are loaded."""


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
