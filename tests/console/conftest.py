"""A small part with mistakes, and the page of it, in process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from console_visitor import Visitor, rows
from starlette.applications import Starlette

from tilth.console import Desk, create_mistakes_page
from tilth.evaluation import Scored
from tilth.pipelines.errors import Mistakes
from tilth.projects import Workspace


@pytest.fixture
def mistakes(tmp_path: Path) -> Iterator[Mistakes]:
    """Eight rows, six of them mistakes, in a folder of its own."""
    scored = Scored.of(rows(), label="kind", prediction="said").rows()
    with Mistakes.of_scored(Workspace.find(tmp_path), scored, ["said"]) as found:
        yield found


@pytest.fixture
def page(mistakes: Mistakes) -> Starlette:
    """The page of these rows."""
    return create_mistakes_page(Desk(mistakes, "Cats & dogs"))


@pytest.fixture
def ann(page: Starlette) -> Visitor:
    """Somebody who has said who she is."""
    visitor = Visitor(page)
    assert visitor.send("/who", {"who": "Ann"}).status_code == 303
    return visitor
