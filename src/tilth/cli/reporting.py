"""What a run came to: `tilth report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tilth.cli.inputs import Json
from tilth.cli.output import people, print_json, print_text
from tilth.cli.outputs import check_outputs, project_files
from tilth.cli.project import Directory
from tilth.cli.streams import write_whole
from tilth.errors import UsageError

__all__ = ["report"]

Hide = Annotated[
    list[str] | None,
    Parameter(
        name="--hide",
        negative="",
        help="A column whose values the page does not show; repeatable. Identifiers are never shown.",
    ),
]

Page = Annotated[Path | None, Parameter(name=["--output", "-o"], help="Write the page to this file: HTML.")]


def report(
    reference: str | None = None,
    *,
    output: Page = None,
    hide: Hide = None,
    dir: Directory = Path(),  # noqa: A002
    json: Json = False,
) -> int:
    """What a run came to: milestones, baselines, curves, and one sentence of advice.

    Args:
        reference: A run ("4" or "run:4"), or the model that it registered ("census@champion", "census@3");
            default: the newest whose model was evaluated.
    """
    from tilth.pipelines import tell_run
    from tilth.projects import Project

    if hide and output is None:
        raise UsageError("--hide leaves columns off a page", mend="add -o FILE")
    project = Project.load(dir)
    check_outputs([output], project_files(dir))
    found = tell_run(project, reference)
    if found is None:
        asked = "no run came" if reference is None else f"the run of '{reference}' did not come"
        raise UsageError(
            f"{asked} as far as evaluating a model",
            where=str(project.directory),
            mend="carry the pipeline out: tilth run",
        )
    if output is not None:
        write_whole(output, found.html(hidden=hide or []))
        people().print(f"the page of run {found.run.number} is in {output}", markup=False)
    if json:
        print_json(found.to_json())
    elif output is None:
        print_text(found.report())
    return 0
