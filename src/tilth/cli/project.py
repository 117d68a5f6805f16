"""Commands on a project: init, run, status, lineage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from tilth.cli.inputs import Json
from tilth.cli.output import RunPrinter, people, print_json, print_text

__all__ = ["Directory", "compare_two_runs", "init", "lineage", "reproduce", "run", "status"]

Directory = Annotated[Path, Parameter(name="--dir", help="The project's folder; default: here.")]


def init(data: str, *, label: str, dir: Directory = Path(), json: Json = False) -> int:  # noqa: A002
    """Write a project from a data file: tilth.toml, schema.toml and features.py.

    Args:
        data: The data file.
        label: The column to predict.
    """
    from tilth.projects import initialize

    made = initialize(data, label, dir)
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
    from tilth.pipelines import run_pipeline
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
    for note in report.notes:
        console.print(f"  note: {note}", markup=False)
    if json:
        print_json(report.to_json())
    if report.failure is not None:
        raise report.failure
    return 0


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
