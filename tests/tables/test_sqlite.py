"""Tables and queries of SQLite databases."""

from __future__ import annotations

import datetime
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import cloudpickle
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.errors import DataError, TilthError
from tilth.tables import fingerprint, open_table

Make = Callable[..., str]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(24)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """`make("CREATE TABLE ...", rows)` fills a database and gives its address up to the question mark."""

    def fill(create: str, *rows: tuple[object, ...], more: str = "") -> str:
        path = tmp_path / "a b.db"
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(create)
            if rows:
                connection.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(rows[0]))})", rows)
            connection.executescript(more)
            connection.commit()
        return f"sqlite:///{path}"

    return fill


def test_types_are_those_of_the_values(make: Make) -> None:
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5)
    address = make(
        "CREATE TABLE t (i INT, f NUMERIC, s TEXT, b BOOLEAN, day DATE, at TIMESTAMP, photo BLOB, "
        "no INT, d TEXT)",
        (1, 2, "a", 1, "2026-01-02", "2026-01-02 03:04:05", PNG, None, "2026-01-02"),
        (None, 0.5, "", None, None, None, None, None, None),
    )
    table = open_table(f"{address}?table=t")
    assert table.columns == {
        "i": "int",
        "f": "float",
        "s": "string",
        "b": "bool",
        "day": "datetime",
        "at": "datetime",
        "photo": "image",
        "no": "string",
        "d": "string",
    }
    assert table.empty == {"no"}
    assert table.to_arrow().to_pylist() == [
        {
            "i": 1,
            "f": 2.0,
            "s": "a",
            "b": True,
            "day": datetime.datetime(2026, 1, 2),
            "at": moment,
            "photo": PNG,
            "no": None,
            "d": "2026-01-02",
        },
        {**dict.fromkeys(table.columns), "f": 0.5, "s": ""},
    ]


def test_numbers_and_texts_in_one_column_are_texts_and_told(make: Make) -> None:
    address = make("CREATE TABLE t (x)", (1,), (2.5,), ("n/a",))
    table = open_table(f"{address}?table=t")
    assert table.to_arrow()["x"].to_pylist() == ["1", "2.5", "n/a"]
    assert table.notes == ("column 'x' holds texts ('n/a') beside numbers and is read as text",)
    known = open_table(f"{address}?table=t", missing=["n/a"])
    assert known.to_arrow()["x"].to_pylist() == [1.0, 2.5, None]
    assert not known.notes
    with pytest.raises(DataError, match=r"has the value 'n/a'(.|\n)*row 3"):
        open_table(f"{address}?table=t", types={"x": "float"}).to_arrow()


def test_declarations_that_the_values_do_not_keep(make: Make) -> None:
    address = make("CREATE TABLE t (b BOOLEAN, d DATE)", (2, "2026-13-01"), (0, "2026-01-01"))
    assert open_table(f"{address}?table=t").columns == {"b": "int", "d": "string"}


def test_relative_paths_views_and_queries(
    make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    make("CREATE TABLE t (x INT, y TEXT)", (1, "a"), (2, "b"), more="CREATE VIEW v AS SELECT y, x FROM t")
    monkeypatch.chdir(tmp_path)
    assert open_table("sqlite:///a b.db?table=T").rows == 2
    assert open_table("sqlite:///a%20b.db?table=v").select(["x"]).to_arrow()["x"].to_pylist() == [1, 2]
    asked = open_table("sqlite:///a b.db?query=SELECT x + 1 AS more FROM t WHERE y > 'a' AND y & 1 = 0; ")
    assert asked.to_arrow().to_pylist() == [{"more": 3}]


@pytest.mark.parametrize("kind", ["", "WITHOUT ROWID"])
def test_rows_keep_their_order_whatever_columns_are_asked_for(make: Make, kind: str) -> None:
    rows = [(name, (7 * n) % 5, n) for n, name in enumerate("hgfedcba")]
    create = f"CREATE TABLE t (name TEXT PRIMARY KEY, x INT, n INT) {kind}"
    address = make(create, *rows, more="CREATE INDEX narrow ON t (x)")
    table = open_table(f"{address}?table=t")
    whole = table.to_arrow()
    assert table.select(["x"]).to_arrow()["x"] == whole["x"]
    assert pa.Table.from_batches(table.batches(3)) == whole
    kept = table.filter(pa.array([n < 3 for n in whole["n"].to_pylist()]))
    assert sorted(kept.to_arrow()["name"].to_pylist()) == ["f", "g", "h"]


def test_names_with_quotes_and_words_of_sql(make: Make) -> None:
    address = make('CREATE TABLE t ("a""b" INT, "select" INT, "x;--" INT, "" INT)', (1, 2, 3, 4))
    assert open_table(f"{address}?table=t").to_arrow().to_pylist() == [
        {'a"b': 1, "select": 2, "x;--": 3, "": 4}
    ]
    other = make('CREATE TABLE "t""; DROP TABLE t" (x INT)')
    assert open_table(f'{other}?table=t"; DROP TABLE t').rows == 0
    assert open_table(f"{address}?table=t").rows == 1


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("?table=tt", r"no table 'tt'(.|\n)*did you mean '.*table=t'"),
        ("", r"names no table(.|\n)*one of t"),
        ("?query=DELETE FROM t", "cannot be read"),
        ("?query=SELECT 1 AS a; DELETE FROM t", "cannot be read"),
        ("?query=SELECT x AS a, x AS a FROM t", "two columns are called 'a'"),
        ("?query=SELECT z FROM t", "no such column: z"),
        ("?table=sqlite_master", "no table 'sqlite_master'"),
    ],
)
def test_what_cannot_be_read(make: Make, asked: str, words: str) -> None:
    address = make("CREATE TABLE t (x INT)", (1,))
    with pytest.raises(DataError, match=words):
        open_table(address + asked)
    assert open_table(f"{address}?table=t").rows == 1


def test_bytes_that_are_no_media(make: Make) -> None:
    address = make("CREATE TABLE t (x, y)", (b"abc", b"abc"), (b"d", 1))
    with pytest.raises(DataError, match=r"column 'y' holds bytes beside other values(.|\n)*exclude=\['y'\]"):
        open_table(f"{address}?table=t")
    with pytest.raises(DataError, match=r"column 'x' holds bytes that are neither"):
        open_table(f"{address}?table=t", exclude=["y"])


def test_what_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("x,y\n1,2\n" * 100)
    with pytest.raises(DataError, match="not a database"):
        open_table(f"sqlite:///{tmp_path}/a.db?table=t")
    with pytest.raises(DataError, match=r"no such file(.|\n)*a\.db"):
        open_table(f"sqlite:///{tmp_path}/b.db?table=t")
    assert not (tmp_path / "b.db").exists()
    with pytest.raises(DataError, match=r"many tables(.|\n)*sqlite:///.*table=NAME"):
        open_table(tmp_path / "a.db")
    with pytest.raises(DataError, match="not the address of a SQLite database"):
        open_table("sqlite://a.db?table=t")


def test_texts_that_are_not_utf8(make: Make) -> None:
    address = make("CREATE TABLE t (x TEXT)", more="INSERT INTO t VALUES (CAST(x'ff41' AS TEXT))")
    with pytest.raises(DataError, match="UTF-8"):
        open_table(f"{address}?table=t").to_arrow()


def test_a_database_cut_short(make: Make, tmp_path: Path) -> None:
    address = make("CREATE TABLE t (x TEXT)", *[("a" * 100,)] * 1000)
    path = tmp_path / "a b.db"
    path.write_bytes(path.read_bytes()[:50_000])
    with pytest.raises(DataError, match="cannot be read"):
        open_table(f"{address}?table=t").to_arrow()


def test_a_table_that_changes_is_noticed(make: Make, tmp_path: Path) -> None:
    address = make("CREATE TABLE t (x INT)", (1,))
    table = open_table(f"{address}?table=t")
    with closing(sqlite3.connect(tmp_path / "a b.db")) as connection:
        connection.execute("INSERT INTO t VALUES (2)")
        connection.commit()
    with pytest.raises(DataError, match="it had 1 rows and now has 2"):
        table.to_arrow()


def test_a_column_that_gets_other_values_is_noticed(make: Make, tmp_path: Path) -> None:
    address = make("CREATE TABLE t (x DATE)", ("2026-01-01",))
    table = open_table(f"{address}?table=t")
    with closing(sqlite3.connect(tmp_path / "a b.db")) as connection:
        connection.execute("UPDATE t SET x = 'soon'")
        connection.commit()
    with pytest.raises(DataError, match="changed while it was being used"):
        table.to_arrow()


def test_it_can_be_sent_to_another_process(make: Make) -> None:
    table = open_table(f"{make('CREATE TABLE t (x INT)', (1,), (2,))}?table=t")
    assert cloudpickle.loads(cloudpickle.dumps(table)).to_arrow() == table.to_arrow()


Cell = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5),
)


@given(cells=st.lists(st.tuples(Cell, st.none() | st.integers(-3, 3)), max_size=8))
def test_any_mixture_of_values_has_a_reading(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[object, ...]]
) -> None:
    path = tmp_path_factory.mktemp("mixed") / "m.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (x, y)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", cells)
        connection.commit()
    try:
        table = open_table(f"sqlite:///{path}?table=t")
        read = table.to_arrow()
    except TilthError:
        pytest.fail("every column of numbers and texts can be read")
    assert read["y"].to_pylist() == [y for _, y in cells]
    assert [x is None for x in read["x"].to_pylist()] == [x is None for x, _ in cells]
    if table.columns["x"] == "string" and "x" not in table.empty:
        texts = [x for x, _ in cells if isinstance(x, str)]
        assert [
            x for x, (y, _) in zip(read["x"].to_pylist(), cells, strict=True) if isinstance(y, str)
        ] == texts
    assert fingerprint(table) == fingerprint(open_table(read))


def test_rows_may_be_read_on_in_another_thread(make: Make) -> None:
    table = open_table(make("CREATE TABLE t (x INTEGER)", *((n,) for n in range(20_000))) + "?table=t")
    batches = table.batches(1000)
    first = next(batches)
    with ThreadPoolExecutor(1) as other:
        rest = other.submit(list, batches).result()
    assert first.num_rows + sum(batch.num_rows for batch in rest) == 20_000
