"""`tilth serve` as a process of its own, for tests."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TILTH = str(Path(sys.executable).with_name("tilth"))


def tilth(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """One command, as a user gives it."""
    command = [TILTH, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=folder, check=False)


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The server of the project in a folder: its URL and its process."""
    log = folder / "serve.log"
    with log.open("w") as out:
        command = [TILTH, "serve", "--port", "0", "--dir", str(folder)]
        process = subprocess.Popen(command, stdout=out, stderr=out)
        try:
            yield _address(process, log), process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"serving on (http://\S+)", log.read_text())
        if found:
            return found.group(1)
        time.sleep(0.05)
    raise AssertionError(f"the server did not start: {log.read_text()}")


def post(url: str, document: object) -> tuple[int, Any]:
    """POST JSON: the status and the JSON that came back."""
    body = json.dumps(document).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def get(url: str) -> Any:
    """GET JSON."""
    with urllib.request.urlopen(url, timeout=30) as answer:
        return json.load(answer)
