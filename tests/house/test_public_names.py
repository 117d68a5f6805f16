"""The public surface is declared, resolves, and costs nothing to import."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import pytest

import tilth

ROOMS = sorted(module.name for module in pkgutil.iter_modules(tilth.__path__, "tilth."))

HEAVY = {
    "numpy",
    "pyarrow",
    "polars",
    "onnxruntime",
    "onnx",
    "sklearn",
    "lightgbm",
    "sqlalchemy",
    "starlette",
}


@pytest.mark.parametrize("name", tilth.__all__)
def test_every_public_name_resolves(name: str) -> None:
    assert getattr(tilth, name) is not None


def test_unknown_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'profil'"):
        tilth.profil  # noqa: B018


@pytest.mark.parametrize("room", ["tilth", *ROOMS])
def test_public_names_are_sorted_and_exist(room: str) -> None:
    module = importlib.import_module(room)
    names = list(module.__all__)
    assert [name for name in names if not hasattr(module, name)] == []
    assert len(names) == len(set(names))


def test_importing_tilth_loads_nothing_heavy() -> None:
    code = "import sys, tilth, tilth.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert HEAVY & set(loaded.split()) == set()


def test_the_help_loads_nothing_heavy() -> None:
    code = "import sys, tilth.cli; tilth.cli.main(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Write a project from a data file." in done.stdout
    assert HEAVY & set(done.stderr.split()) == set()


@pytest.mark.parametrize("room", ROOMS)
def test_importing_a_room_has_no_side_effects(room: str) -> None:
    code = f"""
import sys
events = []
sys.addaudithook(lambda name, args: events.append((name, args)))
import {room}
written = [a for n, a in events if n == "open" and isinstance(a[1], str) and set(a[1]) & set("wax+")]
started = [n for n, a in events if n in ("subprocess.Popen", "socket.connect", "socket.bind")]
written = [a for a in written if "__pycache__" not in str(a[0])]
print(written + started)
"""
    done = subprocess.run([sys.executable, "-B", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
