"""`tilth evaluate --html`: one file for anyone's scored table, and for a registered model."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import soundfile
from PIL import Image

from project_factory import hurried_project, write_customers
from tilth.tables import write_table

Ask = Callable[..., tuple[int, str, str]]


class Seen(HTMLParser):
    """The tags of a page, the ids of its headings, and what it would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "srcset"):
                self.addresses.append(value or "")
            if name == "id" and tag == "h2":
                self.ids.append(value or "")


def write_scored(path: Path, rows: int = 300) -> Path:
    random = np.random.default_rng(0)
    lines = ["y,said,before,p,sex,city,<b>note"]
    for at in range(rows):
        truth = random.random() < 0.4
        p = float(np.clip(0.3 + 0.4 * truth + random.normal(0, 0.2), 0.01, 0.99))
        sex, city = random.choice(["f", "m"]), random.choice(["x", "z"])
        before = random.choice(["no", "yes"])
        cells = ["yes" if truth else "no", "yes" if p > 0.5 else "no", before, f"{p:.4f}", sex, city]
        lines.append(",".join([*cells, "<script>alert(1)</script>" if at % 2 else "plain"]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_anyones_scored_file_becomes_a_page(tmp_path: Path, ask: Ask) -> None:
    data = write_scored(tmp_path / "s.csv")
    out = tmp_path / "e.html"
    asked = ("evaluate", data, "--label", "y", "--prediction", "said", "--score", "p", "--slice", "sex")
    more = ("--protected", "sex", "--discover", "--against", "before")
    status, told, err = ask(*asked, *more, "--html", out)
    assert status == 0, err
    assert "e.html" in err
    assert told.startswith("binary, 300 rows")
    text = out.read_text(encoding="utf-8")
    page = Seen(text)
    ids = ["metrics", "versus", "confusion", "curves", "slices", "discovered", "fairness", "mistakes"]
    assert page.ids == ids
    assert page.addresses == [f"#{each}" for each in ids]
    assert page.tags.count("script") == 1
    assert "&lt;script&gt;alert(1)" in text
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text
    assert ask(*asked, *more, "--html", tmp_path / "again.html")[0] == 0
    assert (tmp_path / "again.html").read_bytes() == out.read_bytes()


def test_hidden_columns_leave_no_trace(tmp_path: Path, ask: Ask) -> None:
    data = write_scored(tmp_path / "s.csv")
    asked = ("evaluate", data, "--label", "y", "--prediction", "said", "--html", tmp_path / "e.html")
    assert ask(*asked, "--hide", "<b>note")[0] == 0
    text = (tmp_path / "e.html").read_text(encoding="utf-8")
    assert "alert" not in text
    assert "Not shown: <bdi>&lt;b&gt;note</bdi>" in text
    status, _, err = ask(*asked, "--hide", "nota")
    assert status == 2
    assert "no column 'nota'" in err


def test_what_would_destroy_or_do_nothing_is_refused(tmp_path: Path, ask: Ask) -> None:
    data = write_scored(tmp_path / "s.csv", 20)
    asked = ("evaluate", data, "--label", "y", "--prediction", "said")
    status, _, err = ask(*asked, "--html", data)
    assert status == 2
    assert "this is what is read" in err
    status, _, err = ask(*asked, "--hide", "sex")
    assert status == 2
    assert "add --html FILE" in err


@pytest.mark.parametrize(
    ("data", "flags"),
    [
        ({"y": [1.5, 2.0, 3.5, 4.0], "p": [1.0, 2.0, 3.0, 9.0]}, ()),
        ({"y": ["a", "b", "c", "a"], "p": ["a", "b", "b", "c"]}, ("--slice", "y")),
        ({"y": ["a;b", "a", "b", "b"], "p": ["a", "a", "a;b", "b"]}, ("--separator", ";")),
        ({"y": [1, 0, 2, 0], "p": [0.5, 0.1, 0.9, 0.7], "q": ["s", "s", "t", "t"]}, ("--group", "q")),
        ({"y": ["no", "no", "no", "yes"], "p": ["no", "no", "no", "no"]}, ()),
    ],
)
def test_every_task_has_a_page(
    data: dict[str, list[object]], flags: tuple[str, ...], tmp_path: Path, ask: Ask
) -> None:
    write_table(pa.table(data), tmp_path / "t.parquet")
    asked = ("evaluate", tmp_path / "t.parquet", "--label", "y", "--prediction", "p", *flags)
    status, _, err = ask(*asked, "--html", tmp_path / "e.html")
    assert status == 0, err
    page = Seen((tmp_path / "e.html").read_text(encoding="utf-8"))
    assert "metrics" in page.ids
    assert ("mistakes" in page.ids) is ("--group" not in flags)


def test_pictures_are_shown_and_recordings_played(tmp_path: Path, ask: Ask) -> None:
    picture, sound = io.BytesIO(), io.BytesIO()
    Image.new("L", (28, 28), 90).save(picture, "PNG")
    soundfile.write(sound, np.zeros(400), 8000, format="WAV")
    data = {
        "y": ["a", "b", "a"],
        "p": ["b", "b", "b"],
        "image": pa.array([picture.getvalue(), None, b"\x89PNG\r\n\x1a\n damaged"], pa.large_binary()),
        "audio": pa.array([sound.getvalue()] * 3, pa.large_binary()),
    }
    write_table(pa.table(data), tmp_path / "t.parquet")
    asked = ("evaluate", tmp_path / "t.parquet", "--label", "y", "--prediction", "p")
    assert ask(*asked, "--html", tmp_path / "e.html")[0] == 0
    text = (tmp_path / "e.html").read_text(encoding="utf-8")
    page = Seen(text)
    assert (page.tags.count("img"), page.tags.count("audio")) == (1, 2)
    loaded = [address.partition(";")[0] for address in page.addresses if not address.startswith("#")]
    assert sorted(loaded) == ["data:audio/wav", "data:audio/wav", "data:image/webp"]
    assert "image cannot be read" in text
    assert re.search(r"img-src data:; media-src data:", text)


def test_a_registered_model_has_a_page_with_and_without_data(tmp_path: Path, ask: Ask) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    hurried_project(folder)
    assert ask("run", "--dir", folder)[0] == 0
    data = write_customers(tmp_path / "new.csv", 200, seed=9)
    asked = ("evaluate", data, "--model", "champion", "--dir", folder, "--html", tmp_path / "with.html")
    assert ask(*asked)[0] == 0
    page = Seen((tmp_path / "with.html").read_text(encoding="utf-8"))
    assert {"confusion", "curves", "mistakes"} <= set(page.ids)
    asked = ("evaluate", "--model", "champion", "--dir", folder, "--html", tmp_path / "without.html")
    assert ask(*asked)[0] == 0
    text = (tmp_path / "without.html").read_text(encoding="utf-8")
    assert "mistakes" not in Seen(text).ids
    assert "see tilth report" in text
    for name in ("tilth.toml", "customers.csv"):
        before = (folder / name).read_bytes()
        status, _, told = ask("evaluate", "--model", "champion", "--dir", folder, "--html", folder / name)
        assert (status, "writing there would destroy it" in told) == (2, True)
        assert (folder / name).read_bytes() == before


def test_words_alone_make_no_page(tmp_path: Path, ask: Ask) -> None:
    data = write_scored(tmp_path / "s.csv", 20)
    (tmp_path / "rude.txt").write_text("darn\n", encoding="utf-8")
    asked = ("evaluate", data, "--never", tmp_path / "rude.txt", "--output", "<b>note")
    status, _, err = ask(*asked, "--html", tmp_path / "e.html")
    assert status == 2
    assert "words alone make no page" in err
