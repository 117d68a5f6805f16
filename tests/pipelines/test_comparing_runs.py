"""What differs between two runs, and whether a run can be done again, is told from their records."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from project_factory import hurried_project, write_customers
from repositories import git, repository
from tilth.errors import NotFoundError, UsageError
from tilth.pipelines import STEPS, compare_runs, reproduce, run_pipeline
from tilth.pipelines.environment import Environment, host_facts, present_environment
from tilth.projects import Project
from tilth.store import Store


class Quiet:
    """A listener that is told nothing."""

    def started(self, step: str) -> None:
        """A step begins."""

    def ended(self, report: object) -> None:
        """A step ended."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Three runs: the second like the first, the third with another feature and threshold."""
    project = hurried_project(tmp_path_factory.mktemp("compared"))
    run_pipeline(project, Quiet())
    run_pipeline(project, Quiet())
    edit(project.features_path, '"age": x["age"].fill_missing("median").zscore()', '"age": x["age"].log1p()')
    edit(project.directory / "tilth.toml", "threshold = 0.5", "threshold = 0.4")
    project = Project.load(project.directory)
    run_pipeline(project, Quiet())
    return project


def edit(path: Path, old: str, new: str) -> None:
    """Replace something that is there."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_runs_that_did_the_same_are_the_same(project: Project) -> None:
    found = compare_runs(project, "1", "run:2")
    assert found.is_same
    assert set(found.artifacts.values()) == {True}
    assert not found.parameters
    assert not found.texts
    assert found.metrics["auroc"][0] == found.metrics["auroc"][1]
    assert "different        nothing" in found.report()


def test_what_differs_is_told_with_both_values(project: Project) -> None:
    found = compare_runs(project, "1", "customers@2")
    assert found.second.number == 3
    assert found.parameters["train.threshold"] == (0.5, 0.4)
    same = {step for step, same in found.steps.items() if same}
    assert {"ingest", "profile", "schema", "validate", "split"} <= same
    assert not {"transform", "train", "evaluate", "register"} & same
    assert '-        "age": x["age"].fill_missing("median").zscore()' in found.texts["features_file"]
    assert '+        "age": x["age"].log1p()' in found.texts["features_file"]
    report = found.report()
    assert "train.threshold  0.5 | 0.4" in report
    assert "precision" in report
    assert "\nauroc" not in report  # which does not depend on a threshold, and trees not on a logarithm


def test_the_document_is_json(project: Project, ask: Callable[..., tuple[int, str, str]]) -> None:
    status, out, _ = ask("compare-runs", "1", "3", "--dir", str(project.directory), "--json")
    assert status == 0
    document = json.loads(out)
    assert [run["run"] for run in document["runs"]] == [1, 3]
    assert document["same"] is False
    assert document["metrics"]["auroc"][0]["value"] == pytest.approx(
        compare_runs(project, "1", "1").metrics["auroc"][0]["value"]  # type: ignore[index]
    )


def test_what_is_no_run_is_refused(project: Project) -> None:
    with pytest.raises(NotFoundError, match="nothing is named '9'"):
        compare_runs(project, "1", "9")
    with pytest.raises(UsageError, match="not a run of the pipeline"):
        compare_runs(project, "1", "customers/data@1")
    with project.store() as store:
        look = store.begin_run("monitor")
        store.end_run(look, "complete")
    with pytest.raises(UsageError, match="is one of `tilth monitor`, not of `tilth run`") as refused:
        compare_runs(project, "1", look.reference)
    assert refused.value.expected == 'a run (3, 2, 1), or a model such as "census@champion"'


def test_wide_intervals_stand_apart(project: Project) -> None:
    lines = compare_runs(project, "1", "3").report().splitlines()
    at = next(at for at, line in enumerate(lines) if line.startswith("on the test part"))
    table = lines[at : lines.index("", at)]
    places = [[match.end() for match in re.finditer(r"\]", line)] for line in table[1:]]
    assert {len(ends) for ends in places} == {3}
    assert len({tuple(ends) for ends in places}) == 1
    assert all("]  " in line for line in table[1:])


def test_metrics_are_compared_row_by_row_and_judged(project: Project) -> None:
    found = compare_runs(project, "1", "3")
    change = found.changes["precision"]
    assert change.is_paired
    assert change.estimate.low < change.estimate.value < change.estimate.high  # type: ignore[operator]
    assert found.to_json()["changes"]["precision"]["paired"] is True  # type: ignore[index, call-overload]
    report = found.report()
    assert "beyond chance" in report
    assert "not judged on the same rows" not in report


def test_what_surrounded_the_runs_is_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path / "customers")
    project = hurried_project(folder)
    git(folder, "add", "tilth.toml", "features.py")
    git(folder, "commit", "--quiet", "--message", "first")
    with (folder / "features.py").open("a") as file:
        file.write("# as everywhere\n")
    run_pipeline(project, Quiet())
    edit(folder / "tilth.toml", "n_estimators = 20", "n_estimators = 25")
    edit(folder / "features.py", "# as everywhere", "# as always")
    write_customers(folder / "customers.csv", 500, seed=3)
    now = present_environment()
    other = Environment(now.python, {**now.packages, "numpy": "9.9.9", "added": "1.0"})
    monkeypatch.setattr("tilth.pipelines.surroundings.present_environment", lambda: other)
    facts = {**host_facts(), "cores": 640}
    monkeypatch.setattr("tilth.pipelines.surroundings.host_facts", lambda: facts)
    run_pipeline(Project.load(folder), Quiet())

    found = compare_runs(project, "1", "2")
    assert found.environment == {"numpy": (now.packages["numpy"], "9.9.9"), "added": (None, "1.0")}
    assert set(found.host) == {"cores"}
    assert found.commits[0] != found.commits[1]
    changes = found.texts["uncommitted changes"]
    assert "++parameters = { n_estimators = 25 }" in changes
    lengths = [[len(curve or ()) for curve in curves] for curves in found.curves.values()]
    assert lengths
    assert all(length == [20, 25] for length in lengths)
    assert set(found.usage["train"]) != {None}
    assert not found.changes["auroc"].is_paired
    report = found.report()
    for words in (
        f"numpy            {now.packages['numpy']} | 9.9.9",
        "added            not installed | 1.0",
        "machine: cores",
        "1 file changed | ",
        "2 files changed",
        "train.parameters.n_estimators 20 | 25",
        "the models were not judged on the same rows",
        "by iteration",
        "CPU and peak memory",
    ):
        assert words in report, words
    assert report.count("parameters.n_estimators 20 | 25") == 1


def test_a_model_that_is_gone_leaves_what_is_recorded(tmp_path: Path) -> None:
    project = hurried_project(tmp_path)
    report = run_pipeline(project, Quiet())
    edit(tmp_path / "tilth.toml", "n_estimators = 20", "n_estimators = 25")
    run_pipeline(Project.load(tmp_path), Quiet())
    model = report.artifact("model")
    assert model is not None
    project.artifacts().path(model.digest, ".onnx").unlink()
    found = compare_runs(project, "1", "2")
    assert not found.changes["auroc"].is_paired
    assert found.changes["auroc"].estimate.low is not None


def test_a_step_that_had_other_inputs_then_is_not_possible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: Callable[..., tuple[int, str, str]]
) -> None:
    project = hurried_project(tmp_path)
    run_pipeline(project, Quiet(), until="split")
    recorded = Store.inputs
    monkeypatch.setattr(
        Store, "inputs", lambda self, of: {n: a for n, a in recorded(self, of).items() if n != "dataset"}
    )
    found = reproduce(project, "1", Quiet())
    assert found.steps["split"] == ("not possible", "this version of Tilth needs 'dataset' for that")
    failure = replace(found, code=("1.0", "2.0")).failure()
    assert failure is not None
    assert failure.mend == "the run was made by 1.0, this is 2.0: install that version"


def test_a_run_without_a_finished_step_cannot_be_done_again(tmp_path: Path) -> None:
    project = hurried_project(tmp_path)
    run_pipeline(project, Quiet(), until="ingest")
    with project.store() as store:
        configuration = store.run(1).parameters
        empty = store.begin_run("run", configuration)
        store.end_run(empty, "interrupted")
    with pytest.raises(UsageError, match="ended before a step was complete"):
        reproduce(project, empty.reference, Quiet())


def test_a_run_is_reproduced_although_the_project_has_changed_since(
    project: Project, ask: Callable[..., tuple[int, str, str]]
) -> None:
    found = reproduce(project, "1", Quiet())
    assert found.is_identical
    assert list(found.steps) == [step for step in STEPS if step != "register"]
    status, out, err = ask("reproduce", "customers@2", "--dir", project.directory, "--json")
    assert status == 0, err
    assert json.loads(out)["identical"] is True
    assert json.loads(out)["run"] == 3


def test_what_cannot_be_reproduced_is_named(tmp_path: Path, ask: Callable[..., tuple[int, str, str]]) -> None:
    project = hurried_project(tmp_path)
    run_pipeline(project, Quiet())
    with (tmp_path / "customers.csv").open("a") as file:
        file.write("50,30,pro,yes\n")
    found = reproduce(project, "1", Quiet())
    assert found.steps.pop("ingest") == ("not possible", "customers.csv has changed since")
    assert found.is_identical  # all the rest
    status, _, err = ask("reproduce", "1", "--dir", tmp_path)
    assert status == 1
    assert "customers.csv has changed since" in err
    assert "put the data back as they were" in err


def test_what_has_changed_since_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: Callable[..., tuple[int, str, str]]
) -> None:
    folder = repository(tmp_path / "customers")
    project = hurried_project(folder)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "first")
    now = present_environment()
    then = Environment("CPython 3.1.4", {**now.packages, "numpy": "9.9.9"})
    with monkeypatch.context() as before:
        before.setattr("tilth.pipelines.surroundings.present_environment", lambda: then)
        run_pipeline(project, Quiet(), until="profile")
    with (folder / "features.py").open("a") as file:
        file.write("# as everywhere\n")
    status, out, err = ask("reproduce", "1", "--dir", folder, "--json")
    assert status == 0
    document = json.loads(out)
    assert document["environment"] == {
        "python": ["CPython 3.1.4", now.python],
        "numpy": ["9.9.9", now.packages["numpy"]],
    }
    assert document["commits"][1].endswith("1 file changed")
    assert "although the run had python CPython 3.1.4" in err
    assert "although its code was" in err
    (folder / "customers.csv").write_text("changed")
    status, _, err = ask("reproduce", "1", "--dir", folder)
    assert status == 1
    assert "numpy 9.9.9, now" in err


def test_other_bytes_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = hurried_project(tmp_path)
    run_pipeline(project, Quiet())
    monkeypatch.setattr("tilth.pipelines.model_steps._metadata", lambda _: {"tilth.project": "other"})
    found = reproduce(project, "1", Quiet())
    same = "other bytes in model; its answers on the 80 test rows are the same"
    assert found.steps["train"] == ("different", same)
    assert {outcome for outcome, _ in found.steps.values()} == {"identical", "different"}


def test_a_run_that_evaluated_nothing_is_not_said_to_be_on_other_rows(tmp_path: Path) -> None:
    project = hurried_project(tmp_path)
    run_pipeline(project, Quiet())
    run_pipeline(project, Quiet(), until="validate")
    report = compare_runs(project, "1", "2").report()
    assert "run:2 was not evaluated: there is nothing to compare" in report
    assert "same rows" not in report
    assert "beyond chance" not in report
