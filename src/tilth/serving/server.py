"""Run the prediction server until it is told to stop."""

from __future__ import annotations

import contextlib
import gc
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING

from tilth.errors import UsageError
from tilth.serving.settings import ServingSettings

if TYPE_CHECKING:
    from starlette.applications import Starlette

__all__ = ["serve"]

_BACKLOG = 2048


def serve(
    app: Starlette,
    host: str = "127.0.0.1",
    port: int = 8080,
    *,
    settings: ServingSettings | None = None,
    started: Callable[[str, int], None] | None = None,
) -> None:
    """Serve an application over HTTP in this process; returns after SIGTERM or SIGINT, when all is answered.

    Args:
        app: what `create_app` made.
        host: the address to listen on.
        port: the port; 0 takes a free one.
        settings: for the time that requests in work may take at the end.
        started: told the host and the port once the server listens and its model is loaded.

    Raises:
        UsageError: the address cannot be listened on.
    """
    import uvicorn

    class Server(uvicorn.Server):
        """Tells when it listens."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets=sockets)
            # What was made while starting stays; the garbage collector need not look at it again and again.
            gc.freeze()
            if self.started and started is not None:
                started(host, listener.getsockname()[1])

    settings = settings or ServingSettings()
    listener = _listen(host, port)
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=settings.shutdown_timeout_s,
    )
    with _quiet_signals():
        Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family=family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(
            f"cannot listen on {host}:{port}: {why}",
            expected="an address of this machine and a free port",
            mend="choose another port, or stop what uses this one",
        ) from None
    return listener


@contextlib.contextmanager
def _quiet_signals() -> Iterator[None]:
    """Let the caller go on after a graceful end: uvicorn raises the signal that ended it once more."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _ignore) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """The server has already ended because of this signal."""
