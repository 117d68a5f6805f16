"""Run the prediction server until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import resource
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal

from tilth.serving.listening import listen
from tilth.serving.settings import ServingSettings

if TYPE_CHECKING:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.types import ASGIApp

__all__ = ["serve", "server_configuration"]

_FILES_BESIDE = 512
"""Open files that are no connections: logs, databases, models."""

_HEADERS = [("x-content-type-options", "nosniff"), ("cache-control", "no-store")]
"""With every answer: nobody guesses what it is, or keeps it."""


def serve(
    app: Starlette,
    host: str = "127.0.0.1",
    port: int = 8080,
    *,
    settings: ServingSettings | None = None,
    started: Callable[[str, int], None] | None = None,
    listener: socket.socket | None = None,
    tls: ssl.SSLContext | None = None,
) -> None:
    """Serve an application over HTTP in this process; returns after SIGTERM or SIGINT, when all is answered.

    After the signal the server says that it is not ready, goes on answering for `settings.drain_s` seconds or
    until the last connection has ended, each connection with its next answer, and only then stops listening.

    Args:
        app: what `create_app` made.
        host: the address to listen on.
        port: the port; 0 takes a free one.
        settings: for the number of connections, and the time that requests in work may take at the end.
        started: told the host and the port once the server listens and its model is loaded.
        listener: a socket that listens already, instead of a host and a port; closed at the end.
        tls: speaks TLS with these certificates.

    Raises:
        UsageError: the address cannot be listened on.
    """
    settings = settings or ServingSettings()
    socket_ = listener or listen(host, port)[0]
    _allow_files(settings.max_connections + _FILES_BESIDE)
    config = server_configuration(app, settings, tls)

    def up() -> None:
        if started is not None:
            started(*socket_.getsockname()[:2])

    with _quiet_signals():
        _server(config, settings, up, getattr(app.state, "drain", _nothing)).run(sockets=[socket_])


def server_configuration(
    app: ASGIApp,
    settings: ServingSettings,
    tls: ssl.SSLContext | None = None,
    lifespan: Literal["on", "off"] = "on",
) -> uvicorn.Config:
    """How uvicorn serves an application of ours.

    Args:
        app: what answers.
        settings: limits.
        tls: speaks TLS with these certificates.
        lifespan: whether the application is told that it begins and ends.
    """
    import uvicorn

    from tilth.serving.http_protocol import bounded_protocol

    config = uvicorn.Config(
        app,
        http=bounded_protocol(settings.max_connections, settings.max_body_bytes),
        ws="none",
        lifespan=lifespan,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        headers=_HEADERS,
        timeout_graceful_shutdown=settings.shutdown_timeout_s,
    )
    config.load()
    config.ssl = tls
    return config


def _nothing() -> None:
    """An application that does not want to know of its end."""


def _server(config: Any, settings: ServingSettings, up: Callable[[], None], drain: Callable[[], None]) -> Any:
    """Uvicorn's server, which also tells when it listens, hangs up on the idle, and drains before it ends."""
    import uvicorn

    class Server(uvicorn.Server):
        def __init__(self) -> None:
            super().__init__(config)
            self._idle: dict[Any, tuple[object, float]] = {}

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets=sockets)
            # What was made while starting stays; the garbage collector need not look at it again and again.
            gc.freeze()
            if self.started:
                up()

        async def on_tick(self, counter: int) -> bool:
            if counter % 10 == 0:
                self._idle = _hang_up(self.server_state.connections, self._idle, settings.body_timeout_s)
            return await super().on_tick(counter)

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            drain()
            # Of every answer from now on, also of those in work.
            self.server_state.default_headers.append((b"connection", b"close"))
            until = time.monotonic() + settings.drain_s
            while self.server_state.connections and time.monotonic() < until and not self.force_exit:
                await asyncio.sleep(0.02)
            await super().shutdown(sockets=sockets)

    return Server()


def _hang_up(
    connections: set[Any], seen: dict[Any, tuple[object, float]], after_s: float
) -> dict[Any, tuple[object, float]]:
    """Close connections that have not sent the head of a request for too long; gives those that wait.

    Who is quiet after an answer is closed by uvicorn, who sends a body slowly by `read_body`.
    """
    now = time.monotonic()
    idle = {}
    for connection in list(connections):
        cycle = connection.cycle
        if cycle is not None and not cycle.response_complete:
            continue
        last, since = seen.get(connection, (cycle, now))
        if last is cycle and now - since > after_s:
            connection.transport.close()
        else:
            idle[connection] = (cycle, since if last is cycle else now)
    return idle


def _allow_files(count: int) -> None:
    """Let this process have so many files and connections open, where the system allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):  # it then has as many as it has
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


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
