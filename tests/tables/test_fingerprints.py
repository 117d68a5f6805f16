"""The fingerprint of the same rows is the same, whatever they are kept in and in whatever order."""

from __future__ import annotations

import datetime
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilth.tables import Table, fingerprint, open_table, write_table

Rows = list[dict[str, Any]]
_MOMENTS = st.datetimes(datetime.datetime(1950, 1, 1), datetime.datetime(2100, 1, 1))


def row() -> st.SearchStrategy[dict[str, Any]]:
    """A row of values that every form of file can tell apart."""
    return st.fixed_dictionaries(
        {
            "n": st.none() | st.integers(-(2**50), 2**50),
            "x": st.none() | st.sampled_from([0.5, -1.25, 1e-9, 3.75]),
            "s": st.none() | st.text("aäz,;\"' \n", min_size=1, max_size=6).map(lambda text: f"t{text}t"),
            "b": st.none() | st.booleans(),
            "d": st.none() | _MOMENTS.map(lambda moment: moment.replace(microsecond=0)),
        }
    )


# In the first row every column has a value, so that each form knows the types.
FIRST: dict[str, Any] = {"n": 1, "x": 0.5, "s": "t", "b": True, "d": datetime.datetime(2026, 1, 2, 3, 4, 5)}
SCHEMA = pa.schema(
    [("n", "int64"), ("x", "float64"), ("s", "string"), ("b", "bool"), ("d", pa.timestamp("us"))]
)


def in_sqlite(data: pa.Table, folder: Path) -> str:
    path = folder / "t.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (n INTEGER, x REAL, s TEXT, b BOOLEAN, d TIMESTAMP)")
        rows = (
            [v.isoformat(" ") if isinstance(v, datetime.datetime) else v for v in r.values()]
            for r in data.to_pylist()
        )
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?)", rows)
        connection.commit()
    return f"sqlite:///{path}?table=t"


def in_excel(data: pa.Table, folder: Path) -> str:
    xlsxwriter = pytest.importorskip("xlsxwriter")
    options = {"default_date_format": "yyyy-mm-dd hh:mm:ss", "strings_to_formulas": False}
    book = xlsxwriter.Workbook(str(folder / "t.xlsx"), options)
    page = book.add_worksheet()
    page.write_row(0, 0, data.column_names)
    for number, found in enumerate(data.to_pylist(), start=1):
        for position, value in enumerate(found.values()):
            if value is not None:
                page.write(number, position, value)
    book.close()
    return str(folder / "t.xlsx")


def in_delta(data: pa.Table, folder: Path) -> str:
    deltalake = pytest.importorskip("deltalake")
    deltalake.write_deltalake(folder / "delta", data)
    return str(folder / "delta")


def everywhere(data: pa.Table, folder: Path) -> dict[str, Table]:
    """The same rows in every form."""
    found: dict[str, Table] = {"memory": open_table(data), "polars": open_table(pl.from_arrow(data))}
    for ending in ("parquet", "arrow", "csv", "csv.gz", "jsonl"):
        write_table(data, folder / f"t.{ending}")
        found[ending] = open_table(folder / f"t.{ending}")
    for name, write in {"sqlite": in_sqlite, "excel": in_excel, "delta": in_delta}.items():
        found[name] = open_table(write(data, folder))
    return found


@settings(max_examples=30)
@given(st.lists(row(), max_size=6), st.randoms(use_true_random=False))
def test_the_same_in_every_form_and_order(
    tmp_path_factory: pytest.TempPathFactory, rows: Rows, random: Any
) -> None:
    folder = tmp_path_factory.mktemp("forms")
    data = pa.Table.from_pylist([FIRST, *rows], SCHEMA)
    blank = [row for row in rows if not any(value is not None for value in row.values())]
    if blank:  # text files and workbooks have no rows without a value
        data = pa.Table.from_pylist([FIRST, *(row for row in rows if row not in blank)], SCHEMA)
    expected = fingerprint(open_table(data))
    for name, table in everywhere(data, folder).items():
        assert table.columns == open_table(data).columns, name
        assert fingerprint(table) == expected, name
    order = list(range(data.num_rows))
    random.shuffle(order)
    names = random.sample(data.column_names, len(data.column_names))
    assert fingerprint(open_table(data.take(order).select(names))) == expected


def test_other_rows_and_other_types_have_another() -> None:
    prints = {
        fingerprint(open_table(data))
        for data in (
            {"x": [1, 2]},
            {"x": [1, 2, 2]},
            {"x": [1.0, 2.0]},
            {"y": [1, 2]},
            {"x": ["1", "2"]},
            {"x": [[1], [2]]},
            {"x": [[1, 2]]},
            {"x": [[2, 1]]},
            {"x": [[1], [2, None]]},
        )
    }
    assert len(prints) == 9
