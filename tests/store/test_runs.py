from __future__ import annotations

import datetime
import math
import subprocess
import sys
from pathlib import Path

import pytest

from tilth.checks import Check
from tilth.errors import ConflictError, NotFoundError, UsageError
from tilth.store import Store
from tilth.store.processes import Process, this_process

NOON = datetime.datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=datetime.UTC)


def test_runs_are_numbered_and_remember_what_they_were_told(url: str) -> None:
    with Store.open(url, clock=lambda: NOON) as store:
        run = store.begin_run(
            "tilth run", {"seed": 1, "deep": {"list": [1, 2.5, None, "ä"]}}, tags={"who": "me"}
        )
        assert (run.number, run.state, run.started, run.finished) == (1, "running", NOON, None)
        assert store.run(1) == run
        assert store.begin_run("tilth run").number == 2
        done = store.end_run(run, "failed", "no such column")
        assert (done.state, done.error, done.finished, done.duration_s) == (
            "failed",
            "no such column",
            NOON,
            0.0,
        )
        assert [each.number for each in store.runs()] == [2, 1]
        assert store.runs(state="failed", command="tilth run", limit=1) == (done,)


def test_times_are_given_back_in_utc(url: str) -> None:
    zone = datetime.timezone(datetime.timedelta(hours=9))
    with Store.open(url, clock=lambda: NOON.astimezone(zone)) as store:
        store.begin_run("tilth run")
        started = store.run(1).started
    assert started == NOON
    assert started.utcoffset() == datetime.timedelta(0)


def test_a_run_ends_once(store: Store) -> None:
    run = store.begin_run("tilth run")
    store.end_run(run, "complete")
    with pytest.raises(ConflictError, match="run 1 has already ended: it is complete"):
        store.end_run(run, "failed")
    with pytest.raises(UsageError, match="nothing can end as 'running'"):
        store.end_run(run, "running")
    with pytest.raises(NotFoundError, match="there is no run 9"):
        store.end_run(9, "complete")


def test_the_end_of_a_run_ends_what_still_runs_in_it(store: Store) -> None:
    run, other = store.begin_run("tilth run"), store.begin_run("tilth run")
    left, done = store.begin_execution(run, "train", "k"), store.begin_execution(run, "split", "k")
    beside = store.begin_execution(other, "train", "k")
    store.end_execution(done, "complete")
    store.end_run(run, "interrupted")
    states = [store.execution(each.id).state for each in (left, done, beside)]
    assert states == ["interrupted", "complete", "running"]


def test_parameters_and_tags_are_added_and_replaced(store: Store) -> None:
    run = store.begin_run("tilth run", {"a": 1}, tags={"x": "1"})
    store.log_parameters(run, {"b": [2]})
    store.log_parameters(run, {"a": None})
    store.tag_run(run.number, {"x": "2", "y": "3"})
    assert store.run(1).parameters == {"a": None, "b": [2]}
    assert store.run(1).tags == {"x": "2", "y": "3"}


def test_metrics_are_kept_by_slice_and_undefined_stays_undefined(store: Store) -> None:
    run = store.begin_run("tilth run")
    store.log_metrics(run, {"auroc": 0.1 + 0.2, "precision": math.nan, "recall": None, "loss": math.inf})
    store.log_metrics(run, {"auroc": 0.5}, {"sex": "F", "age": "30"})
    store.log_metrics(run, {"recall": 1})
    store.log_metrics(run, {})
    assert store.metrics(run) == {"auroc": 0.1 + 0.2, "loss": math.inf, "precision": None, "recall": 1.0}
    assert store.metrics(run, {"age": "30", "sex": "F"}) == {"auroc": 0.5}
    assert store.metrics(run, {"sex": "F"}) == {}
    first = store.all_metrics(run)[0]
    assert (first.name, first.slice) == ("auroc", {"age": "30", "sex": "F"})
    with pytest.raises(NotFoundError, match="there is no run 7"):
        store.log_metrics(7, {"auroc": 1.0})


def test_verdicts_come_back_as_they_were(store: Store) -> None:
    run = store.begin_run("tilth run")
    check = Check("auroc", "model", low=0.9, slice={"sex": "F"}, baseline="champion", optional_baseline=True)
    first = [check.judge(0.95), check.judge(0.95, 0.01)]
    second = [Check("error_rate", "live", high=0.1).judge(None)]
    store.log_verdicts(run, first)
    store.log_verdicts(run, second)
    store.log_verdicts(run, [])
    assert store.verdicts(run) == (*first, *second)
    assert [verdict.passed for verdict in store.verdicts(run)] == [True, True, False]


def test_a_run_that_skips_a_step_has_what_the_step_measured(store: Store) -> None:
    first, second = store.begin_run("run"), store.begin_run("run")
    other = store.begin_execution(first, "validate", "k")
    store.log_metrics(first, {"anomalies": 3}, execution=other)
    done = store.begin_execution(first, "evaluate", "k")
    verdicts = [Check("auroc", "model", low=0.8).judge(0.9), Check("f1", "model", low=0.5).judge(None)]
    store.log_metrics(first, {"auroc": 0.9, "f1": None}, execution=done)
    store.log_metrics(first, {"auroc": 0.7}, {"sex": "F"}, execution=done)
    store.log_verdicts(first, verdicts, execution=done)
    store.end_execution(done, "complete")

    store.log_metrics(second, {"auroc": 0.1, "own": 1.0})
    store.log_verdicts(second, verdicts[1:])
    store.skip_execution(second, done)
    assert store.metrics(second) == {"auroc": 0.9, "f1": None, "own": 1.0}
    assert store.metrics(second, {"sex": "F"}) == {"auroc": 0.7}
    assert store.verdicts(second) == (verdicts[1], *verdicts)
    store.skip_execution(first, done)
    assert store.verdicts(first) == tuple(verdicts)
    assert store.metrics(first) == {"anomalies": 3, "auroc": 0.9, "f1": None}


DIES = """
import os, sys
from tilth.store import Store
store = Store.open(sys.argv[1])
run = store.begin_run("tilth run")
store.begin_execution(run, "train", "k")
os._exit(9)
"""


def test_what_a_dead_process_left_running_is_interrupted(url: str) -> None:
    subprocess.run([sys.executable, "-c", DIES, url], check=False)
    with Store.open(url) as store:
        alive = store.begin_run("mine")
        assert store.run(1).state == "running"
        stale = store.interrupt_stale()
        assert [(run.number, run.state) for run in stale] == [(1, "interrupted")]
        assert stale[0].finished is not None
        (execution,) = store.executions(1)
        assert (execution.state, execution.finished is None) == ("interrupted", False)
        assert store.run(alive.number).state == "running"
        assert store.interrupt_stale() == ()
        # it was not dead after all: what it did still counts
        assert store.end_execution(execution, "complete").state == "complete"
        assert store.end_run(1, "complete").state == "complete"


def test_a_process_is_gone_only_when_that_is_certain() -> None:
    here = this_process()
    boot, space, start = here.token.split("/")
    assert not here.is_gone()
    assert Process(here.host, here.pid, f"{boot}/{space}/1{start}").is_gone(), "the pid was used again"
    assert Process(here.host, here.pid, f"another/{space}/{start}").is_gone(), "the host was started anew"
    assert not Process("elsewhere", here.pid, f"{boot}/{space}/1{start}").is_gone(), "another host"
    assert not Process(here.host, here.pid, f"{boot}/pid:[1]/{start}").is_gone(), "another container"


def test_a_child_that_has_ended_is_gone_before_and_after_it_is_waited_for(tmp_path: Path) -> None:
    code = "from tilth.store.processes import this_process as t; p = t(); print(p.token, flush=True); input()"
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    process = Process(this_process().host, child.pid, child.stdout.readline().strip())
    assert not process.is_gone()
    child.communicate("\n")
    assert process.is_gone()
