"""The supervisor: starts the workers of a server, puts others in the place of those that die, ends them."""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import IO

from tilth.errors import EngineError
from tilth.serving.workers import READY, Work, send_work

__all__ = ["supervise"]

_log = logging.getLogger("tilth.serving")

_RUN = "import sys; from tilth.serving.workers import main; sys.exit(main(sys.argv[1:]))"

_SOUND_S = 30.0
"""A worker that answered for so long was sound: its successor starts at once."""

_LONGEST_PAUSE_S = 10.0
_FIRST_PAUSE_S = 0.25


def supervise(
    work: Work,
    listeners: Mapping[str, Sequence[socket.socket]],
    *,
    folder: Path | None = None,
    started: Callable[[], None] | None = None,
    stop_s: float = 15.0,
) -> None:
    """Run a process for each socket until SIGTERM or SIGINT; returns when all have ended.

    A worker that dies is replaced: at once when it had been sound, else after a pause that doubles each time,
    up to ten seconds. Its sockets stay open meanwhile, so connections that wait there are not lost.

    Args:
        work: what each worker does.
        listeners: by the name of what is answered there, a socket for each worker.
        folder: shared by the workers.
        started: called once, when all workers answer.
        stop_s: how long workers may take to end; then they are killed.

    Raises:
        EngineError: a worker ended before all had answered for the first time.
    """
    count = len(next(iter(listeners.values())))
    seats = [{name: sockets[number] for name, sockets in listeners.items()} for number in range(count)]
    crew = [_Worker(number, count, work, seat, folder) for number, seat in enumerate(seats)]
    with _signals() as stopped:
        try:
            _watch(crew, stopped, started)
        finally:
            _end(crew, stop_s)


class _Worker:
    """One place among the workers, and the process that has it at the moment."""

    def __init__(
        self,
        number: int,
        count: int,
        work: Work,
        sockets: Mapping[str, socket.socket],
        folder: Path | None,
    ) -> None:
        self.number = number
        self.is_ready = False
        self.status: IO[bytes] | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self.due = time.monotonic()
        self._count = count
        self._work = work
        self._sockets = sockets
        self._folder = folder
        self._orders: IO[bytes] | None = None
        self._pause_s = 0.0
        self._since = 0.0

    def start(self) -> IO[bytes]:
        """Start a process in this place; gives the pipe on which it says that it answers."""
        orders, to_worker = os.pipe()
        from_worker, status = os.pipe()
        files = {name: each.fileno() for name, each in self._sockets.items()}
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", _RUN, str(orders), str(status)],
                pass_fds=(orders, status, *files.values()),
                stdin=subprocess.DEVNULL,
                # Ctrl-C is for the supervisor, which tells the workers.
                process_group=0,
            )
        finally:
            os.close(orders)
            os.close(status)
        said = self.status = os.fdopen(from_worker, "rb", buffering=0)
        self._orders = os.fdopen(to_worker, "wb")
        self._since = time.monotonic()
        with contextlib.suppress(BrokenPipeError):  # dead already; its status says so
            send_work(self._orders, self._work, (self.number, self._count, files, self._folder))
        return said

    def died(self) -> int:
        """Clear away after a process; a successor is due after a pause. Gives the exit status."""
        assert self.process is not None
        code = self.process.wait()
        self.close()
        was_sound = self.is_ready and time.monotonic() - self._since >= _SOUND_S
        if was_sound or self._pause_s == 0.0:
            wait_s, self._pause_s = 0.0, _FIRST_PAUSE_S
        else:
            wait_s, self._pause_s = self._pause_s, min(2 * self._pause_s, _LONGEST_PAUSE_S)
        self.is_ready = False
        self.due = time.monotonic() + wait_s
        return code

    def close(self) -> None:
        """Close the pipes; a worker that lives takes this for the end of its supervisor."""
        for pipe in (self.status, self._orders):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self.status = self._orders = None


def _watch(crew: Sequence[_Worker], stopped: IO[bytes], started: Callable[[], None] | None) -> None:
    """Start workers, and others in their place, until a signal comes."""
    is_up = False
    with selectors.DefaultSelector() as selector:
        selector.register(stopped, selectors.EVENT_READ)
        while True:
            for worker in crew:
                if worker.status is None and worker.due <= time.monotonic():
                    selector.register(worker.start(), selectors.EVENT_READ, worker)
            pauses = [worker.due - time.monotonic() for worker in crew if worker.status is None]
            for key, _ in selector.select(max(0.0, min(pauses)) if pauses else None):
                worker = key.data
                if worker is None:
                    return
                if worker.status.read(1) == READY:
                    worker.is_ready = True
                    continue
                selector.unregister(key.fileobj)
                code = worker.died()
                if not is_up:
                    raise _stillborn(code)
                _log.error("worker %d ended (%s); another takes its place", worker.number, _how(code))
            if not is_up and all(worker.is_ready for worker in crew):
                is_up = True
                if started is not None:
                    started()


def _end(crew: Sequence[_Worker], stop_s: float) -> None:
    """End all workers: SIGTERM lets them finish what they have begun."""
    living = [worker.process for worker in crew if worker.process is not None and worker.status is not None]
    for process in living:
        process.terminate()
    deadline = time.monotonic() + stop_s
    for process in living:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            _log.error("process %d does not end; it is killed", process.pid)
            process.kill()
            process.wait()
    for worker in crew:
        worker.close()


@contextlib.contextmanager
def _signals() -> Iterator[IO[bytes]]:
    """A pipe that can be read once SIGTERM or SIGINT has come."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)

    def note(_number: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(writing, b"s")

    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with os.fdopen(reading, "rb", buffering=0) as pipe:
            yield pipe
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(writing)


def _stillborn(code: int) -> EngineError:
    return EngineError(
        f"a worker of the server ended before it answered ({_how(code)})",
        mend="what it wrote above says why; tilth serve --workers 1 shows it too",
    )


def _how(code: int) -> str:
    """How a process ended, in words.

    Example:
        >>> _how(-9), _how(1)
        ('killed by SIGKILL', 'exit status 1')
    """
    if code >= 0:
        return f"exit status {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
