"""Rows of other tasks, and rows that are wide, on the desk of a page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tilth.console import Desk
from tilth.console.asking import Asked
from tilth.errors import NotFoundError
from tilth.evaluation import Scored
from tilth.pipelines.errors import Mistakes
from tilth.projects import Workspace


def desk(folder: Path, data: Mapping[str, object], **more: str) -> Desk:
    scored = Scored.of(data, label="y", prediction="p", **more).rows()  # type: ignore[arg-type]
    return Desk(Mistakes.of_scored(Workspace.find(folder), scored, ["p"]), "x")


def test_numbers_are_off_by_something(tmp_path: Path) -> None:
    truth = [1.5 * at for at in range(40)]
    data = {
        "x": list(range(40)),
        "y": truth,
        "p": [each + (5 if at < 4 else 0.25) for at, each in enumerate(truth)],
    }
    found = desk(tmp_path, data)
    assert found.sentence == "the 4 of 40 rows with the greatest errors count as mistakes"
    assert found.loss_name == "off by"
    assert found.classes == ()
    row = found.page(Asked()).rows[0]
    assert (row.loss, row.confidence) == ("5", "")
    assert len(found.page(Asked()).rows) == 4


def test_several_labels_are_listed(tmp_path: Path) -> None:
    data = {"y": [["a", "b"], ["b"], ["a"]], "p": [["a"], ["b"], ["a", "b"]]}
    found = desk(tmp_path, data, task="multilabel")
    shown = {(row.truth.text, row.said.text) for row in found.page(Asked()).rows}
    assert len(shown) == 2
    assert found.classes == ("a", "b")


def test_a_wide_row_is_cut(tmp_path: Path) -> None:
    data = {**{f"x{at}": [1, 2] for at in range(100)}, "y": ["a", "b"], "p": ["b", "b"]}
    [row] = desk(tmp_path, data).page(Asked()).rows
    assert (len(row.cells), row.left_out) == (60, 40)


def test_equal_rows_have_the_same_tags(tmp_path: Path) -> None:
    data = {"x": [1, 1, 2], "y": ["a", "a", "b"], "p": ["b", "b", "b"]}
    found = desk(tmp_path, data)
    first, second = found.page(Asked()).rows
    assert first.row == second.row
    found.tag(first.row, "twice", "Ann")
    [line] = found.lines()
    assert line.figures[0] == "2"
    with pytest.raises(NotFoundError, match="no images or recordings"):
        found.media(first.row, 0)


def test_years_and_missing_values_are_plain(tmp_path: Path) -> None:
    data = {"year": [2026, 1999], "day": ["2026-01-05T10:30:00", None], "y": ["a", "b"], "p": ["b", "a"]}
    rows = desk(tmp_path, data).page(Asked()).rows
    texts = {cell.start.text for row in rows for cell in row.cells}
    assert {"2026", "1999", "missing"} <= texts
