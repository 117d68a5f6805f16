"""`tilth embed`: the page and the JSON it writes, and what it says where it cannot."""

from __future__ import annotations

import base64
import gzip
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

Ask = Callable[..., tuple[int, str, str]]

ROWS = "age,plan,id,churned,said\n" + "".join(
    f"{20 + n * n % 37},{['pro', 'free', 'team'][n % 3]},c-{n:04},{n % 2},{int(n % 4 == 0)}\n"
    for n in range(40)
)


@pytest.fixture
def customers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = Path("customers.csv")
    path.write_text(ROWS)
    return path


def test_a_page_is_written(customers: Path, ask: Ask) -> None:
    status, out, err = ask("embed", customers, "--label", "churned", "--prediction", "said")
    assert (status, out) == (0, "")
    assert "the page is in embedding.html" in err
    assert "left out, for they are keys, constants or free texts: id" in err
    page = Path("embedding.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "customers.csv" in page


def test_json_is_one_document_and_needs_no_page(customers: Path, ask: Ask) -> None:
    status, out, _ = ask(
        "embed", customers, "--json", "--method", "tsne", "--method", "pca", "--points", "30"
    )
    document: dict[str, Any] = json.loads(out)
    assert status == 0
    assert (document["rows"], document["points"], len(document["row"])) == (40, 30, 30)
    assert list(document["methods"]) == ["tsne", "pca"]
    assert np.shape(document["methods"]["tsne"]["points"]) == (30, 2)
    assert not Path("embedding.html").exists()


def test_both_page_and_json(customers: Path, ask: Ask) -> None:
    status, out, _ = ask(
        "embed", customers, "--json", "-o", "here.html", "--columns", "age", "--column", "churned"
    )
    assert status == 0
    assert json.loads(out)["embedded"] == "age, churned"
    assert Path("here.html").stat().st_size > 5_000


def test_several_data_are_told_apart(customers: Path, ask: Ask) -> None:
    Path("served.csv").write_text(ROWS.replace("churned", "other").replace("c-", "d-"))
    status, out, _ = ask("embed", customers, "served.csv", "--json", "-o", "both.html")
    assert status == 0
    document = json.loads(out)
    assert document["rows"] == 80
    assert "tilth.source" not in document["embedded"] + "".join(document["notes"])
    packed = re.search(r"id=data>([^<]+)<", Path("both.html").read_text())
    assert packed is not None
    first = json.loads(gzip.decompress(base64.b64decode(packed[1])))["columns"][0]
    assert (first["n"], first["v"]) == ("tilth.source", ["customers.csv", "served.csv"])
    assert ask("embed", customers, customers)[0] == 2


def test_the_features_of_a_file(customers: Path, ask: Ask) -> None:
    Path("features.py").write_text(
        'def features(x):\n    return {"a": x["age"] * x["age"], "b": x["said"]}\n'
    )
    status, out, _ = ask("embed", customers, "--features", "features.py", "--json")
    assert status == 0
    assert json.loads(out)["embedded"] == "2 features of 2 columns"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--label", "churn"], "did you mean 'churned'"),
        (["--prediction", "sayd"], "did you mean 'said'"),
        (["--color", "plans"], "did you mean 'plan'"),
        (["--column", "plan"], "name that with --features"),
        (["--method", "tnse"], "tsne"),
        (["--points", "1"], "points is 1"),
        (["--perplexity", "0"], "perplexity is 0"),
        (["--features", "nowhere.py"], "nowhere.py"),
        (["--features", "bad.py"], "bad.py, line 2"),
        (["-o", "customers.csv"], "writing there would destroy it"),
        (["-o", "no/page.html"], "the folder 'no' is not there"),
    ],
)
def test_mistakes_are_told_and_nothing_is_written(
    customers: Path, ask: Ask, arguments: list[str], words: str
) -> None:
    Path("bad.py").write_text('def features(x):\n    return {"a": x["aeg"]}\n')
    before = set(Path().iterdir())
    status, out, err = ask("embed", customers, *arguments)
    assert (status, out) == (2, "")
    assert words in err
    assert "Traceback" not in err
    assert set(Path().iterdir()) == before
    assert customers.read_text() == ROWS


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x\n1\n", "there is one row"),
        ("x\n", "there are no rows"),
        ("x,y\n1,1\n1,1\n", "no column can be turned into numbers"),
        ("note\n" + "".join(f"called {n} times about it\n" for n in range(30)), "write a features.py"),
    ],
)
def test_data_without_a_picture(customers: Path, ask: Ask, text: str, words: str) -> None:
    Path("few.csv").write_text(text)
    status, _, err = ask("embed", "few.csv")
    assert status == 2
    assert words in err
    assert not Path("embedding.html").exists()


def test_umap_that_is_not_installed(customers: Path, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    status, _, err = ask("embed", customers, "--method", "umap")
    assert status == 2
    assert "pip install 'tilth[umap]'" in err


def test_a_folder_of_images(tmp_path: Path, ask: Ask) -> None:
    for name, level in (("dark", 20), ("light", 220)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for n in range(4):
            Image.new("L", (30, 30), level + n).save(tmp_path / "photos" / name / f"{n}.png")
    page = tmp_path / "photos.html"
    status, out, _ = ask("embed", tmp_path / "photos", "--label", "label", "-o", page, "--json")
    assert status == 0
    document = json.loads(out)
    first = [x for x, _ in document["methods"]["pca"]["points"]]
    assert document["embedded"] == "pixels of image"
    assert max(first[:4]) < min(first[4:]) or min(first[:4]) > max(first[4:])
    assert page.read_text().count("data:image/webp") == 8


@pytest.mark.slow
def test_a_digit_lies_among_its_like(shared_data: Callable[[str], Path], tmp_path: Path, ask: Ask) -> None:
    found = np.load(shared_data("mnist-1000/mnist_1000.npz"))
    for number, (pixels, digit) in enumerate(zip(found["images"], found["labels"], strict=True)):
        folder = tmp_path / "digits" / str(digit)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    status, out, _ = ask("embed", tmp_path / "digits", "--label", "label", "--method", "tsne", "--json")
    assert status == 0
    points = np.array(json.loads(out)["methods"]["tsne"]["points"])
    digits = np.repeat(np.arange(10), np.bincount(found["labels"]))
    far = np.square(points[:, None] - points[None]).sum(axis=2)
    np.fill_diagonal(far, np.inf)
    assert (digits[far.argmin(axis=1)] == digits).mean() > 0.85


@pytest.mark.slow
def test_an_interruption_leaves_nothing_half_written(
    customers: Path, interrupted: Callable[..., bytes]
) -> None:
    Path("many.csv").write_text("x,y\n" + "".join(f"{n % 97},{n * n % 1009}\n" for n in range(6000)))
    code = "from tilth.cli import main; print(1, flush=True); main(['embed', 'many.csv', '--method', 'tsne'])"
    said = interrupted(code, 4.0)
    assert b"interrupted; nothing is left half-written" in said
    assert b"Traceback" not in said
    assert sorted(path.name for path in Path().iterdir()) == ["customers.csv", "many.csv"]
