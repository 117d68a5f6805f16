"""Nothing that a project is made of is written over, and options that would do nothing are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from project_factory import hurried_project
from task_factory import Silent
from tilth.pipelines import run_pipeline
from tilth.projects import Project

Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a model."""
    made = hurried_project(tmp_path_factory.mktemp("kept"))
    run_pipeline(made, Silent())
    return made.directory


@pytest.mark.parametrize(
    "command",
    [
        ("errors", "list", "-o"),
        ("errors", "export", "-o"),
        ("report", "-o"),
        ("predict", "DATA", "-o"),
        ("audit", "--card"),
    ],
)
@pytest.mark.parametrize("name", ["DATA", "tilth.toml", "features.py"])
def test_a_project_is_not_overwritten(folder: Path, ask: Ask, command: tuple[str, ...], name: str) -> None:
    data = Project.load(folder).configuration.data.sources[0]
    target = folder / (data if name == "DATA" else name)
    before = target.read_bytes()
    words = [str(folder / data) if word == "DATA" else word for word in command]
    status, _, said = ask(*words, target, "--dir", folder)
    assert status == 2, said
    assert target.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--score", "p"), "--score beside --model"),
        (("--label", "y", "--weight", "w"), "--label, --weight beside --model"),
        (("--slice", "nosuch"), "--slice beside --model"),
    ],
)
def test_what_a_recorded_evaluation_ignores_is_refused(
    folder: Path, ask: Ask, options: tuple[str, ...], said: str
) -> None:
    status, _, complaint = ask("evaluate", "--model", "champion", *options, "--dir", folder)
    assert status == 2
    assert said in complaint


@pytest.mark.parametrize("options", [("--limit", "0"), ("--right", "-1")])
def test_numbers_of_rows_that_mean_nothing_are_refused(
    folder: Path, ask: Ask, options: tuple[str, ...]
) -> None:
    target = folder / "mistakes.csv"
    assert ask("errors", "export", "-o", target, *options, "--dir", folder)[0] == 2
    assert not target.exists()


def test_an_unknown_tag_is_not_taken_away(folder: Path, ask: Ask) -> None:
    status, _, said = ask("errors", "tag", "nos", "r0", "--remove", "--dir", folder)
    assert status == 2, said
