"""Schema: its text comes back exactly, mistakes in it are named, and changes are told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.errors import ColumnNotFoundError, SchemaError
from tilth.schemas import DRIFT_MEASURES, KINDS, Column, DriftBound, Schema

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SHARES = st.floats(0, 1)
BOUND = st.none() | st.builds(DriftBound, st.sampled_from(DRIFT_MEASURES), st.floats(0, 1e6))
DOMAIN = st.none() | st.lists(TEXT, min_size=1, max_size=30, unique=True).map(tuple)


@st.composite
def columns(draw: st.DrawFn) -> Column:
    kind = draw(st.sampled_from(["int", "float", "string", "bool", "datetime"]))
    number = st.none() | st.floats(allow_nan=False) | st.integers(-(2**53), 2**53).map(float)
    bounds = [draw(number), draw(number)] if kind in ("int", "float") else [None, None]
    if None not in bounds:
        bounds.sort(key=lambda bound: bound or 0.0)
    return Column(
        name=draw(TEXT),
        type=kind,
        required=draw(st.booleans()),
        min_present=draw(SHARES),
        low=bounds[0],
        high=bounds[1],
        domain=draw(DOMAIN) if kind in ("string", "int", "bool") else None,
        min_domain_mass=draw(SHARES),
        unique=draw(st.booleans()),
        not_in=tuple(draw(st.lists(TEXT, max_size=2))),
        kind=draw(st.sampled_from(KINDS)),
        drift=draw(BOUND),
        skew=draw(BOUND),
        severity=draw(st.sampled_from(["error", "warning"])),
    )


SCHEMAS = st.builds(
    Schema,
    st.lists(columns(), max_size=5, unique_by=lambda column: column.name).map(tuple),
    st.integers(0, 10**6),
)


@given(SCHEMAS)
def test_round_trip(schema: Schema) -> None:
    text = schema.to_toml()
    assert Schema.from_toml(text) == schema
    assert Schema.from_toml(text).to_toml() == text
    assert max(len(line) for line in text.splitlines() if line.startswith("#")) <= 110


@given(SCHEMAS, SCHEMAS)
def test_no_difference_means_equal(first: Schema, second: Schema) -> None:
    assert (first.diff(second) == []) == (first == second)
    assert first.diff(first) == []


@given(SCHEMAS, SCHEMAS)
def test_what_is_curated_wins(curated: Schema, inferred: Schema) -> None:
    merged = curated.merge(inferred)
    assert all(merged[name] == curated[name] for name in curated.names)
    assert set(merged.names) == {*curated.names, *inferred.names}
    assert merged.merge(inferred) == merged


PEOPLE = Schema(
    (
        Column("age", "int", low=17, high=90),
        Column("sex", "string", domain=("Female", "Male")),
        Column("native country", "string", min_present=0.9, min_domain_mass=0.95, domain=("Laos", "Ulm")),
        Column("id", "string", kind="identifier", unique=True, severity="warning"),
        Column("fare", "float", low=0, drift=DriftBound("ks", 0.2)),
        Column("label", "string", not_in=("serving",)),
    ),
    min_rows=100,
)

PEOPLE_TEXT = """\
min_rows = 100

[columns.age]
type = "int"
min = 17
max = 90

[columns.sex]
type = "string"
domain = ["Female", "Male"]

[columns."native country"]
type = "string"
min_present = 0.9
domain = ["Laos", "Ulm"]
min_domain_mass = 0.95

[columns.id]
type = "string"
kind = "identifier"
unique = true
severity = "warning"

[columns.fare]
type = "float"
min = 0.0
drift = { measure = "ks", threshold = 0.2 }

[columns.label]
type = "string"
not_in = ["serving"]
"""


def test_the_text_is_short_and_has_a_head() -> None:
    head, text = PEOPLE.to_toml().split("min_rows", 1)
    assert "min_rows" + text == PEOPLE_TEXT
    assert all(line.startswith("#") for line in head.splitlines())


def test_a_long_domain_has_a_line_for_each_value() -> None:
    schema = Schema((Column("town", "string", domain=tuple(f"town {n}" for n in range(40))),))
    assert '\n  "town 7",\n  "town 8",\n' in schema.to_toml()


def test_environments() -> None:
    assert "label" not in PEOPLE.in_environment("serving")
    assert PEOPLE.in_environment("training") == PEOPLE
    assert PEOPLE.in_environment(None) is PEOPLE


def test_columns_by_name() -> None:
    assert PEOPLE["age"].high == 90
    assert len(PEOPLE) == 6
    assert [column.name for column in PEOPLE] == list(PEOPLE.names)
    with pytest.raises(ColumnNotFoundError, match="did you mean 'age'"):
        PEOPLE["agee"]


def test_domains_of_numbers_and_truths() -> None:
    text = '[columns.a]\ntype = "int"\ndomain = [1, 2]\n[columns.b]\ntype = "bool"\ndomain = [true]\n'
    schema = Schema.from_toml(text)
    assert (schema["a"].domain, schema["b"].domain) == (("1", "2"), ("true",))


def test_an_empty_text_is_an_empty_schema() -> None:
    assert Schema.from_toml("") == Schema(())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[columns", r"not TOML(.|\n)*people\.toml"),
        ("rows = 1", r"unknown key 'rows'(.|\n)*did you mean 'min_rows'"),
        ("min_rows = -1", r"min_rows is -1(.|\n)*people\.toml, key 'min_rows'"),
        ("min_rows = true", "min_rows is True"),
        ("columns = 3", "columns is not a table"),
        ("[columns]\nage = 3", r"columns\.age is not a table(.|\n)*column 'age'"),
        ("[columns.age]\nmin = 3", r"the type is missing(.|\n)*people\.toml, column 'age'"),
        (
            '[columns.age]\ntype = "int"\nminimum = 3',
            r"unknown key 'minimum'(.|\n)*people\.toml, column 'age'(.|\n)*did you mean 'min'",
        ),
        ('[columns.age]\ntype = "int"\nmin = "3"', r"'3' will not do(.|\n)*key 'min'(.|\n)*a number"),
        ('[columns.age]\ntype = "int"\nmin = true', r"True will not do(.|\n)*a number"),
        ('[columns.age]\ntype = "int"\nunique = 1', r"key 'unique'(.|\n)*true or false"),
        ('[columns.age]\ntype = ["int"]', r"key 'type'(.|\n)*a text in quotes"),
        ('[columns.age]\ntype = "int"\ndomain = "a"', r"key 'domain'(.|\n)*a list of texts"),
        ('[columns.age]\ntype = "int"\ndomain = [1.5]', r"key 'domain'(.|\n)*a list of texts"),
        ('[columns.age]\ntype = "int"\nnot_in = "serving"', r"key 'not_in'(.|\n)*a list of texts"),
        ('[columns.age]\ntype = "int"\ndrift = 0.1', r"key 'drift'(.|\n)*measure = "),
        (
            '[columns.age]\ntype = "int"\nskew = { measure = "kss", threshold = 0.1 }',
            r"column 'age', key 'skew'(.|\n)*did you mean 'ks'",
        ),
        (
            '[columns.age]\ntype = "int"\nmin = 3\nmax = 2',
            r"min 3 is above max 2(.|\n)*people\.toml, column 'age', key 'min'",
        ),
        ('[columns.age]\ntype = "number"', r"type 'number' is not known(.|\n)*people\.toml, column 'age'"),
    ],
)
def test_mistakes_are_named(text: str, words: str) -> None:
    with pytest.raises(SchemaError, match=words):
        Schema.from_toml(text, where="people.toml")


def test_two_columns_of_one_name() -> None:
    with pytest.raises(SchemaError, match="two columns are called 'age'"):
        Schema((Column("age", "int"), Column("age", "int")))


def test_changes_are_told() -> None:
    changes = {
        "age": replace(PEOPLE["age"], low=None, high=95),
        "sex": replace(PEOPLE["sex"], domain=("Female", "other")),
        "fare": replace(PEOPLE["fare"], drift=None, unique=True),
    }
    changed = tuple(changes.get(column.name, column) for column in PEOPLE if column.name != "id")
    assert PEOPLE.diff(Schema((*changed, Column("new", "bool")), 5)) == [
        "min_rows was 100, is 5",
        "column 'age': min was 17, is none",
        "column 'age': max was 90, is 95",
        "column 'sex': domain gained 'other' and lost 'Male'",
        "column 'id' is gone",
        "column 'fare': unique was false, is true",
        "column 'fare': drift was ks 0.2, is none",
        "column 'new' is new (bool)",
    ]
