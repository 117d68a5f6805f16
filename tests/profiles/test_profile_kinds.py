from __future__ import annotations

from typing import Any

import pytest

from tilth.profiles import profile

ROWS = 60
COLUMNS: dict[str, tuple[list[Any], str]] = {
    "price": ([3 * n * n for n in range(ROWS)], "number"),
    "size": (["S", "M", "L"] * 20, "category"),
    "customer_id": ([n * 7 for n in range(ROWS)], "identifier"),
    "row": (list(range(5, 5 + ROWS)), "identifier"),
    "code": ([f"A-{n:04d}" for n in range(ROWS)], "identifier"),
    "note": ([f"called {n} times about the bill" for n in range(ROWS)], "text"),
    "only": (["x"] * ROWS, "constant"),
    "nothing": ([None] * ROWS, "constant"),
    "sold": ([True, False] * 30, "flag"),
    "sizes": ([[n % 3, 1] for n in range(ROWS)], "number"),
    "tags": ([["new", "red"], ["new"]] * 30, "category"),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_likely_kinds(name: str) -> None:
    values, kind = COLUMNS[name]
    column = profile({name: values})[name]
    assert column.kind == kind
    assert column.to_dict()["kind"] == kind


def test_constants() -> None:
    found = profile({"a": [1] * 200, "b": [1] * 199 + [2], "c": [1, 2] * 100, "d": [1] * 199 + [None]})
    assert [column.is_constant for column in found.columns.values()] == [True, False, False, True]
    assert [column.is_near_constant for column in found.columns.values()] == [False, True, False, False]
