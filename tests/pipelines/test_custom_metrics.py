"""Metrics of a project's own: loaded from its file, measured, checked by name, measured anew when edited."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from project_factory import hurried_project
from tilth.errors import ProjectError, TrainingError, UsageError
from tilth.pipelines.custom_metrics import custom_digests, load_metrics, project_metrics
from tilth.projects import Project

Ask = Callable[..., tuple[int, str, str]]

COST = "def cost(counts):\n    return 5 * counts.fn + counts.fp\n"
SCORED = "y,p,sex\n1,0.9,f\n1,0.2,f\n0,0.8,m\n0,0.1,m\n"


def write(folder: Path, text: str, name: str = "metrics.py") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def declare(folder: Path, key: str, checks: str = "") -> Project:
    toml = folder / "tilth.toml"
    text = toml.read_text(encoding="utf-8").replace("[evaluate]\n", f"[evaluate]\n{key}\n")
    toml.write_text(text + checks, encoding="utf-8")
    return Project.load(folder)


def test_public_functions_of_the_file_are_metrics(tmp_path: Path) -> None:
    write(tmp_path, "FACTOR = 5\n", "factors.py")
    text = (
        "from math import sqrt\nfrom factors import FACTOR\n\ndef root(counts):\n    return sqrt(counts.tp)\n"
    )
    text += "\ndef cost(counts):\n    return FACTOR * _missed(counts)\n"
    text += "\ndef _missed(counts):\n    return counts.fn\n"
    write(tmp_path, text)
    assert list(load_metrics("metrics.py", tmp_path)) == ["cost", "root"]


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("from math import sqrt\n_a = 1\n", UsageError, "metrics.py defines no metric"),
        ("def f():\n    return 1\n", UsageError, r"f\(\) cannot be called with the counts: too many"),
        ("def f(a, b):\n    return 1\n", UsageError, r"f\(\) cannot be called with the counts: missing"),
        ("def f(counts:\n", TrainingError, "not Python: .*"),
        ("1 / 0\n", TrainingError, "metrics.py failed: ZeroDivisionError"),
        ("import no_such_library_at_all\n", TrainingError, "metrics.py failed: ModuleNotFoundError"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(
    tmp_path: Path, text: str, error: type[Exception], said: str
) -> None:
    write(tmp_path, text)
    with pytest.raises(error, match=said) as told:
        load_metrics("metrics.py", tmp_path)
    assert "metrics.py" in str(told.value)
    assert "train" not in str(told.value)


def test_scored_files_are_measured_by_them(tmp_path: Path, ask: Ask) -> None:
    scored, metrics = write(tmp_path, SCORED, "scored.csv"), write(tmp_path, COST)
    command = ["evaluate", scored, "--label", "y", "--score", "p", "--slice", "sex"]
    code, out, _ = ask(*command, "--metrics", metrics, "--json")
    assert code == 0
    found = {tuple(s["slice"].values()): s["metrics"]["custom.cost"] for s in json.loads(out)["slices"]}
    assert {key: estimate["value"] for key, estimate in found.items()} == {(): 6, ("f",): 5, ("m",): 1}
    assert found[()]["low"] < 6 < found[()]["high"]
    code, out, _ = ask(*command, "--metrics", metrics)
    assert "custom.cost" in out


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("none.py", None, "there is no file"),
        ("metrics.txt", COST, "is no Python file"),
        (
            "metrics.py",
            "def cost(counts):\n    return counts.lost\n",
            "the metric 'cost' failed: AttributeError",
        ),
        ("metrics.py", "def cost(counts):\n    return 'much'\n", "the metric 'cost' gave str"),
    ],
)
def test_mistakes_in_a_file_are_told(
    tmp_path: Path, ask: Ask, name: str, text: str | None, said: str
) -> None:
    scored = write(tmp_path, SCORED, "scored.csv")
    if text is not None:
        write(tmp_path, text, name)
    command = ["evaluate", scored, "--label", "y", "--score", "p", "--metrics", tmp_path / name]
    code, out, err = ask(*command)
    assert code == 2
    assert out == ""
    assert said in err
    assert "Traceback" not in err


def test_a_project_checks_its_own_metric_and_measures_it_anew_when_edited(tmp_path: Path, ask: Ask) -> None:
    hurried_project(tmp_path)
    write(tmp_path, COST)
    check = '\n[[checks]]\nmoment = "model"\nmetric = "custom.cost"\nmax = {most}\n'
    beats = '\n[[checks]]\nmoment = "model"\nmetric = "custom.cost"\nmax = 0\nbaseline = "majority"\n'
    declare(tmp_path, 'metrics = "metrics.py"', check.format(most=1000) + beats)
    assert ask("run", "--dir", tmp_path)[0] == 0
    code, out, _ = ask("evaluate", "--model", "champion", "--dir", tmp_path, "--json")
    document = json.loads(out)
    ((tn, fp), (fn, tp)) = document["slices"][0]["confusion"]
    assert document["slices"][0]["metrics"]["custom.cost"]["value"] == 5 * fn + fp
    assert "custom.cost" in document["baselines"]["linear"]["slices"][0]["metrics"]
    assert all(verdict["passed"] for verdict in document["verdicts"])
    data = ["evaluate", tmp_path / "customers.csv", "--model", "champion", "--dir", tmp_path, "--json"]
    assert json.loads(ask(*data)[1])["slices"][0]["metrics"]["custom.cost"]["value"] > 0

    write(tmp_path, COST.replace("5 *", "5000 +"))
    code, out, err = ask("run", "--dir", tmp_path)
    assert code == 1
    assert "custom.cost" in out + err
    assert tn + tp > 0


def test_what_is_declared_must_be_there(tmp_path: Path, ask: Ask) -> None:
    project = hurried_project(tmp_path)
    assert project_metrics(project) == {}
    assert custom_digests(project) == {}
    project = declare(tmp_path, 'metrics = "metrics.py"')
    for call in (project_metrics, custom_digests):
        with pytest.raises(ProjectError, match=r"there is no metrics\.py here") as told:
            call(project)
        assert "[evaluate] metrics" in str(told.value)
    write(tmp_path, COST)
    assert list(project_metrics(project)) == ["cost"]
    before = custom_digests(project)
    write(tmp_path, COST + "\n")
    assert custom_digests(project) != before


def test_a_file_outside_the_project_is_refused(tmp_path: Path) -> None:
    write(tmp_path, COST)
    inner = tmp_path / "inner"
    inner.mkdir()
    hurried_project(inner)
    with pytest.raises(ProjectError, match="is no Python file of the project"):
        project_metrics(declare(inner, 'metrics = "../metrics.py"'))


def test_checks_on_own_metrics_need_the_file(tmp_path: Path) -> None:
    hurried_project(tmp_path)
    check = '\n[[checks]]\nmoment = "model"\nmetric = "custom.cost"\nmax = 5\n'
    with pytest.raises(ProjectError, match=r"no metric 'custom\.cost'"):
        declare(tmp_path, "", check)


def test_recorded_evaluations_are_not_measured_again(tmp_path: Path, ask: Ask) -> None:
    metrics = write(tmp_path, COST)
    code, _, err = ask("evaluate", "--model", "champion", "--metrics", metrics, "--dir", tmp_path)
    assert code == 2
    assert "--metrics needs DATA" in err
