"""The engine on this machine: threads, which share its memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from tilth.engines.engine import Engine
from tilth.errors import UsageError

__all__ = ["local_engine"]

T = TypeVar("T")
R = TypeVar("R")


def local_engine(threads: int | None = None) -> Engine:
    """The engine that works on threads of this process.

    Good for functions that spend their time in Arrow, NumPy and Polars, which leave the interpreter free.

    Args:
        threads: 1 or more; default: one for each core that this process may use.

    Raises:
        UsageError: fewer than 1 thread.

    Example:
        >>> list(local_engine(threads=2).map(abs, [-1, -2, -3]))
        [1, 2, 3]
    """
    found = _cores() if threads is None else threads
    if found < 1:
        raise UsageError(f"an engine of {found} threads", expected="1 thread or more")
    return _LocalEngine(workers=found)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True)
class _LocalEngine:
    workers: int
    name: str = "local"

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        if self.workers == 1:
            return map(function, items)
        return self._on_threads(function, iter(items))

    def _on_threads(self, function: Callable[[T], R], items: Iterator[T]) -> Iterator[R]:
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="tilth")
        try:
            under_way: deque[Future[R]] = deque(
                pool.submit(function, item) for item in islice(items, 2 * self.workers)
            )
            while under_way:
                result = under_way.popleft().result()
                under_way.extend(pool.submit(function, item) for item in islice(items, 1))
                yield result
        finally:
            # Whoever stops early is not kept waiting for what the threads are at.
            pool.shutdown(wait=False, cancel_futures=True)
