"""Each example runs to its end as a user would run it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tilth.pipelines import STEPS

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.mark.slow
def test_breast_cancer_goes_round_the_whole_loop(tmp_path: Path) -> None:
    story = [sys.executable, str(EXAMPLES / "breast_cancer" / "story.py"), str(tmp_path)]
    done = subprocess.run(story, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout
    assert said.count("skipped") == len(STEPS)
    before, after = said.split("== The laboratory recalibrates", 1)
    assert "ALARM" not in before
    assert before.count("quiet") >= 2
    alarm, back = after.split("== Back to the data", 1)
    assert "ALARM    drifted_columns 3 > 0" in alarm
    assert (
        "exactly the recalibrated measurements: worst concave points, worst perimeter, worst radius" in alarm
    )
    assert "the challenger beats the old champion" in back
    assert "ALARM" not in back.split("== Quiet again", 1)[1]
    assert said.rstrip().splitlines()[-1].startswith("On your own data:")
