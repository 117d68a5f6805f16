"""The documentation speaks of everything that there is, and its links lead somewhere."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import msgspec
import pytest

from tilth.cli.application import COMMANDS
from tilth.projects import Configuration
from tilth.settings import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "ARCHITECTURE.md", *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"^(```+|~~~+).*?^\1\s*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)|(?:src|href)=\"([^\"]+)\"")
HEADING = re.compile(r"^#+\s+(.*?)\s*#*$", re.MULTILINE)


def configuration_keys() -> list[str]:
    """Every section of tilth.toml with every key of it."""
    found = []
    for section in msgspec.structs.fields(Configuration):
        kind = section.type
        if section.name in ("checks", "lookups"):
            (kind,) = kind.__args__
        found += [f"{section.name}.{field.name}" for field in msgspec.structs.fields(kind)]
    return found


@cache
def for_users() -> str:
    """README.md and docs, without the decisions, which speak of reasons and not of use."""
    pages = [page for page in PAGES if page.name != "ARCHITECTURE.md" and page.parent.name != "decisions"]
    return "\n".join(page.read_text(encoding="utf-8") for page in pages)


def test_there_are_pages() -> None:
    assert ROOT / "README.md" in PAGES
    assert len(for_users()) > 2000


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented(command: str) -> None:
    assert re.search(rf"\btilth {command}\b", for_users())


@pytest.mark.parametrize("setting", sorted(setting.variable for setting in SETTINGS.values()))
def test_every_setting_is_documented(setting: str) -> None:
    assert re.search(rf"\b{setting}\b", for_users())


@pytest.mark.parametrize("key", configuration_keys())
def test_every_key_of_the_project_file_is_documented(key: str) -> None:
    """As a key in an example or as `key` in the text, on a page that names its section."""
    section, name = key.split(".")
    heading = rf"\[\[?{section}\]\]?|\b{section} = |`{section}"
    shown = rf"(^|[{{,]\s*|`){name}\s*=|`(\[?{section}\]? ?\.?)?{name}`"
    pages = [page.read_text(encoding="utf-8") for page in PAGES if "decisions" not in page.parts]
    assert any(re.search(heading, page) and re.search(shown, page, re.MULTILINE) for page in pages), (
        f"[{section}] {name} is nowhere"
    )


def targets(page: Path) -> list[str]:
    """Where the links of a page lead, but for those to other sites and those in blocks of code."""
    prose = FENCE.sub("", page.read_text(encoding="utf-8"))
    prose = re.sub(r"`[^`\n]*`", "", prose)
    found = [first or second for first, second in LINK.findall(prose)]
    return [target for target in found if not re.match(r"[a-z][a-z+.-]*:", target)]


def anchor(heading: str) -> str:
    """A heading's anchor, as the usual renderers of Markdown form it."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", text.lower()).strip())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in targets(page):
        path, _, fragment = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or not there.is_relative_to(ROOT):
            broken.append(target)
        elif fragment and there.suffix == ".md":
            headings = HEADING.findall(FENCE.sub("", there.read_text(encoding="utf-8")))
            if fragment not in {anchor(heading) for heading in headings}:
                broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_are_shown_exist(page: Path) -> None:
    shown = re.findall(r"^\s*(?:\$ )?tilth ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert [command for command in shown if command not in COMMANDS] == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen, open_pages = set(), [ROOT / "README.md"]
    while open_pages:
        page = open_pages.pop()
        seen.add(page)
        linked = ((page.parent / target.partition("#")[0]).resolve() for target in targets(page))
        for there in linked:
            inside = there.is_dir() and there.is_relative_to(ROOT / "docs")
            found = sorted(there.glob("*.md")) if inside else [there]
            open_pages += [each for each in found if each in PAGES and each not in seen]
    assert sorted(set(PAGES) - seen) == []
