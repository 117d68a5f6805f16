"""The page of mistakes in a real browser, while a spreadsheet's tags come in by another process."""

from __future__ import annotations

import csv
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from console_visitor import rows

from browser import Browser, needs_chromium
from tilth.evaluation import Scored
from tilth.pipelines.errors import Mistakes
from tilth.projects import Workspace
from tilth.tables import open_table, write_table

pytestmark = [pytest.mark.slow, needs_chromium]

TILTH = str(Path(sys.executable).with_name("tilth"))
DATA = ["--data", "scored.parquet", "--label", "kind", "--prediction", "said"]


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The page of the rows in a folder, as a user starts it: its address."""
    log = folder / "page.log"
    with log.open("w") as out:
        process = subprocess.Popen([TILTH, "errors", "page", *DATA], cwd=folder, stdout=out, stderr=out)
        try:
            yield address(process, log)
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == 0


def address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"http://[0-9.:]+", log.read_text())
        if found:
            return found.group(0)
        time.sleep(0.05)
    raise AssertionError(log.read_text())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Forty rows in a file, thirty of them mistakes."""
    write_table(open_table(rows(40)), tmp_path / "scored.parquet")
    (tmp_path / ".tilth").mkdir()
    return tmp_path


def opened(browser: Browser, place: str) -> None:
    """Open the page and say who one is."""
    browser.open(place)
    browser.type("Ann")
    browser.key("Enter")
    browser.wait("document.querySelector('.who summary b')?.textContent === 'Ann'")
    browser.wait("document.documentElement?.dataset.ready === '1'")


def tags(folder: Path) -> dict[str, list[tuple[str, str]]]:
    """Tag and author of all rows, as the store has them."""
    scored = Scored.of(folder / "scored.parquet", label="kind", prediction="said").rows()
    with Mistakes.of_scored(Workspace.find(folder), scored, ["said"]) as mistakes:
        found = mistakes.rows(limit=100).rows
        assert all(tag.made is not None for row in found for tag in row.tags)
        return {row.row: [(tag.tag, tag.who) for tag in row.tags] for row in found}


def test_clicks_and_a_spreadsheet_at_the_same_time_lose_nothing(folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "tags.csv"
    subprocess.run([TILTH, "errors", "export", *DATA, "-o", table], cwd=folder, check=True)
    with table.open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 30
    for line in lines:
        line["tags"] = "from the sheet"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    with served(folder) as place, Browser(tmp_path / "profile") as page:
        opened(page, place)
        assert page.run("document.querySelectorAll('.row').length") == 30
        bringing = subprocess.Popen(
            [TILTH, "errors", "import", str(table), *DATA, "--as", "Bob"], cwd=folder, stderr=subprocess.PIPE
        )
        for at in range(1, 31):
            row = f".row:nth-of-type({at})"
            page.click_on(f"{row} .add [name=tag]")
            page.type("by hand")
            page.key("Enter")
            page.wait(
                f"[...document.querySelectorAll('{row} .chip bdi')].some(b => b.textContent === 'by hand')"
            )
        _, told = bringing.communicate(timeout=60)
        assert bringing.returncode == 0, told
        page.wait("document.querySelectorAll('.chip').length === 60")
        assert page.complaints == []
    kept = tags(folder)
    assert len(kept) == 30
    assert set(map(tuple, kept.values())) == {(("by hand", "Ann"), ("from the sheet", "Bob"))}


def test_everything_is_there_by_keyboard(folder: Path, tmp_path: Path) -> None:
    with served(folder) as place, Browser(tmp_path / "profile") as page:
        opened(page, place)
        page.key("j")
        first = page.run("document.activeElement.dataset.row")
        page.key("t")
        page.type("dark")
        page.key("Enter")
        page.wait("document.querySelectorAll('.chip').length === 1")
        page.key("Escape")
        page.key("j")
        second = page.run("document.activeElement.dataset.row")
        assert second != first
        page.key("1")
        page.wait("document.querySelectorAll('.chip').length === 2")
        page.key("1")
        page.wait("document.querySelectorAll('.chip').length === 1")
        page.key("k")
        assert page.run("document.activeElement.dataset.row") == first
        page.wait("document.images[0].naturalWidth === 20")
        page.key("p")
        page.wait("document.activeElement.querySelector('audio').duration > 0.4")
        assert page.complaints == []
    assert [found for found in tags(folder).items() if found[1]] == [(first, [("dark", "Ann")])]


def test_a_server_that_is_gone_is_told_and_the_words_stay(folder: Path, tmp_path: Path) -> None:
    with Browser(tmp_path / "profile") as page:
        with served(folder) as place:
            opened(page, place)
        page.click_on(".add [name=tag]")
        page.type("lost?")
        page.key("Enter")
        page.wait("document.getElementById('told').textContent.startsWith('Not saved')")
        page.wait("document.querySelector('.add [name=tag]').value === 'lost?'")
        assert page.run("document.querySelectorAll('.chip').length") == 0


def test_without_javascript_forms_are_enough(folder: Path, tmp_path: Path) -> None:
    with served(folder) as place, Browser(tmp_path / "profile") as page:
        opened(page, place)
        page.ask("Emulation.setScriptExecutionDisabled", value=True)
        page.ask("Page.reload")
        page.wait("document.readyState === 'complete' && !document.documentElement.dataset.ready")
        page.click_on(".add [name=tag]")
        page.type("dark")
        page.key("Enter")
        page.wait("document.querySelectorAll('.chip').length === 1 && location.hash.startsWith('#row-')")
        page.click_on(".chip button")
        page.wait("document.querySelectorAll('.row').length === 30 && !document.querySelector('.chip')")
    assert all(found == [] for found in tags(folder).values())
