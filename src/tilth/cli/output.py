"""How commands print: people's output to standard error or out, one JSON document to standard output."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console

from tilth.cli.streams import discard, put, visible
from tilth.types import JSONValue

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from tilth.pipelines import StepReport

__all__ = ["Doing", "Progress", "RunPrinter", "people", "print_json", "print_text"]


def people() -> Console:
    """Where people read: standard error, in color where it is a terminal."""
    return _Patient(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: JSONValue) -> None:
    """One JSON document on standard output; undefined numbers are null, never NaN."""
    put(sys.stdout, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def print_text(text: str) -> None:
    """The result that people asked for, on standard output."""
    put(sys.stdout, visible(text.rstrip("\n")))


class _Patient(Console):
    """A console that goes quiet when its reader goes away, where rich would end the process.

    What it prints of the data cannot take hold of the terminal.
    """

    def print(self, *objects: Any, **options: Any) -> None:
        """Print objects; control characters in texts are spelt out."""
        shown = (visible(item) if isinstance(item, str) else item for item in objects)
        super().print(*shown, **options)

    def on_broken_pipe(self) -> None:
        """What rich does when the reader is gone."""
        self.quiet = True
        discard(sys.stderr)


class _WithBar:
    """What shows a bar in a terminal while it is used with `with`, and nothing elsewhere."""

    _bar: Bar | None

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()


class Progress(_WithBar):
    """Tells how far long work is: a bar in a terminal, nothing elsewhere. Used as the callback of the work.

    Args:
        what: what is counted, such as "rows".
    """

    def __init__(self, what: str) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        console = people()
        self._bar = Bar(*columns, console=console, transient=True) if console.is_terminal else None
        self._task = None if self._bar is None else self._bar.add_task(what, total=None)

    def __call__(self, done: int, total: int | None = None) -> None:
        """`done` of `total` are finished."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total)


class Doing(_WithBar):
    """Tells what is being done, where nobody knows how far it is: a line with the time spent, in a terminal.

    Elsewhere only what takes a minute or more is told.
    """

    def __init__(self) -> None:
        from rich.progress import Progress as Bar
        from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

        self._console = people()
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
        is_terminal = self._console.is_terminal
        self._bar = Bar(*columns, console=self._console, transient=True) if is_terminal else None

    def __call__(self, what: str, minutes: float = 0.0) -> None:
        """Something begins that takes about so many minutes."""
        about = f", about {minutes:.0f} min" if minutes >= 1 else ""
        if self._bar is None:
            if about:
                self._console.print(what + about, markup=False)
            return
        for task in self._bar.task_ids:
            self._bar.remove_task(task)
        self._bar.add_task(visible(what + about), total=None)


class RunPrinter:
    """Tells how a run goes on: one line a step, with a spinner while it works in a terminal."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._status = console.status("") if console.is_terminal else None

    def started(self, step: str) -> None:
        """A step begins."""
        if self._status is not None:
            self._status.update(f"{step} ...")
            self._status.start()

    def ended(self, report: StepReport) -> None:
        """A step ended."""
        if self._status is not None:
            self._status.stop()
        if report.state == "skipped":
            self.console.print(f"  [dim]- {report.step:<10}   skipped  {report.summary}[/dim]", markup=True)
            return
        mark = "[green]✓[/green]" if report.state == "complete" else "[red]✗[/red]"
        self.console.print(f"  {mark} {report.step:<10} {report.seconds:>7.2f} s  ", end="", markup=True)
        self.console.print(report.summary, markup=False)

    def stop(self) -> None:
        """Take the spinner away, whatever happened."""
        if self._status is not None:
            self._status.stop()
