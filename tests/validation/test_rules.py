"""Rules across columns: Polars' SQL expressions, judged in the pass that profiles the data."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.errors import SchemaError
from tilth.profiles import profile
from tilth.schemas import Column, Rule, Schema
from tilth.tables import Table, open_table
from tilth.types import ColumnType
from tilth.validation import unjudged_rules, validate

DAY = datetime.datetime(2024, 5, 1)
DATA: dict[str, Any] = {
    "start": [DAY, DAY, None],
    "end": [DAY + datetime.timedelta(days=1), DAY - datetime.timedelta(days=1), DAY],
    "a": [1, 2, 3],
    "b": [4, 5, None],
    "total": [5, 7, 9],
    "ratio": [0.5, float("nan"), 2.0],
    "size": ["S", "M ", None],
    "ok": [True, False, None],
    "education-num": [1, 2, 3],
    "photo.width": [10, 20, 30],
    'odd "name"': [1, 2, 3],
}


def contract(*expressions: str, data: dict[str, Any] = DATA, **more: Any) -> Schema:
    found = profile(data)
    columns = tuple(Column(name, found[name].type, required=False) for name in data)
    return Schema(columns, rules=tuple(Rule(expression, **more) for expression in expressions))


def broken(expression: str, data: dict[str, Any] = DATA) -> float:
    """The share of the rows in which a rule is broken."""
    found = validate(data, contract(expression, data=data))
    return sum(anomaly.share or 0 for anomaly in found)


@pytest.mark.parametrize(
    ("expression", "share"),
    [
        ("end >= start", 1 / 3),
        ("end > start OR start IS NULL", 1 / 3),
        ("total = a + b", 0),
        ("total == a + b", 0),
        ("total <> a + b", 2 / 3),
        ("start <= '2024-05-01'", 0),
        ("start < '2024-05-01'", 2 / 3),
        ("'2024-05-01' < start", 2 / 3),
        ("end BETWEEN '2024-05-01' AND '2024-05-31T12:00'", 1 / 3),
        ("end > TIMESTAMP '2024-05-01 06:00:00'", 2 / 3),
        ("start >= DATE '2024-05-02'", 2 / 3),
        ("size = '2024-05-01' OR end > '2024-05-01'", 1 / 3),
        ("end - start <= INTERVAL '12 hours'", 1 / 3),
        ("YEAR(start) = 2024 AND EXTRACT(month FROM end) = 5", 1 / 3),
        ("ratio > 1", 1 / 3),
        ("ratio <= 1", 1 / 3),
        ("a IN (1, 2)", 1 / 3),
        ("a BETWEEN 2 AND 3", 1 / 3),
        ("a / b < 0.3", 1 / 3),
        ("a % 2 = 1", 1 / 3),
        ("a > 1.5", 1 / 3),
        ("ABS(a - b) <= 3", 0),
        ("COALESCE(b, 0) > 0", 1 / 3),
        ("size IN ('S', 'M')", 1 / 3),
        ("TRIM(size) IN ('S', 'M')", 0),
        ("size LIKE 'S%'", 1 / 3),
        ("size ~ '^[SM]$'", 1 / 3),
        ("LENGTH(size) = 1", 1 / 3),
        ("TRY_CAST(size AS INT) > 1", 0),
        ("ok", 1 / 3),
        ("NOT ok", 1 / 3),
        ("CASE WHEN a > 1 THEN b > 4 ELSE end > start END", 0),
        ("CASE WHEN end > start THEN ok ELSE a = 2 END", 1 / 3),
        ('"education-num" >= 2', 1 / 3),
        ("photo.width > 10", 1 / 3),
        ('"photo.width" > 10', 1 / 3),
        ('"odd ""name""" > 1', 1 / 3),
        ("a > 1\n  and a < 3", 2 / 3),
    ],
)
def test_what_rules_can_say(expression: str, share: float) -> None:
    assert broken(expression) == pytest.approx(share)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("a >= bb", r"no column 'bb'(.|\n)*rule 'a >= bb'"),
        ("siz = 'S'", r"no column 'siz'(.|\n)*did you mean 'size'"),
        ("education-num > 1", r"no column 'education'(.|\n)*in double quotes: \"education-num\""),
        ("a.b > 1", r"no column 'a\.b'"),
        ("a >", "the rule makes no sense"),
        ("a > 1)", "the rule makes no sense"),
        ("a + b", r"it gives Int64, not true or false"),
        ("size", "it gives String"),
        ("a > 'x'", r"cannot compare string with numeric type(.|\n)*rule 'a > 'x''"),
        ("size < 5", "cannot compare string with numeric type"),
        ("start > 'May'", "cannot compare 'date/datetime/time' to a string value"),
        ("size ~ '('", "regex parse error"),
        ("true", "the rule names no column"),
        ("max(a) > 1", r"'max' may not be used in a rule(.|\n)*functions of one row"),
        ("count(*) > 1", "'count' may not be used"),
        ("row_number() over (order by a) = 1", "'row_number' may not be used"),
        ("a > ANY(b)", "'ANY' may not be used"),
        ("a IN (SELECT 1)", "'SELECT' may not be used"),
        ("EXISTS (SELECT 1)", "'EXISTS' may not be used"),
        ("(SELECT a FROM read_csv('/etc/passwd')) = 1", "'SELECT' may not be used"),
        ("read_csv('/etc/passwd') = 'x'", "'read_csv' may not be used"),
        ("COLUMNS('.*') > 1", "'COLUMNS' may not be used"),
        ("random() > 0.5", "'random' may not be used"),
        ("now() > start", "'now' may not be used"),
        ("a > 1; b > 1", "';' may not be used"),
        ("a > 1 -- and so on", "'--' may not be used"),
        ("a /* ... */ > 1", r"'/\*' may not be used"),
        ("a[1] > 1", r"'\[' may not be used"),
        ("'open", "may not be used"),
    ],
)
def test_what_rules_cannot_say(expression: str, words: str) -> None:
    with pytest.raises(SchemaError, match=words) as caught:
        validate(DATA, contract(expression))
    assert "rule '" in str(caught.value)


def test_lists_and_patterns_of_names_stay_out_of_rules() -> None:
    data = {"l": [[1], [2]], "^a.*$": [1, 2], "*": [1, 2], "abc": [1, 2]}
    schema = Schema((Column("l", "list[int]"), *(Column(name, "int") for name in list(data)[1:])))
    for expression, words in (
        ("l = l", r"column 'l' is of type list\[int\]"),
        ('"^a.*$" > 1', "cannot be used in a rule"),
        ('"*" > 1', "cannot be used in a rule"),
    ):
        with pytest.raises(SchemaError, match=words):
            unjudged_rules(profile({"abc": [1]}), Schema(schema.columns, rules=(Rule(expression),)))


def test_the_message_names_everything() -> None:
    (anomaly,) = validate(DATA, contract("end >= start", name="ends after its start", severity="warning"))
    assert anomaly.message == (
        "rule 'ends after its start' (end >= start) is broken in 1 of 3 rows (33.3%), first in row 2: "
        "end 2024-04-30, start 2024-05-01; expected to hold in every row"
    )
    assert (anomaly.column, anomaly.kind, anomaly.severity) == (None, "rule_broken", "warning")
    assert (anomaly.observed, anomaly.expected) == ("broken in 1 of 3 rows", "end >= start in every row")


def test_a_share_of_the_rows_may_break_a_rule() -> None:
    assert validate(DATA, contract("a > 1", min_share=0.66)) == []
    assert len(validate(DATA, contract("a > 1", min_share=0.67))) == 1
    assert validate({"a": []}, Schema((Column("a", "int"),), rules=(Rule("a > 1"),))) == []


class Reads:
    """A table that counts how often it is read."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.count = 0
        source = open_table(data)

        def read(names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
            self.count += 1
            yield from source.select(names).batches(size)

        columns: dict[str, ColumnType] = source.columns
        self.table = Table("<counted>", columns, read, rows=source.rows)


def test_data_is_read_once() -> None:
    reads = Reads({**DATA, "text": ["1", "x", "3"]})
    schema = contract("end >= start", "a > 1")
    schema = Schema((*schema.columns, Column("text", "int")), rules=schema.rules)
    kinds = [anomaly.kind for anomaly in validate(reads.table, schema)]
    assert sorted(kinds) == ["rule_broken", "rule_broken", "type_mismatch"]
    assert reads.count == 1


def test_wrong_rules_are_told_before_any_row_is_read() -> None:
    reads = Reads(DATA)
    with pytest.raises(SchemaError):
        validate(reads.table, contract("a > 1", "a > nothing"))
    assert reads.count == 0


def test_rules_that_cannot_be_judged() -> None:
    schema = Schema(
        (Column("a", "int"), Column("label", "int", not_in=("serving",))), rules=(Rule("label >= a"),)
    )
    assert validate({"a": [1]}, schema, "serving") == []
    assert unjudged_rules({"a": [1]}, schema) == [
        "rule 'label >= a' was not judged: column 'label' is not there"
    ]
    whole = {"a": [1.5], "label": [1]}
    assert unjudged_rules(whole, schema) == [
        "rule 'label >= a' was not judged: column 'a' is of type float, not int"
    ]
    assert [anomaly.kind for anomaly in validate(whole, schema)] == ["type_mismatch"]
    assert unjudged_rules(profile({"a": [1], "label": [0]}), schema) == [
        "rule 'label >= a' was not judged: a profile has no rows; give the data itself"
    ]
    assert validate(profile({"a": [1], "label": [0]}), schema) == []
    assert unjudged_rules({"a": [1], "label": [0]}, schema) == []


def test_a_text_that_is_no_number_breaks_the_type_and_no_rule(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("a,b\n1,2\nx,2\n5,2\n")
    schema = Schema((Column("a", "int"), Column("b", "int")), rules=(Rule("b >= a"),))
    mismatch, rule = validate(path, schema)
    assert (mismatch.kind, mismatch.values) == ("type_mismatch", ("x",))
    assert (rule.kind, rule.share) == ("rule_broken", pytest.approx(1 / 3))


def test_a_rule_that_cannot_be_computed_from_the_values() -> None:
    with pytest.raises(SchemaError, match=r"cannot be computed(.|\n)*TRY_CAST"):
        validate(DATA, contract("CAST(size AS INT) > 1"))


NUMBERS = st.none() | st.integers(-3, 3)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=40), st.integers(1, 7))
def test_counts_are_those_of_python_whatever_the_batches(
    rows: list[tuple[int | None, int | None]], size: int
) -> None:
    data = {"a": [a for a, _ in rows], "b": [b for _, b in rows]}
    schema = Schema(
        (Column("a", "int", required=False), Column("b", "int", required=False)), rules=(Rule("b >= a"),)
    )
    wrong = [a is not None and b is not None and b < a for a, b in rows]
    arrow = pa.table({name: pa.array(values, pa.int64()) for name, values in data.items()})
    batched = pa.Table.from_batches(arrow.to_batches(max_chunksize=size), arrow.schema)
    found = validate(batched, schema)
    assert [anomaly.share for anomaly in found] == [sum(wrong) / len(rows)] * any(wrong)
    if found:
        assert f"first in row {wrong.index(True) + 1}:" in found[0].message


@pytest.mark.parametrize(
    "expression",
    [
        "0 < a < 10",
        "a = b = 3",
        "start > 20240101",
        "start BETWEEN 1 AND 2",
        "end - start <= 12",
        "CAST(end - start AS BIGINT) <= 12",
        "CASE start WHEN 1 THEN true END",
        "ok = 1",
        "ok = 'true'",
        "a IS TRUE",
    ],
)
def test_values_of_different_kinds_are_not_compared(expression: str) -> None:
    with pytest.raises(SchemaError, match=r"compares|turns"):
        validate(DATA, contract(expression))


@pytest.mark.parametrize(
    ("expression", "share"),
    [
        ("LENGTH(size) - 2 >= 0", 1 / 3),
        ("LENGTH(size) - LENGTH('SSS') < 0", 0),
        ("STRPOS(size, 'z') - 1 < 0", 0),
        ("YEAR(start) * 10000000 > 0", 0),
        ("DAY(start) + 127 > 0", 0),
        ("EXTRACT(day FROM start) + 127 > 0", 0),
        ("DATE_PART('day', start) + 127 > 0", 0),
        ("TRY_CAST(a * 3000000000 AS INT) IS NOT NULL", 0),
        ("CAST(a AS INTEGER) * 3000000000 > 0", 0),
        ("a::float + 16777216 - 16777216 = a", 0),
        ("REPLACE(REPLACE(size, ' ', ''), 'M', 'medium') IN ('S', 'medium')", 0),
    ],
)
def test_results_do_not_overflow_small_types(expression: str, share: float) -> None:
    assert broken(expression) == pytest.approx(share)


@pytest.mark.parametrize(
    "expression",
    [
        " AND ".join(["a > 0"] * 2000),
        "a + " * 5000 + "a > 0",
        "replace(" * 3 + "size" + f", 'S', '{'S' * 2000}')" * 3 + " <> 'x'",
        "replace(size, 'S', size) <> 'x'",
        "a IN (" + ", ".join(["1234567"] * 20_000) + ")",
    ],
)
def test_rules_that_would_take_minutes_or_all_memory_are_refused(expression: str) -> None:
    with pytest.raises(SchemaError, match=r"words and signs|any length"):
        validate(DATA, contract(expression))
