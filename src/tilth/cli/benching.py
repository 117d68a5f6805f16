"""The command that measures what a model costs where it answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tilth.cli.inputs import Json
from tilth.cli.output import Doing, print_json, print_text
from tilth.cli.project import Directory
from tilth.errors import UsageError

__all__ = ["bench"]


def bench(
    model: str | None = None,
    *,
    rows: str = "1,64",
    seconds: float = 3.0,
    data: str | None = None,
    server: Annotated[bool, Parameter(negative="")] = False,
    dir: Directory = Path(),  # noqa: A002
    json: Json = False,
) -> int:
    """Measure latency, throughput, memory and size of a model; exit status 1 when [deployment] is missed.

    Args:
        model: "census@champion" (default), "census@2".
        rows: The sizes of requests, such as 1,64.
        seconds: How long each size is measured.
        data: The rows to ask for. Default: the dev part of the run that made the model.
        server: Through a real server over HTTP, not the graph alone.
    """
    from tilth.pipelines import bench as measure
    from tilth.projects import Project

    sizes = _sizes(rows)
    with Doing() as doing:
        doing("measuring", minutes=len(sizes) * seconds / 60)
        found = measure(Project.load(dir), model, rows=sizes, seconds=seconds, data=data, server=server)
    if json:
        print_json(found.to_json())
    else:
        print_text(found.report())
    return int(not found.is_within)


def _sizes(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise UsageError(f"--rows is '{text}'", expected="sizes of requests, such as 1,64")
    return [int(part) for part in parts]
