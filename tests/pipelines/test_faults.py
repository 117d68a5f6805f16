"""After a crash, Ctrl-C, a full disk or a second run at the same time, `tilth run` goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from project_factory import hurried_project
from tilth.errors import DataError, StoreError
from tilth.pipelines import StepReport, run_pipeline
from tilth.pipelines.feedback import collect_feedback
from tilth.pipelines.runner import Runner, end_early
from tilth.projects import Project
from tilth.store import Store
from tilth.tables import FeedbackLog, Prediction, PredictionLog, open_table
from tilth.types import utc_now

TILTH = str(Path(sys.executable).with_name("tilth"))


class Silent:
    """Nobody listens."""

    def started(self, step: str) -> None: ...

    def ended(self, report: StepReport) -> None: ...


def start(project: Project) -> subprocess.Popen[str]:
    command = [TILTH, "run", "--dir", str(project.directory)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out + err


def assert_consistent(project: Project) -> None:
    """Nothing half-written: every recorded output is there, whole, and every version has its model."""
    artifacts = project.artifacts()
    with project.store() as store:
        for execution in store.executions():
            for artifact in store.outputs(execution).values():
                artifacts.verify(artifact.digest, str(artifact.properties["suffix"]))
        versions = [v.version for v in store.model_versions(project.name)]
        assert versions == list(range(len(versions), 0, -1))
        if versions:
            assert store.aliases(project.name)["champion"] in versions


def kill_at(project: Project, delay_s: float, how: signal.Signals) -> int:
    process = start(project)
    time.sleep(delay_s)
    os.kill(process.pid, how)
    return finish(process)[0]


@pytest.mark.slow
def test_kill_at_twenty_random_moments_loses_nothing(tmp_path: Path) -> None:
    project = hurried_project(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    began = time.monotonic()
    assert finish(start(hurried_project(elsewhere)))[0] == 0
    whole = time.monotonic() - began
    moments = np.random.default_rng(3).uniform(0.1, 1.05 * whole, 20)
    ended = [kill_at(project, float(moment), signal.SIGKILL) for moment in moments]
    assert -signal.SIGKILL in ended
    assert_consistent(project)
    status, text = finish(start(project))
    assert status == 0, text
    assert_consistent(project)
    with project.store() as store:
        assert store.aliases(project.name) == {"champion": 1}
        assert {run.state for run in store.runs()} <= {"complete", "interrupted"}
        assert store.runs(limit=1)[0].state == "complete"


@pytest.mark.slow
def test_ctrl_c_says_so_and_the_next_run_goes_on(tmp_path: Path) -> None:
    project = hurried_project(tmp_path)
    process = start(project)
    assert process.stderr is not None
    seen = [process.stderr.readline() for _ in range(7)]
    assert "transform" in seen[-1]
    os.kill(process.pid, signal.SIGINT)
    status, text = finish(process)
    assert status == 130
    assert "interrupted" in text
    assert "Traceback" not in text
    status, text = finish(start(project))
    assert status == 0
    assert text.count("skipped") >= 6
    with project.store() as store:
        assert [run.state for run in store.runs()] == ["complete", "interrupted"]


@pytest.mark.slow
def test_two_runs_at_once_do_not_harm_each_other(tmp_path: Path) -> None:
    project = hurried_project(tmp_path)
    for status, text in [finish(p) for p in [start(project), start(project), start(project)]]:
        assert status == 0, text
    assert_consistent(project)
    with project.store() as store:
        assert [v.version for v in store.model_versions(project.name)] == [1]
        assert store.aliases(project.name) == {"champion": 1}
        assert sorted(run.number for run in store.runs()) == [1, 2, 3]


def test_a_full_disk_is_said_and_nothing_half_written(tmp_path: Path) -> None:
    project = hurried_project(tmp_path)
    limit = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
    limit += "resource.setrlimit(resource.RLIMIT_FSIZE, (70_000, 70_000));"
    code = (
        f"{limit} import sys; from tilth.cli import main; sys.exit(main(['run', '--dir', {str(tmp_path)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert finish(start(project))[0] == 0
    assert_consistent(project)


def test_ctrl_c_right_after_a_step_was_recorded_is_ctrl_c(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = hurried_project(tmp_path, rows=100)
    finish_step = Runner._finish

    def interrupted(self: Runner, *given: object) -> object:
        outputs = finish_step(self, *given)  # type: ignore[arg-type]
        if given[0].name == "split":  # type: ignore[attr-defined]
            raise KeyboardInterrupt
        return outputs

    monkeypatch.setattr(Runner, "_finish", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_pipeline(project, Silent())
    with project.store() as store:
        assert store.run(1).state == "interrupted"
        assert {e.step: e.state for e in store.executions(1)}["split"] == "complete"


def test_a_broken_store_does_not_hide_the_first_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = hurried_project(tmp_path, rows=100)

    def fails(*_given: object) -> None:
        monkeypatch.setattr(Store, "end_execution", broken)
        raise DataError("the first error")

    def broken(*_given: object, **_options: object) -> None:
        raise StoreError("the disk of the record store is full")

    monkeypatch.setattr(Runner, "_execute", fails)
    with pytest.raises(DataError, match="the first error") as caught:
        run_pipeline(project, Silent())
    assert any("disk of the record store is full" in note for note in caught.value.__notes__)


def test_what_ended_early_is_recorded_with_its_reason(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store.db") as store:
        run = store.begin_run("run")
        execution = store.begin_execution(run, "train", "k")
        end_early(store, execution, ZeroDivisionError())
        end_early(store, run, KeyboardInterrupt())
        assert (store.execution(execution.id).state, store.execution(execution.id).error) == (
            "failed",
            "ZeroDivisionError",
        )
        assert (store.run(1).state, store.run(1).error) == ("interrupted", "interrupted by Ctrl-C")
        done = store.end_run(store.begin_run("run"), "complete")
        error = DataError("no")
        end_early(store, done, error)
        assert "already ended" in error.__notes__[0]
        assert store.run(2) == done


def test_drafts_of_a_killed_run_are_gone_after_the_next(tmp_path: Path) -> None:
    project = hurried_project(tmp_path, rows=100)
    code = (
        "import os, sys; from tilth.store import files; files.ArtifactStore._keep = lambda s, d: os._exit(9);"
        f"from tilth.cli import main; main(['run', 'split', '--dir', {str(tmp_path)!r}])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 9
    drafts = project.artifacts().root / "drafts"
    assert list(drafts.iterdir())
    run_pipeline(project, Silent(), until="split")
    assert list(drafts.iterdir()) == []


def test_a_run_that_skips_shows_the_metrics_and_verdicts_all_the_same(tmp_path: Path) -> None:
    project = hurried_project(tmp_path, rows=300)
    run_pipeline(project, Silent())
    run_pipeline(project, Silent())
    with project.store() as store:
        assert store.metrics(1)["auroc"] is not None
        assert store.metrics(2) == store.metrics(1)
        assert store.verdicts(2) == store.verdicts(1)
        assert len(store.verdicts(1)) > 1


@pytest.fixture
def outcomes(tmp_path: Path) -> Project:
    """A project with served predictions whose outcome is known, half of them of another project."""
    project = hurried_project(tmp_path, rows=100)
    log, feedback = PredictionLog(project.predictions), FeedbackLog(project.predictions)
    row = {"income": 50.5, "age": 40, "plan": "?"}
    scores = {"no": 0.3, "yes": 0.7}
    for name in (project.name, "other"):
        made = Prediction("", utc_now(), name, 1, "live", row, "yes", scores, 0.001)
        for identity in log.append([made] * 4):
            feedback.append(identity, "no", utc_now())
    log.close()
    feedback.close()
    return project


def test_feedback_is_collected_once_and_again_when_its_file_is_lost(outcomes: Project) -> None:
    artifacts = outcomes.artifacts()
    with outcomes.store() as store:
        run = store.begin_run("run")
        made = collect_feedback(outcomes, store, artifacts, run)
        assert made.properties["rows"] == 4, "the other project's answers are not this one's"
        assert made.properties["project"] == outcomes.name
        assert collect_feedback(outcomes, store, artifacts, run) == made
        assert [e.state for e in store.executions(run)] == ["complete", "skipped"]
        path = artifacts.path(made.digest, ".parquet")
        path.unlink()
        assert collect_feedback(outcomes, store, artifacts, run).digest == made.digest
        assert path.exists()
    assert open_table(path).select(["plan"]).to_arrow().column(0).null_count == 4


def test_feedback_that_cannot_be_kept_leaves_no_draft(
    outcomes: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(table: object, draft: Path) -> None:
        draft.write_bytes(b"half")
        raise DataError("the disk is full")

    monkeypatch.setattr("tilth.pipelines.feedback.write_table", full)
    artifacts = outcomes.artifacts()
    with outcomes.store() as store:
        run = store.begin_run("run")
        with pytest.raises(DataError, match="the disk is full"):
            collect_feedback(outcomes, store, artifacts, run)
        (execution,) = store.executions(run)
        assert (execution.state, execution.error) == ("failed", "the disk is full")
    assert list((artifacts.root / "drafts").iterdir()) == []
