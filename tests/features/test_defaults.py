"""The features.py that `tilth init` writes: valid for any column, and good for trees and linear models."""

from __future__ import annotations

import ast
import datetime

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tilth.features import Transform, default_features
from tilth.features.loading import load_features
from tilth.features.tracing import trace
from tilth.schemas import Column, Schema

SCHEMA = Schema(
    (
        Column("age", "int"),
        Column("weight", "float", required=False),
        Column("job", "string", required=False),
        Column("zip", "int", kind="category"),
        Column("tall", "bool"),
        Column("smokes", "int", kind="flag", required=False),
        Column("seen", "datetime", required=False),
        Column("born", "datetime"),
        Column("id", "string", kind="identifier"),
        Column("note", "string", kind="text"),
        Column("unit", "string", kind="constant"),
        Column("day", "string", kind="date"),
        Column("outcome_score", "float", not_in=("serving",)),
        Column("income", "string", not_in=("serving",)),
    )
)

ROWS = pa.table(
    {
        "age": pa.array([20, 30, 40]),
        "weight": pa.array([70.5, None, 80.0]),
        "job": pa.array(["clerk", None, "miner"]),
        "zip": pa.array([8001, 3000, 8001]),
        "tall": pa.array([True, False, True]),
        "smokes": pa.array([1, None, 0]),
        "seen": pa.array([datetime.datetime(2024, 5, 1, 13), None, datetime.datetime(2024, 6, 2)]),
        "born": pa.array([datetime.datetime(1980, 1, 1)] * 3),
        "income": pa.array(["low", "high", "low"]),
    }
)


def test_each_kind_of_column_gets_what_suits_it() -> None:
    text = default_features(SCHEMA, "income")
    for line in (
        '"age": x["age"].fill_missing("median").zscore(),',
        '"weight": x["weight"].fill_missing("median").zscore(),',
        '"weight is missing": x["weight"].is_missing(),',
        '"job": x["job"].one_hot(top=50),',
        '"zip": x["zip"].one_hot(top=50),',
        '"tall": x["tall"].fill_missing(0),',
        '"smokes is missing": x["smokes"].is_missing(),',
        '"born hour": x["born"].hour(),',
        '"seen weekday": x["seen"].weekday().fill_missing(-1),',
        '"seen days": x["seen"].days().fill_missing("median").zscore(),',
        '# "id" is left out: an identifier',
        '# "note" is left out: free text',
        '# "unit" is left out: it has one value at most',
        '# "day" is left out: a date that was read as string',
        '# "outcome_score" is left out: it is not known when a prediction is asked for',
    ):
        assert f"        {line}" in text
    assert "income" not in text
    assert '"age is missing"' not in text
    assert ast.get_docstring(ast.parse(text))


def test_a_linear_model_can_use_them() -> None:
    text = default_features(SCHEMA, "income")
    transform = Transform(text, forbidden={"income": "it is the label"}).fit(ROWS)
    assert np.isfinite(transform.transform(ROWS)).all()
    assert {"job=clerk", "job=missing", "zip=8001", "seen month"} <= set(transform.feature_names)


def test_lists_and_recordings_get_what_suits_them() -> None:
    columns = (
        Column("tags", "list[string]", required=False),
        Column("prices", "list[float]"),
        Column("seen", "list[datetime]"),
        Column("clip", "audio", required=False),
        Column("clip.sample_rate", "int", low=8000, high=48_000),
        Column("loud", "audio"),
        Column("loud.sample_rate", "int", low=44_100, high=44_100),
    )
    text = default_features(Schema(columns), "label")
    for line in (
        '"tags": x["tags"].bag_of_words(top=100),',
        '"prices count": x["prices"].length(),',
        '"prices mean": x["prices"].mean().fill_missing("median"),',
        '"prices max": x["prices"].max().fill_missing("median"),',
        '"seen count": x["seen"].length(),',
        '"clip": x["clip"].at_rate(8000).mfcc().summary(),',
        '"clip slopes": x["clip"].at_rate(8000).mfcc().deltas().summary(),',
        '"clip course": x["clip"].at_rate(8000).mfcc().resample_time(10),',
        '"clip is missing": x["clip"].at_rate(8000).duration().is_missing(),',
        '"loud": x["loud"].mfcc().summary(),',
    ):
        assert f"        {line}" in text
    assert "loud is missing" not in text
    found = trace(load_features(text), {c.name: c.type for c in columns})
    assert len(found) == 13


def test_images_get_what_suits_them() -> None:
    columns = (
        Column("photo", "image"),
        Column("photo.channels", "int", low=1, high=3),
        Column("photo.brightness", "float"),
        Column("scan", "image", required=False),
        Column("scan.channels", "int", low=1, high=1),
    )
    text = default_features(Schema(columns), "label")
    for line in (
        '"photo edges": x["photo"].resize(28, 28).hog(7, 9),',
        '"photo coarse": x["photo"].resize(8, 8).scale_pixels(0, 1).pixels(),',
        '"photo sharpness": x["photo"].sharpness().fill_missing("median").zscore(),',
        '"scan edges": x["scan"].fill_missing(128).resize(28, 28).hog(7, 9),',
        '"scan coarse": x["scan"].fill_missing(128).grey().resize(8, 8).scale_pixels(0, 1).pixels(),',
        '"scan is missing": x["scan"].is_missing(),',
    ):
        assert f"        {line}" in text
    assert "photo.brightness" not in text
    assert "photo is missing" not in text
    assert len(trace(load_features(text), {"photo": "image", "scan": "image"})) == 11


def test_derived_names_never_take_that_of_a_column() -> None:
    schema = Schema((Column("a", "int", required=False), Column("a is missing", "int"), Column("", "int")))
    found = trace(load_features(default_features(schema, "label")), {c.name: c.type for c in schema.columns})
    assert list(found) == ["a", "a is missing_", "a is missing", "unnamed"]


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
kinds = st.sampled_from(["int", "float", "string", "bool", "datetime"])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(names, kinds, st.booleans(), st.booleans()), max_size=6, unique_by=lambda c: c[0]),
    names,
)
def test_any_column_name_gives_valid_python(columns: list[tuple[str, str, bool, bool]], label: str) -> None:
    schema = Schema(
        tuple(
            Column(name, kind, required=required, kind="identifier" if left_out else "")  # type: ignore[arg-type]
            for name, kind, required, left_out in columns
        )
    )
    text = default_features(schema, label)
    text.encode()
    used = [
        c for c in schema.columns if c.kind != "identifier" and c.name != label and c.name[:6] != "tilth."
    ]
    function = load_features(text)
    if used:
        found = trace(function, {c.name: c.type for c in schema.columns}, {label: "it is the label"})
        assert len(found) >= len(used)
