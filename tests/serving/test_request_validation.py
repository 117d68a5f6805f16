"""The validator by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from example_server import ROW, income_schema
from hypothesis import given
from hypothesis import strategies as st

from tilth.errors import RequestError
from tilth.schemas import Column, Schema
from tilth.serving import RequestValidator, ServingSettings
from tilth.serving.columns import epoch_seconds
from tilth.serving.examples import example_row


def test_arrays_are_what_graphs_take() -> None:
    second = {"age": 50, "hours": None, "job": "Sales", "married": False}
    validator = RequestValidator(income_schema())
    arrays = validator.layout.arrays(validator.validate([ROW, second]).values)
    assert {array.shape for array in arrays.values()} == {(2, 1)}
    assert arrays["age"].ravel().tolist() == [39.0, 50.0]
    np.testing.assert_array_equal(arrays["hours"].ravel(), [40.5, np.nan])
    assert arrays["job"].ravel().tolist() == ["Exec", "Sales"]
    assert arrays["note"].ravel().tolist() == ["likes hiking", ""]
    assert arrays["married"].ravel().tolist() == [1.0, 0.0]
    np.testing.assert_array_equal(arrays["since"].ravel(), [1580457600.0, np.nan])
    assert {array.dtype.kind for array in arrays.values()} == {"f", "O"}


def test_the_label_is_not_part_of_a_request() -> None:
    assert "income" not in RequestValidator(income_schema()).layout.names


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01", 0.0),
        ("1970-01-01T00:00:01.5", 1.5),
        ("1970-01-01T00:00:00Z", 0.0),
        ("1969-12-31T23:00:00-02:00", 3600.0),
        ("0001-01-01", -62135596800.0),
    ],
)
def test_datetimes(text: str, seconds: float) -> None:
    assert epoch_seconds(text) == seconds


def test_domains_of_numbers_and_flags_are_texts() -> None:
    schema = Schema(
        columns=(
            Column(name="n", type="int", domain=("1", "2")),
            Column(name="b", type="bool", domain=("true",)),
        )
    )
    validator = RequestValidator(schema)
    assert validator.validate([{"n": 2, "b": True}]).unexpected == []
    unexpected = validator.validate([{"n": 3, "b": False}]).unexpected
    assert [(u.column, u.got) for u in unexpected] == [("n", "the number 3"), ("b", "false")]


def test_a_domain_that_allows_others_never_refuses() -> None:
    schema = Schema(columns=(Column(name="c", type="string", domain=("a",), min_domain_mass=0.9),))
    strict = RequestValidator(schema, ServingSettings(unexpected_values="reject"))
    assert [u.got for u in strict.validate([{"c": "b"}]).unexpected] == ['the text "b"']


def test_a_domain_may_hold_the_empty_text_and_a_missing_mark() -> None:
    schema = Schema(columns=(Column(name="c", type="string", domain=("", "?")),))
    validator = RequestValidator(schema, ServingSettings(missing=("?",)))
    assert validator.validate([{"c": ""}, {"c": "?"}]).unexpected == []


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "int": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**300), 10**300),
    "string": st.text(st.characters(codec="utf-8"), min_size=1),
    "bool": st.booleans(),
    "datetime": st.datetimes().map(lambda moment: moment.isoformat()),
}
COLUMNS = st.lists(st.tuples(st.sampled_from(sorted(VALUES)), st.booleans()), min_size=1, max_size=5)


@given(COLUMNS, st.data())
def test_rows_of_the_right_types_are_accepted_and_bulk_equals_single(
    kinds: list[tuple[Any, bool]], data: st.DataObject
) -> None:
    schema = Schema(
        columns=tuple(
            Column(name=f"c{i}", type=kind, required=required, min_present=1.0 if required else 0.0)
            for i, (kind, required) in enumerate(kinds)
        )
    )
    row = st.fixed_dictionaries(
        {f"c{i}": VALUES[k] if required else VALUES[k] | st.none() for i, (k, required) in enumerate(kinds)}
    )
    rows = data.draw(st.lists(row, min_size=1, max_size=5))
    validator = RequestValidator(schema)
    bulk = validator.layout.arrays(validator.validate(rows).values)
    for position, one in enumerate(rows):
        single = validator.layout.arrays(validator.validate([one]).values)
        assert set(single) == set(bulk) == {column.name for column in schema.columns}
        for name, array in single.items():
            np.testing.assert_array_equal(array, bulk[name][position : position + 1])


@given(st.data())
def test_a_wrong_type_is_refused_wherever_it_stands(data: st.DataObject) -> None:
    kinds = sorted(VALUES)
    schema = Schema(columns=tuple(Column(name=kind, type=kind) for kind in kinds))  # type: ignore[arg-type]
    row = st.fixed_dictionaries({kind: VALUES[kind] for kind in kinds})
    rows = data.draw(st.lists(row, min_size=1, max_size=4))
    position = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.sampled_from(kinds))
    wrong = data.draw(st.sampled_from([None, [], {}, "no such thing" if column != "string" else 1]))
    rows[position] = {**rows[position], column: wrong}
    with pytest.raises(RequestError) as caught:
        RequestValidator(schema).validate(rows)
    assert (caught.value.column, caught.value.row) == (column, position)


@given(COLUMNS, st.none() | st.floats(-1e6, 1e6), st.none() | st.floats(0, 1e6))
def test_the_example_row_is_always_accepted(
    kinds: list[tuple[Any, bool]], low: float | None, width: float | None
) -> None:
    high = None if width is None else (low or 0.0) + width + 1.0
    schema = Schema(
        columns=tuple(
            Column(
                name=f"c{i}",
                type=kind,
                required=required,
                low=low if kind in ("int", "float") else None,
                high=high if kind in ("int", "float") else None,
            )
            for i, (kind, required) in enumerate(kinds)
        )
    )
    assert RequestValidator(schema).validate([example_row(schema)]).unexpected == []


def test_rows_are_understood_as_they_will_be_logged() -> None:
    validator = RequestValidator(income_schema(), ServingSettings(missing=("?",)))
    given = [{**ROW, "age": 39.0, "hours": 10**30, "note": "?", "since": None}, {**ROW, "note": ""}, ROW]
    first, second, third = validator.validate(given).rows
    assert first == {**ROW, "age": 39, "hours": 1e30, "note": None, "since": None}
    assert (type(first["age"]), type(first["hours"])) == (int, float)
    assert second == {**ROW, "note": None}
    assert third is ROW
    assert validator.validate([{**ROW, "hours": 10**30}]).rows[0]["hours"] == 1e30


@given(st.data())
def test_the_short_way_is_the_long_way(data: st.DataObject) -> None:
    kinds = sorted(VALUES)
    domains: dict[str, tuple[str, ...]] = {"int": ("1", "-2"), "bool": ("true",), "string": ("a", "b")}
    columns = []
    for number in range(data.draw(st.integers(1, 5))):
        kind = data.draw(st.sampled_from(kinds))
        required = data.draw(st.booleans())
        domain = data.draw(st.sampled_from([None, domains.get(kind)]))
        low, high = data.draw(st.sampled_from([(None, None), (-5.0, 5.0), (0.0, None)]))
        if kind not in ("int", "float"):
            low, high = None, None
        columns.append(
            Column(name=f"c{number}", type=kind, required=required, domain=domain, low=low, high=high)  # type: ignore[arg-type]
        )
    odd = st.sampled_from(
        [None, "", "?", "a", "x", 1, -2, 7, True, 1.5, 2.0, 2**63, 10**20, [], {}, "2020-01-01"]
    )
    row = {c.name: data.draw(VALUES[c.type] | odd) for c in columns if c.required or data.draw(st.booleans())}
    validator = RequestValidator(Schema(tuple(columns)), ServingSettings(missing=("?",)))
    short = validator._usual.values(row)
    if short is not None:
        judged = validator._judged([row])
        assert (judged.unexpected, judged.rows, judged.values) == ([], [row], [short])
