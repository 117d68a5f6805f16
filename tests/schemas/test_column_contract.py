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
