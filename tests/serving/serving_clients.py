"""Ways to speak to a server: in process as ASGI, and as a process of its own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import httpx
from starlette.applications import Starlette

from tilth.tables import FeedbackLog, PredictionLog

__all__ = ["Client", "MakeClient", "ServerProcess"]

Result = TypeVar("Result")


class Client:
    """Speaks to an application in process, its lifespan running."""

    def __init__(self, app: Starlette, directory: Path, logs: tuple[PredictionLog, FeedbackLog]) -> None:
        self.app = app
        self.directory = directory
        self._logs = logs
        self._loop = asyncio.new_event_loop()
        self._lifespan = app.router.lifespan_context(app)
        self._loop.run_until_complete(self._lifespan.__aenter__())
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._http = httpx.AsyncClient(transport=transport, base_url="http://server")

    def get(self, path: str) -> httpx.Response:
        return self._loop.run_until_complete(self._http.get(path))

    def post(
        self, path: str, content: object = None, *, body: bytes | None = None, **more: Any
    ) -> httpx.Response:
        how = {"json": content} if body is None else {"content": body}
        return self._loop.run_until_complete(self._http.post(path, **how, **more))

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run something in the server's event loop."""
        return self._loop.run_until_complete(work)

    def wait(self, seconds: float) -> None:
        """Let the server's own tasks run."""
        self._loop.run_until_complete(asyncio.sleep(seconds))

    def close(self) -> None:
        self._loop.run_until_complete(self._http.aclose())
        self._loop.run_until_complete(self._lifespan.__aexit__(None, None, None))
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
        for log in self._logs:
            log.close()


MakeClient = Callable[..., Client]


class ServerProcess:
    """A server in a process of its own, on a free port."""

    def __init__(self, directory: Path, *arguments: str, script: Path | None = None) -> None:
        self.directory = directory
        script = script or Path(__file__).with_name("example_server.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script), str(directory), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONWARNINGS": "default"},
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline().split()
        if not line:
            _, errors = self.process.communicate()
            raise AssertionError(errors)
        self.host, self.port, self.grpc_port = line[1], int(line[2]), int(line[-1])
        self.url = f"http://{self.host}:{self.port}"

    def finish(self) -> tuple[str, str]:
        """What it wrote after it has ended, on standard output and error."""
        return self.process.communicate(timeout=30)
