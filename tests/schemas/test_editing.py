"""updated_toml: the text of a schema changed where it must be, comments and order as they were."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from schema_strategies import SCHEMAS

from tilth.errors import SchemaError
from tilth.schemas import Column, DriftBound, Rule, Schema, updated_toml

CURATED = """\
# Our customers.

# about age
[columns.age]
type = "int"  # whole years
min = 17      # adults

# where from
[columns."native country"]
type = "string"
domain = [
  "CH",  # home
  "DE",
]
min_domain_mass = 0.9
drift = { measure = "l_infinity", threshold = 0.01 }  # measured in spring

# rules of the house
[[rules]]
expression = "age >= 17" # law
"""

UPDATED = """\
# Our customers.
min_rows = 5
severity = { new_column = "error" }

# about age
[columns.age]
type = "int"  # whole years
min = 12      # adults
required = false
max = 99

# where from
[columns."native country"]
type = "string"
domain = [
  "CH",  # home
  "FR",
]
min_domain_mass = 0.9
drift = { measure = "l_infinity", threshold = 0.01 }  # measured in spring

[columns.vector]
type = "list[float]"
min_length = 3
max_length = 3

# rules of the house
[[rules]]
expression = "age >= 17" # law
min_share = 0.5

[[rules]]
expression = "age < 200"
"""


def test_comments_and_order_stay() -> None:
    before = Schema.from_toml(CURATED)
    after = Schema(
        (
            replace(before["age"], low=12, high=99, required=False),
            replace(before["native country"], domain=("CH", "FR")),
            Column("vector", "list[float]", min_length=3, max_length=3),
        ),
        5,
        rules=(replace(before.rules[0], min_share=0.5), Rule("age < 200")),
        severities={"new_column": "error"},
    )
    assert updated_toml(CURATED, after) == UPDATED
    assert updated_toml(UPDATED, after) == UPDATED
    assert Schema.from_toml(updated_toml(UPDATED, before)) == before


def test_nothing_changes_where_nothing_differs() -> None:
    assert updated_toml(CURATED, Schema.from_toml(CURATED)) == CURATED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment",
        '[columns]\nage = { type = "int" }\n',
        'columns = { age = { type = "int" } }\n',
        '[columns.age]\ntype = "int"\n[columns.age.drift]\nmeasure = "ks"\nthreshold = 0.1\n',
        'min_rows = 2\n[severity]\nnew_column = "error"\n[columns.age]\ntype = "int"\n',
        '[[rules]]\nexpression = "age > 1"\n[columns.age]\ntype = "int"',
    ],
)
def test_however_it_was_written(text: str) -> None:
    before = Schema.from_toml(text)
    columns = tuple(
        replace(column, low=3, domain=("3", "4"), drift=DriftBound("psi", 0.2)) for column in before
    )
    after = Schema(
        (*columns, Column("new one", "bool")),
        max_rows=7,
        rules=(*before.rules, Rule("1 < age")),
        severities={"too_many_rows": "warning"},
    )
    edited = updated_toml(text, after)
    assert Schema.from_toml(edited) == after
    assert updated_toml(edited, after) == edited


def test_a_domain_that_grows_long_gets_a_line_for_each_value() -> None:
    text = '[columns.town]\ntype = "string"\ndomain = ["a"] # towns\n'
    after = Schema((Column("town", "string", domain=("a", *(f"town {n}" for n in range(40)))),))
    edited = updated_toml(text, after)
    assert "# towns" in edited
    assert max(len(line) for line in edited.splitlines()) < 30
    assert Schema.from_toml(edited) == after


def test_what_is_no_schema_is_refused() -> None:
    with pytest.raises(SchemaError, match=r"unknown key 'rows'(.|\n)*people\.toml"):
        updated_toml("rows = 3", Schema(()), where="people.toml")


@given(SCHEMAS, SCHEMAS)
def test_the_text_becomes_any_schema(before: Schema, after: Schema) -> None:
    """Columns that are in both are brought into the order of the text, as the promise goes."""
    known = [after[name] for name in before.names if name in after]
    ordered = replace(after, columns=(*known, *(column for column in after if column.name not in before)))
    titles = {rule.title: rule for rule in after.rules}
    rules = [titles[rule.title] for rule in before.rules if rule.title in titles]
    olds = {rule.title for rule in before.rules}
    ordered = replace(ordered, rules=(*rules, *(rule for rule in after.rules if rule.title not in olds)))
    edited = updated_toml(before.to_toml(), ordered)
    assert Schema.from_toml(edited) == ordered
    assert updated_toml(edited, ordered) == edited


@pytest.mark.parametrize(
    "text",
    [
        'columns.a.type = "int" # t\ncolumns.a.min = 1\ncolumns.s.type = "string"\ncolumns.a.max = 5\n',
        '[columns]\na.type = "int"\na.max = 5\ns = { type = "string" } # s\n',
    ],
)
def test_dotted_keys_are_edited(text: str) -> None:
    before = Schema.from_toml(text)
    wider = replace(before["a"], required=False, min_present=0.5, high=7)
    after = replace(before, columns=(wider, before["s"]))
    changed = updated_toml(text, after)
    assert {c.name: c for c in Schema.from_toml(changed)} == {c.name: c for c in after}
    assert all(line.partition("#")[2] in changed for line in text.splitlines())


def test_line_ends_and_the_mark_at_the_start_stay() -> None:
    text = '\ufeff# head\r\n[columns.a]\r\ntype = "int"\r\nmax = 5 # m\r\n'
    before = Schema.from_toml(text)
    after = replace(before, columns=(replace(before["a"], high=7, required=False), Column("b", "bool")))
    changed = updated_toml(text, after)
    assert Schema.from_toml(changed) == after
    assert changed.startswith("\ufeff# head\r\n")
    assert "\n" not in changed.replace("\r\n", "")
