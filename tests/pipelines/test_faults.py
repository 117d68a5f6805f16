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

from project_factory import make_project
from tilth.projects import Project

TILTH = str(Path(sys.executable).with_name("tilth"))


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
    project = make_project(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    began = time.monotonic()
    assert finish(start(make_project(elsewhere)))[0] == 0
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
    project = make_project(tmp_path)
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
    project = make_project(tmp_path)
    for status, text in [finish(p) for p in [start(project), start(project), start(project)]]:
        assert status == 0, text
    assert_consistent(project)
    with project.store() as store:
        assert [v.version for v in store.model_versions(project.name)] == [1]
        assert store.aliases(project.name) == {"champion": 1}
        assert sorted(run.number for run in store.runs()) == [1, 2, 3]


def test_a_full_disk_is_said_and_nothing_half_written(tmp_path: Path) -> None:
    project = make_project(tmp_path)
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
