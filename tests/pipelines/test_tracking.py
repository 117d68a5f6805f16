"""What a run records of itself, and how `tilth runs` tells it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from project_factory import make_project
from repositories import git, repository
from tilth.errors import TilthError, UsageError
from tilth.pipelines import list_runs, read_run, run_pipeline
from tilth.pipelines.environment import present_environment
from tilth.pipelines.run_record import sparkline
from tilth.pipelines.surroundings import read_surroundings
from tilth.projects import Project

Ask = Callable[..., tuple[int, str, str]]


class Quiet:
    """A listener that is told nothing."""

    def started(self, step: str) -> None:
        """A step begins."""

    def ended(self, report: object) -> None:
        """A step ended."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A committed project and two runs: one as committed, one with an uncommitted change of training."""
    folder = repository(tmp_path_factory.mktemp("team") / "customers")
    project = make_project(folder)
    (folder / ".gitignore").write_text("*.csv\n")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "first")
    run_pipeline(project, Quiet())
    toml = folder / "tilth.toml"
    toml.write_text(toml.read_text().replace("n_estimators = 20", "n_estimators = 30"))
    project = Project.load(folder)
    run_pipeline(project, Quiet())
    return project


def test_code_environment_and_machine_of_each_run_are_kept(project: Project) -> None:
    commit = git(project.directory, "rev-parse", "HEAD").strip()
    with project.store() as store:
        first, second = (read_surroundings(store, project.artifacts(), store.run(n)) for n in (1, 2))
        assert store.run(1).tags == {"git.commit": commit, "git.branch": "main", "git.dirty": "false"}
        assert store.run(2).tags["git.dirty"] == "true"
        kept = [store.surroundings(number) for number in (1, 2)]
    assert kept[0]["environment"] == kept[1]["environment"], "what is the same is kept once"
    assert first.environment == present_environment()
    assert first.host == second.host
    assert first.code is not None
    assert second.code is not None
    assert (first.code.commit, first.code.diff) == (commit, b"")
    assert second.code.changed == ("tilth.toml",)
    assert b"+parameters = { n_estimators = 30 }" in second.code.diff


def test_metrics_curves_and_use_of_each_run_are_kept(project: Project) -> None:
    with project.store() as store:
        executions = {execution.step: execution for execution in store.executions(2)}
        curves, used, metrics = store.curves(2), store.usage(2), store.all_metrics(2)
        before = store.usage(1)
    assert {len(curve) for curve in curves.values()} == {30}
    assert any(name.startswith("dev.") for name in curves)
    assert any(name.startswith("train.") for name in curves)
    assert set(used) == set(executions)
    assert executions["split"].state == "skipped"
    assert used["split"] == before["split"]
    assert executions["train"].state == "complete"
    assert used["train"] != before["train"]
    for usage in used.values():
        assert usage.wall_s >= 0
        assert usage.peak_memory_mb >= max(sample.memory_mb for sample in usage.samples) > 10
    assert all(m.low <= m.value <= m.high for m in metrics if m.name == "auroc")  # type: ignore[operator]


def test_a_step_that_fails_is_measured_too(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    features = project.features_path
    features.write_text(features.read_text().replace('x["age"]', 'x["nobody"]'))
    with pytest.raises(TilthError):
        run_pipeline(project, Quiet())
    with project.store() as store:
        assert store.executions(1)[-1].state == "failed"
        assert store.executions(1)[-1].step in store.usage(1)
        assert set(store.surroundings(1)) == {"code", "environment", "host"}
    (entry,) = list_runs(project).entries
    assert entry.run.state == "failed"
    assert (entry.metric, entry.model) == (None, None)


def test_the_runs_are_listed_the_newest_first(project: Project, ask: Ask) -> None:
    status, out, _ = ask("runs", "--dir", project.directory)
    assert status == 0
    title, second, first = out.splitlines()[:3]
    assert title.split()[:2] == ["run", "started"]
    assert second.startswith("2 ")
    commit = git(project.directory, "rev-parse", "--short=7", "HEAD").strip()
    assert f" {commit}+ " in second
    assert f" {commit} " in first
    assert "customers@1 champion" in first
    assert "customers@2 challenger" in second
    assert "auroc 0." in first

    status, out, _ = ask("runs", "--dir", project.directory, "--limit", "1", "--json")
    document = json.loads(out)
    assert document["total"] == 2
    (run,) = document["runs"]
    assert (run["run"], run["state"], run["model"]) == (2, "complete", "customers@2")
    assert run["parameters"] == {"n_estimators": 30}
    assert run["code"]["dirty"] is True
    assert run["metric"]["low"] < run["metric"]["value"] < run["metric"]["high"]
    assert run["cpu_seconds"] > 0
    assert (
        "... and 1 before them: tilth runs --limit 2"
        in ask("runs", "--dir", project.directory, "--limit", "1")[1]
    )


def test_one_run_is_told_whole(project: Project, ask: Ask) -> None:
    found = read_run(project, "customers@2")
    document = json.loads(json.dumps(found.to_json()))
    assert document["run"] == 2
    assert document["code"]["changed"] == ["tilth.toml"]
    assert "+parameters = { n_estimators = 30 }" in document["diff"]
    assert document["environment"]["packages"] == present_environment().packages
    assert document["configuration"]["train"]["seed"] == 0
    steps = {step["step"]: step for step in document["steps"]}
    assert (steps["split"]["done_by_run"], steps["train"]["done_by_run"]) == (1, 2)
    assert len(steps["train"]["usage"]["samples"][0]) == 5
    assert {len(curve) for curve in document["curves"].values()} == {30}
    assert document["verdicts"]

    status, out, _ = ask("runs", "2", "--dir", project.directory)
    assert status == 0
    for words in (
        "2, complete",
        "customers@2, challenger",
        'lightgbm {"n_estimators": 30}',
        "train 0, split 0",
        "1 file changed",
        "as in run 1",
        "on the test part",
        "by iteration",
        "pass: auroc minus majority",
    ):
        assert words in out, words


def test_what_cannot_be_listed_is_refused(project: Project, tmp_path: Path, ask: Ask) -> None:
    assert ask("runs", "--dir", project.directory, "--limit", "0")[0] == 2
    status, _, err = ask("runs", "99", "--dir", project.directory)
    assert status == 2
    assert "nothing is named '99'" in err
    with pytest.raises(UsageError, match="not a run of the pipeline"):
        read_run(project, "customers/data@1")
    empty = make_project(tmp_path)
    assert ask("runs", "--dir", empty.directory)[1].strip() == "customers: no run yet; tilth run makes one"


def test_a_run_that_was_killed_does_not_look_as_if_it_ran(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    code = (
        "import os, sys\n"
        "from tilth.projects import Project\n"
        "project = Project.load(sys.argv[1])\n"
        "with project.store() as store:\n"
        "    store.begin_run('run', {'project': project.name})\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    (entry,) = list_runs(project).entries
    assert entry.run.state == "interrupted"
    assert "interrupted" in list_runs(project).report()


def test_a_run_says_its_number_and_what_it_reached(tmp_path: Path, ask: Ask) -> None:
    project = make_project(tmp_path)
    status, out, err = ask("run", "--dir", project.directory, "--json")
    assert status == 0
    document = json.loads(out)
    assert document["run"] == 1
    assert document["metric"]["name"] == "auroc"
    assert f"run 1: auroc {document['metric']['value']:.4g} [" in err
    assert document["steps"][0]["cpu_seconds"] >= 0
    err = ask("run", "split", "--dir", project.directory)[2]
    assert "run 2\n" in err


def test_a_sparkline_shows_the_course() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert sparkline([None, None]) == "  "
    assert len(sparkline(list(range(1_000)), 10)) == 10
    assert sparkline([5.0, 10.0], low=0.0) == "▅█"
