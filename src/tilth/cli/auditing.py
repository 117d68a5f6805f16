"""Commands before a release: audit, audit sign, audit init."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tilth.cli.inputs import Json
from tilth.cli.output import people, print_json, print_text
from tilth.cli.outputs import check_outputs, project_files
from tilth.cli.project import Directory
from tilth.cli.streams import write_whole
from tilth.errors import UsageError

if TYPE_CHECKING:
    from tilth.projects import Project

__all__ = ["audit", "init", "sign"]

_CARDS = (".md", ".html")
_FILES = ("model-card.md", "model-card.html")

Card = Annotated[
    Path | None,
    Parameter(name="--card", help="Write the model card: FILE.md, FILE.html, or a folder for both."),
]
Who = Annotated[str, Parameter(name="--as", help="Who signs.")]
Risks = Annotated[list[str] | None, Parameter(name="--risk", negative="", help="A risk by its name; repeat.")]


def audit(
    model: str | None = None,
    *,
    card: Card = None,
    dir: Directory = Path(),  # noqa: A002
    json: Json = False,
) -> int:
    """Measure the risks of audit.toml on a model; exit status 1 when the audit does not hold.

    Args:
        model: "census@2", "census@challenger" or "2"; default: the challenger, or else the champion.
    """
    from tilth.pipelines.auditing import carry_out
    from tilth.pipelines.model_card import model_card
    from tilth.projects import Project

    project = Project.load(dir)
    files = _card_files(project, card)
    carried = carry_out(project, model)
    if files:
        written = model_card(project, carried)
        for path in files:
            path.parent.mkdir(exist_ok=True)
            write_whole(path, written.markdown() if path.suffix.lower() == ".md" else written.html())
            people().print(f"the model card is in {path}", markup=False)
    if json:
        print_json(carried.audit.to_json())
    else:
        print_text(carried.audit.report())
    return int(not carried.audit.holds)


def sign(
    model: str | None = None,
    *,
    who: Who,
    risk: Risks = None,
    all: Annotated[bool, Parameter(negative="")] = False,  # noqa: A002
    note: str | None = None,
    withdraw: Annotated[bool, Parameter(negative="")] = False,
    dir: Directory = Path(),  # noqa: A002
    json: Json = False,
) -> int:
    """Sign risks whose bounds hold; exit status 1 when one that was asked for cannot be signed.

    Args:
        model: "census@2", "census@challenger" or "2"; default: the challenger, or else the champion.
        all: Every risk of audit.toml.
        note: Kept with the signature.
        withdraw: Take the signatures back.
    """
    from tilth.pipelines.auditing import sign as sign_risks
    from tilth.projects import Project

    if bool(risk) == all:
        raise UsageError(
            "which risks?" if not all else "--all and --risk are two ways to say which risks",
            expected='--risk "NAME", or --all',
        )
    found = sign_risks(
        Project.load(dir), model, None if all else risk, who=who.strip(), note=note, withdraw=withdraw
    )
    if json:
        print_json(found.to_json())
    else:
        did = "withdrawn" if withdraw else "signed"
        for name in found.signed:
            people().print(f"{did} by {who.strip()}: {name}", markup=False)
        for name, why in found.others:
            people().print(f"left: {name}: {why}", markup=False)
        print_text(found.audit.report())
    failure = found.failure()
    if failure is not None:
        raise failure
    return 0


def init(*, dir: Directory = Path(), json: Json = False) -> int:  # noqa: A002
    """Write a first audit.toml from what tilth.toml says, for people to complete."""
    from tilth.pipelines.audit import risk_path
    from tilth.projects import Project
    from tilth.projects.first_audit import first_audit

    project = Project.load(dir)
    path = risk_path(project)
    check_outputs([path], [])
    if path.exists():
        raise UsageError(
            f"{path.name} is there already", where=str(path.parent), mend="change it, or move it away first"
        )
    write_whole(path, first_audit(project.configuration))
    if json:
        print_json({"file": str(path)})
    else:
        people().print(f"Wrote {path}", markup=False)
        people().print("Complete it, then: tilth audit", markup=False)
    return 0


def _card_files(project: Project, card: Path | None) -> list[Path]:
    """The files of a card: both kinds in a folder, or the one that is named.

    Raises:
        UsageError: neither a folder nor a file of these kinds, or no place to write in.
    """
    if card is None:
        return []
    if card.suffix.lower() in _CARDS and not card.is_dir():
        files = [card]
    elif card.suffix and not card.is_dir():
        raise UsageError(
            f"a model card is not written as {card.suffix}",
            where="--card",
            expected="FILE.md, FILE.html, or a folder for both",
        )
    else:
        check_outputs([card / name for name in _FILES] if card.is_dir() else [card], [])
        return [card / name for name in _FILES]
    check_outputs(files, project_files(project.directory))
    return files
