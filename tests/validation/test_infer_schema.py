from __future__ import annotations

import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tilth.errors import ColumnNotFoundError
from tilth.profiles import profile
from tilth.schemas import Column, Schema
from tilth.validation import infer_schema, validate
from tilth.validation.natural_bounds import natural_range

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


def test_numbers_with_a_text_for_missing_make_no_domain(shared_data: Any) -> None:
    path = shared_data("penguins/penguins_raw_units.csv")
    schema = infer_schema(profile(path))
    assert {c.name for c in schema if c.domain} == {"species", "island", "sex"}
    read = infer_schema(profile(path, missing=["NA"]))
    assert [c.name for c in read if c.type == "string"] == ["species", "island", "sex"]


def test_columns_with_missing_values_are_optional() -> None:
    schema = schema_of({"a": [1, None, 3], "b": [None, None, None]})
    assert [column.required for column in schema] == [False, False]
    assert schema["b"].domain is None


def test_own_columns_are_left_out() -> None:
    assert schema_of({"a": [1, 2], "tilth.source": ["data", "feedback"]}).names == ("a",)


def test_an_unknown_label_is_named() -> None:
    with pytest.raises(ColumnNotFoundError, match="no column 'labl'"):
        schema_of({"label": [0, 1]}, label="labl")


@pytest.mark.parametrize(
    ("name", "values", "low", "high"),
    [
        ("pickup_latitude", [41.6, 42.1], -90, 90),
        ("latitude", [41.6, 420.1], None, None),
        ("dropoffLongitude", [-87.9, 12.0], -180, 180),
        ("trip_start_hour", [0, 22], 0, 23),
        ("hr", [1, 24], 1, 24),
        ("minute", [0, 30], 0, 59),
        ("minutes", [0, 300], None, None),
        ("month", [1, 5], 1, 12),
        ("month", [0, 11], 0, 11),
        ("month", [202401, 202405], None, None),
        ("weekday", [0, 5], 0, 6),
        ("day_of_week", [1, 7], 1, 7),
        ("weekday", [1, 5], None, None),
        ("pct", [0.0, 100.0], 0, 100),
        ("pct", [-5.0, 104.0], None, None),
        ("probability", [0.1, 0.9], 0, 1),
        ("growth_share", [-0.1, 0.9], None, None),
        ("age", [17, 90], 0, None),
        ("age", [-1.2, 0.7], None, None),
        ("flipper_length_mm", [172, 231], 0, None),
        ("items_count", [0, 3], 0, None),
        ("income", [0, 99999], None, None),
        ("temperature", [0, 30], None, None),
        ("hours-per-week", [1, 99], None, None),
        ("age", ["1", "x"], None, None),
    ],
)
def test_ranges_only_where_name_and_values_justify_them(
    name: str, values: list[Any], low: float | None, high: float | None
) -> None:
    column = schema_of({name: values})[name]
    assert (column.low, column.high) == (low, high)


def test_taxi_schema(shared_data: Any) -> None:
    schema = infer_schema(profile(shared_data("chicago-taxi/train.csv.gz")), label="tips")
    assert {c.name: (c.low, c.high) for c in schema if (c.low, c.high) != (None, None)} == {
        "trip_start_month": (1, 12),
        "trip_start_hour": (0, 23),
        "pickup_latitude": (-90, 90),
        "pickup_longitude": (-180, 180),
        "dropoff_latitude": (-90, 90),
        "dropoff_longitude": (-180, 180),
        "trip_miles": (0, None),
    }
    assert {c.name for c in schema if c.domain} == {"payment_type", "company"}


def test_lists_have_rules_for_their_items() -> None:
    n = 40
    schema = schema_of(
        {
            "vector": [[0.1 * i, 0.2, 0.3] for i in range(n)],
            "tags": [["red", "blue"][: i % 3] for i in range(n)],
            "words": [[f"w{i}", f"v{i}"] for i in range(n)],
        }
    )
    vector, tags, words = schema.columns
    assert (vector.type, vector.min_length, vector.max_length) == ("list[float]", 3, 3)
    assert (tags.domain, tags.min_length) == (("blue", "red"), None)
    assert (words.domain, words.kind) == (None, "identifier")


def test_statistics_of_images_have_rules_of_their_own() -> None:
    column = {"photo": [image(8, 6, shade) for shade in range(30)]}
    schema = schema_of(column)
    keys = {
        c.name: (c.kind, c.domain, c.low, c.high)
        for c in schema
        if c.name.startswith("photo.") and not c.required
    }
    assert schema["photo"] == Column("photo", "image")
    assert keys == {
        "photo.readable": ("flag", ("true",), None, None),
        "photo.format": ("category", ("png",), None, None),
        "photo.width": ("number", None, 8, 8),
        "photo.height": ("number", None, 6, 6),
        "photo.channels": ("number", None, 1, 1),
        "photo.brightness": ("number", None, 0, 1),
        "photo.contrast": ("number", None, 0, 0.5),
        "photo.sharpness": ("number", None, 0, None),
    }
    found = [(a.column, a.kind) for a in validate({"photo": [image(8, 7, 3), b"GIF89a", None]}, schema)]
    assert found == [
        ("photo", "too_many_missing"),
        ("photo.readable", "unexpected_values"),
        ("photo.height", "out_of_range"),
    ]


def image(width: int, height: int, shade: int) -> bytes:
    file = BytesIO()
    Image.new("L", (width, height), shade).save(file, "PNG")
    return file.getvalue()


def test_inferred_schemas_are_stable_texts() -> None:
    data = {"b": ["y", "x"] * 20, "age": [3, 4] * 20}
    text = schema_of(data).to_toml()
    assert schema_of({name: values[::-1] for name, values in data.items()}).to_toml() == text
    assert text.partition("\n[")[2] == (
        'columns.b]\ntype = "string"\ndomain = ["x", "y"]\n\n[columns.age]\ntype = "int"\nmin = 0\n'
    )


@pytest.mark.parametrize(
    "values",
    [
        [f"SKU{n % 60:04d}" for n in range(600)],
        [f"{8000 + n % 50}x" for n in range(600)],
        [f"https://a.ch/{'abcdefgh'[n % 8]}" for n in range(600)],
        [f"{'abcdefgh'[n % 8]}@a.ch" for n in range(600)],
        [f"2024-0{1 + n % 6}" for n in range(600)],
        [f"2024Q{1 + n % 4}" for n in range(600)],
        [f"0{1 + n % 5}/02/2024" for n in range(600)],
        [f"${n % 7}.50" for n in range(600)],
    ],
)
def test_codes_periods_addresses_and_amounts_have_no_closed_domain(values: list[str]) -> None:
    assert infer_schema(profile({"x": values}))["x"].domain is None


def test_a_domain_that_still_grows_is_not_closed() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    seen = [letters[n % 20] for n in range(300)]
    assert infer_schema(profile({"x": [*seen, "one"]}))["x"].domain is not None
    assert infer_schema(profile({"x": [*seen, *(letter * 3 for letter in letters)]}))["x"].domain is None


def test_names_may_come_again_and_measurements_are_no_identifiers() -> None:
    names = [f"{chr(97 + n // 26)}{chr(97 + n % 26)} smith" for n in range(100)]
    lengths = [*(f"{n / 7:.1f}" for n in range(97)), "NA", "NA", "2.0"]
    schema = infer_schema(profile({"name": names, "length": lengths}))
    assert not schema["name"].unique
    assert schema["length"].kind == "category"


@pytest.mark.parametrize(
    ("name", "low", "high", "is_whole"),
    [
        ("miles_per_hour", 3, 20, True),
        ("sales_last_month", 1, 9, True),
        ("tenure_month", 1, 12, True),
        ("hour", 0, 22.75, False),
        ("growth_percent", 0, 20, True),
        ("lat_ms", 3, 40, True),
    ],
)
def test_other_words_change_what_a_name_means(name: str, low: float, high: float, is_whole: bool) -> None:
    assert natural_range(name, low, high, is_whole=is_whole) == (None, None)
