"""A server of one model version for measuring: `tilth serve` as a process, with a log of its own."""

from __future__ import annotations

import base64
import datetime
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pyarrow as pa

from tilth.errors import DataError
from tilth.projects import Project
from tilth.types import JSONValue

__all__ = ["BenchServer", "bench_server", "request_rows"]

_PATIENCE_S = 120.0
_MB = 1e6
_SHARED_KEYS = ("workers", "threads", "unexpected_values", "max_rows", "batch_rows")


class BenchServer:
    """A running server and a connection to it.

    Args:
        process: the server.
        port: where it listens on this machine.
        path: where rows of the version are predicted.
    """

    def __init__(self, process: subprocess.Popen[bytes], port: int, path: str) -> None:
        self._process = process
        self._path = path
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_S)

    def predict(self, body: bytes) -> bytes:
        """The answer to rows as JSON.

        Raises:
            DataError: the server refuses them.
        """
        self._connection.request("POST", self._path, body, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != http.HTTPStatus.OK:
            raise DataError(f"the server answers {answer.status}: {content[:500].decode(errors='replace')}")
        return content

    def memory_mb(self) -> float:
        """What the server and its workers hold now, in MB (10^6 bytes)."""
        import psutil  # type: ignore[import-untyped]

        server = psutil.Process(self._process.pid)
        held: int = sum(each.memory_info().rss for each in (server, *server.children(recursive=True)))
        return held / _MB

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


@contextmanager
def bench_server(project: Project, version: int) -> Iterator[BenchServer]:
    """`tilth serve` with one version, on a free port of this machine, until the block ends.

    Its tilth.toml has the project's workers, threads and limits, and nothing of its tokens, certificates and
    look-ups; its prediction log is a temporary folder, so that nothing of this is monitored.

    Raises:
        DataError: it does not start.
    """
    with tempfile.TemporaryDirectory(prefix="tilth-bench-") as scratch:
        folder = Path(scratch)
        _write_project(project, folder, version)
        port = _free_port()
        # The log of what the server says is read where it does not start.
        said = folder / "server.txt"
        with said.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", _SERVE, "serve", "--port", str(port), "--dir", str(folder)],
                stdout=log,
                stderr=log,
                env={**os.environ, **_places(project)},
            )
        try:
            _wait_ready(process, port, said)
            server = BenchServer(process, port, f"/predict/{project.name}/versions/{version}")
            yield server
            server.close()
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


_SERVE = "import sys; from tilth.cli import main; sys.exit(main())"


def _write_project(project: Project, folder: Path, version: int) -> None:
    given, serve = project.configuration.project, project.configuration.serve
    sections: dict[str, dict[str, object]] = {
        "project": {k: v for k, v in msgspec.structs.asdict(given).items() if v is not None},
        "data": {"sources": ["none.csv"], "missing": list(project.configuration.data.missing)},
        "serve": {name: getattr(serve, name) for name in _SHARED_KEYS},
    }
    sections["serve"] |= {"grpc": False, "versions": [str(version)]}
    lines = []
    for name, section in sections.items():
        # JSON's texts, numbers, truth values and lists of them are TOML's too.
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in section.items())]
    (folder / "tilth.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    schema = project.schema_path
    if schema.is_file():
        (folder / "schema.toml").write_bytes(schema.read_bytes())


def _places(project: Project) -> dict[str, str]:
    """Where that server finds the project's records and artifacts."""
    settings = project.settings
    return {
        "TILTH_STORE": settings.store_url or str(project.state / "store.db"),
        "TILTH_ARTIFACTS": settings.artifacts_path or str(project.state / "artifacts"),
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _wait_ready(process: subprocess.Popen[bytes], port: int, said: Path) -> None:
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/v2/health/ready")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        except (OSError, http.client.HTTPException):
            pass  # it does not listen yet
        finally:
            connection.close()
        time.sleep(0.05)
    last = said.read_text(encoding="utf-8", errors="replace").strip()[-500:]
    raise DataError(f"the server to be measured does not start: {last or 'it says nothing'}")


def request_rows(rows: pa.Table) -> Sequence[dict[str, JSONValue]]:
    """Rows as a request has them: times as ISO 8601, images and recordings as base64.

    Example:
        >>> request_rows(pa.table({"x": [1], "s": ["a"], "b": pa.array([b"ab"], pa.large_binary())}))
        [{'x': 1, 's': 'a', 'b': 'YWI='}]
    """
    return [{name: _json(value) for name, value in row.items()} for row in rows.to_pylist()]


def _json(value: object) -> JSONValue:
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, list):
        return [_json(item) for item in value]
    if isinstance(value, float) and value != value:  # not a number: missing
        return None
    return value  # type: ignore[return-value]
