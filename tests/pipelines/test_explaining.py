"""`tilth explain` on projects of every task."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from project_factory import hurried_project, write_customers
from task_factory import offer_project, photo_project, run_silently
from tilth.errors import TilthError
from tilth.pipelines import Asked, explain_model
from tilth.projects import Project

Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a champion."""
    made = hurried_project(tmp_path_factory.mktemp("customers"))
    run_silently(made)
    return made


def loaded(out: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(out)
    return found


def test_the_model_as_a_whole(project: Project, ask: Ask) -> None:
    status, out, _ = ask(
        "explain", "--dir", project.directory, "--slice", "plan", "--slice", "ranges(age, 40)"
    )
    assert status == 0
    assert "run:1, 80 dev rows of run 1" in out
    assert "Importance: what auroc" in out
    assert "Influence: how much columns move the log-odds of yes" in out
    assert "exact, from its trees" in out
    for name in ("plan=(missing)", "plan=pro", "ranges(age, 40)=< 40"):
        assert name in out
    assert out.index("income") < out.index("age")


def test_json_has_all_of_it(project: Project, ask: Ask) -> None:
    status, out, _ = ask("explain", "--dir", project.directory, "--json", "--slice", "plan")
    assert status == 0
    whole = loaded(out)["whole"]
    importance, influence = whole["importance"]["slices"], whole["influence"]["slices"]
    assert [each["slice"] for each in importance] == [each["slice"] for each in influence]
    assert set(importance[0]["lost"]) == {"income", "age", "plan"}
    best = max(importance[0]["lost"], key=lambda name: importance[0]["lost"][name]["value"])
    assert best == influence[0]["columns"][0]["columns"][0] == "income"
    assert importance[0]["lost"]["income"]["low"] > 0
    incomes = next(each for each in whole["dependence"] if each["column"] == "income")["points"]
    assert incomes[0]["mean"][0] < 0.3 < 0.7 < incomes[-1]["mean"][0]


def test_twice_the_same(project: Project, ask: Ask) -> None:
    given = ("explain", "--dir", project.directory, "--json", "--method", "sampling", "--repeats", "2")
    assert ask(*given) == ask(*given)


def test_single_rows_add_up(project: Project, ask: Ask) -> None:
    status, out, _ = ask("explain", "--dir", project.directory, "--row", "3", "--row", "1", "--json")
    assert status == 0
    rows = loaded(out)["rows"]
    assert [row["row"] for row in rows] == [3, 1]
    for row in rows:
        total = row["base"] + sum(each["amount"] for each in row["contributions"])
        assert total == pytest.approx(row["value"], abs=1e-6)
        assert 1 / (1 + np.exp(-row["value"])) == pytest.approx(row["probability"], abs=1e-6)
        assert row["said"] == ("yes" if row["probability"] > 0.5 else "no")
    identity = rows[0]["id"]
    assert len(identity) == 17
    for name in (identity, identity[:9], identity[1:]):
        again = loaded(ask("explain", "--dir", project.directory, "--row", name, "--json")[1])["rows"]
        assert again[0]["row"] == 3
        assert again[0]["contributions"] == rows[0]["contributions"]


def test_a_row_for_people(project: Project, ask: Ask) -> None:
    status, out, _ = ask("explain", "--dir", project.directory, "--row", "2")
    assert status == 0
    assert "log-odds of yes" in out
    assert "on average" in out
    assert "together" in out


def test_data_in_any_order_and_without_labels(project: Project, tmp_path: Path) -> None:
    data = write_customers(tmp_path / "more.csv", 120, seed=9)
    head, *lines = data.read_text().splitlines()
    turned = tmp_path / "turned.csv"
    turned.write_text("\n".join([head, *lines[::-1]]) + "\n")
    bare = tmp_path / "bare.csv"
    with data.open() as source, bare.open("w", newline="") as target:
        csv.writer(target).writerows(row[:3] for row in csv.reader(source))
    first, second = (explain_model(project, data=str(path)) for path in (data, turned))
    assert first.model == "customers@1"
    assert first.whole is not None
    assert second.whole is not None
    assert first.whole.to_json() == second.whole.to_json()
    unlabeled = explain_model(project, data=str(bare))
    assert unlabeled.whole is not None
    assert unlabeled.whole.importance is None
    assert "no importance: not every row has a label in 'bought'" in unlabeled.notes
    assert unlabeled.whole.influences[0].rows == 120


def test_the_part_and_the_columns_can_be_chosen(project: Project) -> None:
    found = explain_model(
        project, "customers@champion", Asked(columns=("age",), metric="log_loss"), part="test"
    )
    assert found.data == "80 test rows of run 1"
    assert found.whole is not None
    assert found.whole.importance is not None
    assert found.whole.importance.metric == "log_loss"
    assert list(found.whole.importance.slices[0].lost) == ["age"]
    assert [each.column for each in found.whole.dependences] == ["age"]


def test_fewer_rows_are_said_to_be_fewer(project: Project) -> None:
    found = explain_model(project, asked=Asked(most_rows=30))
    assert "30 of the rows were looked at" in found.notes
    assert found.whole is not None
    assert found.whole.rows == 80


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Asked(columns=("salary",)), "does not take the column 'salary'"),
        (Asked(metric="nonsense"), "no importance for the metric 'nonsense'"),
        (Asked(repeats=1), "1 repeats"),
        (Asked(of="maybe"), "no class 'maybe'"),
        (Asked(rows=("1",), slices=(("plan",),)), "single rows are explained, or slices"),
        (Asked(most_rows=1), "1 rows tell nothing"),
        (Asked(seed=-1), "the seed is -1"),
        (Asked(seed=2**63), "the seed is 9223372036854775808"),
        (Asked(slices=(("salary",),)), "no column 'salary'"),
    ],
)
def test_what_cannot_be_asked(project: Project, asked: Asked, words: str) -> None:
    with pytest.raises(TilthError, match=words):
        explain_model(project, asked=asked)


@pytest.mark.parametrize(
    "row", ["0", "81", "-1", "x", "", "0123456789abcdef", "zzzzzzzzzzzzzzzz", "r01234567", "r12"]
)
def test_no_such_row(project: Project, ask: Ask, row: str) -> None:
    status, _, err = ask("explain", "--dir", project.directory, f"--row={row}")
    assert status == 2
    assert "Traceback" not in err
    assert "a number from 1 to 80" in err or "row" in err


@pytest.mark.parametrize(
    "text", ["income,age,plan\n", "income,age\n1,2\n", "income,age,plan,bought\n1,2,pro,perhaps\n"]
)
def test_data_that_cannot_be_explained(project: Project, ask: Ask, tmp_path: Path, text: str) -> None:
    data = tmp_path / "bad.csv"
    data.write_text(text)
    status, _, err = ask("explain", "--dir", project.directory, "--data", data)
    assert status == 2
    assert err.startswith("error: ")


def test_before_any_run(tmp_path: Path, ask: Ask) -> None:
    made = hurried_project(tmp_path)
    status, _, err = ask("explain", "--dir", made.directory)
    assert status == 2
    assert "no run" in err


def test_a_linear_model_is_explained_by_drawing(tmp_path: Path) -> None:
    made = hurried_project(tmp_path)
    toml = tmp_path / "tilth.toml"
    text = toml.read_text().replace(
        'estimator = "lightgbm"', 'estimator = "sklearn.linear_model.LogisticRegression"'
    )
    toml.write_text(text.replace("n_estimators = 20", "max_iter = 200"))
    made = Project.load(tmp_path)
    run_silently(made)
    found = explain_model(made, asked=Asked(rows=("1",)))
    assert "contributions are drawn, since the model is not one ensemble of trees" in found.notes
    row = found.rows[0]
    assert row.explained == "probability of yes"
    assert row.base + sum(each.amount for each in row.contributions) == pytest.approx(row.value, abs=1e-6)
    assert all(each.low is not None for each in row.contributions)


def test_several_labels(tmp_path: Path) -> None:
    made = photo_project(tmp_path)
    run_silently(made)
    found = explain_model(made, asked=Asked(of="sunset", repeats=2))
    assert found.whole is not None
    assert found.whole.scale == "probability of sunset"
    assert found.whole.influences[0].order[0] == ("red",)
    assert found.whole.importance is not None
    assert found.whole.importance.metric == "micro_f1"
    assert explain_model(made, asked=Asked(rows=("2",))).rows[0].probability is not None


def test_a_ranking(tmp_path: Path) -> None:
    made = offer_project(tmp_path)
    run_silently(made)
    found = explain_model(made, asked=Asked(most_rows=40))
    assert found.whole is not None
    assert found.whole.importance is not None
    assert found.whole.importance.metric == "ndcg_at_10"
    assert found.whole.importance.order[0] == "rating"
    assert found.whole.method == "trees"
    assert found.whole.importance.slices[0].rows <= 40


@pytest.mark.slow
def test_census(tmp_path: Path, shared_data: Callable[[str], Path], ask: Ask) -> None:
    """What is known of this data: being married, capital gains, age and schooling decide."""
    text = gzip.decompress(shared_data("census-adult/adult.data.gz").read_bytes()).decode()
    names = "age,work,weight,education,years,marital,job,relation,race,sex,gain,loss,hours,country,income"
    lines = [line.replace(", ", ",") for line in text.splitlines() if line.strip()]
    data = tmp_path / "census.csv"
    data.write_text("\n".join([names, *lines]) + "\n")
    project = tmp_path / "project"
    assert ask("init", data, "--label", "income", "--dir", project)[0] == 0
    toml = project / "tilth.toml"
    toml.write_text(
        toml.read_text().replace("[train]\n", "[train]\nsanity_checks = false\nlearning_curve = []\n")
    )
    assert ask("run", "--dir", project)[0] == 0
    status, out, _ = ask("explain", "--dir", project, "--slice", "sex", "--json")
    assert status == 0
    whole = loaded(out)["whole"]
    lost = whole["importance"]["slices"][0]["lost"]
    best = sorted(lost, key=lambda name: -lost[name]["value"])
    assert set(best[:4]) <= {"marital", "relation", "gain", "age", "years"}
    assert lost["weight"]["low"] < 0.001  # the census' own weight of a row says nothing of it
    _, women, men = whole["influence"]["slices"]
    assert (women["slice"], men["slice"]) == ({"sex": "Female"}, {"sex": "Male"})
    of_sex = [
        {each["columns"][0]: each["mean"] for each in found["columns"]}["sex"] for found in (women, men)
    ]
    assert of_sex[0] < 0 < of_sex[1]
    years = next(each for each in whole["dependence"] if each["column"] == "years")["points"]
    assert years[-1]["mean"][0] > 2 * years[0]["mean"][0]
