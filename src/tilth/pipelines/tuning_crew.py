"""Crew: the processes that do trials for one `tilth tune`, watched over."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from tilth.errors import StoreError, TilthError, TrainingError
from tilth.pipelines.tuning_records import Ledger
from tilth.pipelines.tuning_worker import PROGRAM, REFUSED, Job

__all__ = ["Crew"]

_MOST_FALSE_STARTS = 3
_PATIENCE_S = 0.5
_PAUSE_S = 5.0
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_TAIL = 2000


@dataclass
class Crew:
    """Starts workers, and new ones for those that crash; ends them all, whatever happens.

    Args:
        job: what each is told.
        jobs: how many there are at a time.
        ledger: where a trial whose worker crashed is recorded as failed.
    """

    job: Job
    jobs: int
    ledger: Ledger
    _workers: list[_Worker] = field(default_factory=list)
    _heard: queue.Queue[Mapping[str, Any] | None] = field(default_factory=queue.Queue)
    _false_starts: int = 0

    def work(self, tell: Callable[[], None]) -> None:
        """Let the workers do what they can.

        Args:
            tell: is called whenever a trial began or ended here, and every few seconds, since others may work
                on the same search.

        Raises:
            TilthError: a worker finds that no trial can be done.
            TrainingError: workers crash before they begin a trial.
        """
        try:
            self._workers = [self._started() for _ in range(self.jobs)]
            last = 0.0
            while self._workers:
                with contextlib.suppress(queue.Empty):
                    self._take(self._heard.get(timeout=_PATIENCE_S))
                    last = 0.0
                if time.monotonic() - last > _PAUSE_S:
                    tell()
                    last = time.monotonic()
                for worker in [each for each in self._workers if each.has_ended]:
                    self._workers.remove(worker)
                    self._see_off(worker)
        finally:
            for worker in self._workers:
                worker.stop()

    def _started(self) -> _Worker:
        return _Worker.start(self.job, self.jobs, self._heard)

    def _take(self, told: Mapping[str, Any] | None) -> None:
        if told is not None and "refused" in told:
            raise _refusal(told["refused"])
        if told is not None and "ended" in told:
            self._false_starts = 0

    def _see_off(self, worker: _Worker) -> None:
        """What to do after a worker has ended."""
        while not self._heard.empty():
            self._take(self._heard.get())
        status = worker.close()
        if status in (0, REFUSED):
            return
        why = _cause(status)
        begun = [
            record
            for record in self.ledger.records()
            if record.execution.state == "running" and record.execution.pid == worker.pid
        ]
        for record in begun:
            self.ledger.give_up(record, why)
        self._false_starts += not begun
        if self._false_starts >= _MOST_FALSE_STARTS:
            raise TrainingError(f"no trial can be done: {why}", where=worker.last_words or None)
        self._workers.append(self._started())


@dataclass
class _Worker:
    """One process, with who listens to it."""

    process: subprocess.Popen[str]
    listener: threading.Thread
    errors: IO[bytes]
    last_words: str = ""

    @classmethod
    def start(cls, job: Job, jobs: int, heard: queue.Queue[Mapping[str, Any] | None]) -> _Worker:
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the worker is seen off
        command = [sys.executable, "-P", "-c", PROGRAM]
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                encoding="utf-8",
                env=_environment(jobs),
            )
        except OSError as error:
            raise StoreError("a process for trials cannot be started", mend=error.strerror) from error
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # that it has ended is seen later
            process.stdin.write(job.to_line())
            process.stdin.flush()
        listener = threading.Thread(target=_listen, args=(process, heard), daemon=True)
        listener.start()
        return cls(process, listener, errors)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None and not self.listener.is_alive()

    def close(self) -> int:
        """Its exit status; negative for a signal."""
        with contextlib.suppress(OSError):
            self.errors.seek(0)
            self.last_words = self.errors.read()[-_TAIL:].decode(errors="replace").strip()
        self.errors.close()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        return self.process.wait()

    def stop(self) -> None:
        """End it now: it is told by the end of its input, and killed if it does not listen."""
        self.process.kill()
        self.process.wait()
        self.listener.join()
        self.close()


def _listen(process: subprocess.Popen[str], heard: queue.Queue[Mapping[str, Any] | None]) -> None:
    assert process.stdout is not None
    for line in _lines(process.stdout):
        with contextlib.suppress(ValueError):  # half a line of one that was killed
            heard.put(json.loads(line))
    heard.put(None)


def _lines(stream: IO[str]) -> Iterator[str]:
    with contextlib.suppress(OSError, ValueError):  # it was closed meanwhile
        yield from stream


def _environment(jobs: int) -> dict[str, str]:
    """The environment of a worker: the cores are shared between all of them."""
    share = max(1, len(os.sched_getaffinity(0)) // jobs) if hasattr(os, "sched_getaffinity") else 1
    return {**dict.fromkeys(_THREADS, str(share)), **os.environ}


def _refusal(parts: Mapping[str, str | None]) -> TilthError:
    return TrainingError(
        str(parts["what"]), where=parts["where"], expected=parts["expected"], mend=parts["mend"]
    )


def _cause(status: int) -> str:
    """Why a process ended, from its exit status."""
    if status >= 0:
        return f"its process ended with exit status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    memory = ", probably for lack of memory" if name == "SIGKILL" else ""
    return f"its process was ended by {name}{memory}"
