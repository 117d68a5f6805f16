"""What the page of a run shows of its rows: mistakes with their tags, and the champion on the same rows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from project_factory import hurried_project, write_customers
from task_factory import offer_project, run_silently
from tilth.pipelines import tell_run
from tilth.pipelines.report_sections.mistakes import mistakes_of
from tilth.projects import Project
from tilth.store import Said

Ask = Callable[..., tuple[int, str, str]]


def write(folder: Path, before: str, after: str) -> None:
    toml = folder / "tilth.toml"
    text = toml.read_text(encoding="utf-8")
    assert before in text
    toml.write_text(text.replace(before, after), encoding="utf-8")


def page(folder: Path, **given: object) -> str:
    told = tell_run(Project.load(folder))
    assert told is not None
    return told.html(**given)  # type: ignore[arg-type] # whatever the test gives


@pytest.fixture(scope="module")
def challenged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose second model has met the champion on other rows, with slices and an identifier."""
    from tilth.cli import main

    folder = tmp_path_factory.mktemp("challenged")
    hurried_project(folder, 600)
    write(folder, "slices = []", 'slices = [["plan"], ["quantiles(age, 3)"]]\nprotected = ["plan"]')
    assert main(["run", "--dir", str(folder)]) == 0
    write_customers(folder / "customers.csv", 900, seed=4)
    assert main(["run", "--dir", str(folder)]) == 0
    return folder


def test_the_champion_is_met_on_the_same_rows(challenged: Path) -> None:
    text = page(challenged)
    assert "id=versus" in text
    assert "test rows new to it" in text
    assert "the other way round" in text
    told = tell_run(Project.load(challenged))
    assert told is not None
    evaluated = json.loads(json.dumps(told.told.documents["evaluation"]))
    theirs = evaluated["baselines"]["champion"]["slices"][0]["metrics"]["auroc"]["value"]
    section = text[text.index("id=versus>") :]
    row = re.search(r"<tr><th scope=row>auroc<td[^>]*><b>([^<]+)</b>", section)
    assert row is not None
    assert float(row[1]) == pytest.approx(theirs, abs=5e-5)


def test_the_first_run_has_no_champion_to_meet(challenged: Path) -> None:
    told = tell_run(Project.load(challenged), "1")
    assert told is not None
    text = told.html()
    assert "id=versus" not in text
    assert "id=mistakes" in text


def test_the_sections_of_the_evaluation_are_there_and_the_page_is_the_same_again(challenged: Path) -> None:
    text = page(challenged)
    for heading in ("confusion", "curves", "slices", "discovered", "fairness", "mistakes"):
        assert f"<h2 id={heading}" in text, heading
    assert "Slices by harm" in text
    assert page(challenged) == text


def test_the_mistakes_are_those_of_the_dev_part_with_their_tags(challenged: Path) -> None:
    project = Project.load(challenged)
    told = tell_run(project)
    assert told is not None
    dev = told.side.scored("dev")
    found = mistakes_of(dev, "dev")
    assert found is not None
    assert f"{found.wrong:,} of {len(dev):,} rows are wrong" in told.html()
    worst = found.shown[0].key
    with project.store() as store:
        store.record_remarks([Said(project.name, "tag", worst, "odd <age>", True, "ann")])
    text = told.html()
    assert "odd &lt;age&gt;" in text
    assert text.index(worst) < text.index("odd &lt;age&gt;") < text.index(found.shown[1].key)


def test_columns_are_hidden_on_demand(challenged: Path, ask: Ask, tmp_path: Path) -> None:
    assert ask("report", "--dir", challenged, "-o", tmp_path / "r.html", "--hide", "income")[0] == 0
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "Not shown: <bdi>income</bdi>" in text
    assert "<dt><bdi>income</bdi>" not in text
    assert "<dt><bdi>age</bdi>" in text
    status, _, err = ask("report", "--dir", challenged, "--hide", "income")
    assert status == 2
    assert "add -o FILE" in err
    status, _, err = ask("report", "--dir", challenged, "-o", tmp_path / "r.html", "--hide", "incme")
    assert status == 2
    assert "did you mean 'income'" in err


def test_identifiers_of_the_schema_are_never_shown(tmp_path: Path, ask: Ask) -> None:
    hurried_project(tmp_path)
    schema = tmp_path / "schema.toml"
    text = schema.read_text(encoding="utf-8")
    assert '[columns.age]\ntype = "int"' in text
    text = text.replace('[columns.age]\ntype = "int"', '[columns.age]\ntype = "int"\nkind = "identifier"')
    schema.write_text(text, encoding="utf-8")
    status, _, err = ask("run", "--dir", tmp_path)
    assert status == 0, err
    found = page(tmp_path)
    assert "Not shown: <bdi>age</bdi>" in found
    assert "<dt><bdi>age</bdi>" not in found


def test_a_file_that_is_gone_leaves_the_rest_of_the_page(tmp_path: Path, ask: Ask) -> None:
    hurried_project(tmp_path)
    assert ask("run", "--dir", tmp_path)[0] == 0
    told = tell_run(Project.load(tmp_path))
    assert told is not None
    told.side.path("model").unlink()
    text = told.html()
    assert "The mistakes on dev cannot be shown" in text
    assert "id=confusion" in text
    assert "id=mistakes" not in text


def test_a_ranking_has_a_page_without_mistakes(tmp_path: Path) -> None:
    project = offer_project(tmp_path)
    assert run_silently(project).failure is None
    text = page(project.directory)
    assert "<h2 id=milestones" in text
    assert "<h2 id=mistakes" not in text
    assert "cannot be shown" not in text
