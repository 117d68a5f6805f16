"""Meter: what a piece of work uses over time, looked at about once a second by a thread."""

from __future__ import annotations

import contextlib
import functools
import sys
import threading
import time
from types import TracebackType
from typing import Self

import psutil  # type: ignore[import-untyped]

from tilth.pipelines.graphics_cards import GraphicsCards
from tilth.store import Sample, Usage

__all__ = ["Meter", "graphics_cards"]

_FIRST_S = 0.1
_PAUSE_S = 1.0
_MOST_SAMPLES = 600
_MB = 1e6


@functools.cache
def graphics_cards() -> GraphicsCards | None:
    """The GPUs of this machine, looked for once a process; None where there is none."""
    return GraphicsCards.find()


class Meter:
    """Measures what this process and its children use while a block of work is done.

    CPU time is the operating system's. Memory that processes share counts for each. The peak of memory is
    exact where the block holds more than the process ever did before it; otherwise it is the highest of the
    samples, between which it may have been higher. The pauses between samples grow from 0.1 s to 1 s; where
    samples are many the pauses double, so that work of days is a few hundred samples too.

    Example:
        >>> with Meter() as meter:
        ...     total = sum(range(100_000))
        >>> meter.usage().peak_memory_mb > 1
        True
    """

    def __init__(self) -> None:
        self._samples: list[Sample] = []
        self._peak_before = 0.0
        self._pause_s = _FIRST_S
        self._longest_s = _PAUSE_S
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="tilth-meter", daemon=True)
        self._process = psutil.Process()

    def __enter__(self) -> Self:
        self._begun = time.perf_counter()
        self._peak_before = _peak_mb()
        self._cpu_before, _ = self._in_use()
        self._sample()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Take the last sample; nothing more is measured."""
        if not self._stopping.is_set():
            self._stopping.set()
            self._thread.join()
            self._sample()

    def usage(self) -> Usage:
        """What was used until the last sample; nothing before the first."""
        samples = self._samples or [Sample(0.0, 0.0, 0.0)]
        last = samples[-1]
        peak, whole = max(sample.memory_mb for sample in samples), _peak_mb()
        if whole > self._peak_before:
            peak = max(peak, whole)
        shares = [sample.gpu_share for sample in samples if sample.gpu_share is not None]
        cards = [sample.gpu_memory_mb for sample in samples if sample.gpu_memory_mb is not None]
        return Usage(
            wall_s=last.at_s,
            cpu_s=last.cpu_s,
            peak_memory_mb=round(peak, 3),
            gpu_share=round(sum(shares) / len(shares), 4) if shares else None,
            peak_gpu_memory_mb=max(cards, default=None),
            samples=tuple(samples),
        )

    def _watch(self) -> None:
        while not self._stopping.wait(self._pause_s):
            self._sample()
            self._pause_s = min(self._pause_s * 2, self._longest_s)
            if len(self._samples) >= _MOST_SAMPLES:
                del self._samples[1::2]
                self._longest_s *= 2

    def _sample(self) -> None:
        cpu_s, memory_mb = self._in_use()
        spent = max(cpu_s - self._cpu_before, self._samples[-1].cpu_s if self._samples else 0.0)
        cards = graphics_cards()
        load = cards.load() if cards is not None else None
        self._samples.append(
            Sample(
                round(time.perf_counter() - self._begun, 4),
                round(spent, 4),
                round(memory_mb, 3),
                None if load is None else round(load.share, 4),
                None if load is None else round(load.memory_mb, 3),
            )
        )

    def _in_use(self) -> tuple[float, float]:
        """Seconds of CPU so far, and MB now: of this process, its living children, and those that ended."""
        times = self._process.cpu_times()
        spent = time.process_time() + times.children_user + times.children_system
        held = self._process.memory_info().rss
        for child in self._children():
            with contextlib.suppress(psutil.Error):  # it may end at any moment
                times = child.cpu_times()
                spent += times.user + times.system
                held += child.memory_info().rss
        return float(spent), held / _MB

    def _children(self) -> list[psutil.Process]:
        try:
            return list(self._process.children(recursive=True))
        except psutil.Error:
            return []


def _peak_mb() -> float:
    """The most memory that this process ever held, in MB; 0 where the operating system does not tell."""
    if sys.platform == "win32":
        return float(psutil.Process().memory_info().peak_wset) / _MB
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MB
    # Not what getrusage tells, in which the peak of the program that started this one counts too.
    with contextlib.suppress(OSError), open("/proc/self/status", encoding="ascii", errors="replace") as file:  # noqa: PTH123 - no file of the disk
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / _MB
    return 0.0
