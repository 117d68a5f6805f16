"""The server as a process: what was answered is logged, whatever ends it."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from example_server import ROW, income_model, income_schema
from serving_clients import ServerProcess

from tilth.errors import UsageError
from tilth.serving import create_app, fixed_model, serve
from tilth.tables import FeedbackLog, PredictionLog, read_predictions

StartServer = Callable[..., ServerProcess]


class Load:
    """Clients that send requests until the server is gone, and remember each answered id."""

    def __init__(self, url: str, clients: int = 4) -> None:
        self.answered: list[str] = []
        self.unexpected: list[str] = []
        self._threads = [threading.Thread(target=self._send, args=(url, n)) for n in range(clients)]
        for thread in self._threads:
            thread.start()

    def _send(self, url: str, number: int) -> None:
        body: object = ROW if number % 2 == 0 else [ROW, {**ROW, "age": 20 + number}, ROW]
        with httpx.Client(base_url=url) as http:
            while True:
                try:
                    answer = http.post("/predict", json=body)
                except httpx.HTTPError:
                    return
                if answer.status_code != 200:
                    self.unexpected.append(answer.text)
                    return
                content = answer.json()
                self.answered += [p["prediction_id"] for p in content.get("predictions", [content])]

    def wait_for(self, count: int) -> None:
        """Until so many predictions were answered."""
        deadline = time.monotonic() + 60
        while len(self.answered) < count and time.monotonic() < deadline:
            time.sleep(0.005)
        assert len(self.answered) >= count

    def end(self) -> None:
        """After the server is gone."""
        for thread in self._threads:
            thread.join(timeout=30)
        assert self.unexpected == []


def assert_logged_once(answered: list[str], directory: Path) -> None:
    logged = [prediction.id for prediction in read_predictions(directory)]
    assert len(logged) == len(set(logged))
    assert len(answered) == len(set(answered))
    assert set(answered) <= set(logged)


def test_kill_under_load_loses_nothing_answered(start_server: StartServer) -> None:
    answered: list[str] = []
    for count in (50, 300):
        server = start_server()
        load = Load(server.url)
        load.wait_for(count)
        server.process.send_signal(signal.SIGKILL)
        load.end()
        server.finish()
        answered += load.answered
    assert_logged_once(answered, server.directory)


@pytest.mark.slow
def test_many_kills_at_odd_moments(start_server: StartServer) -> None:
    answered: list[str] = []
    for round_ in range(10):
        server = start_server()
        load = Load(server.url, clients=8)
        load.wait_for(1 + 37 * round_)
        server.process.send_signal(signal.SIGKILL)
        load.end()
        server.finish()
        answered += load.answered
    assert_logged_once(answered, server.directory)


def test_sigterm_answers_what_it_has_begun(start_server: StartServer) -> None:
    server = start_server()
    load = Load(server.url)
    load.wait_for(100)
    body = json.dumps([{**ROW, "age": n % 100} for n in range(5_000)]).encode()
    with socket.create_connection((server.host, server.port), timeout=30) as connection:
        head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body[:1_000])
        time.sleep(0.2)
        server.process.send_signal(signal.SIGTERM)
        load.end()
        connection.sendall(body[1_000:])
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    output, errors = server.finish()
    assert (server.process.returncode, output.strip()) == (0, "ended"), errors
    assert "Traceback" not in errors
    assert answer.startswith(b"HTTP/1.1 200 OK")
    begun = json.loads(answer.split(b"\r\n\r\n", 1)[1])["predictions"]
    assert len(begun) == 5_000
    assert_logged_once([*load.answered, *(p["prediction_id"] for p in begun)], server.directory)


def test_promotion_and_feedback_over_http(start_server: StartServer, tmp_path: Path) -> None:
    champion = tmp_path / "champion"
    champion.write_text("1")
    server = start_server("--versions", str(champion))
    with httpx.Client(base_url=server.url) as http:
        first = http.post("/predict", json=ROW).json()
        assert first["version"] == 1
        champion.write_text("2")
        deadline = time.monotonic() + 30
        while http.post("/predict", json=ROW).json()["version"] == 1 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert http.post("/predict", json=ROW).json()["version"] == 2
        outcome = {"prediction_id": first["prediction_id"], "label": ">50K"}
        assert http.post("/feedback", json=outcome).json() == {"accepted": 1}
        assert http.get("/v2/health/ready").json() == {"live": True, "ready": True}
        assert re.search(r"process_resident_memory_bytes \d", http.get("/metrics").text)


def test_feedback_for_predictions_of_an_earlier_process(start_server: StartServer) -> None:
    server = start_server()
    identity = httpx.post(server.url + "/predict", json=ROW).json()["prediction_id"]
    server.process.send_signal(signal.SIGKILL)
    server.finish()
    outcome = {"prediction_id": identity, "label": ">50K"}
    again = start_server()
    assert httpx.post(again.url + "/feedback", json=outcome).status_code == 200


def test_raw_bytes_on_the_socket_do_not_stop_it(start_server: StartServer) -> None:
    server = start_server()
    good = json.dumps(ROW).encode()
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\n"
    for sent in (
        b"\x00\xff\x16\x03\x01" * 100,
        b"GET /predict\r\n\r\n",
        head + b"Content-Length: 99999\r\n\r\n" + good,
        head + b"Content-Length: -5\r\n\r\n" + good,
        head + b"Content-Length: 5\r\nContent-Length: 7\r\n\r\n" + good,
        head + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n" + good,
        head + b"X: " + b"a" * 500_000 + b"\r\n\r\n",
        head + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{}",
    ):
        with socket.create_connection((server.host, server.port), timeout=5) as connection:
            connection.settimeout(5)
            answer = b""
            with contextlib.suppress(OSError):  # it may have hung up before all was sent
                connection.sendall(sent)
                connection.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionError):
                answer = connection.recv(65_536)
        assert b" 500 " not in answer[:20], (sent[:60], answer)
    assert httpx.post(server.url + "/predict", json=ROW).status_code == 200
    assert server.process.poll() is None


def test_a_port_in_use_says_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        log, feedback = PredictionLog(tmp_path), FeedbackLog(tmp_path)
        app = create_app(fixed_model(income_model()), log, feedback, income_schema())
        with pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1:{port}: Address already in use"):
            serve(app, port=port)
        log.close()
        feedback.close()


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 99_999), ("256.0.0.1", 0), ("::1::", 0)])
def test_an_impossible_address_says_so(tmp_path: Path, host: str, port: int) -> None:
    log, feedback = PredictionLog(tmp_path), FeedbackLog(tmp_path)
    app = create_app(fixed_model(income_model()), log, feedback, income_schema())
    with pytest.raises(UsageError, match="cannot listen on"):
        serve(app, host=host, port=port)
    log.close()
    feedback.close()
