"""HTTP/1.1 as uvicorn speaks it, with bounds on what a connection may cost before anybody has judged it."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

__all__ = ["BoundedProtocol", "bounded_protocol"]

_log = logging.getLogger("tilth.serving.http")

_HEAD_BYTES = 64 * 1024
"""Of the request line and all headers."""

_URL_BYTES = 8 * 1024
_HEADERS = 100

_read_on = HttpToolsProtocol.data_received
_end_head = HttpToolsProtocol.on_headers_complete
"""Called as functions, which spares every request the looking up of `super()`."""

_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
)


class BoundedProtocol(HttpToolsProtocol):
    """Refuses heads that are too large (414, 431) and connections beyond a number (503), and hangs up.

    Uvicorn bounds none of these with httptools: a head without an end, or a trailer behind a body in chunks,
    would be kept in memory for as long as somebody sends it.

    Args:
        max_connections: open at once in this process.
        max_body_bytes: of a request; who sends twice as much in one request is hung up on.
        arguments: what uvicorn hands its protocols.
        options: likewise.
    """

    def __init__(self, max_connections: int, max_body_bytes: int, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.logger = _log
        self._max_connections = max_connections
        self._most = 2 * max_body_bytes + _HEAD_BYTES
        self._judged: object = self
        self._received = 0
        self._refused = 0
        self._in_chunks: object = None
        self._without_body = 0

    def connection_made(self, transport: Any) -> None:
        """Take a connection, or say that there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self._max_connections:
            transport.write(_FULL)
            transport.close()

    def data_received(self, data: bytes) -> None:
        """Read on; what belongs to one request, its head above all, is bounded."""
        _read_on(self, data)
        self._received += len(data)
        if self._received > _HEAD_BYTES:
            self._judge(len(data))

    def _judge(self, size: int) -> None:
        """Refuse or hang up where too much came; seldom called, and every small request is spared it."""
        if self.transport.is_closing():
            return
        scope: Any = self.scope  # None before the first request begins
        is_head = scope is None or "method" not in scope  # which uvicorn notes where the head ends
        if scope is not self._judged:
            self._judged, self._without_body = scope, 0
            if is_head:  # what came before belongs to the request before
                self._received = size
                if size <= _HEAD_BYTES:
                    return
        if is_head:
            self._refused = 431
            self.send_400_response("")
        elif self._received > self._most or self._is_trailer(size):
            self.transport.close()

    def _is_trailer(self, size: int) -> bool:
        """Whether a body in chunks has been followed by too much that is no body.

        What came with these bytes cannot have been taken by the application yet.
        """
        self._without_body = 0 if self.cycle.body else self._without_body + size
        return self._in_chunks is self.scope and self._without_body > _HEAD_BYTES

    def on_chunk_header(self) -> None:
        """Note that this request's body comes in chunks."""
        self._in_chunks = self.scope

    def on_headers_complete(self) -> None:
        """Judge the head before anything is made of it."""
        if len(self.headers) > _HEADERS:
            self._refused = 431
        elif len(self.url) > _URL_BYTES:
            self._refused = 414
        if self._refused:
            raise httptools.HttpParserError("too large")
        self._received = 0
        _end_head(self)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, or too much of it, and hang up."""
        if not self._refused:
            super().send_400_response(msg)
            return
        self.transport.write(
            STATUS_LINE[self._refused] + b"content-length: 0\r\nconnection: close\r\n\r\n",
        )
        self.transport.close()


def bounded_protocol(max_connections: int, max_body_bytes: int) -> Any:
    """What uvicorn makes a protocol of each connection with."""
    # Uvicorn has a line for every request that is no HTTP, by which anybody could fill the log.
    _log.setLevel(logging.ERROR)
    return partial(BoundedProtocol, max_connections, max_body_bytes)
