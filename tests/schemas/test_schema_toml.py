"""Schema: its text comes back exactly, mistakes in it are named, and changes are told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from schema_strategies import SCHEMAS

from tilth.errors import ColumnNotFoundError, SchemaError
from tilth.schemas import Column, DriftBound, Rule, Schema


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
    head, text = PEOPLE.to_toml().split("min_rows =", 1)
    assert "min_rows =" + text == PEOPLE_TEXT
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
        ('[columns.age]\ntype = "int"\nmin = "3"', r"min is '3'(.|\n)*key 'min'(.|\n)*a number"),
        ('[columns.age]\ntype = "int"\nmin = true', r"min is True(.|\n)*a number"),
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
        ("max_rows = 1.5", r"max_rows is 1\.5(.|\n)*people\.toml, key 'max_rows'(.|\n)*a whole number"),
        ("min_rows = 3\nmax_rows = 2", r"min_rows 3 is above max_rows 2(.|\n)*people\.toml, key 'min_rows'"),
        ('min_rows_ratio = "2"', r"min_rows_ratio is '2'(.|\n)*a number"),
        ("max_rows_ratio = -1", r"max_rows_ratio is -1(.|\n)*people\.toml"),
        ('severity = "warning"', r"key 'severity'(.|\n)*new_column"),
        ('severity = { drift = "error" }', r"'drift' is not known(.|\n)*people\.toml, key 'severity'"),
        ('[columns.a]\ntype = "string"\nseverity = { domain = "error" }', r"'domain'(.|\n)*column 'a'"),
        ('[columns.a]\ntype = "string"\nseverity = { drift = "fatal" }', r"'fatal'(.|\n)*error, warning"),
        ('[columns.a]\ntype = "string"\nseverity = 3', r"severity is 3(.|\n)*\"error\", \"warning\" or a"),
        ('[columns.a]\ntype = "string"\nmin_length = -1', r"min_length is -1(.|\n)*0 or more"),
        ('[columns.a]\ntype = "string"\nmin_length = 1.0', r"min_length is 1\.0(.|\n)*column 'a'"),
        ('[columns.a]\ntype = "string"\npattern = "("', r"no regular expression(.|\n)*key 'pattern'"),
        ('[columns.a]\ntype = "string"\npattern = "(?=a)"', r"no regular expression(.|\n)*RE2"),
        ("rules = 3", r"rules is not a list of tables(.|\n)*\[\[rules\]\]"),
        ("rules = [3]", r"rule 1 is not a table"),
        ("[[rules]]\nname = 'x'", r"the expression is missing(.|\n)*people\.toml, rule 1"),
        ("[[rules]]\nexpression = 'a > 1'\nshare = 1", r"unknown key 'share'(.|\n)*rule 1 'a > 1'"),
        (
            "[[rules]]\nexpression = 'a > 1'\nmin_share = 2",
            r"min_share is 2(.|\n)*people\.toml, rule 'a > 1'",
        ),
        ("[[rules]]\nexpression = 'a > 1'\nseverity = 'bad'", r"severity 'bad'(.|\n)*rule 'a > 1'"),
        ("[[rules]]\nexpression = ' '", r"the rule is empty(.|\n)*people\.toml"),
        (
            "[[rules]]\nexpression = 'a > 1'\n[[rules]]\nexpression = 'a > 1'",
            r"two rules are called 'a > 1'(.|\n)*people\.toml",
        ),
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


def test_all_keys_are_written_and_read() -> None:
    schema = Schema(
        (
            Column("code", "string", pattern="[A-Z]{2}", min_length=2, max_length=2, max_distinct=9),
            Column("vector", "list[float]", min_length=3, max_length=3, low=0, finite=True),
            Column("tags", "list[string]", domain=("a", "b"), min_distinct=1),
            Column("photo", "image", max_length=10_000),
            Column("when", "datetime", severity="warning", severities={"not_unique": "error"}, unique=True),
        ),
        max_rows=9,
        min_rows_ratio=0.5,
        max_rows_ratio=2,
        rules=(Rule("when >= '2024-01-01'", "recent", "warning", 0.9), Rule("LENGTH(code) = 2")),
        severities={"size_changed": "warning", "new_column": "error"},
    )
    text = schema.to_toml()
    assert text.partition("\nmax_rows")[2] == ALL_KEYS
    assert Schema.from_toml(text) == schema


ALL_KEYS = """\
 = 9
min_rows_ratio = 0.5
max_rows_ratio = 2.0
severity = { new_column = "error", size_changed = "warning" }

[columns.code]
type = "string"
pattern = "[A-Z]{2}"
min_length = 2
max_length = 2
max_distinct = 9

[columns.vector]
type = "list[float]"
min = 0.0
min_length = 3
max_length = 3
finite = true

[columns.tags]
type = "list[string]"
domain = ["a", "b"]
min_distinct = 1

[columns.photo]
type = "image"
max_length = 10000

[columns.when]
type = "datetime"
unique = true
severity = { default = "warning", not_unique = "error" }

[[rules]]
expression = "when >= '2024-01-01'"
name = "recent"
min_share = 0.9
severity = "warning"

[[rules]]
expression = "LENGTH(code) = 2"
"""


def test_changes_of_the_whole_are_told() -> None:
    before = Schema((), rules=(Rule("a > 1"), Rule("b > 1")), max_rows=5)
    after = Schema(
        (), 1, rules=(Rule("a > 1", min_share=0.5), Rule("c > 1")), severities={"new_column": "error"}
    )
    assert before.diff(after) == [
        "min_rows was 0, is 1",
        "max_rows was 5, is none",
        "severity by kind was none, is new_column error",
        "rule 'b > 1' is gone",
        "rule 'a > 1': min_share was 1.0, is 0.5",
        "rule 'c > 1' is new",
    ]
    assert before.diff(Schema((), rules=before.rules[::-1], max_rows=5)) == [
        "the rules come in another order"
    ]


def test_merging_adds_rules_that_are_new() -> None:
    curated, other = (
        Schema((), rules=(Rule("a > 1"),)),
        Schema((), rules=(Rule("a > 1", min_share=0), Rule("b"))),
    )
    assert curated.merge(other).rules == (Rule("a > 1"), Rule("b"))
