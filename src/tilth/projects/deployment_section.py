"""[deployment] of tilth.toml: what a model may cost where it answers."""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec

from tilth.checks import Check
from tilth.projects.task_rules import Misfit

__all__ = ["DeploymentSection", "deployment_misfits"]

_AT_LEAST = ("rows_per_s",)


class DeploymentSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The most that an answer may take and a model may need, and the least that it must do."""

    latency_p99_ms: float | None = None
    latency_p99_64_ms: float | None = None
    memory_mb: float | None = None
    size_mb: float | None = None
    rows_per_s: float | None = None

    def checks(self) -> list[Check]:
        """The demands as checks of quantities of these names.

        Example:
            >>> [str(check.judge(3.0)) for check in DeploymentSection(latency_p99_ms=5).checks()]
            ['pass: latency_p99_ms 3 <= 5']
        """
        return [
            Check(name, "model", low=bound) if name in _AT_LEAST else Check(name, "model", high=bound)
            for name, bound in msgspec.structs.asdict(self).items()
            if bound is not None
        ]


def deployment_misfits(section: DeploymentSection) -> Iterator[Misfit]:
    """What is out of range: section, what, what was expected."""
    for name, bound in msgspec.structs.asdict(section).items():
        if bound is not None and not (math.isfinite(bound) and bound > 0):
            yield "deployment", f"{name} is {bound}", "a number above 0"
