"""Leakage: what parts share is counted; what they do not share is not."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tilth.errors import ColumnNotFoundError, UsageError
from tilth.tables import PARTS, SplitPlan, Table, open_table, split
from tilth.validation import leakage
from tilth.validation.near_pairs import near_pairs

words = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=30, unique=True)


@given(words, words, st.integers(0, 6))
def test_near_pairs_are_all_near_pairs(first: list[int], second: list[int], distance: int) -> None:
    second = [*second, *(word ^ 0b1011 for word in first[:5])]
    found = set()
    for i, j in near_pairs(np.array(first, np.uint64), np.array(second, np.uint64), distance):
        found |= set(zip(i.tolist(), j.tolist(), strict=True))
    expected = {
        (i, j)
        for i, one in enumerate(first)
        for j, other in enumerate(second)
        if (one ^ other).bit_count() <= distance
    }
    assert found == expected


def test_a_hundred_thousand_hashes_need_few_comparisons() -> None:
    rng = np.random.default_rng(0)
    first = rng.integers(0, 2**63, 90_000, dtype=np.uint64)
    second = np.append(rng.integers(0, 2**63, 10_000, dtype=np.uint64), first[:3] ^ np.uint64(0b101))
    compared, found = 0, set()
    for i, j in near_pairs(first, second, 2):
        compared += len(i)
        found |= set(zip(i.tolist(), j.tolist(), strict=True))
    assert found == {(0, 10_000), (1, 10_001), (2, 10_002)}
    assert compared < 20


def parts(**tables: Any) -> dict[str, Any]:
    return tables


def test_rows_and_keys_in_several_parts() -> None:
    train = {"p": ["a", "b", "b", None], "x": [1.0, 2.0, 3.0, None]}
    dev = {"p": ["c", None], "x": [2.0, None]}
    test = {"p": ["b", "a", "d"], "x": [3.0, 9.0, 3.0]}
    found = leakage(parts(train=train, dev=dev, test=test), keys=["p"])
    rows, keys = found.overlaps[:3], found.overlaps[3:]
    assert [(o.parts, o.values, o.rows, o.examples) for o in rows] == [
        (("train", "dev"), 1, (1, 1), ((4, 2),)),  # the empty rows are equal
        (("train", "test"), 1, (1, 1), ((3, 1),)),
        (("dev", "test"), 0, (0, 0), ()),
    ]
    assert [(o.parts, o.values, o.rows) for o in keys] == [
        (("train", "dev"), 0, (0, 0)),  # a missing key is no key
        (("train", "test"), 2, (3, 2)),
        (("dev", "test"), 0, (0, 0)),
    ]
    assert dict(zip(keys[1].keys, keys[1].examples, strict=True)) == {"a": (1, 2), "b": (2, 1)}
    assert found.total == 4
    document = json.loads(json.dumps(found.to_json()))
    assert document["rows"] == {"train": 4, "dev": 2, "test": 3}
    assert document["overlaps"][4]["kind"] == "key"
    assert "! 2 values of 'p' in train (3 rows) and test (2 rows): 'a' (row 1 and row 2)" in found.report()


def test_clean_parts_have_no_leak() -> None:
    table = open_table({"patient": [i % 40 for i in range(400)], "x": list(range(400))})
    dealt = np.array(split(table, SplitPlan("group", columns=("patient",))).to_pylist())
    found = leakage({part: table.filter(dealt == part) for part in PARTS}, keys=["patient"])
    assert found.total == 0
    assert found.report().endswith("no leak: looked for equal rows, values of 'patient'")
    at_random = np.array(split(table, SplitPlan("random")).to_pylist())
    assert leakage({part: table.filter(at_random == part) for part in PARTS}, keys=["patient"]).total > 40


def test_rows_that_repeat_by_nature_are_no_leak() -> None:
    table = open_table({"sex": ["f", "m"] * 100, "y": [True, False, True, True] * 50})
    dealt = np.array(split(table, SplitPlan("random")).to_pylist())
    found = leakage({part: table.filter(dealt == part) for part in PARTS})
    assert found.total == 0
    assert found.overlaps[0].values > 0
    copied = {"x": list(range(100))}
    assert leakage({"train": copied, "test": copied}).total == 100
    assert "this is no leak" in found.report()


def test_what_tilth_added_and_what_a_part_lacks_is_not_compared() -> None:
    train = {"x": [1, 2, 3], "y": [0, 1, 0], "tilth.source": ["data"] * 3}
    serving = {"x": [3, 4, 5], "tilth.source": ["feedback"] * 3}
    assert leakage({"train": train, "serving": serving}).total == 1
    with pytest.raises(UsageError, match="no column in common"):
        leakage({"a": {"x": [1]}, "b": {"y": [1]}})
    with pytest.raises(ColumnNotFoundError, match="no column 'z'"):
        leakage({"a": {"x": [1]}, "b": {"x": [1]}}, keys=["z"])
    with pytest.raises(UsageError, match="1 parts"):
        leakage({"a": {"x": [1]}})


def picture(values: npt.NDArray[np.uint8], form: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(values).save(file, form, **options)
    return file.getvalue()


def photos(contents: list[bytes | None]) -> Table:
    return open_table(
        {"path": [f"{i}.png" for i in range(len(contents))], "photo": pa.array(contents, pa.large_binary())},
        types={"photo": "image"},
    )


def smooth(seed: int) -> npt.NDArray[np.uint8]:
    small = np.random.default_rng(seed).integers(0, 255, (6, 6), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((96, 96), Image.Resampling.BICUBIC))


def test_copies_of_images_and_images_that_look_alike() -> None:
    train = photos([picture(smooth(i)) for i in range(30)] + [None, b"broken"])
    test = photos(
        [picture(smooth(i)) for i in range(100, 120)]
        + [picture(smooth(3))]  # a copy
        + [picture(smooth(5), "JPEG", quality=90), picture(smooth(7), "JPEG", quality=95)]  # alike
        + [None, b"broken"]
    )
    found = {o.kind: o for o in leakage({"train": train, "test": test}).overlaps}
    assert found["row"].values == 0  # the paths differ
    assert found["copy"].values == 2  # the damaged file is a copy too
    assert (4, 21) in found["copy"].examples
    assert found["near_copy"].examples == ((6, 22), (8, 23))
    assert (found["near_copy"].values, found["near_copy"].rows) == (2, (2, 2))


def test_copies_among_real_digits(shared_data: Any) -> None:
    digits = np.load(shared_data("mnist-1000/mnist_1000.npz"))
    images = digits[next(name for name in digits.files if digits[name].ndim >= 3)][:200].reshape(200, 28, 28)
    encoded = [picture(image.astype(np.uint8)) for image in images]
    found = {o.kind: o for o in leakage({"a": photos(encoded[:120]), "b": photos(encoded[110:])}).overlaps}
    assert (found["copy"].values, found["copy"].rows) == (10, (10, 10))
    assert found["near_copy"].values <= 2


def test_recordings_are_compared_by_their_bytes() -> None:
    clips = open_table({"clip": pa.array([b"RIFF1", b"RIFF2"], pa.large_binary())}, types={"clip": "audio"})
    found = leakage({"a": clips, "b": clips}).overlaps
    assert [o.kind for o in found] == ["row", "copy"]
    assert found[1].values == 2
