"""Columns are not chosen for several labels or for a ranking, and that is said."""

from __future__ import annotations

from typing import Any

import pytest

from tilth.errors import UsageError
from tilth.training.selection import select

ROWS = 40
DATA: dict[str, list[Any]] = {
    "x": [float(at) for at in range(ROWS)],
    "tags": [["a"], ["b"]] * (ROWS // 2),
    "text": ["a|b", "b"] * (ROWS // 2),
    "clicks": [0, 1] * (ROWS // 2),
}


@pytest.mark.parametrize(("label", "task"), [("tags", None), ("text", "multilabel")])
def test_several_labels_are_refused(label: str, task: Any) -> None:
    with pytest.raises(UsageError, match="columns are not chosen for several labels at once"):
        select(DATA, label=label, task=task)


def test_a_ranking_is_refused_with_a_way_out() -> None:
    with pytest.raises(UsageError, match="columns are not chosen for a ranking") as caught:
        select(DATA, label="clicks", task="ranking")
    assert "--task regression" in str(caught.value.mend)
