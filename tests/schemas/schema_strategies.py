"""Schemas at random, with every key that a schema can have."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tilth.schemas import ANOMALY_KINDS, DRIFT_MEASURES, KINDS, PERSONAL, Column, DriftBound, Rule, Schema
from tilth.types import COLUMN_TYPES

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SHARES = st.floats(0, 1)
BOUND = st.none() | st.builds(DriftBound, st.sampled_from(DRIFT_MEASURES), st.floats(0, 1e6))
DOMAIN = st.none() | st.lists(TEXT, min_size=1, max_size=30, unique=True).map(tuple)
SEVERITY = st.sampled_from(["error", "warning"])
TABLE_KINDS = ["new_column", "too_few_rows", "too_many_rows", "size_changed"]
COLUMN_KINDS = [kind for kind in ANOMALY_KINDS if kind not in (*TABLE_KINDS, "rule_broken")]


@st.composite
def between(draw: st.DrawFn, numbers: st.SearchStrategy[Any]) -> list[Any]:
    bounds = [draw(st.none() | numbers), draw(st.none() | numbers)]
    return bounds if None in bounds else sorted(bounds)


@st.composite
def columns(draw: st.DrawFn) -> Column:
    kind = draw(st.sampled_from(COLUMN_TYPES))
    bare = Column("bare", kind)
    numbers = st.floats(allow_nan=False) | st.integers(-(2**53), 2**53).map(float)
    low, high = draw(between(numbers)) if bare.item_type in ("int", "float") else (None, None)
    has_length = bare.is_list or kind in ("string", "image", "audio")
    shortest, longest = draw(between(st.integers(0, 99))) if has_length else (None, None)
    least, most = draw(between(st.integers(0, 99)))
    return Column(
        name=draw(TEXT),
        type=kind,
        required=draw(st.booleans()),
        min_present=draw(SHARES),
        low=low,
        high=high,
        domain=draw(DOMAIN) if bare.item_type in ("string", "int", "bool") else None,
        min_domain_mass=draw(SHARES),
        unique=draw(st.booleans()) and not bare.is_list,
        not_in=tuple(draw(st.lists(TEXT, max_size=2))),
        kind=draw(st.sampled_from(KINDS)),
        drift=draw(BOUND),
        skew=draw(BOUND),
        severity=draw(SEVERITY),
        severities=draw(st.dictionaries(st.sampled_from(COLUMN_KINDS), SEVERITY, max_size=2)),
        min_length=shortest,
        max_length=longest,
        pattern=draw(st.sampled_from([None, "a+", '["\\\\]', "[^\n]*"]))
        if bare.item_type == "string"
        else None,
        min_distinct=least,
        max_distinct=most,
        finite=draw(st.booleans()) and bare.item_type == "float",
        personal=draw(st.none() | st.sampled_from(PERSONAL)),
    )


RULES = st.lists(
    st.builds(
        Rule,
        TEXT.filter(str.strip),
        st.none() | TEXT.filter(str.strip),
        SEVERITY,
        SHARES,
    ),
    max_size=3,
    unique_by=lambda rule: rule.title,
)


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    fewest, most = draw(between(st.integers(0, 10**6)))
    smallest, largest = draw(between(st.floats(0, 10)))
    return Schema(
        tuple(draw(st.lists(columns(), max_size=4, unique_by=lambda column: column.name))),
        fewest or 0,
        most,
        smallest,
        largest,
        tuple(draw(RULES)),
        draw(st.dictionaries(st.sampled_from(TABLE_KINDS), SEVERITY, max_size=2)),
    )


SCHEMAS = schemas()
