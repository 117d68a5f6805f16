"""The engine on a Ray cluster: processes on one node or many."""

from __future__ import annotations

import logging
import os
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from tilth.engines.engine import Engine
from tilth.errors import EngineError, UsageError
from tilth.settings import Settings

__all__ = ["ray_engine"]

T = TypeVar("T")
R = TypeVar("R")

# Tasks are of uneven size: while the oldest is waited for, these keep every worker busy.
_TASKS_A_WORKER = 3

_PATIENCE_S = 10.0


def ray_engine(address: str | None = None) -> Engine:
    """The engine on a Ray cluster.

    Uses the cluster that this process is connected to already, else that of `address`, else that of the
    environment variable RAY_ADDRESS; where none is named it starts one on this machine that ends with this
    process. No dashboard, no usage statistics, no logs on the terminal. The nodes need the same version of
    Tilth, and must reach the data by the same path.

    Args:
        address: host:port of the cluster's head, ray://host:port from outside the cluster, or "auto" for the
            one that `ray start` started on this machine.

    Raises:
        UsageError: Ray is not installed.
        EngineError: no cluster answers at the address.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault(
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0"
    )  # its future default; a warning otherwise
    try:
        import ray
    except ImportError as error:
        raise UsageError(
            "the engine 'ray' needs Ray, which is not installed", mend="pip install tilth[ray]"
        ) from error
    if not ray.is_initialized():
        _connect(ray, address)
    cores = ray.cluster_resources().get("CPU", 1)  # type: ignore[no-untyped-call]
    return _RayEngine(workers=max(1, int(cores)))


def _connect(ray: Any, address: str | None) -> None:
    wanted = address or Settings.from_environment().ray_address or "local"
    try:
        _knock(wanted)
        ray.init(wanted, include_dashboard=False, log_to_driver=False, logging_level=logging.CRITICAL)
    except (OSError, RuntimeError, TimeoutError, ValueError) as error:
        raise EngineError(
            f"no Ray cluster can be used: {error}",
            where=wanted,
            expected="the address of a running cluster's head, host:port",
            mend="check the address, or leave it and RAY_ADDRESS away to work on this machine",
        ) from error


def _knock(address: str) -> None:
    """Try the address first: Ray ends the whole process where nobody answers."""
    host, separator, port = address.rpartition("://")[2].partition("/")[0].rpartition(":")
    if separator and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE_S).close()


@dataclass(frozen=True)
class _RayEngine:
    workers: int
    name: str = "ray"

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        import ray

        shared = ray.put(function)
        task: Any = ray.remote(num_cpus=1)(_call)
        waiting = iter(items)
        under_way: deque[Any] = deque(
            task.remote(shared, item) for item in islice(waiting, _TASKS_A_WORKER * self.workers)
        )
        # Whoever stops early leaves these to end unheard: to cancel a task that is just ending makes Ray 2.60
        # abort this whole process ("Tried to complete task that was not pending").
        while under_way:
            result = _result(under_way[0])
            under_way.popleft()
            under_way.extend(task.remote(shared, item) for item in islice(waiting, 1))
            yield result


def _call(function: Callable[[T], R], item: T) -> R:
    return function(item)


def _result(task: Any) -> Any:
    import ray

    try:
        return ray.get(task)
    except ray.exceptions.RayTaskError as error:
        # What the function raised, with Ray's report of the remote traceback behind it.
        raise error.cause from error
    except ray.exceptions.RayError as error:
        raise EngineError(
            f"the Ray cluster lost a task: {error}",
            mend="look at the state and the memory of its nodes (`ray status`), then start again",
        ) from error
