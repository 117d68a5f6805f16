"""The command that tells what a model goes by."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from tilth.cli.inputs import Json, Seed, SliceKeys, groups
from tilth.cli.output import Progress, print_json, print_text
from tilth.cli.project import Directory

__all__ = ["explain"]


def explain(
    model: str | None = None,
    *,
    data: str | None = None,
    part: Literal["train", "dev", "test"] = "dev",
    row: Annotated[list[str] | None, Parameter(negative="")] = None,
    slices: SliceKeys = None,
    columns: str | None = None,
    metric: str | None = None,
    of: str | None = None,
    method: Literal["trees", "sampling"] | None = None,
    repeats: int = 5,
    rows: int = 5_000,
    seed: Seed = 0,
    dir: Directory = Path(),  # noqa: A002
    json: Json = False,
) -> int:
    """What a model goes by: which columns it needs, how they move its answers, and why it answers one row so.

    Args:
        model: A run ("4", "run:4") or a model ("census@champion"); default: the newest run's, with --data the
            champion.
        data: Rows with the model's columns; default: a part of the data that the run had.
        part: Which part.
        row: Explain this row alone: its number from 1, or its hash; repeatable.
        columns: Which columns to look at, joined by commas; default: all.
        metric: What importance is measured by; default: the chief metric of the task.
        of: The class whose score is explained; default: the positive one, of several the one that is said.
        method: How contributions are found: exactly from trees, or drawn; default: trees where there are.
        repeats: How often each column is shuffled.
        rows: How many rows to look at, at most.
        seed: Another seed draws other rows and shuffles.
    """
    from tilth.pipelines import Asked, explain_model
    from tilth.projects import Project
    from tilth.tables.slicings import split_keys

    asked = Asked(
        rows=tuple(row or ()),
        slices=groups(slices),
        columns=tuple(split_keys(columns)) if columns else (),
        metric=metric,
        of=of,
        method=method,
        repeats=repeats,
        most_rows=rows,
        seed=seed,
    )
    with Progress("columns") as progress:
        found = explain_model(Project.load(dir), model, asked, data=data, part=part, progress=progress)
    if json:
        print_json(found.to_json())
    else:
        print_text(found.report())
    return 0
