"""The page of an embedding in a real browser: points are drawn, clicked, hidden, and reached by keys."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from browser import Browser, needs_chromium
from tilth.features.embedding import embed

pytestmark = [pytest.mark.slow, needs_chromium]


def picture(value: int) -> bytes:
    file = io.BytesIO()
    Image.new("L", (20, 10), value).save(file, "PNG")
    return file.getvalue()


def sound(hertz: float) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.sin(hertz * np.arange(4000) * 2 * np.pi / 8000), 8000, format="WAV")
    return file.getvalue()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Callable[..., Browser]]:
    """Starts Chromium on the page of an embedding: six points in two rows, each with image and sound."""
    places = {"x": [0.0, 1, 2, 0, 1, 2], "y": [0.0, 0, 0, 1, 1, 1]}
    data = {
        **places,
        "kind": ["a", "a", "a", "b", "b", None],
        "said": ["a", "b", "a", "b", "b", "a"],
        "amount": [1.5, 2.5, None, 4, 5, 6],
        "photo": [picture(40 * n) for n in range(6)],
        "clip": [sound(400.0 + n) for n in range(6)],
        "text": ["<b>bold</b>", "two\nlines", "", "  ", "\u202eright", "x" * 900],
    }
    found = embed(
        data, columns=["x", "y"], label="kind", prediction="said", method=["pca", "tsne"], perplexity=2
    )
    page = tmp_path / "page.html"
    page.write_text(found.html(title="Six"), encoding="utf-8")
    started: list[Browser] = []

    def start(fragment: str = "") -> Browser:
        made = Browser(tmp_path / f"profile{len(started)}")
        started.append(made)
        made.open(page, fragment)
        return made

    yield start
    for each in started:
        each.__exit__(None, None, None)


def places(browser: Browser) -> list[tuple[float, float]]:
    """Where in the window points are: the middles of the colored spots of the canvas."""
    from scipy.ndimage import center_of_mass, label

    pixels = browser.pixels().astype(int)
    spots, count = label(np.abs(pixels - pixels[1, 1]).sum(axis=2) > 60, np.ones((3, 3)))
    box = browser.run("(({x, y}) => [x, y])(document.getElementById('points').getBoundingClientRect())")
    middles = center_of_mass(np.ones_like(spots), spots, range(1, count + 1))
    return [(box[0] + 1 + x, box[1] + 1 + y) for y, x in middles]


def example(browser: Browser) -> str:
    return str(browser.run("document.getElementById('example').innerText"))


def test_a_click_shows_the_example(browser: Callable[..., Browser]) -> None:
    page = browser()
    spots = places(page)
    assert len(spots) == 6
    seen = set()
    for x, y in spots:
        page.click(x, y)
        shown = example(page)
        seen.add(shown.split("\n")[0])
        assert page.run("document.querySelector('#example img').naturalWidth") in (0, 20)
        page.wait("document.querySelector('#example img').naturalWidth === 20")
        page.wait("document.querySelector('#example audio').duration > 0.4")
    assert seen == {f"Row {n}" for n in range(1, 7)}
    assert page.run("document.querySelectorAll('#example b').length") == 0
    page.click(spots[0][0] + 60, spots[0][1] + 60)
    assert "Click a point" in example(page)
    assert page.complaints == []


def test_the_legend_hides_and_shows(browser: Callable[..., Browser]) -> None:
    page = browser()
    press = """(n, shiftKey) => {
        const button = document.querySelectorAll("#legend button")[n];
        button.dispatchEvent(new MouseEvent("click", { bubbles: true, shiftKey }));
    }"""
    assert page.run("document.getElementById('legend').innerText").split() == [
        "a",
        "3",
        "b",
        "2",
        "missing",
        "1",
    ]
    page.run(f"({press})(0, false)")
    assert len(places(page)) == 3
    assert page.run("document.querySelector('output').value") == "3 of 6 points"
    page.run(f"({press})(1, true)")
    assert len(places(page)) == 2
    page.run(f"({press})(1, true)")
    assert len(places(page)) == 6


@pytest.mark.parametrize(
    ("color", "legend"),
    [
        ("error", ["right", "4", "wrong", "1", "missing", "1"]),
        ("amount", ["1.5", "6", "values", "5", "missing", "1"]),
    ],
)
def test_points_are_colored_by_any_column(
    browser: Callable[..., Browser], color: str, legend: list[str]
) -> None:
    page = browser(f"#color={color}")
    assert page.run("document.getElementById('legend').innerText").split() == legend
    box = page.run("(({x, y}) => [x, y])(document.getElementById('points').getBoundingClientRect())")
    pixels = page.pixels()
    inks = {tuple(pixels[int(y - box[1] - 1), int(x - box[0] - 1)]) for x, y in places(page)}
    assert len(inks) == (3 if color == "error" else 6)
    assert page.run("document.querySelector('select').selectedOptions[0].text") == color


def test_keys_reach_every_point(browser: Callable[..., Browser]) -> None:
    page = browser()
    page.run("document.getElementById('points').focus()")
    page.key("Enter")
    seen = {example(page).split("\n")[0]}
    for key in (
        "ArrowLeft",
        "ArrowLeft",
        "ArrowDown",
        "ArrowRight",
        "ArrowRight",
        "ArrowUp",
        "ArrowLeft",
        "ArrowLeft",
    ):
        page.key(key)
        seen.add(example(page).split("\n")[0])
    assert seen == {f"Row {n}" for n in range(1, 7)}
    before = page.pixels()
    page.key("+")
    closer = page.pixels()
    assert (closer != before).any()
    page.key("0")
    assert (page.pixels() == before).all()
    page.key("Escape")
    assert "Click a point" in example(page)


def test_the_wheel_zooms_about_the_pointer_and_dragging_pans(browser: Callable[..., Browser]) -> None:
    page = browser()
    x, y = places(page)[0]
    page.mouse("mouseWheel", x, y, deltaX=0, deltaY=-100)
    assert any(np.hypot(a - x, b - y) < 3 for a, b in places(page))
    page.mouse("mousePressed", x, y, button="left", clickCount=1)
    page.mouse("mouseMoved", x + 20, y + 10, button="left", buttons=1)
    page.mouse("mouseMoved", x + 50, y + 30, button="left", buttons=1)
    page.mouse("mouseReleased", x + 50, y + 30, button="left", clickCount=1)
    assert any(np.hypot(a - x - 50, b - y - 30) < 3 for a, b in places(page))
    assert "Click a point" in example(page)


def test_methods_are_switched_and_the_address_remembers(browser: Callable[..., Browser]) -> None:
    page = browser("#method=t-SNE&color=said&row=5")
    assert example(page).startswith("Row 5")
    assert page.run("document.querySelector('.caption:not([hidden])').textContent").startswith("Perplexity")
    other = page.pixels()
    page.run("(() => { document.querySelector('[name=method]').click(); })()")
    assert (page.pixels() != other).any()
    assert "method=PCA" in page.run("location.hash")
    assert "row=5" in page.run("location.hash")


def test_it_is_dark_where_the_reader_wants_it_dark(browser: Callable[..., Browser]) -> None:
    page = browser()
    light = page.pixels()[2, 2]
    page.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    dark = page.pixels()[2, 2]
    assert light.min() > 200
    assert dark.max() < 60


def test_fifty_thousand_points_are_drawn_at_once(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0)
    data = {
        "x": numbers.normal(size=50_000),
        "y": numbers.normal(size=50_000),
        "k": numbers.integers(0, 9, 50_000),
    }
    text = embed(data, columns=["x", "y"], label="k").html(title="Many")
    assert len(text) < 3_000_000
    path = tmp_path / "many.html"
    path.write_text(text, encoding="utf-8")
    with Browser(tmp_path / "profile") as page:
        page.open(path)
        assert (page.pixels() != 255).any(axis=2).mean() > 0.1
        page.click(500, 420)
        assert example(page).startswith("Row ")
        assert page.complaints == []
