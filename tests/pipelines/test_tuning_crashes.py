"""A real search on German credit, killed at any moment: the next one goes on with what was done."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tilth.projects import Project, initialize
from tilth.store import Store, TrialRecord

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

TILTH = [sys.executable, "-c", "import sys; from tilth.cli import main; sys.exit(main())"]
SEARCH = """
[tune]
trials = 14
estimators = ["lightgbm", "sklearn.linear_model.LogisticRegression"]
"""


def make(folder: Path, source: Path) -> Project:
    folder.mkdir()
    (folder / "credit.csv").write_bytes(gzip.decompress(source.read_bytes()))
    initialize(folder / "credit.csv", "risk", folder)
    path = folder / "tilth.toml"
    text = path.read_text().replace("[train]\n", "[train]\nsanity_checks = false\n")
    path.write_text(text + SEARCH)
    return Project.load(folder)


def begin(project: Project, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*TILTH, "tune", "--json", "--dir", str(project.directory), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = process.communicate(timeout=500)
    assert process.returncode == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def trials(project: Project) -> tuple[TrialRecord, ...]:
    path = project.state / "store.db"
    if not path.exists():
        return ()
    with Store.open(path) as store:
        runs = store.runs(command="tune", limit=1)
        return store.trials(str(runs[0].parameters["search"])) if runs else ()


def wait_until(holds: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    while not holds():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def kill_while_working(project: Project, done: int) -> list[psutil.Process]:
    """Kill a search when so many trials are done and one is in the making; its workers."""
    process = begin(project, "--jobs", "2")

    def is_under_way() -> bool:
        states = [record.execution.state for record in trials(project)]
        return states.count("complete") >= done and "running" in states

    wait_until(is_under_way, process)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return workers


def test_a_killed_search_is_gone_on_with(shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    source = shared_data("german-credit/german_credit.csv.gz")
    project = make(tmp_path / "killed", source)
    kept: dict[int, Any] = {}
    for done in (2, 6):
        workers = kill_while_working(project, done)
        assert len(workers) >= 2
        _, alive = psutil.wait_procs(workers, timeout=30)
        assert alive == []
        now = {r.number: r.outcome for r in trials(project) if r.execution.state == "complete"}
        assert kept.items() <= now.items()
        kept = now
    report = finish(begin(project))
    found = trials(project)
    assert [record.number for record in found] == list(range(14))
    assert {record.execution.state for record in found} == {"complete"}
    assert {number: found[number].outcome for number in kept} == kept
    assert sum(record.attempts for record in found) <= 14 + 4
    assert report["states"].get("running", 0) == report["states"].get("interrupted", 0) == 0
    assert report["best"]["score"]["value"] > 0.7
    with Store.open(project.state / "store.db") as store:
        assert [run.state for run in store.runs(command="tune")] == ["complete", "interrupted", "interrupted"]
    assert list((project.state / "artifacts/drafts").glob("*")) == []
    again = finish(begin(project))
    assert again["trials"] == report["trials"]


def test_a_search_of_one_job_comes_out_the_same_after_a_kill(
    shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    source = shared_data("german-credit/german_credit.csv.gz")
    whole = finish(begin(make(tmp_path / "whole", source), "--trials", "10"))
    project = make(tmp_path / "killed", source)
    process = begin(project, "--trials", "10")
    wait_until(lambda: len(trials(project)) >= 5, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    again = finish(begin(project, "--trials", "10"))

    def told(report: dict[str, Any]) -> list[Any]:
        return [(t["trial"], t["parameters"], t["state"], t["score"]) for t in report["trials"]]

    assert told(again) == told(whole)
    assert again["lead"] == whole["lead"]


def test_several_searches_at_once_share_the_work(shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    project = make(tmp_path / "shared", shared_data("german-credit/german_credit.csv.gz"))
    finish(begin(project, "--trials", "1"))
    both = [begin(project), begin(project)]
    reports = [finish(process) for process in both]
    found = trials(project)
    assert [record.number for record in found] == list(range(14))
    assert {record.attempts for record in found} == {1}
    assert len({record.execution.run for record in found[1:]}) == 2
    assert len(reports[0]["trials"]) == 14


def test_ctrl_c_ends_a_search_and_its_workers(shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    project = make(tmp_path / "interrupted", shared_data("german-credit/german_credit.csv.gz"))
    process = begin(project)
    wait_until(lambda: len(trials(project)) >= 2, process)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err
    _, alive = psutil.wait_procs(workers, timeout=30)
    assert alive == []
    with Store.open(project.state / "store.db") as store:
        assert [run.state for run in store.runs(command="tune")] == ["interrupted"]
    assert "running" not in {record.execution.state for record in trials(project)}
    assert list((project.state / "artifacts/drafts").glob("*.npy")) == []
