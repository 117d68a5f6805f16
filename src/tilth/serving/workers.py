"""A worker process: what its supervisor hands it, and how it begins and ends.

The supervisor starts `main` in a new interpreter, with a pipe from which the worker reads what it is to
do, and one on which it says that it answers. The first stays open for as long as the supervisor lives: its
end is the worker's sign to end too.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import struct
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tilth.errors import TilthError

__all__ = ["READY", "Seat", "Work", "main", "send_work"]

READY = b"r"
_SIZE = struct.Struct("!Q")


@dataclass(frozen=True)
class Seat:
    """What a worker has from its supervisor; a server of one process has one too.

    Args:
        number: from 0.
        workers: how many there are.
        listeners: the sockets it answers on, by the name of what is answered there ("http").
        folder: shared by all workers for as long as the server runs; None where there is one process only.
        started: to be called once it answers.
    """

    number: int
    workers: int
    listeners: Mapping[str, socket.socket]
    folder: Path | None
    started: Callable[[], None]

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that HTTP is answered on."""
        name = self.listeners["http"].getsockname()
        return name[0], name[1]


Work = Callable[[Seat], None]
"""What a worker does until SIGTERM; must be picklable, such as a `functools.partial` of a function."""


def send_work(pipe: IO[bytes], work: Work, seat: tuple[int, int, Mapping[str, int], Path | None]) -> None:
    """Tell a worker what to do; the numbers of its sockets are those of its own process."""
    paths = pickle.dumps(sys.path)
    told = pickle.dumps((work, seat))
    for part in (paths, told):
        pipe.write(_SIZE.pack(len(part)) + part)
    pipe.flush()


def main(arguments: Sequence[str]) -> int:
    """Do what the supervisor says, until SIGTERM, SIGINT or the supervisor's end.

    Args:
        arguments: the numbers of the two pipes.
    """
    orders, status = int(arguments[0]), int(arguments[1])
    with os.fdopen(orders, "rb", buffering=0) as pipe:
        # It comes from the process that started this one, over a pipe that nobody else has.
        sys.path[:] = pickle.loads(_part(pipe))  # noqa: S301
        work, (number, workers, sockets, folder) = pickle.loads(_part(pipe))  # noqa: S301
        listeners = {name: socket.socket(fileno=file) for name, file in sockets.items()}
        threading.Thread(target=_end_with, args=(pipe,), daemon=True).start()
        try:
            work(Seat(number, workers, listeners, folder, lambda: _say(status)))
        except TilthError as error:
            sys.stderr.write(f"error: {error}\n")
            return 1
    return 0


def _say(status: int) -> None:
    os.write(status, READY)


def _part(pipe: IO[bytes]) -> bytes:
    (size,) = _SIZE.unpack(_exactly(pipe, _SIZE.size))
    return _exactly(pipe, size)


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    found = b""
    while len(found) < size:
        more = pipe.read(size - len(found))
        if not more:
            raise SystemExit(1)  # the supervisor has died
        found += more
    return found


def _end_with(pipe: IO[bytes]) -> None:
    """Wait for the supervisor's end, and let the requests in work finish."""
    while pipe.read(1):
        continue
    os.kill(os.getpid(), signal.SIGTERM)
