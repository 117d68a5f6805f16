"""Compaction and retention of a prediction log while a server runs."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

from tilth.errors import DataError, UsageError
from tilth.tables.log_retention import remove_older
from tilth.tables.log_sinks import open_sink
from tilth.tables.predictions import PredictionLog
from tilth.tables.segments import locked_segment, segments
from tilth.types import Clock, utc_now

__all__ = ["Compactor"]

_log = logging.getLogger("tilth.log")

# What to do comes by standard input: a sink's address may have a password, and anybody sees a command line.
_CHILD = """\
import json, sys
from tilth.tables import compact
print("\\n".join(compact(*json.load(sys.stdin)).problems))
"""
_LONGEST_S = 3600.0


class Compactor:
    """Makes Parquet files of a prediction log every few seconds, and removes what is too old.

    The work is done in a process of its own, with lower priority, so that answers do not wait for it; a
    thread here only looks whether there is any. Several compactors may work on one log.

    Args:
        directory: where the log is.
        every_s: how often, in seconds, above 0.
        keep: how long predictions are kept; None for ever.
        sink: where each Parquet file goes too, as `compact` has it.
        log: the log that this process writes, whose files are closed in time even when nothing is appended.
        clock: for the age of files.

    Raises:
        UsageError: a sink that is not known, or not every so many seconds.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     compactor = Compactor(folder, 600, keep=timedelta(days=90))
        ...     compactor.start()
        ...     compactor.stop()
        ...     print(compactor.problem)
        None
    """

    def __init__(
        self,
        directory: str | Path,
        every_s: float,
        keep: timedelta | None = None,
        sink: str | None = None,
        *,
        log: PredictionLog | None = None,
        clock: Clock = utc_now,
    ) -> None:
        if not every_s > 0:
            raise UsageError(f"compaction every {every_s} seconds", expected="more than 0")
        if sink is not None:
            open_sink(sink)
        self.problem: str | None = None
        self._directory = Path(directory)
        self._every_s = every_s
        self._keep = keep
        self._sink = sink
        self._own = log
        self._clock = clock
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Begin; does nothing where it has begun."""
        if self._thread is None:
            self._stopped.clear()
            self._thread = threading.Thread(target=self._run, name="tilth-compactor", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End; what is being done is broken off, which loses nothing."""
        self._stopped.set()
        if self._thread is not None:
            process = self._process
            if process is not None:
                process.terminate()
            self._thread.join()
            self._thread = None

    def turn(self) -> None:
        """Do it once now; what cannot be done is in `problem`."""
        try:
            if self._own is not None:
                self._own.close_due()
            problem = self._compact() if self._has_work() else None
            if self._keep is not None and not self._stopped.is_set():
                remove_older(self._directory, self._keep, self._clock)
        except (DataError, OSError) as error:
            problem = " ".join(str(error).split())
        if problem is not None and problem != self.problem:
            _log.warning("the prediction log: %s", problem)
        self.problem = problem

    def _run(self) -> None:
        while not self._stopped.wait(self._every_s):
            self.turn()

    def _has_work(self) -> bool:
        """Whether there are lines that nobody writes to any more."""
        for segment in segments(self._directory, "predictions"):
            with locked_segment(segment.path) as is_closed:
                if is_closed:
                    return True
        return False

    def _compact(self) -> str | None:
        """The first problem, or None."""
        pipe = subprocess.PIPE
        with subprocess.Popen(
            [sys.executable, "-c", _CHILD], stdin=pipe, stdout=pipe, stderr=pipe, text=True
        ) as process:
            self._process = process
            _be_patient(process.pid)
            if self._stopped.is_set():
                process.terminate()
            try:
                out, err = process.communicate(json.dumps([str(self._directory), self._sink]), _LONGEST_S)
            except subprocess.TimeoutExpired:
                process.kill()
                return f"compaction took longer than {_LONGEST_S:g} seconds and was broken off"
            finally:
                self._process = None
        if process.returncode and not self._stopped.is_set():
            return f"compaction failed: {(err.strip() or 'it was killed').splitlines()[-1]}"
        return next((line for line in out.splitlines() if line), None)


def _be_patient(process: int) -> None:
    """Let other processes go first."""
    try:
        os.setpriority(os.PRIO_PROCESS, process, 10)
    except OSError:
        _log.debug("the compaction keeps its priority")
