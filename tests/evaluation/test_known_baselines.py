"""What trivial predictions are known to reach, and what they must not be taken for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tilth.evaluation import evaluate
from tilth.tables import open_table


def test_repeating_the_last_label_of_the_electricity_stream(
    shared_case: Callable[[str, str], dict[str, Any]], shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    import gzip

    case = shared_case("drift_tests", "drift-21")
    rows = gzip.decompress(shared_data("electricity-elec2/elecNorm.csv.gz").read_bytes()).decode()
    labels = [line.rsplit(",", 1)[1] for line in rows.split()]
    before = evaluate({"y": labels[1:], "said": labels[:-1]}, label="y", prediction="said")
    expected = case["expected"]
    assert before.metric("accuracy") == pytest.approx(
        expected["accuracy_of_previous_label"], abs=case["tolerance"]
    )
    table = open_table({"y": labels, "said": ["DOWN"] * len(labels)})
    majority = evaluate(table, label="y", prediction="said", positive="UP")
    assert majority.metric("accuracy") == pytest.approx(expected["majority"], abs=case["tolerance"])


def test_always_negative_has_no_precision_and_no_recall(
    shared_case: Callable[[str, str], dict[str, Any]],
) -> None:
    expected = shared_case("labelling", "lab-15")["expected"]
    data = {"y": [1] * 2 + [0] * 98, "said": [0] * 100}
    found = evaluate(data, label="y", prediction="said", positive=1)
    assert found.metric("accuracy") == pytest.approx(expected["accuracy"])
    assert found.metric("recall") == expected["recall"]
    assert found.metric("precision") is None
    assert found.metric("f1") in (None, 0)
