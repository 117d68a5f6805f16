"""The lock of an environment: every distribution, where it is from, and what changed."""

from __future__ import annotations

import json
import platform
import sys
from importlib import metadata
from pathlib import Path

import pytest

from tilth.pipelines.environment import Environment, host_facts, present_environment


def install(folder: Path, name: str, version: str, origin: object = None) -> None:
    """A distribution as installers leave it."""
    place = folder / f"{name}-{version}.dist-info"
    place.mkdir(parents=True)
    (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    if origin is not None:
        (place / "direct_url.json").write_text(origin if isinstance(origin, str) else json.dumps(origin))


def test_every_installed_distribution_is_locked() -> None:
    found = present_environment()
    assert found.python == f"{platform.python_implementation()} {platform.python_version()}"
    assert found.packages["scikit-learn"] == metadata.version("scikit-learn")
    assert "  # editable" in next(line for line in found.lock().splitlines() if line.startswith("tilth=="))
    assert Environment.from_lock(found.lock()) == found
    assert found.changes(present_environment()) == {}


def test_origins_are_told_without_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "https://me:token@git.example.com/a.git"
    git = {"url": url, "vcs_info": {"vcs": "git", "commit_id": "abc123"}}
    install(tmp_path, "From_Git", "1.0", git)
    install(tmp_path, "from-file", "2.0", {"url": "file:///home/me/a.whl", "archive_info": {}})
    install(tmp_path, "from.folder", "3.0", {"url": "file:///home/me/a", "dir_info": {}})
    install(tmp_path, "broken", "4.0", "{")
    install(tmp_path, "numpy", "0.0.1")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    found = present_environment()
    assert found.packages["from-git"] == "1.0 https://git.example.com/a.git@abc123"
    assert found.packages["from-file"] == "2.0 file"
    assert found.packages["from-folder"] == "3.0 folder"
    assert found.packages["broken"] == "4.0"
    assert found.packages["numpy"] == "0.0.1"  # the first on the path is what is imported
    assert "token" not in found.lock()
    assert "/home/me" not in found.lock()
    assert Environment.from_lock(found.lock()) == found


def test_changes_name_what_came_went_and_moved() -> None:
    then = Environment("CPython 3.11.9", {"a": "1", "b": "1", "c": "1"})
    now = Environment("CPython 3.12.1", {"b": "2", "c": "1", "d": "1"})
    assert then.changes(now) == {
        "python": ("CPython 3.11.9", "CPython 3.12.1"),
        "a": ("1", None),
        "b": ("1", "2"),
        "d": (None, "1"),
    }


def test_of_the_variables_only_those_that_matter_are_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("DATABASE_PASSWORD", "hunter2")
    found = host_facts()
    variables = found["variables"]
    assert isinstance(variables, dict)
    assert variables["OMP_NUM_THREADS"] == "3"
    assert "hunter2" not in json.dumps(found)
    assert isinstance(found["cores"], int)
    assert found["cores"] >= 1
    assert found["memory_mb"] > 100  # type: ignore[operator]
