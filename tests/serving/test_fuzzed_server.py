"""A server process under some thousand hostile requests of all kinds; the fuzzer of benchmarks sends more."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

FUZZER = Path(__file__).resolve().parents[2] / "benchmarks" / "fuzz_server.py"


@pytest.mark.slow
def test_it_lives_and_stays_small() -> None:
    command = [sys.executable, str(FUZZER), "--requests", "5000", "--seed", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["requests"] >= 5000
    assert set(told["kinds"]) == {
        "json",
        "damaged",
        "binary tensors",
        "gRPC",
        "tables",
        "random bytes",
        "half-open",
        "huge sizes",
        "slow",
    }
    # Not all of it is refused: some of what was damaged is a request still, and is answered and logged.
    assert told["statuses"]["200"] > 100
    assert told["predictions"] > 100
