"""The command that searches for better parameters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

from cyclopts import Parameter

from tilth.cli.inputs import Html, Json
from tilth.cli.output import RunPrinter, people, print_json, print_text
from tilth.cli.outputs import check_outputs, project_files
from tilth.cli.streams import write_whole

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar

    from tilth.pipelines import Standing, TuneReport

__all__ = ["TrialPrinter", "tune"]


def tune(
    *,
    trials: int | None = None,
    jobs: int = 1,
    timeout: float | None = None,
    html: Html = None,
    apply: Annotated[bool, Parameter(negative="")] = False,
    trial: int | None = None,
    dir: Annotated[Path, Parameter(name="--dir", help="The project's folder; default: here.")] = Path(),  # noqa: A002
    json: Json = False,
) -> int:
    """Search for better parameters on the dev part; goes on with what was done before.

    Args:
        trials: How many there shall be in all; default: [tune] trials.
        jobs: How many are done at the same time.
        timeout: Seconds after which no trial is begun.
        apply: Write estimator and parameters of the best trial into tilth.toml.
        trial: Take this trial instead of the best one.
    """
    from tilth.pipelines import tune as search
    from tilth.projects import Project

    check_outputs([html], project_files(dir))
    project = Project.load(dir)
    console = people()
    printer = RunPrinter(console)
    try:
        with TrialPrinter(console) as progress:
            report = search(project, printer, progress, trials=trials, jobs=jobs, timeout_s=timeout)
    finally:
        printer.stop()
    if html is not None:
        write_whole(html, report.html())
        console.print(f"the page is in {html}", markup=False)
    if json:
        print_json(report.to_json())
    else:
        print_text(report.report())
    if report.failure is not None and trial is None:
        raise report.failure
    _use(report, project.directory / "tilth.toml", trial, apply=apply, quiet=json)
    return 0


class TrialPrinter:
    """Tells how far a search is: a bar in a terminal, elsewhere a line for each trial that leads."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = _bar(console) if console.is_terminal else None
        self._task = None if self._bar is None else self._bar.add_task("trials", total=None, best="")
        self._best: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, standing: Standing) -> None:
        """The search is so far."""
        best = standing.best
        told = "" if best is None else f"best: trial {best.number}, {standing.metric} {best.score.value:.4f}"
        if self._bar is not None and self._task is not None:
            self._bar.start()
            self._bar.update(self._task, completed=standing.done, total=standing.total, best=told)
        elif best is not None and best.number != self._best:
            self._console.print(f"  {standing.done} of {standing.total} trials; {told}", markup=False)
        self._best = None if best is None else best.number


def _bar(console: Console) -> Bar:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("trials"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[best]}", markup=False),
    )
    return Bar(*columns, console=console, transient=True)


def _use(report: TuneReport, path: Path, trial: int | None, *, apply: bool, quiet: bool) -> None:
    """Write what was chosen into tilth.toml, or show what to write."""
    chosen = report.chosen(trial)
    console = people()
    if apply:
        text = report.toml(trial)
        changed = text != path.read_bytes().decode()
        if changed:
            write_whole(path, text)
        done = f"written to {path}" if changed else f"is what {path} says"
        console.print(f"trial {chosen.number} {done}; next: tilth run", markup=False)
    elif chosen.number > 0 and not quiet:
        console.print("to use it, give --apply, or write into tilth.toml:", markup=False)
        console.print(report.lines(trial), markup=False)
