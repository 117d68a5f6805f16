"""The page of an embedding: it needs nothing else, nothing breaks out of it, and it stays small."""

from __future__ import annotations

import base64
import datetime
import gzip
import hashlib
import io
import json
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from tilth.errors import ColumnNotFoundError
from tilth.features.embedding import Embedding, embed, page

EVIL = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</script><!--",
    "{{ 7 * 7 }}",
    "line\nbreak",
    "\u202eright to left",
    "\u2028",
    "x" * 2000,
    "",
    "  ",
]


class Reader(HTMLParser):
    """The elements of a page, its scripts by their id, and all text elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: dict[str, str] = {}
        self.words: list[str] = []
        self._open: str | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = dict(attrs).get("id") or "own" if tag == "script" else tag

    def handle_endtag(self, _: str) -> None:
        self._open = None

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][0] == "script" and self._open:
            self.scripts[self._open] = data
        elif self._open != "style":
            self.words.append(data)


def unpacked(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(Reader(text).scripts["data"])))
    return found


def media(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(Reader(text).scripts["media"])
    return found


def values(text: str, name: str) -> dict[int, str | float | None]:
    """The shown values of a column by the rows' numbers."""
    data = unpacked(text)
    column = next(each for each in data["columns"] if each["n"] == name)
    if column["t"] == "value":
        shown = [None if code < 0 else column["v"][code] for code in column["c"]]
    else:
        shown = column["d"]
    return dict(zip(data["rows"], shown, strict=True))


def laid_out(**columns: Any) -> Embedding:
    n = len(next(iter(columns.values())))
    return embed({"x": [float(i * i) for i in range(n)], **columns}, columns=["x"])


def photo(level: int) -> bytes:
    file = io.BytesIO()
    Image.new("L", (200, 100), level).save(file, "PNG")
    return file.getvalue()


def test_it_takes_nothing_from_elsewhere_and_runs_no_other_script() -> None:
    text = laid_out(k=["a", "b", "c"]).html(title="Three")
    found = Reader(text)
    policy = next(attrs["content"] for tag, attrs in found.elements if attrs.get("http-equiv"))
    digest = base64.b64encode(hashlib.sha256(found.scripts["own"].encode()).digest()).decode()
    assert str(policy).split("; ") == [
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        f"script-src 'sha256-{digest}'",
        "img-src data:",
        "media-src data:",
    ]
    assert [attrs for _, attrs in found.elements if attrs.get("src") or attrs.get("href")] == []
    assert "http" not in re.sub(r"http-equiv", "", text.replace(found.scripts["data"], ""))
    assert not [name for _, attrs in found.elements for name in attrs if name.startswith("on")]


def test_nothing_breaks_out_of_it() -> None:
    columns: dict[str, Any] = {name: list(range(len(EVIL))) for name in EVIL if name.strip()}
    data = {"x": [float(i) for i in range(len(EVIL))], "evil": EVIL, **columns}
    found = embed(data, columns=["x"])
    text = found.html(title=EVIL[0] + EVIL[2], color="evil")
    read = Reader(text)
    assert not {tag for tag, _ in read.elements} & {"img", "u", "a", "iframe", "svg"}
    assert sum(tag == "script" for tag, _ in read.elements) == 3
    assert EVIL[0] + EVIL[2] in " ".join(read.words)
    shown = values(text, "evil")
    assert shown[0] == EVIL[0]  # it is text there, and the script puts it into the page as text
    assert [shown[n] for n in (4, 5, 6, 8, 9)] == ["line↵break", "␦right to left", "↵", "(empty)", "␣␣"]
    assert len(str(shown[7])) == 300


def test_the_names_of_features_and_columns_are_text() -> None:
    found = embed({"<u>": [1.0, 2.0, 4.0], "</script>": [3.0, 1.0, 1.0]}, columns=["<u>", "</script>"])
    text = found.html(title="Two")
    assert "<u>" not in text
    assert "mostly" in " ".join(Reader(text).words)
    assert sum(tag == "script" for tag, _ in Reader(text).elements) == 3


def test_values_of_every_kind() -> None:
    start = datetime.datetime(2024, 2, 29, 12, 30)
    data = {
        "x": pa.array([1.5, None, float("inf"), -2.0]),
        "whole": pa.array([1000, 2000, None, 4000]),
        "huge": pa.array([2**60, 2**60 + 1, None, 3]),
        "flag": pa.array([True, False, None, True]),
        "when": pa.array([start, None, start, start]),
        "items": pa.array([[1.0, 2.5], None, [], [0.0] * 20]),
        "word": pa.array(["b", "a", "a", None]),
    }
    text = embed(pa.table({"y": [1, 2, 4, 9], **data}), columns=["y"]).html(title="Kinds")
    assert values(text, "x") == {0: 1.5, 1: None, 2: "∞", 3: -2.0}
    assert values(text, "whole") == {0: "1000", 1: "2000", 2: None, 3: "4000"}
    assert values(text, "huge") == {0: str(2**60), 1: str(2**60 + 1), 2: None, 3: "3"}
    assert values(text, "flag") == {0: "true", 1: "false", 2: None, 3: "true"}
    assert values(text, "when")[0] == start.replace(tzinfo=datetime.UTC).timestamp() * 1000
    assert values(text, "items")[0] == "1, 2.5"
    assert str(values(text, "items")[3]).endswith("... (20 items)")
    columns = {column["n"]: column for column in unpacked(text)["columns"]}
    assert columns["word"]["v"] == ["a", "b"]  # the most frequent first
    assert columns["flag"]["v"] == ["false", "true"]


def test_whole_numbers_of_many_values_are_a_scale() -> None:
    text = laid_out(n=list(range(21)), few=[n % 20 for n in range(21)]).html(title="Scales")
    kinds = {column["n"]: column["t"] for column in unpacked(text)["columns"]}
    assert kinds == {"x": "number", "n": "number", "few": "value"}


def test_predictions_are_compared_with_labels() -> None:
    data = {"x": [1.0, 2.0, 4.0, 8.0], "y": [1, 0, None, 1], "said": [1.0, 1.0, 0.0, None]}
    text = embed(data, label="y", prediction="said").html(title="Errors")
    assert values(text, "error") == {0: "right", 1: "wrong", 2: None, 3: None}
    assert [column["n"] for column in unpacked(text)["columns"]] == ["y", "said", "error", "x"]
    measured = {"x": [1.0, 2.0, 4.0], "y": [1.5, 2.5, 3.0], "said": [1.0, 2.75, 3.0]}
    text = embed(measured, label="y", prediction="said").html(title="Errors")
    assert values(text, "error") == {0: -0.5, 1: 0.25, 2: 0.0}


def test_the_first_color_is_that_asked_for_then_the_label() -> None:
    data = {"x": [1.0, 2.0, 4.0], "y": [0, 1, 1], "k": ["a", "b", "b"]}
    found = embed(data, label="y")
    assert [(unpacked(t)["columns"][0]["n"]) for t in (found.html(), found.html(color="k"))] == ["y", "k"]
    assert unpacked(found.html())["colored"]
    assert not unpacked(embed(data).html())["colored"]
    with pytest.raises(ColumnNotFoundError, match="no column 'j'"):
        found.html(color="j")


def test_the_same_rows_give_the_same_page_but_for_their_numbers() -> None:
    data = pa.table({"x": np.arange(50.0) ** 2, "k": [f"v{n % 7}" for n in range(50)]})
    order = np.random.default_rng(5).permutation(50)
    texts = [embed(each, method=["pca", "tsne"]).html() for each in (data, data, data.take(pa.array(order)))]
    assert texts[0] == texts[1]
    first, shuffled = unpacked(texts[0]), unpacked(texts[2])
    assert order[shuffled.pop("rows")].tolist() == first.pop("rows")
    assert first == shuffled


def test_points_are_drawn_in_one_unit_upwards() -> None:
    found = embed({"e": [[0.0, 0.0], [4.0, 0.0], [4.0, 1.0], [8.0, 1.0]]}, columns=["e"])
    data = unpacked(found.html())
    drawn = dict(zip(data["rows"], np.reshape(data["points"][0], (-1, 2)), strict=True))
    across = np.array([drawn[row] for row in range(4)]) * (1, -1)
    expected = found.points - found.points[0]
    scale = 65_535 / np.ptp(found.points, axis=0).max()
    assert across - across[0] == pytest.approx(expected * scale, abs=1.5)


def test_values_beyond_the_bound_are_left_out_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "_BYTES", 800)
    noise = np.random.default_rng(6).normal(size=(2, 60))
    text = laid_out(y=[n % 2 for n in range(60)], noise=noise[0], more=noise[1]).html(color="y")
    assert [column["n"] for column in unpacked(text)["columns"]] == ["y", "x"]
    assert "The page would be too large with the values of noise, more." in " ".join(Reader(text).words)


def test_thumbnails_are_small_and_those_that_fit_are_a_fixed_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    data = pa.table({"x": np.arange(40.0) ** 2, "photo": [photo(n * 6) for n in range(40)]})
    text = embed(data).html()
    shown = media(text)[0]["d"]
    assert all(address.startswith("data:image/webp;base64,") for address in shown)
    small = Image.open(io.BytesIO(base64.b64decode(shown[0].partition(",")[2])))
    assert small.size == (112, 56)
    monkeypatch.setattr(page, "_MEDIA_BYTES", sum(map(len, shown[:12])))
    order = np.random.default_rng(7).permutation(40)
    for each in (data, data.take(pa.array(order))):
        text = embed(each).html()
        assert media(text)[0]["d"] == [*shown[:12], *[""] * 28]
        assert "Only 12 of the 40 cells of 'photo' are on the page." in " ".join(Reader(text).words)


def test_a_sample_is_said() -> None:
    text = embed({"x": list(range(100))}, columns=["x"], points=10).html()
    words = " ".join(Reader(text).words)
    assert "10 of 100 rows" in words
    assert "The points are a random sample of 10 of 100 rows." in words
    assert len(unpacked(text)["rows"]) == 10
