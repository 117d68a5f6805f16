"""Which process is at work, so that what a dead one left running can be told from what still runs."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

__all__ = ["Process", "has_ended", "mark_of_process", "this_process"]


@dataclass(frozen=True)
class Process:
    """A process on a host.

    A pid alone is reused, so `token` tells one process from another of the same pid. On Linux it is the boot,
    the pid namespace (containers) and the start in clock ticks since boot, which no change of the clock
    moves; elsewhere the start time.
    """

    host: str
    pid: int
    token: str

    def is_gone(self) -> bool:
        """Whether the process has certainly ended.

        False when that cannot be known from here: another host, or another container on this one.
        """
        here = this_process()
        if self.host != here.host:
            return False
        boot, _, rest = self.token.partition("/")
        own_boot, _, own_rest = here.token.partition("/")
        if boot != own_boot:
            return True  # the host has been started anew
        if rest.partition("/")[0] != own_rest.partition("/")[0]:
            return False
        found = _token(self.pid)
        return found is None or found not in ("", self.token)


def this_process() -> Process:
    """The process that asks."""
    return _own(os.getpid())  # a fork has another pid


def mark_of_process() -> str:
    """This process as a part of a file's name: where it runs, its pid and its start; for `has_ended`."""
    here = this_process()
    place, start = _place_and_start(here)
    return f"{place}-{here.pid}-{start}"


def has_ended(mark: str) -> bool:
    """Whether the process of a mark has certainly ended; False when that cannot be known from here."""
    place, pid, start = mark.split("-")
    if place != _place_and_start(this_process())[0]:
        return False
    found = _token(int(pid))
    return found is None or (bool(found) and found.rpartition("/")[2] != start)


def _place_and_start(process: Process) -> tuple[str, str]:
    """The host, its boot and the pid namespace as one word, and when the process started."""
    place, _, start = process.token.rpartition("/")
    return hashlib.sha256(f"{process.host}/{place}".encode()).hexdigest()[:8], start


@functools.cache
def _own(pid: int) -> Process:
    return Process(platform.node(), pid, _token(pid) or "")


def _token(pid: int) -> str | None:
    """What tells the process from others: None when there is no such process, "" when that is hidden."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        space = Path("/proc/self/ns/pid").readlink()
    except OSError:
        return _portable_token(pid)
    state, *rest = status.rpartition(")")[2].split()  # the name before it may hold anything
    return None if state in ("Z", "X") else f"{boot}/{space}/{rest[18]}"


def _portable_token(pid: int) -> str | None:
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return f"-/-/{process.create_time():.0f}"
    except psutil.NoSuchProcess:
        return None
    except psutil.AccessDenied:
        return ""
