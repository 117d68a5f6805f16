"""JSON lines."""

from __future__ import annotations

import datetime
import gzip
import math
from pathlib import Path

import pytest

from tilth.errors import DataError
from tilth.tables import Table, open_table
from tilth.tables.csv_kept import _Budget


def table_of(folder: Path, text: str | bytes, name: str = "t.jsonl", **options: object) -> Table:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return open_table(path, **options)  # type: ignore[arg-type]


def test_columns_are_found_over_the_whole_file(tmp_path: Path) -> None:
    table = table_of(
        tmp_path,
        '{"a": 1, "b": true}\n\n{"c": "x", "a": 2.5, "n": null}\n{"t": "2024-01-01T10:00:00Z"}\n',
    )
    assert table.columns == {"a": "float", "b": "bool", "c": "string", "n": "string", "t": "datetime"}
    assert table.empty == {"n"}
    assert table.rows == 3
    nothing = dict.fromkeys(table.columns)
    assert table.to_arrow().to_pylist() == [
        nothing | {"a": 1.0, "b": True},
        nothing | {"a": 2.5, "c": "x"},
        nothing | {"t": datetime.datetime(2024, 1, 1, 10)},
    ]


def test_texts_of_digits_stay_text(tmp_path: Path) -> None:
    assert table_of(tmp_path, '{"zip": "123", "flag": "true"}').columns == {"zip": "string", "flag": "string"}


def test_numbers_that_strict_json_does_not_have(tmp_path: Path) -> None:
    values = table_of(tmp_path, '{"x": NaN}\n{"x": -Infinity}\n{"x": 1e999}\n').to_arrow()["x"].to_pylist()
    assert math.isnan(values[0])
    assert values[1:] == [-math.inf, math.inf]


def test_gzip_and_byte_order_mark(tmp_path: Path) -> None:
    packed = gzip.compress(b'\xef\xbb\xbf{"x": 1}\n')
    assert table_of(tmp_path, packed, "t.ndjson.gz").to_arrow().to_pylist() == [{"x": 1}]
    with pytest.raises(DataError, match="damaged or cut short"):
        table_of(tmp_path, packed[:-9], "t.ndjson.gz")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"x": 1}\n{"x": \n', r"not JSON(.|\n)*line 2"),
        ('{"x": 1}\n[1]\n', r"not an object(.|\n)*line 2"),
        ('{"x": 1}\n{"x": "a"}\n', r"column 'x' holds \"a\" where it held type int(.|\n)*line 2"),
        ('{"x": true}\n{"x": 1}\n', r"column 'x' holds 1 where it held type bool"),
        ('{"x": [[1]]}\n', r"column 'x' holds \[\[1\]\](.|\n)*line 1"),
        ('{"x": [{"y": 1}]}\n', r"column 'x' holds \[\{"),
        ('{"x": [1]}\n{"x": 1}\n', r"column 'x' holds 1 where it held type list\[int\] before(.|\n)*line 2"),
        ('{"x": [1]}\n{"x": ["a"]}\n', r"column 'x' holds \[\"a\"\] where it held type list\[int\]"),
        ('{"x": {"y": 1}}\n{"x": 1}\n', r"column 'x' holds 1 where it held type object before(.|\n)*line 2"),
        ('{"x.y": 1, "x": {"y": 2}}\n', r"two values for 'x.y'(.|\n)*line 1"),
        ('{"x": "\\ud800"}\n', r"half a character(.|\n)*line 1"),
        ('{"x":' * 40 + "1" + "}" * 40 + "\n", r"nested more than 32 deep"),
        ('{"x":' * 9000 + "1" + "}" * 9000 + "\n", r"nested too deeply"),
        ('[\n{"x": 1},\n', r"not JSON(.|\n)*one JSON array"),
        ('{"x": ' + "9" * 5000 + "}\n", r"column 'x' holds 999|not JSON"),
        (b'{"x": 1}\n{"x": "\0"}\n', r"NUL byte at offset 16(.|\n)*line 2"),
        ('{"x": 1}\n{"x": {"y": 1}}\n', r"column 'x' holds \{"),
        ('{"x": 99999999999999999999}\n', r"column 'x' holds 99999999999999999999"),
        ("{}\n", "no columns"),
        ("\n", "no columns"),
        (b'{"x": "caf\xe9"}\n', r"not UTF-8: byte 0xe9 at offset 10"),
    ],
)
def test_what_does_not_go_is_named_with_its_line(tmp_path: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(DataError, match=words):
        table_of(tmp_path, text)


def test_lists_of_single_values_are_list_columns(tmp_path: Path) -> None:
    table = table_of(
        tmp_path,
        '{"n": [1, 2], "f": [1], "t": ["2024-01-01"], "s": [], "e": []}\n'
        '{"n": null, "f": [0.5, null], "t": [null, "2024-01-02T10:00:00Z"], "s": ["2024-01-01", "x"]}\n'
        '{"n": [], "b": [true]}\n',
    )
    assert table.columns == {
        "n": "list[int]",
        "f": "list[float]",
        "t": "list[datetime]",
        "s": "list[string]",
        "e": "list[string]",
        "b": "list[bool]",
    }
    day = datetime.datetime(2024, 1, 1)
    assert table.to_arrow().to_pydict() == {
        "n": [[1, 2], None, []],
        "f": [[1.0], [0.5, None], None],
        "t": [[day], [None, datetime.datetime(2024, 1, 2, 10)], None],
        "s": [[], ["2024-01-01", "x"], None],
        "e": [[], None, None],
        "b": [None, None, [True]],
    }
    assert table.empty == frozenset()


def test_objects_are_spread_over_columns(tmp_path: Path) -> None:
    table = table_of(
        tmp_path,
        '{"id": 1, "at": {"town": "Ulm", "geo": {"x": 1}}, "gone": {}}\n{"id": 2, "at": null}\n'
        '{"id": 3, "at": {"geo": {"x": 2.5}, "tags": ["a"]}}\n',
    )
    assert table.columns == {
        "id": "int",
        "at.town": "string",
        "at.geo.x": "float",
        "at.tags": "list[string]",
    }
    assert table.to_arrow().to_pylist()[2] == {"id": 3, "at.town": None, "at.geo.x": 2.5, "at.tags": ["a"]}
    assert table.notes == ("objects ('at', 'gone') are spread over columns such as 'at.town'",)


def test_lines_that_are_no_rows_are_counted_and_kept_aside(tmp_path: Path) -> None:
    text = '{"x": 1}\nnonsense\n[2]\n\n{"x": 3}\n"4"\n{"x"'
    with pytest.raises(DataError, match=r"not JSON(.|\n)*4 of 6 rows(.|\n)*lines 2, 3, 6, 7"):
        table_of(tmp_path, text)
    table = table_of(tmp_path, text, bad_rows=tmp_path / "bad.csv")
    assert table.to_arrow()["x"].to_pylist() == [1, 3]
    assert table.rows == 2
    assert table.notes == (
        f"4 of 6 rows cannot be read and are left out: they are in {tmp_path / 'bad.csv'}",
    )
    kept = open_table(tmp_path / "bad.csv").to_arrow().to_pylist()
    assert [row["line"] for row in kept] == [2, 3, 6, 7]
    assert [row["row"] for row in kept] == ["nonsense", "[2]", '"4"', '{"x"']


def test_other_encodings_are_said(tmp_path: Path) -> None:
    text = '{"x": "café"}\n'
    assert table_of(tmp_path, text.encode("utf-16")).to_arrow()["x"].to_pylist() == ["café"]
    latin = table_of(tmp_path, text.encode("latin-1"), encoding="latin-1")
    assert latin.to_arrow()["x"].to_pylist() == ["café"]


def test_rows_without_values_are_rows(tmp_path: Path) -> None:
    table = table_of(tmp_path, "{}\n" * 3 + '{"x": 1}\n')
    assert table.to_arrow()["x"].to_pylist() == [None, None, None, 1]
    lines = "{}\n" * 40_000 + '{"x": 1}\n'
    assert table_of(tmp_path, lines).to_arrow().num_rows == 40_001


def test_a_line_beyond_all_bounds_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tilth.tables.json_lines.LARGEST_ROW", 1 << 20)
    with pytest.raises(DataError, match=r"a line has more than(.|\n)*line 2"):
        table_of(tmp_path, '{"x": 1}\n{"x": "' + "y" * (3 << 20) + '"}\n')


def test_keys_that_are_values_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tilth.tables.json_columns._MOST", 100)
    with pytest.raises(DataError, match="more than 100 columns"):
        table_of(tmp_path, "".join(f'{{"key{n}": 1}}\n' for n in range(200)))


def test_reading_twice_gives_the_same_wherever_it_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [
        f'{{"n": {n if n < 6_000 else n / 2}, "l": [{n}], "o": {{"s": "{n}"}}}}\n' for n in range(12_000)
    ]
    table = table_of(tmp_path, "".join(lines))
    monkeypatch.setattr("tilth.tables.csv_kept._BUDGET", _Budget(100_000))
    spilled = open_table(tmp_path / "t.jsonl")
    monkeypatch.setattr("tilth.tables.csv_kept._SHARE_OF_DISK", 0)
    again = open_table(tmp_path / "t.jsonl")
    assert table.to_arrow() == spilled.to_arrow() == again.to_arrow()
    assert again.to_arrow()["n"].to_pylist() == [n if n < 6_000 else n / 2 for n in range(12_000)]
    assert again.select(["l"]).to_arrow() == table.to_arrow().select(["l"])
