"""Lists, images and recordings in every form, through everything that a table does."""

from __future__ import annotations

import datetime
import io
import uuid
import wave
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.errors import DataError
from tilth.tables import (
    ARROW_TYPES,
    SplitPlan,
    concat_tables,
    fingerprint,
    open_table,
    row_hashes,
    split,
    write_table,
)
from tilth.types import COLUMN_TYPES, ColumnType

PNG = b"\x89PNG\r\n\x1a\n" + bytes(24)
MOMENT = datetime.datetime(2026, 1, 2, 3, 4, 5)
LISTS = [[1, 2], None, [], [None, 3]]


def sound() -> bytes:
    """A short recording."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(200))
    return content.getvalue()


def rich() -> pa.Table:
    """A column of each type."""
    return pa.table(
        {
            "n": pa.array([1, 2, None, 4]),
            "l": pa.array(LISTS, pa.list_(pa.int64())),
            "f": pa.array([[0.5], [], None, [float("inf"), None]], pa.list_(pa.float64())),
            "s": pa.array([["a", ""], None, ["ä"], [None]], pa.list_(pa.string())),
            "b": pa.array([[True], None, [], [False]], pa.list_(pa.bool_())),
            "d": pa.array([[MOMENT], None, [], [None]], pa.list_(pa.timestamp("us"))),
            "i": pa.array([PNG, None, PNG + b"2", b"broken"], pa.large_binary()),
            "a": pa.array([sound(), None, None, sound()], pa.large_binary()),
        }
    )


@pytest.mark.parametrize(
    "array",
    [
        pa.array(LISTS, pa.list_(pa.int16())),
        pa.array(LISTS, pa.large_list(pa.uint8())),
        pa.array(LISTS, pa.list_view(pa.int32())),
        pa.array(LISTS, pa.large_list_view(pa.int64())),
        pa.array([[7], *LISTS], pa.large_list(pa.int64())).slice(1),
        pa.array([[7], *LISTS], pa.list_view(pa.int64())).slice(1),
    ],
)
def test_every_form_of_lists(array: pa.Array) -> None:
    table = open_table(pa.table({"x": array}))
    assert table.columns == {"x": "list[int]"}
    assert table.to_arrow()["x"].to_pylist() == LISTS
    assert table.to_arrow().schema == table.schema


@pytest.mark.parametrize(
    ("array", "kind", "values"),
    [
        (pa.array([[1, 2], None], pa.list_(pa.float32(), 2)), "list[float]", [[1.0, 2.0], None]),
        (pa.array([[MOMENT.date()]]), "list[datetime]", [[datetime.datetime(2026, 1, 2)]]),
        (pa.array([["a"]], pa.list_(pa.dictionary(pa.int8(), pa.string()))), "list[string]", [["a"]]),
        (pa.array([[], None]), "list[string]", [[], None]),
        (pa.array([1, 1, None]).dictionary_encode(), "int", [1, 1, None]),
        (pc.run_end_encode(pa.array([0.5, 0.5, None])), "float", [0.5, 0.5, None]),
        (pa.array([1.5], pa.float16()), "float", [1.5]),
        (pa.array([datetime.time(1, 2, 3, 500_000), None]), "string", ["01:02:03.5", None]),
        (pa.array([3723], pa.time32("s")), "string", ["01:02:03"]),
        (pa.array([1500, None], pa.duration("ms")), "float", [1.5, None]),
        (pa.array([uuid.UUID(int=1).bytes], pa.uuid()), "string", [str(uuid.UUID(int=1))]),
        (pa.array(['{"a": 1}'], pa.json_()), "string", ['{"a": 1}']),
        (pa.array(["a"], pa.string_view()), "string", ["a"]),
        (pa.FixedShapeTensorArray.from_numpy_ndarray(np.ones((1, 2))), "list[float]", [[1.0, 1.0]]),
    ],
)
def test_other_types_that_have_a_faithful_reading(array: pa.Array, kind: str, values: list[object]) -> None:
    table = open_table(pa.table({"x": array}))
    assert table.columns == {"x": kind}
    assert table.to_arrow()["x"].to_pylist() == values


@pytest.mark.parametrize("arrow", [pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(len(PNG))])
def test_every_form_of_bytes(arrow: pa.DataType) -> None:
    table = open_table(pa.table({"x": pa.array([None, PNG], arrow)}))
    assert table.columns == {"x": "image"}
    assert table.to_arrow()["x"].to_pylist() == [None, PNG]


def hugging_face(*files: tuple[bytes | None, str | None] | None) -> pa.Table:
    """Media as Hugging Face Datasets keeps them."""
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    return pa.table(
        {"x": pa.array([f and dict(zip(("bytes", "path"), f, strict=True)) for f in files], kind)}
    )


def test_bytes_beside_their_path() -> None:
    table = open_table(hugging_face((sound(), "a.wav"), None, (None, None)))
    assert table.columns == {"x": "audio"}
    assert table.to_arrow()["x"].to_pylist() == [sound(), None, None]
    with pytest.raises(DataError, match=r"names the file 'b\.png' and does not hold it"):
        open_table(hugging_face((PNG, "a.png"), (None, "b.png"))).to_arrow()


def test_what_bytes_are_is_found_from_the_first_values_or_said() -> None:
    assert open_table({"x": [b"damaged", None, PNG]}).columns == {"x": "image"}
    assert open_table({"x": [b"damaged"]}, types={"x": "audio"}).columns == {"x": "audio"}
    assert open_table({"x": [PNG]}, types={"x": "audio"}).columns == {"x": "audio"}
    nothing = open_table(pa.table({"x": pa.nulls(2, pa.binary())}))
    assert (nothing.columns, nothing.empty) == ({"x": "image"}, {"x"})
    with pytest.raises(DataError, match=r"neither an image nor a recording(.|\n)*exclude=\['x'\]"):
        open_table({"x": [b"text"], "y": [1]})
    assert open_table({"x": [b"text"], "y": [1]}, exclude=["x"]).columns == {"y": "int"}


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_files_keep_everything(tmp_path: Path, ending: str) -> None:
    table = open_table(rich())
    assert [*table.columns.values()][-2:] == ["image", "audio"]
    write_table(table, tmp_path / f"t.{ending}")
    again = open_table(tmp_path / f"t.{ending}")
    assert again.columns == table.columns
    assert again.to_arrow() == table.to_arrow()
    assert fingerprint(again) == fingerprint(table)
    damaged = open_table({"x": [b"?"]}, types={"x": "audio"})
    write_table(damaged, tmp_path / f"d.{ending}")
    assert open_table(tmp_path / f"d.{ending}").columns == {"x": "audio"}
    assert open_table(damaged.to_arrow()).columns == {"x": "audio"}


def test_json_lines_keep_lists(tmp_path: Path) -> None:
    table = open_table(rich(), exclude=["i", "a"])
    write_table(table, tmp_path / "t.jsonl")
    again = open_table(tmp_path / "t.jsonl")
    assert again.to_arrow() == table.to_arrow()
    assert fingerprint(again) == fingerprint(table)


@pytest.mark.parametrize(
    ("ending", "left"), [("csv", []), ("csv", ["l", "f", "s", "b", "d"]), ("jsonl", ["l"])]
)
def test_what_a_file_has_no_place_for_is_refused(tmp_path: Path, ending: str, left: list[str]) -> None:
    with pytest.raises(DataError, match=r"column '\w' is (list\[int\]|image), and (CSV|JSON) has no place"):
        write_table(open_table(rich(), exclude=left), tmp_path / f"t.{ending}")
    assert not list(tmp_path.iterdir())


def test_a_table_does_with_them_what_it_does_with_all() -> None:
    table = open_table(rich())
    assert pa.Table.from_batches(table.batches(1)) == table.to_arrow()
    kept = table.filter(np.array([True, False, False, True]))
    assert kept.to_arrow()["l"].to_pylist() == [[1, 2], [None, 3]]
    more = table.with_column("photo", pa.array([PNG] * 4)).with_column("tags", pa.array([["x"]] * 4))
    assert (more.columns["photo"], more.columns["tags"]) == ("image", "list[string]")
    with pytest.raises(DataError, match="column 'x' holds bytes that are neither"):
        table.with_column("x", pa.array([b"a"] * 4))
    lists = concat_tables([open_table({"x": [[1], None]}), open_table({"x": [[0.5]]})])
    assert lists.columns == {"x": "list[float]"}
    assert lists.to_arrow()["x"].to_pylist() == [[1.0], None, [0.5]]
    blank = concat_tables([open_table({"i": [PNG]}), open_table({"i": [None]}), open_table({"j": [1]})])
    assert blank.to_arrow()["i"].to_pylist() == [PNG, None, None]
    with pytest.raises(DataError, match=r"column 'x' is list\[int\] in one table and int in another"):
        concat_tables([open_table({"x": [[1]]}), open_table({"x": [1]})])


def test_splitting_by_rows_with_lists_and_images() -> None:
    data = pa.table({"l": [[n, n] for n in range(200)], "i": [PNG + bytes([n]) for n in range(200)]})
    parts = split(open_table(data), SplitPlan())
    assert len(parts) == 200
    turned = split(open_table(data.take(list(range(199, -1, -1)))), SplitPlan())
    assert turned.to_pylist() == parts.to_pylist()[::-1]


def test_types_that_cannot_become_others() -> None:
    table = open_table({"l": [[1]], "n": [1]})
    assert open_table(table, types={"l": "list[float]"}).to_arrow()["l"].to_pylist() == [[1.0]]
    wishes: list[tuple[str, ColumnType]] = [("l", "int"), ("l", "string"), ("n", "list[int]"), ("n", "image")]
    for name, kind in wishes:
        with pytest.raises(DataError, match=f"column '{name}' is .* and cannot be read as"):
            open_table(table, types={name: kind})


def hashes(values: list[Any], kind: ColumnType, name: str = "x") -> list[int]:
    return [int(h) for h in row_hashes(pa.record_batch({name: pa.array(values, ARROW_TYPES[kind])}))]


Lists = st.lists(st.none() | st.lists(st.none() | st.integers(-3, 3), max_size=4), max_size=12)


@given(Lists)
def test_lists_have_equal_hashes_where_they_are_equal(values: list[Any]) -> None:
    found = hashes(values, "list[int]")
    assert found == hashes(values, "list[float]")
    by_value = {repr(value): found[position] for position, value in enumerate(values)}
    assert [by_value[repr(value)] for value in values] == found
    assert len(set(by_value.values())) == len(by_value)
    batch = pa.record_batch({"x": pa.array([[9], *values], ARROW_TYPES["list[int]"])}).slice(1)
    assert [int(h) for h in row_hashes(batch)] == found


def test_hashes_of_scalar_columns_never_change() -> None:
    batch = pa.record_batch(
        {"x": [1, None, 3], "s": ["a", "b", None], "f": [0.5, 1, None], "b": [True, None, False]}
    )
    assert row_hashes(batch).tolist() == [16711109568314664440, 10626803019920569587, 16714958332219212104]


def test_hashes_of_lists_and_bytes_never_change() -> None:
    assert hashes([[1, 2], [2, 1], [], None], "list[int]", "l") == [
        *(10648350360745885905, 12127082007070464182, 10678992569316229198, 14377995517673336970)
    ]
    assert hashes([b"abc", None], "image", "i") == [13944450084953777496, 6130768703775429998]


def test_polars_frames() -> None:
    frame = pl.DataFrame(
        {
            "enum": pl.Series(["a", "b"], dtype=pl.Enum(["b", "a"])),
            "categories": pl.Series([["a"], ["b"]], dtype=pl.List(pl.Categorical)),
            "day": [MOMENT.date(), None],
            "zoned": pl.Series([MOMENT, None]).dt.replace_time_zone("Europe/Berlin"),
            "array": pl.Series([[1, 2], [3, 4]], dtype=pl.Array(pl.Int8, 2)),
            "struct": [{"a": 1, "b": [2.5]}, {"a": None, "b": []}],
            "image": [PNG, None],
        }
    )
    assert open_table(frame).to_arrow().to_pylist()[0] == {
        "enum": "a",
        "categories": ["a"],
        "day": datetime.datetime(2026, 1, 2),
        "zoned": datetime.datetime(2026, 1, 2, 2, 4, 5),
        "array": [1, 2],
        "struct.a": 1,
        "struct.b": [2.5],
        "image": PNG,
    }
    with pytest.raises(DataError, match=r"cannot be read as Arrow(.|\n)*a DataFrame"):
        open_table(pl.DataFrame({"x": pl.Series([1], dtype=pl.Int128)}))


def test_other_frames() -> None:
    duckdb = pytest.importorskip("duckdb")
    found = open_table(duckdb.sql("SELECT 1::DECIMAL(9, 2) AS x, [1, 2] AS l, uuid() AS u"))
    assert found.columns == {"x": "float", "l": "list[int]", "u": "string"}
    records = np.array([(1, 0.5, "a")], dtype=[("i", "i4"), ("f", "f8"), ("s", "U3")])
    assert open_table(records).to_arrow().to_pylist() == [{"i": 1, "f": 0.5, "s": "a"}]

    class Rows:
        def __arrow_c_array__(self, requested_schema: object = None) -> object:
            return pa.record_batch({"x": [[1]]}).__arrow_c_array__(requested_schema)

    assert open_table(Rows()).columns == {"x": "list[int]"}
    vectors = open_table({"x": np.ones((2, 3), np.float32)})
    assert vectors.columns == {"x": "list[float]"}


def test_each_type_has_an_arrow_type() -> None:
    assert set(ARROW_TYPES) == set(COLUMN_TYPES)
