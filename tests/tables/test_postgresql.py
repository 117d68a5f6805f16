"""Tables and queries of a real PostgreSQL server."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from tilth.errors import ColumnNotFoundError, DataError
from tilth.tables import fingerprint, open_table, write_table

psycopg = pytest.importorskip("psycopg")

PNG = b"\x89PNG\r\n\x1a\n" + bytes(24)
TABLE = """
CREATE SCHEMA sales;
CREATE TYPE sales.mood AS ENUM ('glad', 'sad');
CREATE DOMAIN sales.grade AS int;
CREATE TABLE sales."the ""orders" (
  id bigint, small smallint, price numeric(10, 2), paid money, ratio real, name text, code char(4), ok bool,
  day date, at timestamp, seen timestamptz, long interval, clock time, info jsonb, key uuid, mood sales.mood,
  grade sales.grade, tags text[], counts int[], moments timestamptz[], photo bytea, "odd ""name" int
);
INSERT INTO sales."the ""orders" VALUES
 (1, 2, 10.25, 3.5, 0.5, 'a', 'xy', true, '2026-01-02', '2026-01-02 03:04:05.678', '2026-01-02 03:04:05+02',
  '1 day 2 seconds', '01:02:03.5', '{"a": 1}', '11111111-1111-1111-1111-111111111111', 'glad', 7,
  '{a,NULL}', '{1,2}', '{2026-01-02 03:04:05+02}', %(photo)s, 1),
 (NULL, NULL, 'NaN', NULL, NULL, '', NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'sad', NULL,
  '{}', NULL, NULL, NULL, 2);
CREATE VIEW sales.names AS SELECT name, id FROM sales."the ""orders";
CREATE TABLE many AS SELECT i AS id, i %% 7 AS rest, 'text ' || i AS name FROM generate_series(1, 20000) i;
CREATE INDEX ON many (rest);
CREATE TABLE bad (x int[], d date, b bytea);
INSERT INTO bad VALUES ('{{1},{2}}', 'infinity', 'abc');
"""


@pytest.fixture(scope="module")
def server(postgresql_url: str) -> str:
    """A database with a table of every type; the URL ends where table or query follow."""
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS tilth_tables")
        connection.execute("CREATE DATABASE tilth_tables")
    url = postgresql_url.replace("/postgres?", "/tilth_tables?")
    assert url != postgresql_url
    with psycopg.connect(url, autocommit=True) as connection, psycopg.ClientCursor(connection) as cursor:
        cursor.execute(TABLE, {"photo": PNG})
        cursor.execute("VACUUM ANALYZE many")
    return f"{url}&"


def test_every_type(server: str) -> None:
    table = open_table(f'{server}table=sales."the ""orders"')
    assert table.columns == {
        "id": "int",
        "small": "int",
        "price": "float",
        "paid": "float",
        "ratio": "float",
        "name": "string",
        "code": "string",
        "ok": "bool",
        "day": "datetime",
        "at": "datetime",
        "seen": "datetime",
        "long": "float",
        "clock": "string",
        "info": "string",
        "key": "string",
        "mood": "string",
        "grade": "int",
        "tags": "list[string]",
        "counts": "list[int]",
        "moments": "list[datetime]",
        "photo": "image",
        'odd "name': "int",
    }
    first, second = table.to_arrow().to_pylist()
    moment = datetime.datetime(2026, 1, 2, 1, 4, 5)
    assert first == {
        "id": 1,
        "small": 2,
        "price": 10.25,
        "paid": 3.5,
        "ratio": 0.5,
        "name": "a",
        "code": "xy",
        "ok": True,
        "day": datetime.datetime(2026, 1, 2),
        "seen": moment,
        "long": 86402.0,
        "at": datetime.datetime(2026, 1, 2, 3, 4, 5, 678000),
        "clock": "01:02:03.5",
        "info": '{"a": 1}',
        "key": "11111111-1111-1111-1111-111111111111",
        "mood": "glad",
        "grade": 7,
        "tags": ["a", None],
        "counts": [1, 2],
        "moments": [moment],
        "photo": PNG,
        'odd "name': 1,
    }
    assert second["price"] != second["price"]
    assert (second["name"], second["tags"], second["counts"]) == ("", [], None)


def test_any_order_of_columns_and_any_batch_gives_the_same_rows(server: str) -> None:
    table = open_table(f"{server}table=many")
    whole = table.to_arrow()
    assert table.rows == 20000
    # A narrow index holds the column, and its order is another one.
    assert table.select(["rest"]).to_arrow()["rest"] == whole["rest"]
    assert pa.Table.from_batches(table.batches(77)) == whole
    assert fingerprint(table) == fingerprint(open_table(whole))


def test_views_and_queries(server: str) -> None:
    view = open_table(f"{server}table=sales.names")
    assert view.select(["id"]).to_arrow()["id"].to_pylist() == [1, None]
    asked = open_table(
        f"{server}query=SELECT id + 1 AS next FROM many WHERE name LIKE 'text 1%25' AND id < 11 -- so"
    )
    assert asked.to_arrow()["next"].to_pylist() == [2, 11]
    assert asked.name.endswith("AND id < 11 -- so")


def test_texts_that_mean_missing_types_and_columns_left_out(server: str) -> None:
    address = f'{server}table=sales."the ""orders"'
    table = open_table(address, missing=[""], types={"id": "string"}, exclude=["photo", "tags"])
    assert table.to_arrow()["name"].to_pylist() == ["a", None]
    assert table.to_arrow()["id"].to_pylist() == ["1", None]
    assert not {"photo", "tags"} & set(table.columns)
    with pytest.raises(ColumnNotFoundError, match="no column 'phto'"):
        open_table(address, exclude=["phto"])


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("table=manny", r"no table 'manny'(.|\n)*did you mean '.*table=many'"),
        ("", r"names no table(.|\n)*expected: one of bad, .*many, .*sales.names"),
        ("table=a&query=SELECT 1", "a table and a query"),
        ("query=SELECT 1 AS a, 2 AS a", "two columns are called 'a'"),
        ("query=DELETE FROM many", "syntax error"),
        ("query=SELECT 1 AS a) AS asked; DROP TABLE many; --", "cannot be read"),
        ("query=SELECT nextval('x')", "cannot be read"),
        ("query=SELECT 1 / 0 AS a", "division by zero"),
        ("query=SELECT x FROM bad", "column 'x' holds a value that does not fit"),
        ("query=SELECT d FROM bad", r"the years 1 to 9999"),
        ("query=SELECT b FROM bad", "column 'b' holds bytes that are neither"),
    ],
)
def test_what_cannot_be_read(server: str, asked: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        open_table(server + asked).to_arrow()
    assert open_table(f"{server}table=many").rows == 20000


def test_a_query_changes_nothing(server: str) -> None:
    with psycopg.connect(server.rstrip("&"), autocommit=True) as connection:
        connection.execute(
            "CREATE OR REPLACE FUNCTION eat() RETURNS int LANGUAGE sql AS 'DELETE FROM many RETURNING 1'"
        )
    with pytest.raises(DataError, match="read-only transaction"):
        open_table(f"{server}query=SELECT eat() AS eaten").to_arrow()


def test_a_table_that_changes_is_noticed(server: str) -> None:
    with psycopg.connect(server.rstrip("&"), autocommit=True) as connection:
        connection.execute("CREATE TABLE growing AS SELECT 1 AS x")
        table = open_table(f"{server}table=growing")
        connection.execute("INSERT INTO growing VALUES (2)")
        with pytest.raises(DataError, match="it had 1 rows and now has 2"):
            table.to_arrow()


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:s3cret@127.0.0.1:1/db?table=t",
        "postgres://me:s3cret@ss:w@127.0.0.1:x/db?table=t",
        "postgresql://127.0.0.1:1/db?password=s3cret&user=me&table=t",
    ],
)
def test_passwords_are_never_shown(address: str) -> None:
    with pytest.raises(DataError) as caught:
        open_table(address)
    error: BaseException | None = caught.value
    while error is not None:
        assert "s3cret" not in str(error) + repr(error)
        error = error.__cause__


def test_a_name_without_the_password(server: str) -> None:
    table = open_table(server.replace("postgres:@", "postgres:s3cret@") + "table=many")
    assert "s3cret" not in table.name + repr(table)
    assert "table=many" in table.name


def test_without_the_driver(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(DataError, match=r"psycopg, which is not installed(.|\n)*tilth\[postgresql\]"):
        open_table(f"{server}table=many")


def test_what_is_read_can_be_written(server: str, tmp_path: Path) -> None:
    table = open_table(f'{server}table=sales."the ""orders"')
    write_table(table, tmp_path / "t.parquet")
    assert fingerprint(open_table(tmp_path / "t.parquet")) == fingerprint(table)
