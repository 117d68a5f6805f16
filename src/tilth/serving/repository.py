"""Models taken out of service and put back while the server runs (the model repository of the protocol)."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from tilth.serving.answers import Refusal
from tilth.serving.live import LiveModel, no_model

__all__ = ["Repository"]

_decoder = msgspec.json.Decoder(list[str])


class Repository:
    """Which of a server's models are out of service; its workers agree on that through a file.

    Args:
        models: one for each project.
        folder: shared by the workers of the server; None for a server of one process.
    """

    def __init__(self, models: Sequence[LiveModel], folder: Path | None = None) -> None:
        self._models = models
        self._path = None if folder is None else folder / "unloaded.json"
        self._lock = threading.Lock()

    def load(self, name: str) -> None:
        """Put a model back into service, with the versions that are wanted now. Takes a while.

        Raises:
            Refusal: 404 for a model that is not of this server, 503 where it cannot be loaded.
        """
        live = self._find(name)
        with self._noted() as unloaded:
            unloaded.discard(name)
        live.put_back()
        if live.scorer is None:
            why = live.problem or "there is no version to load"
            raise Refusal(503, f"{name} cannot be loaded: {why}", reason="not_ready")

    def unload(self, name: str) -> None:
        """Take a model out of service; requests in work get their answers.

        Raises:
            Refusal: 404 for a model that is not of this server.
        """
        live = self._find(name)
        with self._noted() as unloaded:
            unloaded.add(name)
        live.put_away()

    def refresh(self) -> None:
        """Do as another worker was told; all models follow their sources."""
        if self._path is not None:
            with self._noted() as unloaded:
                away = set(unloaded)
            for live in self._models:
                if live.name is not None and live.is_unloaded is not (live.name in away):
                    live.put_away() if live.name in away else live.put_back()
        for live in self._models:
            live.refresh()

    def _find(self, name: str) -> LiveModel:
        for live in self._models:
            if live.name == name:
                return live
        raise no_model(name, None)

    @contextlib.contextmanager
    def _noted(self) -> Iterator[set[str]]:
        """The names in the file, for reading and for changing; one worker at a time."""
        if self._path is None:
            yield set()
            return
        import fcntl

        with self._lock, self._path.with_suffix(".lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                before = _decoder.decode(self._path.read_bytes())
            except FileNotFoundError:
                before = []
            names = set(before)
            yield names
            if names != set(before):
                draft = self._path.with_suffix(".draft")
                draft.write_bytes(msgspec.json.encode(sorted(names)))
                draft.replace(self._path)
