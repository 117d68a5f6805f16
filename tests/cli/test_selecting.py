"""`tilth select`: what it prints where, its JSON, a project's own rows and features, interrupting it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from project_factory import hurried_project, write_customers
from tilth.cli.application import INTERRUPTED
from tilth.tables import split
from tilth.training.selection import METHODS

Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture
def customers(tmp_path: Path) -> Path:
    return write_customers(tmp_path / "customers.csv", 160)


def test_the_report_has_a_table_a_recommendation_and_the_columns(customers: Path, ask: Ask) -> None:
    arguments = ("--label", "bought", "--methods", "f,redundancy", "--missing", "?")
    status, out, err = ask("select", customers, *arguments)
    assert status == 0
    assert "?" not in err
    lines = out.split("\n")
    assert lines[0] == f"{customers}: binary (positive: yes), 160 rows, 3 columns"
    assert lines[1].startswith(
        "logistic regression on 5 folds, 2 times; every choice is made on training folds"
    )
    table = [line.split() for line in lines[3:7]]
    assert table[0][:7] == ["method", "columns", "accuracy", "auroc", "precision", "recall", "f1"]
    assert [row[0] for row in table[1:]] == ["all", "f", "redundancy"]
    assert any(line.startswith("Keep ") for line in lines)
    assert any(line.split()[:1] == ["income"] and line.endswith("100%") for line in lines)


def test_json_has_the_documented_shape(customers: Path, ask: Ask) -> None:
    status, out, err = ask(
        "select",
        customers,
        "--label",
        "bought",
        "--methods",
        "f",
        "--methods",
        "l1",
        "--count",
        "2",
        "--json",
    )
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert list(found) == [
        "task",
        "classes",
        "positive",
        "rows",
        "used_rows",
        "columns",
        "estimator",
        "folds",
        "repeats",
        "metric",
        "methods",
        "recommendation",
        "leaks",
        "left_out",
        "notes",
    ]
    whole, first, second = found["methods"]
    assert [whole["method"], first["method"], second["method"]] == ["all", "f", "l1"]
    assert [whole["family"], first["family"], second["family"]] == [None, "filter", "embedded"]
    assert whole["differences"]["auroc"]["value"] == 0
    assert first["count"] == len(first["columns"]) == 2
    assert first["counts"] == [2] * 10
    assert set(first["metrics"]) == {"accuracy", "auroc", "precision", "recall", "f1"}
    assert set(first["metrics"]["auroc"]) == {"value", "standard_error", "low", "high", "folds"}
    assert set(first["chosen"]) == set(first["scores"]) == set(found["columns"])
    assert set(found["recommendation"]) == {"method", "count", "columns", "drop", "sentence"}


def test_the_documented_shape_names_every_key(customers: Path, ask: Ask) -> None:
    page = Path(__file__).parents[2].joinpath("docs", "selection.md").read_text(encoding="utf-8")
    shape = page.partition("## JSON")[2]
    found = json.loads(ask("select", customers, "--label", "bought", "--methods", "f", "--json")[1])
    for keys in (
        found,
        found["methods"][0],
        found["methods"][0]["metrics"]["auroc"],
        found["recommendation"],
    ):
        assert [key for key in keys if f'"{key}"' not in shape] == []


def test_every_method_is_documented() -> None:
    page = Path(__file__).parents[2].joinpath("docs", "selection.md").read_text(encoding="utf-8")
    for name, method in METHODS.items():
        assert f"| `{name}` | {method.family} |" in page


def test_a_project_is_looked_at_without_its_test_rows(tmp_path: Path, ask: Ask) -> None:
    project = hurried_project(tmp_path, 300)
    parts = split(project.data(), project.configuration.split.plan()).to_pylist()
    status, out, _ = ask("select", "--dir", tmp_path, "--methods", "f", "--json")
    assert status == 0
    found = json.loads(out)
    assert found["rows"] == parts.count("train") < 300
    assert found["positive"] == "yes"
    assert set(found["columns"]) == {"income", "age", "plan"}
    features = tmp_path / "features.py"
    features.write_text("def features(x):\n    return {'income': x['income'].zscore(), 'age': x['age']}\n")
    found = json.loads(ask("select", "--dir", tmp_path, "--methods", "f", "--json")[1])
    assert found["columns"] == ["income", "age"]
    schema = tmp_path / "schema.toml"
    text = schema.read_text(encoding="utf-8").replace(
        "[columns.income]\n", '[columns.income]\nnot_in = ["serving"]\n'
    )
    schema.write_text(text, encoding="utf-8")
    status, _, err = ask("select", "--dir", tmp_path)
    assert status == 2
    assert "the column 'income' may not be a feature" in err
    assert "features.py, line 2" in err


@pytest.mark.parametrize(
    ("option", "mend"),
    [
        (("--exclude", "age"), "delete the lines of the column in features.py"),
        (("--missing", "NA"), "[data] missing"),
        (("--encoding", "latin-1"), "UTF-8"),
    ],
)
def test_what_a_project_says_itself_is_not_ignored(
    tmp_path: Path, ask: Ask, option: tuple[str, str], mend: str
) -> None:
    hurried_project(tmp_path)
    status, out, err = ask("select", "--dir", tmp_path, *option)
    assert (status, out) == (2, "")
    assert f"{option[0]} goes with DATA, and there is none" in err
    assert mend in err


def test_an_estimator_that_is_not_there_is_named_by_its_option(customers: Path, ask: Ask) -> None:
    status, _, err = ask("select", customers, "--label", "bought", "--estimator", "nowhere.Forest")
    assert status == 2
    assert "where: --estimator" in err


def test_features_can_be_given(customers: Path, tmp_path: Path, ask: Ask) -> None:
    features = tmp_path / "mine.py"
    features.write_text(
        "def features(x):\n    return {'rich': x['income'] > 50, 'rich and old': x['income'] * x['age']}\n"
    )
    arguments = ("select", customers, "--label", "bought", "--methods", "f", "--features", features)
    found = json.loads(ask(*arguments, "--json")[1])
    assert found["columns"] == ["income", "rich and old"]
    assert "mine.py does not use it" in found["left_out"]["plan"]
    features.write_text("def features(x):\n    return {'rich': x['incom'] > 50}\n")
    status, out, err = ask(*arguments)
    assert (status, out) == (2, "")
    assert "mine.py, line 2" in err
    assert "did you mean" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "which column is to be predicted?"),
        (("--label", "bougt"), "did you mean 'bought'?"),
        (("--label", "bought", "--methods", "f,forwards"), "did you mean 'forward'?"),
        (("--label", "bought", "--count", "0"), "count is 0"),
        (("--label", "bought", "--folds", "1"), "folds is 1"),
        (("--label", "bought", "--task", "regression"), "the label is text"),
        (("--label", "bought", "--positive", "maybe"), "'maybe' is not a class"),
        (("--label", "bought", "--estimator", "sklearn.svm.LinearSVC"), "gives no probabilities"),
        (("--label", "bought", "--features", "nowhere.py"), "nowhere.py"),
    ],
)
def test_mistakes_get_one_message(customers: Path, arguments: tuple[str, ...], words: str, ask: Ask) -> None:
    status, out, err = ask("select", customers, *arguments)
    assert (status, out) == (2, "")
    assert words in err
    assert "Traceback" not in err


def test_no_project_and_no_data(tmp_path: Path, ask: Ask) -> None:
    status, out, err = ask("select", "--dir", tmp_path)
    assert (status, out) == (2, "")
    assert "there is no tilth.toml here" in err


def test_it_can_be_interrupted(customers: Path, interrupted: Callable[..., bytes]) -> None:
    code = (
        "import sys\n"
        "from tilth.cli import main\n"
        "print('ready', flush=True)\n"
        f"sys.exit(main(['select', {str(customers)!r}, '--label', 'bought', '--repeats', '200']))\n"
    )
    said = interrupted(code, 4.0)
    assert b"Traceback" not in said
    assert b"interrupted; nothing is left half-written" in said
    assert INTERRUPTED == 130
