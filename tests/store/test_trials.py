from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tilth.errors import ConflictError
from tilth.store import Store, TrialRecord

SEARCH = "5" * 64
PROPOSAL = {"estimator": "lightgbm", "parameters": {"num_leaves": 15, "learning_rate": 0.1}}


def begun(store: Store, number: int = 0) -> TrialRecord:
    found = store.begin_trial(store.begin_run("tune"), SEARCH, number, PROPOSAL, code_version="1")
    assert found is not None
    return found


def test_a_trial_remembers_proposal_and_outcome(store: Store) -> None:
    one, two = begun(store, 1), begun(store, 0)
    assert (one.execution.state, one.attempts, one.outcome) == ("running", 1, None)
    ended = store.end_trial(one, "complete", {"score": 0.9})
    assert store.trials(SEARCH) == (two, ended)
    assert (ended.proposal, ended.outcome, ended.execution.state) == (PROPOSAL, {"score": 0.9}, "complete")
    assert ended.execution.parameters == PROPOSAL
    assert store.trials("6" * 64) == ()
    with pytest.raises(ConflictError, match="already ended"):
        store.end_trial(ended, "failed")


def test_more_may_be_known_after_the_end(store: Store) -> None:
    ended = store.end_trial(begun(store), "complete", {"score": 0.9})
    amended = store.amend_trial(ended, {"score": 0.9, "size": 3})
    assert store.trials(SEARCH) == (amended,)
    assert amended.execution == ended.execution


def test_a_number_is_taken_once(store: Store) -> None:
    run = store.begin_run("tune")
    found: list[TrialRecord | None] = []

    def take() -> None:
        found.append(store.begin_trial(run, SEARCH, 3, PROPOSAL))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(record is not None for record in found) == 1
    assert len(store.executions()) == 1


def test_only_an_interrupted_trial_is_tried_again_and_once(store: Store) -> None:
    first = begun(store)
    assert store.retry_trial(first.execution.run, first) is None
    store.end_run(first.execution.run, "interrupted")
    (left,) = store.trials(SEARCH)
    assert left.execution.state == "interrupted"
    again = store.retry_trial(store.begin_run("tune"), left)
    assert again is not None
    assert (again.attempts, again.execution.run, again.proposal) == (2, 2, PROPOSAL)
    assert store.retry_trial(2, left) is None
    store.end_trial(again, "failed", error="no memory")
    assert [record.execution.error for record in store.trials(SEARCH)] == ["no memory"]


def test_what_a_killed_process_left_is_interrupted(tmp_path: Path) -> None:
    code = f"""
import os, signal
from tilth.store import Store
store = Store.open({str(tmp_path / "store.db")!r})
store.begin_trial(store.begin_run("tune"), {SEARCH!r}, 0, {{}})
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    with Store.open(tmp_path / "store.db") as store:
        assert [record.execution.state for record in store.trials(SEARCH)] == ["running"]
        store.interrupt_stale()
        assert [record.execution.state for record in store.trials(SEARCH)] == ["interrupted"]
