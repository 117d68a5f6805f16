"""The port for management: metrics, the model repository and the description of the interface, by itself."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tilth.serving.server import server_configuration
from tilth.serving.settings import ServingSettings

if TYPE_CHECKING:
    from starlette.types import ASGIApp

__all__ = ["AdminPort", "admin_server"]


@dataclass(frozen=True)
class AdminPort:
    """Where management is answered.

    Args:
        listener: a socket that listens; closed at the end.
        tls: speaks TLS with these certificates.
    """

    listener: socket.socket
    tls: ssl.SSLContext | None = None


@contextlib.asynccontextmanager
async def admin_server(app: ASGIApp, port: AdminPort, settings: ServingSettings) -> AsyncIterator[None]:
    """Serve an application beside the one whose event loop this is.

    Args:
        app: what is answered there.
        port: where.
        settings: limits.
    """
    import uvicorn

    class Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield  # signals are for the server beside which this one runs

    server = Server(server_configuration(app, settings, port.tls, lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[port.listener]))
    try:
        while not server.started and not serving.done():
            await asyncio.sleep(0.005)
        yield
    finally:
        server.should_exit = True
        await serving
