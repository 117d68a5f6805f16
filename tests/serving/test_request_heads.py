"""Heads, trailers and bodies without end: refused or hung up on, and the server goes on."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable

import httpx
import psutil
import pytest
from example_server import ROW
from serving_clients import ServerProcess

StartServer = Callable[..., ServerProcess]

HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\n"
BODY = json.dumps(ROW).encode()


def talk(server: ServerProcess, first: bytes, more: bytes = b"", times: int = 0) -> bytes:
    """What the server says to some bytes, and to more of them as long as it listens."""
    with socket.create_connection((server.host, server.port), timeout=20) as connection:
        try:
            connection.sendall(first)
            for _ in range(times):
                connection.sendall(more)
            return connection.recv(65_536)
        except (ConnectionResetError, BrokenPipeError):
            return b""


@pytest.fixture
def server(start_server: StartServer) -> ServerProcess:
    return start_server()


def test_too_many_headers_and_too_long_an_address(server: ServerProcess) -> None:
    length = b"Content-Length: %d\r\n" % len(BODY)
    many = b"".join(b"x-%d: y\r\n" % n for n in range(200))
    assert talk(server, HEAD + many + length + b"\r\n" + BODY).startswith(b"HTTP/1.1 431 ")
    some = b"".join(b"x-%d: y\r\n" % n for n in range(90))
    assert talk(server, HEAD + some + length + b"\r\n" + BODY).startswith(b"HTTP/1.1 200 ")
    long = b"GET /?" + b"x" * 10_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"
    assert talk(server, long).startswith(b"HTTP/1.1 414 ")
    assert httpx.post(server.url + "/predict", json=ROW).status_code == 200


@pytest.mark.parametrize(
    ("first", "more"),
    [
        (HEAD, b"x: " + b"y" * 60_000 + b"\r\n"),
        (HEAD + b"x: ", b"y" * 65_536),
        (HEAD + b"x", b"y" * 65_536),
        (b"GET /", b"y" * 65_536),
        (b"", b"\r\n" * 32_768),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"x: " + b"y" * 60_000 + b"\r\n"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nx: ", b"y" * 65_536),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n" * 10_000),
        (HEAD + b"Content-Length: 99999999999\r\n\r\n", b" " * 65_536),
    ],
)
def test_what_has_no_end_is_hung_up_on(server: ServerProcess, first: bytes, more: bytes) -> None:
    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss
    times = 3_000_000_000 // len(more) // 10  # of 300 MB, had nobody hung up
    answer = talk(server, first, more, times)
    assert b" 500 " not in answer[:20]
    assert process.memory_info().rss - before < 150 * 1024 * 1024
    with socket.create_connection((server.host, server.port), timeout=20) as connection:
        connection.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"x-content-type-options: nosniff\r\n" in answer
    assert b"cache-control: no-store\r\n" in answer
