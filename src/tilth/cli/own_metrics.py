"""Metrics of one's own on the command line: the functions of a Python file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tilth.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from tilth.metrics import CustomMetric

__all__ = ["OwnMetrics", "read_metrics"]

OwnMetrics = Annotated[
    Path | None,
    Parameter(name="--metrics", help="A Python file with metrics of your own: def cost(counts): ..."),
]


def read_metrics(path: Path | None) -> dict[str, CustomMetric]:
    """The public functions of a Python file by name; none without a file.

    Raises:
        NotFoundError: no such file.
        UsageError: it is no Python file, or has no metric.
        TrainingError: its code fails.
    """
    if path is None:
        return {}
    if not path.is_file():
        raise NotFoundError(f"there is no file {path}", expected="a Python file with functions of counts")
    if path.suffix != ".py":
        raise UsageError(f"{path} is no Python file", expected="functions of counts in a file NAME.py")
    from tilth.pipelines.custom_metrics import load_metrics

    return load_metrics(path.name, path.parent)
