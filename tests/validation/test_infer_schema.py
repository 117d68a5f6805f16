from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from tilth.errors import ColumnNotFoundError
from tilth.profiles import profile
from tilth.schemas import Schema
from tilth.validation import infer_schema

WORDS = ["red", "green", "blue"]


def schema_of(columns: dict[str, list[Any]], label: str | None = None) -> Schema:
    return infer_schema(profile(columns), label=label)


def test_census_case(census: tuple[Path, Path], shared_case: Any) -> None:
    expected = shared_case("validation_behaviour", "val-13")["expected"]
    schema = infer_schema(profile(census[0]), label="label")
    assert len(schema) == expected["n_features"]
    assert [c.name for c in schema if c.type == "int"] == expected["int_features"]
    assert {c.name: len(c.domain) for c in schema if c.domain} == expected["domain_sizes"]
    assert all(column.required for column in schema) is expected["all_required"]
    assert schema["label"].not_in == ("serving",)
    assert not any(column.unique for column in schema)


def test_kinds_of_columns() -> None:
    n = 60
    schema = schema_of(
        {
            "customer_id": [f"C{i:05d}" for i in range(n)],
            "row": list(range(n)),
            "when": [datetime.datetime(2024, 1, 1) + datetime.timedelta(days=i) for i in range(n)],
            "note": [f"the customer called about order {i} and was happy" for i in range(n)],
            "color": [WORDS[i % 3] for i in range(n)],
            "same": ["x"] * n,
            "price": [i * 1.5 for i in range(n)],
            "active": [i % 2 == 0 for i in range(n)],
        }
    )
    assert {c.name: c.kind for c in schema} == {
        "customer_id": "identifier",
        "row": "identifier",
        "when": "date",
        "note": "text",
        "color": "category",
        "same": "constant",
        "price": "number",
        "active": "flag",
    }
    assert [c.name for c in schema if c.unique] == ["customer_id", "row"]
    assert {c.name for c in schema if c.domain} == {"color", "same"}


def test_distinct_measurements_are_no_identifiers() -> None:
    assert schema_of({"area": [3 * i * i + 1 for i in range(100)]})["area"].kind == "number"


def test_hundreds_of_values_make_no_domain() -> None:
    column = schema_of({"city": [f"city {i % 400}" for i in range(4000)]})["city"]
    assert (column.kind, column.domain) == ("category", None)


def test_columns_with_missing_values_are_optional() -> None:
    schema = schema_of({"a": [1, None, 3], "b": [None, None, None]})
    assert [column.required for column in schema] == [False, False]
    assert schema["b"].domain is None


def test_own_columns_are_left_out() -> None:
    assert schema_of({"a": [1, 2], "tilth.source": ["data", "feedback"]}).names == ("a",)


def test_an_unknown_label_is_named() -> None:
    with pytest.raises(ColumnNotFoundError, match="no column 'labl'"):
        schema_of({"label": [0, 1]}, label="labl")
