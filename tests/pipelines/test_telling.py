"""What a run has come to: milestones apart, baselines beside, advice, and what added data did."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from project_factory import make_project, write_customers
from tilth.pipelines import tell_run
from tilth.projects import Project

Ask = Callable[..., tuple[int, str, str]]

BUSINESS = """
[business]
metric = "profit per visitor"
unit = "EUR"
target = 0.2
values = { yes = { yes = 1.0, no = 0.0 }, no = { yes = -1.0, no = 0.0 } }
"""


def declare(folder: Path, text: str) -> None:
    toml = folder / "tilth.toml"
    toml.write_text(toml.read_text(encoding="utf-8") + text, encoding="utf-8")


def replaced(folder: Path, before: str, after: str) -> None:
    toml = folder / "tilth.toml"
    text = toml.read_text(encoding="utf-8")
    assert before in text
    toml.write_text(text.replace(before, after), encoding="utf-8")


def document(folder: Path) -> dict[str, Any]:
    told = tell_run(Project.load(folder))
    assert told is not None
    return dict(told.told.documents)


class _Page(HTMLParser):
    """Which elements a page has, and what they would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "srcset")]


@pytest.fixture(scope="module")
def told_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a business target, evaluated once."""
    from tilth.cli import main

    folder = tmp_path_factory.mktemp("told")
    make_project(folder, 600)
    declare(folder, BUSINESS)
    replaced(folder, "slices = []", 'slices = [["plan"]]')
    assert main(["run", "--dir", str(folder)]) == 0
    return folder


def test_milestones_are_told_apart(told_project: Path) -> None:
    told = tell_run(Project.load(told_project))
    assert told is not None
    found = told.to_json()
    parts = found["milestones"]
    assert list(parts) == ["train", "dev", "test", "business"]
    rows = [parts[part]["rows"] for part in ("train", "dev", "test")]
    assert sum(rows) == 600
    evaluated = json.loads(json.dumps(told.told.documents["evaluation"]))
    for part in ("train", "dev", "test"):
        assert parts[part]["metrics"]["auroc"] == evaluated[part]["slices"][0]["metrics"]["auroc"]
    business = parts["business"]
    (tn, fp), (fn, tp) = evaluated["test"]["slices"][0]["confusion"]
    assert business["value"]["value"] == pytest.approx((tp - fp) / (tn + fp + fn + tp))
    assert business["reached"] is (business["value"]["value"] >= 0.2)
    assert business["faultless"] == pytest.approx((fn + tp) / (tn + fp + fn + tp))
    assert found["advice"]["kind"] == "enough" if business["reached"] else True


def test_the_lines_for_people(told_project: Path, ask: Ask) -> None:
    status, out, _ = ask("report", "--dir", told_project)
    assert status == 0
    lines = out.splitlines()
    assert re.match(r"customers, run \d+$", lines[0])
    for start in ("training set", "dev", "test", "business", "baselines", "advice"):
        assert any(line.startswith(start) for line in lines), out
    assert "profit per visitor" in out
    assert " EUR on test, target 0.2 EUR: " in out


def test_a_run_prints_and_gives_it(told_project: Path, ask: Ask) -> None:
    status, out, err = ask("run", "--dir", told_project, "--json")
    assert status == 0
    given = json.loads(out)
    assert {"run", "steps", "milestones", "baselines", "advice", "warnings"} <= set(given)
    assert [line for line in err.splitlines() if line.startswith("advice")]


def test_the_page_is_one_file_that_needs_nothing_else(told_project: Path, ask: Ask, tmp_path: Path) -> None:
    status, _, err = ask("report", "--dir", told_project, "-o", tmp_path / "run.html")
    assert status == 0
    assert "run.html" in err
    text = (tmp_path / "run.html").read_text(encoding="utf-8")
    page = _Page(text)
    assert all(address.startswith("#") for address in page.addresses)
    assert {address[1:] for address in page.addresses} <= set(re.findall(r"<h2 id=(\w+)", text))
    assert "url(" not in text
    assert page.tags.count("svg") > 10
    for heading in (
        "milestones",
        "baselines",
        "examples",
        "iterations",
        "slices",
        "confusion",
        "curves",
        "mistakes",
        "added",
        "checks",
        "record",
    ):
        assert f"id={heading}" in text
    for words in ("plan=pro", "profit per visitor", "training rows", "iterations", "majority"):
        assert words in text
    ask("report", "--dir", told_project, "-o", tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == (tmp_path / "run.html").read_bytes()


def test_names_cannot_break_the_page(tmp_path: Path, ask: Ask) -> None:
    data = write_customers(tmp_path / "c.csv", 200)
    text = data.read_text(encoding="utf-8").replace(",pro,", ",<img src=x>,").replace("plan", "<b>plan")
    data.write_text(text, encoding="utf-8")
    assert ask("init", data, "--label", "bought", "--dir", tmp_path / "p")[0] == 0
    replaced(tmp_path / "p", "slices = []", 'slices = [["<b>plan"]]')
    ask("run", "--dir", tmp_path / "p")
    ask("report", "--dir", tmp_path / "p", "-o", tmp_path / "run.html")
    page = _Page((tmp_path / "run.html").read_text(encoding="utf-8"))
    assert "img" not in page.tags


def test_a_refused_model_is_told_of_too(tmp_path: Path, ask: Ask) -> None:
    make_project(tmp_path)
    replaced(tmp_path, "min = 0.02", "min = 0.4999")
    status, _, err = ask("run", "--dir", tmp_path)
    assert status == 1
    assert "the model is not registered" in err
    lines = err.splitlines()
    advice = next(at for at, line in enumerate(lines) if line.startswith("advice"))
    assert advice < next(at for at, line in enumerate(lines) if line.startswith("error"))
    assert document(tmp_path)["curves"]["learning_curve"]["gained_from"] is not None


def test_an_absolute_check_that_fails_is_the_goal(tmp_path: Path, ask: Ask) -> None:
    make_project(tmp_path)
    declare(tmp_path, '\n[[checks]]\nmoment = "model"\nmetric = "recall"\nmin = 0.999\n')
    status, _, err = ask("run", "--dir", tmp_path)
    assert status == 1
    told = tell_run(Project.load(tmp_path))
    assert told is not None
    assert told.told.figures.metric == "recall"
    assert "the check of 0.999" in told.told.advice.sentence
    assert "class=goal" in told.html()
    assert "recall" in err.splitlines()[-30:][0] or "recall" in err


def test_no_curve_is_drawn_where_none_is_wanted(tmp_path: Path, ask: Ask) -> None:
    make_project(tmp_path)
    replaced(tmp_path, "[train]\n", "[train]\nlearning_curve = []\n")
    assert ask("run", "--dir", tmp_path)[0] == 0
    assert document(tmp_path)["curves"]["learning_curve"] is None
    told = tell_run(Project.load(tmp_path))
    assert told is not None
    assert "None were drawn" in told.html()


def test_shares_outside_the_rows_are_refused(tmp_path: Path, ask: Ask) -> None:
    make_project(tmp_path)
    replaced(tmp_path, "[train]\n", "[train]\nlearning_curve = [0.5, 1.0]\n")
    status, _, err = ask("run", "--dir", tmp_path)
    assert status == 2
    assert "learning_curve is [0.5, 1.0]" in err


def test_before_a_model_is_evaluated_there_is_nothing_to_tell(tmp_path: Path, ask: Ask) -> None:
    make_project(tmp_path)
    status, _, err = ask("report", "--dir", tmp_path)
    assert status == 2
    assert "no run came as far as evaluating a model" in err
    ask("run", "validate", "--dir", tmp_path)
    status, _, err = ask("report", "1", "--dir", tmp_path)
    assert status == 2
    assert "the run of '1' did not come as far as evaluating a model" in err
    assert ask("run", "split", "--dir", tmp_path)[0] == 0
    assert ask("report", "1", "--dir", tmp_path)[0] == 2
    assert ask("report", "7", "--dir", tmp_path)[0] == 2
    status, _, err = ask("report", "--dir", tmp_path, "-o", tmp_path / "customers.csv")
    assert status == 2
    assert "this is what is read" in err


def grow(path: Path, rows: int, spoil: str | None = None) -> None:
    """Append rows of another seed; those of a plan get the other label."""
    more = path.with_name("more.csv")
    write_customers(more, rows, seed=5)
    lines = more.read_text(encoding="utf-8").splitlines()[1:]
    more.unlink()
    if spoil is not None:
        other = {"yes": "no", "no": "yes"}
        cells = [line.split(",") for line in lines]
        lines = [",".join([*c[:3], other[c[3]]]) for c in cells if c[2] == spoil]
    with path.open("a", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def test_added_rows_that_hurt_are_named_by_slice(tmp_path: Path, ask: Ask) -> None:
    make_project(tmp_path, 800)
    replaced(tmp_path, "slices = []", 'slices = [["plan"]]')
    ask("run", "--dir", tmp_path)
    assert (
        document(tmp_path)["growth"]["note"] == "nothing to compare with: no champion learned from other data"
    )

    grow(tmp_path / "customers.csv", 600)
    ask("run", "--dir", tmp_path)
    found = document(tmp_path)["growth"]
    assert found["rows"] == {"before": 800, "now": 1400}
    assert 250 < found["added"] < 450
    assert found["warnings"] == []
    names = [each["slice"] for each in found["effects"]]
    assert {"plan": "pro"} in names
    assert {"plan": "pro", "tilth.added": "rows of before"} in names
    assert (
        sum(each["added"] for each in found["effects"] if list(each["slice"]) == ["plan"]) == found["added"]
    )

    grow(tmp_path / "customers.csv", 1200, spoil="basic")
    ask("run", "--dir", tmp_path)
    (warning,) = document(tmp_path)["growth"]["warnings"]
    assert "plan=basic, rows of before" in warning
    assert "the added rows contradict those of before" in warning
    told = tell_run(Project.load(tmp_path))
    assert told is not None
    assert warning in told.told.warnings
    assert told.told.advice.kind == "better labels"
    assert "mend their labels, or leave them out" in told.told.advice.sentence
    assert "plan=basic, rows of before" in told.html()


def test_growing_more_than_tenfold_at_once_is_called_out(tmp_path: Path, ask: Ask) -> None:
    make_project(tmp_path, 100)
    ask("run", "--dir", tmp_path)
    grow(tmp_path / "customers.csv", 901)
    _, _, err = ask("run", "--dir", tmp_path)
    assert "the data set grew from 100 to 1,001 rows at once, 10 times" in err


def test_tenfold_growth_without_a_champion_is_called_out(tmp_path: Path, ask: Ask) -> None:
    make_project(tmp_path, 100)
    ask("run", "split", "--dir", tmp_path)
    grow(tmp_path / "customers.csv", 1000)
    _, _, err = ask("run", "growth", "--dir", tmp_path)
    assert "the data set grew from 100 to 1,100 rows at once, 11 times" in err


def test_the_same_rows_in_another_order_are_told_in_the_same_bytes(tmp_path: Path, ask: Ask) -> None:
    found = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        make_project(tmp_path / name, 300)
        data = tmp_path / name / "customers.csv"
        head, *lines = data.read_text(encoding="utf-8").splitlines()
        ordered = lines if name == "one" else lines[::-1]
        data.write_text("\n".join([head, *ordered]) + "\n", encoding="utf-8")
        ask("run", "--dir", tmp_path / name)
        found.append({key: document(tmp_path / name)[key] for key in ("curves", "training")})
    assert found[0] == found[1]
