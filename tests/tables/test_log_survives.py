"""Processes that write and compact a log are killed at any instant: nothing is lost, nothing twice."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tilth.tables import PredictionLog, compact, prediction_log, read_predictions

KILLS = 50

WRITER = """
import itertools, os, sys, time
from datetime import datetime, UTC
from tilth.tables import Prediction, PredictionLog
log = PredictionLog(sys.argv[1], roll_s=0.15, roll_bytes=20_000)
acknowledged = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def row(version):
    inputs = {"x": 1.5, "s": "a" * 50}
    return Prediction("", datetime.now(UTC), "m", version, "live", inputs, 1, None, 0.001)
for turn in itertools.count():
    ids = log.append([row(1), row(1 + turn % 2), row(1)])
    os.write(acknowledged, ("\\n".join(ids) + "\\n").encode())
    time.sleep(0.004)
"""

COMPACTOR = """
import sys, time
from datetime import timedelta
from tilth.tables import compact, remove_older
while True:
    problems = compact(sys.argv[1]).problems
    remove_older(sys.argv[1], timedelta(days=1))
    if problems:
        with open(sys.argv[2], "a") as file:
            file.write("\\n".join(problems) + "\\n")
    time.sleep(0.01)
"""


def begin(code: str, log: Path, said: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code, str(log), str(said)])


@pytest.mark.slow
def test_kills_at_any_instant_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    log, said = tmp_path / "log", tmp_path / "ids"
    problems = tmp_path / "problems"
    chance = random.Random(7)
    makers: list[Callable[[], subprocess.Popen[bytes]]] = [
        *[lambda: begin(WRITER, log, said)] * 3,
        *[lambda: begin(COMPACTOR, log, problems)] * 2,
    ]
    processes = [maker() for maker in makers]
    try:
        for kill in range(KILLS):
            time.sleep(chance.uniform(0.15, 0.9))
            victim = chance.randrange(len(processes))
            processes[victim].kill()
            processes[victim].wait()
            processes[victim] = makers[victim]()
            if kill % 10 == 9:
                answered = ids_in(said)
                check(answered, [p.id for p in read_predictions(log)])
    finally:
        for process in processes:
            process.kill()
            process.wait()
    answered = ids_in(said)
    assert len(answered) > 1_000
    check(answered, [p.id for p in read_predictions(log)])
    table = prediction_log(log).select(["tilth.prediction_id"])
    check(answered, table.to_arrow().column(0).to_pylist())
    assert len(list(log.glob("model=*/**/*.parquet"))) > 10
    done = compact(log)
    assert not done.problems
    assert not problems.exists(), problems.read_text()
    assert not list(log.glob("*.jsonl"))
    check(answered, [p.id for p in read_predictions(log)])
    check(answered, table.to_arrow().column(0).to_pylist())
    reader = PredictionLog(log)
    found = [reader.find(identity) for identity in random.Random(1).sample(sorted(answered), 200)]
    assert all(found)


def ids_in(said: Path) -> set[str]:
    return {line for line in said.read_text().split("\n")[:-1] if line}


def check(answered: set[str], read: list[str]) -> None:
    twice = [identity for identity, count in Counter(read).items() if count > 1]
    assert not twice
    assert answered <= set(read)
