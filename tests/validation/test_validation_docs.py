"""docs/validation.md: everything is in it, and what it shows is what happens."""

from __future__ import annotations

import doctest
import re
from pathlib import Path
from typing import Any

import pytest

from tilth.errors import SchemaError
from tilth.profiles import profile
from tilth.schemas import ANOMALY_KINDS, Rule, Schema
from tilth.schemas.reading import COLUMN_KEYS, RULE_KEYS, TABLE_KEYS
from tilth.tables import open_table
from tilth.validation import infer_schema, unjudged_rules
from tilth.validation.natural_bounds import natural_range
from tilth.validation.rule_text import FUNCTIONS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "validation.md"
TEXT = PAGE.read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("word", [*ANOMALY_KINDS, *COLUMN_KEYS, *TABLE_KEYS, *RULE_KEYS, *sorted(FUNCTIONS)])
def test_every_kind_key_and_function_is_there(word: str) -> None:
    assert f"`{word}`" in TEXT


def test_the_example_of_a_schema_can_be_read() -> None:
    (text,) = blocks("toml")
    schema = Schema.from_toml(text)
    assert len(schema) == 9
    assert Schema.from_toml(schema.to_toml()) == schema
    data: dict[str, Any] = {"start": [None], "end": [None]}
    assert unjudged_rules(open_table(data), schema) == []


def test_the_examples_print_what_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    examples = "".join(blocks("python"))
    test = doctest.DocTestParser().get_doctest(examples, {}, PAGE.name, str(PAGE), 0)
    told: list[str] = []
    result = doctest.DocTestRunner(verbose=False).run(test, out=told.append)
    assert (result.failed, "".join(told)) == (0, "")
    assert result.attempted >= 10


def expressions() -> list[str]:
    part = TEXT.partition("## Rules across columns")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(.+?)` \|", part, re.MULTILINE)


def test_the_rules_that_are_shown_can_be_judged() -> None:
    data = {
        **{name: [1] for name in ("a", "b", "total", "education-num", "photo.width", "photo.height")},
        **{name: ["2024-05-01"] for name in ("start", "end")},
        "ok": [True],
        "size": ["S"],
    }
    table = open_table(data, types={"start": "datetime", "end": "datetime"})
    schema = infer_schema(profile(table))
    assert len(expressions()) > 12
    for expression in expressions():
        try:
            assert unjudged_rules(table, Schema(schema.columns, rules=(Rule(expression),))) == []
        except SchemaError as error:
            pytest.fail(f"{expression}: {error}")


def test_the_names_with_ranges_are_those_of_the_program() -> None:
    part = TEXT.partition("- a range only where")[2].partition("- of images")[0]
    names = re.findall(r"`([a-z_]+)`", part)
    assert len(names) > 30
    assert [
        name for name in names if natural_range(name, 1, 7) == natural_range(name, 1, 1) == (None, None)
    ] == []


PEER = """
BOOL_TYPE_{BIG_INT,SMALL_INT,BYTES_NOT_INT,BYTES_NOT_STRING,FLOAT_NOT_INT,FLOAT_NOT_STRING,INT_NOT_STRING,
STRING_NOT_INT,UNEXPECTED_STRING,UNEXPECTED_FLOAT,INVALID_CONFIG}
ENUM_TYPE_{BYTES_NOT_STRING,FLOAT_NOT_STRING,INT_NOT_STRING,INVALID_UTF8,UNEXPECTED_STRING_VALUES}
FEATURE_TYPE_{HIGH_NUMBER_VALUES,LOW_NUMBER_VALUES,LOW_FRACTION_PRESENT,LOW_NUMBER_PRESENT,NOT_PRESENT,NO_VALUES,
UNEXPECTED_REPEATED,HIGH_UNIQUE,LOW_UNIQUE,NO_UNIQUE}
FLOAT_TYPE_{BIG_FLOAT,SMALL_FLOAT,NOT_FLOAT,STRING_NOT_FLOAT,NON_STRING,UNKNOWN_TYPE_NUMBER,HAS_NAN,HAS_INF}
INT_TYPE_{BIG_INT,SMALL_INT,INT_EXPECTED,NOT_INT_STRING,NOT_STRING,STRING_EXPECTED,UNKNOWN_TYPE_NUMBER}
STRING_TYPE_NOW_{FLOAT,INT}
SCHEMA_{MISSING_COLUMN,NEW_COLUMN,TRAINING_SERVING_SKEW}
COMPARATOR_{CONTROL_DATA_MISSING,TREATMENT_DATA_MISSING,L_INFTY_HIGH,JENSEN_SHANNON_DIVERGENCE_HIGH,
NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH,LOW_NUM_EXAMPLES,HIGH_NUM_EXAMPLES}
DATASET_{LOW,HIGH}_NUM_EXAMPLES NO_DATA_IN_SPAN
SPARSE_FEATURE_{MISSING_VALUE,MISSING_INDEX,LENGTH_MISMATCH,NAME_COLLISION}
WEIGHTED_FEATURE_{NAME_COLLISION,MISSING_VALUE,MISSING_WEIGHT,LENGTH_MISMATCH}
SEQUENCE_VALUE_{TOO_FEW_OCCURRENCES,TOO_MANY_OCCURRENCES,TOO_SMALL_FRACTION,TOO_LARGE_FRACTION}
FEATURE_COVERAGE_{TOO_LOW,TOO_SHORT_AVG_TOKEN_LENGTH}
LOW_SUPPORTED_IMAGE_FRACTION MAX_IMAGE_BYTE_SIZE_EXCEEDED EMBEDDING_SHAPE_INVALID INVALID_FEATURE_SHAPE
VALUE_NESTEDNESS_MISMATCH SEMANTIC_DOMAIN_UPDATE DOMAIN_INVALID_FOR_TYPE FEATURE_MISSING_{NAME,TYPE}
INVALID_{SCHEMA,DOMAIN}_SPECIFICATION UNEXPECTED_DATA_TYPE STATS_NOT_AVAILABLE MULTIPLE_REASONS
CUSTOM_VALIDATION
"""


def peer_types() -> list[str]:
    found = []
    for word in re.sub(r",\n", ",", PEER).split():
        start, brace, rest = word.partition("{")
        inner, _, end = rest.partition("}")
        found += [start + each + end for each in inner.split(",")] if brace else [word]
    return found


def test_all_anomalies_of_the_peer_are_covered() -> None:
    """The anomaly types of version 1.16.1 by name."""
    assert len(peer_types()) == 85
    assert [name for name in peer_types() if f"`{name}`" not in TEXT] == []
