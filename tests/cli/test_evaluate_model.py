"""`tilth evaluate --model`: what a model was registered with, and what it reaches on other data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from project_factory import hurried_project, write_customers
from tilth.cli import main
from tilth.pipelines import StepReport, run_pipeline
from tilth.tables import open_table


class Silent:
    def started(self, step: str) -> None: ...

    def ended(self, report: StepReport) -> None: ...


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert run_pipeline(hurried_project(tmp_path), Silent()).failure is None
    return tmp_path


def test_the_recorded_evaluation_is_shown_with_baselines_and_verdicts(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "--model", "champion", "--dir", str(folder), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["model"] == "customers@1"
    assert set(document["baselines"]) == {"majority", "prior", "single", "linear"}
    assert document["slices"][0]["slice"] == {}
    assert document["slices"][0]["metrics"]["auroc"]["value"] > 0.7
    assert [verdict["passed"] for verdict in document["verdicts"]] == [True, True, True, True]
    assert main(["evaluate", "--model", "customers@1", "--dir", str(folder)]) == 0
    report = capsys.readouterr().out
    assert "customers@1 on its test part" in report
    assert "linear     auroc" in report
    assert "pass       auroc minus majority" in report


def test_a_model_is_measured_on_other_data_as_its_predictions_are(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_customers(folder / "other.csv", 300, seed=8)
    answered = folder / "answered.parquet"
    assert main(["predict", str(other), "-o", str(answered), "--dir", str(folder)]) == 0
    roles = ["--label", "bought", "--prediction", "tilth.label", "--score", "tilth.positive"]
    assert main(["evaluate", str(answered), *roles, "--slice", "plan", "--json"]) == 0
    by_hand = json.loads(capsys.readouterr().out)
    command = [
        "evaluate",
        str(other),
        "--model",
        "champion",
        "--dir",
        str(folder),
        "--slice",
        "plan",
        "--json",
    ]
    assert main(command) == 0
    measured = json.loads(capsys.readouterr().out)
    assert measured["slices"] == by_hand["slices"]
    assert measured["rows"] == open_table(other).rows


def test_rows_without_a_label_are_left_out_and_counted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_customers(folder / "other.csv", 100, seed=8)
    header, first, *rest = path.read_text().splitlines()
    path.write_text("\n".join([header, first.rsplit(",", 1)[0] + ",", *rest]) + "\n")
    assert main(["evaluate", str(path), "--model", "champion", "--dir", str(folder), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["rows"], document["unlabeled"]) == (99, 1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["evaluate"], "evaluate needs DATA"),
        (["evaluate", "--model", "challenger"], "challenger"),
        (["evaluate", "nope.csv", "--model", "champion"], "no such file"),
    ],
)
def test_mistakes_are_told(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert main([*arguments, "--dir", str(folder)]) == 2
    assert words in capsys.readouterr().err
