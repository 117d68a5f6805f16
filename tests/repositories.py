"""Git repositories of tests, apart from the settings of whoever runs them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

__all__ = ["git", "repository"]

_WHO = {
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@b",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@b",
}


def git(folder: Path, *arguments: str) -> str:
    """What git prints, asked in a folder."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    alone = {**outside, **_WHO, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, env=alone, check=True, capture_output=True, text=True).stdout


def repository(folder: Path) -> Path:
    """An empty repository in a new folder, on the branch "main"; skipped where there is no git."""
    if shutil.which("git") is None:
        pytest.skip("git is not here")
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    return folder
