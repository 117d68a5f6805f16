"""What differs between two runs, and whether a run can be done again, is told from their records."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from project_factory import make_project
from tilth.errors import NotFoundError, UsageError
from tilth.pipelines import compare_runs, reproduce, run_pipeline
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
    project = make_project(tmp_path_factory.mktemp("compared"))
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
    assert same == {"ingest", "profile", "schema", "validate", "split"}
    assert '-        "age": x["age"].fill_missing("median").zscore()' in found.texts["features_file"]
    assert '+        "age": x["age"].log1p()' in found.texts["features_file"]
    report = found.report()
    assert "train.threshold  0.5 | 0.4" in report
    assert "precision" in report
    assert "auroc" not in report  # which does not depend on a threshold, and trees not on a logarithm


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
    assert len({len(line) for line in lines[at:]}) == 1
    assert not [line for line in lines[at:] if "]" in line.replace("]  ", "")]


def test_a_step_that_had_other_inputs_then_is_not_possible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: Callable[..., tuple[int, str, str]]
) -> None:
    project = make_project(tmp_path)
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
    project = make_project(tmp_path)
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
    assert list(found.steps) == [
        "ingest",
        "profile",
        "schema",
        "validate",
        "split",
        "transform",
        "train",
        "evaluate",
    ]
    status, out, err = ask("reproduce", "customers@2", "--dir", project.directory, "--json")
    assert status == 0, err
    assert json.loads(out)["identical"] is True
    assert json.loads(out)["run"] == 3


def test_what_cannot_be_reproduced_is_named(tmp_path: Path, ask: Callable[..., tuple[int, str, str]]) -> None:
    project = make_project(tmp_path)
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


def test_other_bytes_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project(tmp_path)
    run_pipeline(project, Quiet())
    monkeypatch.setattr("tilth.pipelines.model_steps._metadata", lambda _: {"tilth.project": "other"})
    found = reproduce(project, "1", Quiet())
    assert found.steps["train"] == ("different", "other bytes in model")
    assert {outcome for outcome, _ in found.steps.values()} == {"identical", "different"}
