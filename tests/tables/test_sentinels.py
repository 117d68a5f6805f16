"""Texts that stand for missing values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tilth.tables import open_table, sentinels


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b\n1,x\nNA,y\n", {"NA": {"a": 1}}),
        ("a,b\n1,NA\nNA,y\n", {"NA": {"a": 1, "b": 1}}),
        ("a,b\n1,NA\n2,y\n", {}),
        ("a,b\n?,?\n1, ?\n", {"?": {"a": 1, "b": 2}}),
        ("a\n2024-01-01\n-\n", {"-": {"a": 1}}),
        ("a\ntrue\nunknown\n", {"unknown": {"a": 1}}),
        ("a\nNA\nNA\n", {}),
        ("a\n007\nNA\n", {}),
        ("a\n1\nten\nNA\n", {}),
        ("a\n1\nnan\nnull\n", {"null": {"a": 1}, "nan": {"a": 1}}),
        ("a\n", {}),
    ],
)
def test_which_texts_mean_missing(tmp_path: Path, text: str, expected: dict[str, dict[str, int]]) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    assert sentinels(path) == expected
    assert sentinels([str(path)]) == expected


def test_what_is_found_makes_the_column_a_number(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a\n1\nNA\n?\n")
    assert open_table(path).columns == {"a": "string"}
    assert open_table(path, missing=list(sentinels(path))).columns == {"a": "int"}


def test_tables_without_texts() -> None:
    assert sentinels({"x": [1, 2]}) == {}


def test_census(shared_data: Callable[[str], Path]) -> None:
    found = sentinels(shared_data("census-adult/adult.data.gz"))
    assert {text: sorted(columns.values()) for text, columns in found.items()} == {"?": [583, 1836, 1843]}


def test_penguins(shared_data: Callable[[str], Path]) -> None:
    path = shared_data("penguins/penguins_raw_units.csv")
    assert sentinels(path)["NA"]["sex"] == 11
    assert open_table(path, missing=["NA"]).columns["bill_length_mm"] == "float"
