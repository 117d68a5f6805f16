"""JSON lines."""

from __future__ import annotations

import datetime
import gzip
import math
from pathlib import Path

import pytest

from tilth.errors import DataError
from tilth.tables import Table, open_table


def table_of(folder: Path, text: str | bytes, name: str = "t.jsonl") -> Table:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return open_table(path)


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
        ('{"x": [1]}\n', r"column 'x' holds \[1\](.|\n)*line 1"),
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
