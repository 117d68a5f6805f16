"""Rows that a model must get right."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tilth.errors import DataError
from tilth.evaluation import Scored
from tilth.evaluation.must_pass import must_pass


def test_a_must_pass_set_tells_which_rows_fail_and_nothing_of_their_columns() -> None:
    data = {"y": ["a", "b", "c"], "said": ["a", "c", "c"], "name": ["Ann", "Bob", "Cy"]}
    found = must_pass("loyal", Scored.of(data, label="y", prediction="said").rows())
    document = found.to_json()
    assert document["failing"] == [{"row": 2, "label": "b", "answer": "c"}]
    assert (found.metric, found.share.value, found.failed) == ("must_pass.loyal", pytest.approx(2 / 3), 1)
    assert "Bob" not in json.dumps(document)


def test_many_failing_rows_are_counted_and_not_all_listed() -> None:
    data = {"y": ["a", "b"] * 500, "said": ["b", "a"] * 500}
    found = must_pass("all", Scored.of(data, label="y", prediction="said").rows())
    assert (found.failed, len(found.failing), found.share.value) == (1000, 50, 0.0)


def test_numbers_must_pass_within_a_tolerance() -> None:
    rows = Scored.of({"y": [1.0, 2.0, 3.0], "p": [1.5, 2.5, 3.0]}, label="y", prediction="p").rows()
    found = must_pass("near", rows, np.array([0.5, 0.4, 0.0]))
    assert [each.row for each in found.failing] == [2]
    assert "row 2: 2.5, which is 2" in str(found)
    for tolerance in (None, np.array([0.5, np.nan, 0.0]), np.array([0.5, -1.0, 0.0])):
        with pytest.raises(DataError, match="tolerance"):
            must_pass("near", rows, tolerance)


def test_rows_with_several_labels_must_have_just_these() -> None:
    data = {"y": [["sea"], ["sea", "sky"], []], "p": [["sea"], ["sky"], ["sea"]]}
    found = must_pass("all", Scored.of(data, label="y", prediction="p", task="multilabel").rows())
    assert [each.to_json() for each in found.failing] == [
        {"row": 2, "label": ["sea", "sky"], "answer": ["sky"]},
        {"row": 3, "label": [], "answer": ["sea"]},
    ]
    assert "row 3: sea, which is none" in str(found)
