from __future__ import annotations

import io
import json
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tilth.profiles import Profile, profile, profile_batches
from tilth.types import ColumnType

TYPES: dict[str, ColumnType] = {"n": "list[float]", "s": "list[string]", "i": "list[int]"}
ARROW = pa.schema([("n", pa.list_(pa.float64())), ("s", pa.list_(pa.string())), ("i", pa.list_(pa.int64()))])
row = st.fixed_dictionaries(
    {
        "n": st.none() | st.lists(st.none() | st.floats(), max_size=3),
        "s": st.none() | st.lists(st.none() | st.sampled_from(["", "a", "b c"]), max_size=3),
        "i": st.none() | st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), max_size=3),
    }
)
tables = st.lists(row, max_size=12)


def profile_of(rows: list[dict[str, Any]], step: int = 100) -> Profile:
    batches = pa.Table.from_pylist(rows, schema=ARROW).to_batches(max_chunksize=step)
    return profile_batches(batches, TYPES)


@settings(max_examples=40)
@given(tables, tables)
def test_lists_merge_and_ignore_order(a: Any, b: Any) -> None:
    whole = profile_of(a + b)
    assert profile_of(b) + profile_of(a) == whole
    assert profile_of((a + b)[::-1], step=2).to_json() == whole.to_json()
    assert Profile.from_json(whole.to_json()).to_json() == whole.to_json()


@settings(max_examples=40)
@given(tables)
def test_items_are_profiled_as_a_column_of_their_own(rows: Any) -> None:
    found = profile_of(rows)
    for name, kind in TYPES.items():
        lists = [each[name] for each in rows if each[name] is not None]
        flat = pa.array([item for items in lists for item in items], ARROW.field(name).type.value_type)
        column, items = found[name], found[name].items
        assert (column.count, column.missing) == (len(lists), len(rows) - len(lists))
        assert column.distinct == len({repr([_plain(item) for item in items]) for items in lists})
        plain = profile_batches([pa.record_batch({name: flat})], {name: kind[5:-1]})  # type: ignore[dict-item]
        assert items == plain[name]
        assert column.lengths is not None
        assert column.lengths.high == max((len(items) for items in lists), default=None)


def _plain(item: Any) -> Any:
    return 0.0 if item == 0 else "nan" if isinstance(item, float) and math.isnan(item) else item


def test_lists_in_json() -> None:
    data = {"l": [["a", "b"], [], None, ["a", None]]}
    column: Any = profile(data).to_dict()["columns"]["l"]  # type: ignore[index,call-overload]
    assert (column["type"], column["count"], column["missing"], column["distinct"]) == ("list", 3, 1, 3)
    assert column["length"] == {
        "min": 0, "max": 2, "mean": 4 / 3, "bytes": None, "tokens": None, "characters": None, "empty": 1,
    }  # fmt: skip
    assert (column["items"]["type"], column["items"]["missing"]) == ("string", 1)
    assert column["items"]["top"] == [["a", 2], ["b", 1]]
    assert column["top"] == []


def test_equal_rows_of_lists_are_counted() -> None:
    assert profile({"l": [[1, 2], [2, 1], [1, 2], None, []]}).duplicate_rows == 1


def photo(level: int) -> bytes:
    file = io.BytesIO()
    Image.new("L", (4, 6), level).save(file, "PNG")
    return file.getvalue()


def clip(level: float) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.full(800, level), 8000, format="WAV")
    return file.getvalue()


def test_media_bring_their_statistics(tmp_path: Any) -> None:
    from tilth.tables import open_table

    photos = [photo(0), photo(255), photo(0), None, b"broken"]
    data = open_table({"photo": photos, "clip": [clip(0.5)] * 5}, types={"photo": "image", "clip": "audio"})
    found = profile(data)
    column = found["photo"]
    assert (column.count, column.missing, column.distinct, column.top()) == (4, 1, 3, [])
    assert column.byte_lengths is not None
    assert column.byte_lengths.low == len(b"broken")
    assert column.lengths is None
    assert found["photo.readable"].counts() == {"false": 1, "true": 3}
    assert (found["photo.width"].max, found["photo.height"].max) == (4, 6)
    assert found["clip.duration"].mean == pytest.approx(0.1)
    assert found["clip"].is_constant
    shown: Any = json.loads(found.to_json())["columns"]["photo"]
    assert (shown["type"], shown["length"]["min"], shown["items"]) == ("image", 6, None)
    assert Profile.from_json(found.to_json()) == found
