"""Real files, as they are."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tilth.errors import DataError
from tilth.tables import open_table

Find = Callable[[str], Path]

CENSUS = (
    "age,workclass,fnlwgt,education,education-num,marital-status,occupation,relationship,race,sex,"
    "capital-gain,capital-loss,hours-per-week,native-country,label"
)


def test_census_with_a_header(shared_data: Find, tmp_path: Path) -> None:
    rows = gzip.decompress(shared_data("census-adult/adult.data.gz").read_bytes()).decode()
    (tmp_path / "census.csv").write_text(f"{CENSUS}\n{rows}")
    table = open_table(tmp_path / "census.csv", missing=["?"])
    assert Counter(table.columns.values()) == {"int": 6, "string": 9}
    assert table.rows == 32_561
    assert table.notes == ("spaces around cells are left out",)
    data = table.to_arrow()
    assert data.column("workclass").null_count == 1836
    assert set(data.column("label").to_pylist()) == {"<=50K", ">50K"}


def test_census_without_a_header(shared_data: Find) -> None:
    assert (
        "does the file have a header line" in open_table(shared_data("census-adult/adult.data.gz")).notes[-1]
    )


def test_electricity_without_a_header(shared_data: Find) -> None:
    with pytest.raises(DataError, match=r"two columns are called '0'(.|\n)*header line"):
        open_table(shared_data("electricity-elec2/elecNorm.csv.gz"))


def test_malformed_census_rows_are_well_formed_csv(shared_data: Find) -> None:
    table = open_table(shared_data("census-adult/malformed_rows.csv"))
    assert table.to_arrow().column("age").to_pylist()[1:3] == [0, 1000]
    assert table.to_arrow().column("workclass").null_count == 1


def test_taxi(shared_data: Find) -> None:
    table = open_table(shared_data("chicago-taxi/train.csv.gz"))
    assert table.rows == 10_000
    assert table.empty == {"pickup_census_tract"}
    assert table.columns["dropoff_census_tract"] == "int"
    assert table.to_arrow().column("company").null_count == 3442
    both = open_table([shared_data(f"chicago-taxi/{part}.csv.gz") for part in ("train", "eval")])
    assert both.rows == 15_000


def test_comments_with_quotes_and_line_breaks_come_whole(shared_data: Find) -> None:
    path = shared_data("youtube-spam/youtube_spam.csv.gz")
    table = open_table(path)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        expected = [row["CONTENT"] for row in csv.DictReader(file)]
    texts = table.to_arrow().column("CONTENT").to_pylist()
    assert [text.strip(" ") for text in texts] == [text.strip(" ") for text in expected]
    assert any("\n" in text for text in texts)
    raw = gzip.decompress(path.read_bytes()).decode()
    spaced = [text for text in expected if text != text.strip(" ")]
    quoted = ['"' + text.replace('"', '""') + '"' in raw for text in spaced]
    assert [text in texts for text in spaced] == quoted
    assert {True, False} == set(quoted)
    assert table.columns["DATE"] == "datetime"


def test_credit(shared_data: Find) -> None:
    table = open_table(shared_data("german-credit/german_credit.csv.gz"))
    assert (table.rows, len(table.columns), table.columns["risk"]) == (1000, 21, "int")


def test_parquet_streams(shared_data: Find) -> None:
    table = open_table(shared_data("concept-drift-sine/sine_0123_abrupto.parquet"))
    assert (table.rows, table.columns["class"]) == (40_000, "int")
