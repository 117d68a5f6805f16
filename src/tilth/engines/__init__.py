"""Where work runs: on the threads of this machine, or on the nodes of a Ray cluster.

An engine maps a function over items and gives the results in the items' order. It knows nothing of tables
or profiles; what a function gives must not depend on where it ran.
"""

from __future__ import annotations

from tilth.engines.cluster import ray_engine
from tilth.engines.engine import Engine
from tilth.engines.finding import find_engine
from tilth.engines.local import local_engine

__all__ = ["Engine", "find_engine", "local_engine", "ray_engine"]
