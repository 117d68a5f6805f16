"""The container file: what it copies is there, it runs as nobody in particular, its health check tells."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from serving_clients import ServerProcess

ROOT = Path(__file__).resolve().parents[2]
CONTAINER = (ROOT / "Containerfile").read_text(encoding="utf-8")


def test_what_it_copies_is_there_and_not_left_out() -> None:
    ignore = (ROOT / ".containerignore").read_text(encoding="utf-8").splitlines()
    copied = [
        name
        for line in re.findall(r"^COPY (?!--from)(.*) \S+$", CONTAINER, re.MULTILINE)
        for name in line.split()
    ]
    assert len(copied) >= 5
    for name in copied:
        assert (ROOT / name).exists(), name
        assert f"!{name.split('/')[0]}" in ignore, name


def test_it_runs_without_rights_and_is_looked_after() -> None:
    assert re.findall(r"^USER (\S+)$", CONTAINER, re.MULTILINE) == ["10001:10001"]
    assert re.search(
        r"^HEALTHCHECK .*\n\s+CMD \[\"python\", \"/opt/tilth/healthy.py\"\]$", CONTAINER, re.MULTILINE
    )
    assert "--require-hashes" in CONTAINER


@pytest.mark.parametrize("port", [None, 1])
def test_the_health_check_tells_a_server_from_none(
    start_server: object, tmp_path: Path, port: int | None
) -> None:
    assert callable(start_server)
    if port is None:
        server: ServerProcess = start_server()
        port = server.port
    (tmp_path / "tilth.toml").write_text(f"[serve]\nport = {port}\n")
    check = [sys.executable, str(ROOT / "containers" / "healthy.py")]
    done = subprocess.run(check, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (int(port == 1), False)
