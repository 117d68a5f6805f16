"""Column: what contradicts itself is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tilth.errors import SchemaError
from tilth.schemas import Column, DriftBound


@pytest.mark.parametrize(
    ("kind", "usual"),
    [("int", "number"), ("float", "number"), ("string", "category"), ("bool", "flag"), ("datetime", "date")],
)
def test_the_usual_kind_comes_from_the_type(kind: Any, usual: str) -> None:
    assert Column("x", kind).kind == usual


def test_an_optional_column_may_be_missing_everywhere() -> None:
    assert Column("x", "int").min_present == 1.0
    assert Column("x", "int", required=False).min_present == 0.0
    assert Column("x", "int", required=False, min_present=0.9).min_present == 0.9


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"type": "strin"}, r"type 'strin' is not known(.|\n)*did you mean 'string'"),
        ({"type": "int", "kind": "categorie"}, "did you mean 'category'"),
        ({"type": "int", "severity": "fatal"}, r"severity 'fatal'(.|\n)*error, warning"),
        ({"type": "int", "low": 3, "high": 2}, r"min 3 is above max 2(.|\n)*column 'x', key 'min'"),
        ({"type": "float", "low": float("nan")}, "min is not a number"),
        ({"type": "string", "high": 2}, r"max on a column of type string(.|\n)*key 'max'"),
        ({"type": "float", "domain": ("1",)}, r"a domain on a column of type float(.|\n)*use min and max"),
        ({"type": "datetime", "domain": ("1",)}, "a domain on a column of type datetime"),
        ({"type": "string", "domain": ()}, r"the domain is empty(.|\n)*leave the key out"),
        ({"type": "string", "domain": ("a", "b", "a")}, "the domain has 'a' twice"),
        ({"type": "string", "min_domain_mass": 1.5}, "min_domain_mass is 1.5"),
        ({"type": "string", "min_present": float("nan")}, "min_present is nan"),
        ({"type": "datetime", "low": 1}, r"min on a column of type datetime(.|\n)*start >= '2024-01-01'"),
        ({"type": "image", "low": 1}, "min on a column of type image"),
        ({"type": "list[string]", "low": 1}, r"min on a column of type list\[string\]"),
        ({"type": "list[float]", "domain": ("1",)}, r"a domain on a column of type list\[float\]"),
        ({"type": "int", "min_length": 1}, r"a length on a column of type int(.|\n)*key 'min_length'"),
        ({"type": "string", "max_length": -1}, "max_length is -1"),
        ({"type": "string", "max_length": True}, "max_length is True"),
        ({"type": "string", "min_length": 3, "max_length": 2}, "min_length 3 is above max_length 2"),
        ({"type": "int", "min_distinct": 3, "max_distinct": 2}, "min_distinct 3 is above max_distinct 2"),
        ({"type": "int", "pattern": "a"}, "a pattern on a column of type int"),
        ({"type": "string", "pattern": "a("}, "is no regular expression"),
        ({"type": "int", "finite": True}, "finite on a column of type int"),
        ({"type": "list[int]", "unique": True}, r"unique on a column of type list\[int\]"),
        ({"type": "int", "severities": {"new_column": "error"}}, "severity of 'new_column' is not known"),
        ({"type": "int", "severities": {"drift": "fatal"}}, "severity 'fatal' is not known"),
    ],
)
def test_contradictions(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(SchemaError, match=words) as caught:
        Column("x", **fields)
    assert "column 'x'" in str(caught.value)


@pytest.mark.parametrize("threshold", [-0.1, float("nan"), float("inf")])
def test_drift_thresholds(threshold: float) -> None:
    with pytest.raises(SchemaError, match="a drift threshold of"):
        DriftBound("ks", threshold)


def test_drift_measures() -> None:
    wrong: Any = "l_infinty"
    with pytest.raises(SchemaError, match="did you mean 'l_infinity'"):
        DriftBound(wrong, 0.1)


@pytest.mark.parametrize(
    ("kind", "item", "usual"),
    [("list[int]", "int", "number"), ("list[string]", "string", "category"), ("image", None, "text")],
)
def test_lists_are_like_their_items(kind: Any, item: str | None, usual: str) -> None:
    column = Column("x", kind)
    assert (column.item_type, column.kind, column.is_list) == (item, usual, kind.startswith("list"))


def test_severity_by_kind() -> None:
    column = Column("x", "int", severity="warning", severities={"drift": "error", "out_of_range": "warning"})
    assert column.severity_for("drift") == "error"
    assert column.severity_for("not_unique") == "warning"
    assert column.severities == (("out_of_range", "warning"), ("drift", "error"))
