"""Commands on a project: init, run, runs, status, lineage."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from tilth.cli.inputs import Json, TaskOption
from tilth.cli.output import RunPrinter, people, print_json, print_text

if TYPE_CHECKING:
    from tilth.store import Metric

__all__ = ["Directory", "compare_two_runs", "init", "lineage", "reproduce", "run", "runs", "status"]

Directory = Annotated[Path, Parameter(name="--dir", help="The project's folder; default: here.")]


def init(
    data: str,
    *,
    label: str,
    task: TaskOption = None,
    group: str | None = None,
    separator: str | None = None,
    dir: Directory = Path(),  # noqa: A002
    json: Json = False,
) -> int:
    """Write a project from a data file: tilth.toml, schema.toml and features.py.

    Args:
        data: The data file.
        label: The column to predict.
        group: For ranking, the column whose rows are ranked together.
        separator: For several labels in one text, what stands between them; default: found out.
    """
    from tilth.projects import initialize

    made = initialize(data, label, dir, task=task, group=group, separator=separator)
    if json:
        print_json(
            {
                "directory": str(made.directory),
                "files": list(made.files),
                "rows": made.rows,
                "columns": made.columns,
                "task": made.task,
                "assumptions": list(made.assumptions),
            }
        )
        return 0
    console = people()
    console.print(f"{made.rows:,} rows x {made.columns} columns; task: {made.task}", markup=False)
    if made.assumptions:
        console.print("Assumed (change it in the files if it is wrong):")
        for sentence in made.assumptions:
            console.print(f"  - {sentence}", markup=False)
    console.print(f"Wrote {', '.join(made.files)} in {made.directory}", markup=False)
    there = "" if made.directory == Path().absolute() else f" --dir {dir}"
    console.print(f"Next: tilth run{there}", markup=False)
    return 0


def run(
    step: str | None = None,
    *,
    with_feedback: Annotated[bool, Parameter(negative="")] = False,
    engine: Literal["local", "ray"] = "local",
    dir: Directory = Path(),  # noqa: A002
    json: Json = False,
) -> int:
    """Carry out the pipeline; what has not changed is skipped.

    Args:
        step: The last step wanted; default: all.
        with_feedback: Learn also from what production has labeled by now.
        engine: Where passes over all rows are made: on this machine, or on a Ray cluster.
    """
    from tilth.engines import find_engine
    from tilth.pipelines import run_pipeline, tell_run
    from tilth.projects import Project

    project = Project.load(dir)
    console = people()
    console.print(f"[bold]{project.name}[/bold]", markup=True)
    printer = RunPrinter(console)
    try:
        worker = None if engine == "local" else find_engine(engine)
        report = run_pipeline(project, printer, until=step, with_feedback=with_feedback, engine=worker)
    finally:
        printer.stop()
    console.print(f"  run {report.run}{_reached(report.metric)}", markup=False)
    told = tell_run(project, f"run:{report.run}")
    for note in report.notes:
        if told is None or note not in told.told.warnings:
            console.print(f"  note: {note}", markup=False)
    if told is not None:
        console.print(f"\n{told.told.report()}", markup=False)
    if json:
        print_json(report.to_json() | ({} if told is None else told.told.to_json()))
    if report.failure is not None:
        raise report.failure
    return 0


def _reached(metric: Metric | None) -> str:
    """The chief metric with its interval, where a run came that far."""
    from tilth.metrics import Estimate

    return "" if metric is None else f": {metric.name} {Estimate(metric.value, metric.low, metric.high)}"


def status(*, dir: Directory = Path(), json: Json = False) -> int:  # noqa: A002
    """Where the project stands, on one screen."""
    from tilth.pipelines import project_status
    from tilth.projects import Project

    found = project_status(Project.load(dir))
    if json:
        print_json(found.to_json())
    else:
        print_text(found.report())
    return 0


def runs(
    reference: str | None = None,
    *,
    limit: int = 20,
    dir: Directory = Path(),  # noqa: A002
    json: Json = False,
) -> int:
    """The runs of the project, the newest first; or all that is recorded of one.

    Args:
        reference: A run ("4" or "run:4"), or the model that it registered ("census@champion", "census@3").
        limit: How many of the newest are listed.
    """
    from tilth.errors import UsageError
    from tilth.pipelines import list_runs, read_run
    from tilth.projects import Project

    if limit < 1:
        raise UsageError(f"{limit} runs cannot be listed", where="--limit", expected="1 or more")
    project = Project.load(dir)
    found = list_runs(project, limit) if reference is None else read_run(project, reference)
    if json:
        print_json(found.to_json())
    else:
        print_text(found.report())
    return 0


def reproduce(
    reference: str,
    *,
    dir: Directory = Path(),  # noqa: A002
    json: Json = False,
) -> int:
    """Carry out a run again from its record, and say whether the same bytes come out.

    Args:
        reference: A run ("4" or "run:4"), or the model that it registered ("census@champion", "census@3").
    """
    from tilth.pipelines import reproduce as again
    from tilth.projects import Project

    printer = RunPrinter(people())
    try:
        found = again(Project.load(dir), reference, printer)
    finally:
        printer.stop()
    if json:
        print_json(found.to_json())
    failure = found.failure()
    if failure is not None:
        raise failure
    people().print(f"{found.run.reference} is reproduced: every step made the same bytes", markup=False)
    for difference in found.differences():
        people().print(f"  although {difference}", markup=False)
    return 0


def compare_two_runs(
    first: str,
    second: str,
    *,
    dir: Directory = Path(),  # noqa: A002
    json: Json = False,
) -> int:
    """What differs between two runs: data, features, parameters, code, and what came of it.

    Args:
        first: A run ("4" or "run:4"), or the model that it registered ("census@champion", "census@3").
        second: Another.
    """
    from tilth.pipelines import compare_runs
    from tilth.projects import Project

    found = compare_runs(Project.load(dir), first, second)
    if json:
        print_json(found.to_json())
    else:
        print_text(found.report())
    return 0


def lineage(
    reference: str,
    *,
    upstream: Annotated[bool, Parameter(negative="")] = False,
    downstream: Annotated[bool, Parameter(negative="")] = False,
    dir: Directory = Path(),  # noqa: A002
    json: Json = False,
) -> int:
    """What made this, and what was made from it.

    Args:
        reference: A model ("census@champion", "census@3"), a run ("run:4"), a data file, or a digest.
        upstream: Only what it was made from.
        downstream: Only what was made from it.
    """
    from tilth.pipelines import trace
    from tilth.projects import Project

    both = upstream == downstream
    found = trace(Project.load(dir), reference, upstream=upstream or both, downstream=downstream or both)
    if json:
        print_json(found.to_json())
    else:
        print_text(found.report())
    return 0
