"""An engine by its name."""

from __future__ import annotations

from collections.abc import Callable

from tilth.engines.cluster import ray_engine
from tilth.engines.engine import Engine
from tilth.engines.local import local_engine
from tilth.errors import UsageError, closest

__all__ = ["find_engine"]

_ENGINES: dict[str, Callable[[], Engine]] = {"local": local_engine, "ray": ray_engine}


def find_engine(name: str) -> Engine:
    """The engine of this name: local or ray.

    Raises:
        UsageError: no engine of that name, or its library is not installed.
        EngineError: no cluster answers.

    Example:
        >>> find_engine("local").name
        'local'
    """
    make = _ENGINES.get(name)
    if make is None:
        near = closest(name, _ENGINES)
        raise UsageError(
            f"no engine '{name}'",
            expected=f"one of {', '.join(_ENGINES)}",
            mend=f"did you mean '{near}'?" if near else None,
        )
    return make()
