"""The page of an evaluation in a real browser: pictures load, recordings play, tables sort."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import soundfile
from PIL import Image

from browser import Browser, needs_chromium
from tilth.evaluation import Scored, discover, evaluate, fairness_of
from tilth.evaluation.fairness import with_figures
from tilth.pipelines.evaluation_page import evaluation_page
from tilth.pipelines.report_sections import Looked
from tilth.pipelines.report_sections.mistakes import mistakes_of
from tilth.tables import open_table, write_table

pytestmark = [pytest.mark.slow, needs_chromium]


def picture(shade: int) -> bytes:
    file = io.BytesIO()
    Image.new("L", (28, 28), shade).save(file, "PNG")
    return file.getvalue()


def sound(pitch: float) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, 0.1 * np.sin(pitch * np.arange(4000)), 8000, format="WAV")
    return file.getvalue()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    random = np.random.default_rng(0)
    truth = random.random(400) < 0.5
    score = np.clip(0.5 + (truth - 0.5) * 0.6 + random.normal(0, 0.3, 400), 0, 1)
    data = {
        "y": np.where(truth, "yes", "no").tolist(),
        "said": np.where(score > 0.5, "yes", "no").tolist(),
        "p": score.tolist(),
        "sex": random.choice(["f", "m"], 400).tolist(),
        "a column with a very long name indeed " * 3: ["a long text without any end, " * 30] * 400,
        "image": pa.array([picture(at % 256) for at in range(400)], pa.large_binary()),
        "audio": pa.array([sound(0.1 + at / 1000) for at in range(400)], pa.large_binary()),
    }
    write_table(pa.table(data), folder / "data.parquet")
    table = open_table(folder / "data.parquet")
    found = evaluate(
        table, label="y", prediction="said", score="p", slices=[["sex"], ["ranges(p, 0.3, 0.7)"]]
    )
    fair = fairness_of(found, [["sex"]])
    rows = Scored.of(table, label="y", prediction="said", score="p").rows()
    document = {
        **with_figures(found, fair.metrics()).to_json(),
        "fairness": fair.to_json(),
        **discover(rows).to_json(),
    }
    path = folder / "page.html"
    looked = Looked(mistakes_of(rows, "dev"))
    path.write_text(evaluation_page(document, title="mine", looked=looked), encoding="utf-8")
    return path


def test_it_works_in_a_browser(page: Path, tmp_path: Path) -> None:
    with Browser(tmp_path / "profile") as browser:
        browser.open(page)
        assert browser.run("document.images.length") == 30
        browser.run("document.getElementById('mistakes').scrollIntoView()")
        browser.wait("[...document.images].slice(0, 3).every((image) => image.naturalWidth === 28)")
        browser.run("(() => { const a = document.querySelector('audio'); a.preload = 'auto'; a.load(); })()")
        browser.wait("Math.abs(document.querySelector('audio').duration - 0.5) < 0.01")

        names = "[...document.querySelectorAll('#slices ~ .wide tbody th')].map((each) => each.textContent)"
        before = browser.run(names)
        assert before[0] == "all rows"
        browser.click_on("#slices ~ .wide thead th:nth-child(2) button")
        after = browser.run(names)
        assert after[0] == "all rows"
        assert sorted(after) == sorted(before)
        lines = "[...document.querySelectorAll('#slices ~ .wide tbody tr')]"
        rows = browser.run(f"{lines}.map((each) => +each.cells[1].dataset.sort)")
        assert rows[1:] == sorted(rows[1:])

        for width in (1200, 400):
            browser.picture(tmp_path / f"{width}.png", width=width)
            wide = browser.run("document.documentElement.scrollWidth")
            assert wide <= width, wide
        assert browser.complaints == []


def test_it_is_dark_where_the_system_is(page: Path, tmp_path: Path) -> None:
    with Browser(tmp_path / "profile") as browser:
        browser.open(page)
        colors = []
        for scheme in ("light", "dark"):
            feature = {"name": "prefers-color-scheme", "value": scheme}
            browser.ask("Emulation.setEmulatedMedia", features=[feature])
            colors.append(browser.run("getComputedStyle(document.body).backgroundColor"))
        assert colors == ["rgb(255, 255, 255)", "rgb(20, 23, 27)"]
