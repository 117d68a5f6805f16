"""Several worker processes behind one port: they share the work, and one that dies is replaced."""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from example_server import ROW
from serving_clients import ServerProcess

from tilth.errors import UsageError
from tilth.serving.listening import listen
from tilth.tables import read_predictions

SCRIPT = Path(__file__).with_name("example_workers.py")
UNUSED = ssl.create_default_context()
"""Made once: httpx makes one for each request else, which takes longer than the request."""

StartWorkers = Callable[..., ServerProcess]


@pytest.fixture
def start_workers(tmp_path: Path) -> Iterator[StartWorkers]:
    """A factory of servers of several workers; ends them afterwards."""
    servers: list[ServerProcess] = []

    def start(count: int = 2, *arguments: str) -> ServerProcess:
        server = ServerProcess(tmp_path / "predictions", str(count), *arguments, script=SCRIPT)
        servers.append(server)
        return server

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.process.terminate()
            server.process.communicate(timeout=60)
        for stream in (server.process.stdout, server.process.stderr):
            assert stream is not None
            stream.close()


def workers_of(server: ServerProcess) -> list[psutil.Process]:
    return psutil.Process(server.process.pid).children()


def ask(url: str, path: str = "/predict") -> httpx.Response:
    """One request over a connection of its own, so that any worker may get it."""
    return httpx.post(url + path, json=ROW, timeout=30, verify=UNUSED)


def wait_for(what: str, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def test_workers_share_the_requests_and_their_totals(start_workers: StartWorkers) -> None:
    server = start_workers(2)
    ids = {ask(server.url).json()["prediction_id"] for _ in range(40)}
    assert ids == {prediction.id for prediction in read_predictions(server.directory)}
    assert len({identity.rsplit("-", 1)[0] for identity in ids}) == 2  # each worker writes a file of its own
    for _ in range(4):
        counted = httpx.get(server.url + "/metrics").text
        assert re.search(r'tilth_requests_total\{endpoint="/predict",status="200"\} 40.0', counted)
    server.process.send_signal(signal.SIGTERM)
    output, errors = server.finish()
    assert (server.process.returncode, output.strip()) == (0, "ended"), errors
    assert "Traceback" not in errors


def test_ctrl_c_ends_it_all(start_workers: StartWorkers) -> None:
    server = start_workers(2)
    processes = workers_of(server)
    server.process.send_signal(signal.SIGINT)
    output, errors = server.finish()
    assert (server.process.returncode, output.strip()) == (0, "ended"), errors
    assert not [each for each in processes if each.is_running()]


@pytest.mark.slow
def test_a_worker_that_dies_is_replaced_and_its_queue_waits(start_workers: StartWorkers) -> None:
    server = start_workers(2)
    first = workers_of(server)
    statuses: list[int] = []
    broken: list[str] = []
    stop = threading.Event()

    def client() -> None:
        while not stop.is_set():
            try:
                statuses.append(ask(server.url).status_code)
            except httpx.HTTPError as error:  # the connections that the dead worker had
                broken.append(repr(error))

    threads = [threading.Thread(target=client) for _ in range(3)]
    for thread in threads:
        thread.start()
    wait_for("answers", lambda: len(statuses) > 30)
    os.kill(first[0].pid, signal.SIGKILL)
    wait_for("another worker", lambda: len(set(workers_of(server)) - set(first)) == 1)
    count = len(statuses)
    wait_for("answers of both", lambda: len(statuses) > count + 60)
    stop.set()
    for thread in threads:
        thread.join(timeout=60)
    assert set(statuses) == {200}
    assert len(broken) <= len(threads)  # at most what was in work in the worker that was killed
    assert first[1] in workers_of(server)
    counted = httpx.get(server.url + "/metrics").text
    (total,) = re.findall(r'tilth_predictions_total\{.*role="live".*\} (\S+)', counted)
    assert float(total) >= len(statuses)  # what the dead worker counted is not forgotten


@pytest.mark.slow
def test_what_killed_workers_answered_is_logged_once(start_workers: StartWorkers) -> None:
    server = start_workers(2)
    chance = random.Random(0)
    answered: list[str] = []
    stop = threading.Event()

    def client() -> None:
        while not stop.is_set():
            try:
                answered.append(ask(server.url).json()["prediction_id"])
            except httpx.HTTPError:  # cut off by a kill
                continue

    threads = [threading.Thread(target=client) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        count = len(answered)
        wait_for("answers", lambda least=count + 20: len(answered) > least)
        time.sleep(chance.uniform(0.0, 0.3))
        os.kill(chance.choice(workers_of(server)).pid, signal.SIGKILL)
    stop.set()
    for thread in threads:
        thread.join(timeout=60)
    logged = [prediction.id for prediction in read_predictions(server.directory)]
    assert len(logged) == len(set(logged))
    assert len(answered) == len(set(answered)) > 100
    assert set(answered) <= set(logged)


def test_workers_end_with_their_supervisor(start_workers: StartWorkers) -> None:
    server = start_workers(2)
    processes = workers_of(server)
    assert len(processes) == 2
    server.process.kill()
    server.process.wait()
    assert psutil.wait_procs(processes, timeout=60)[1] == []


def test_a_model_taken_out_of_service_is_so_in_every_worker(start_workers: StartWorkers) -> None:
    server = start_workers(2)
    repository = "/v2/repository/models/income"
    assert ask(server.url, f"{repository}/unload").status_code == 200

    def statuses() -> set[int]:
        return {ask(server.url).status_code for _ in range(12)}

    wait_for("unloaded", lambda: statuses() == {503})
    assert httpx.get(server.url + "/v2/health/ready").status_code == 503
    assert httpx.get(server.url + "/v2/health/live").status_code == 200
    assert ask(server.url, f"{repository}/load").status_code == 200
    wait_for("loaded", lambda: statuses() == {200})
    assert ask(server.url, "/v2/repository/models/other/load").status_code == 404


def test_workers_that_cannot_start_end_the_server(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.touch()
    command = [sys.executable, str(SCRIPT), str(tmp_path), "2", "--broken", str(broken)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "error: it is broken" in ended.stderr
    assert "a worker of the server ended before it answered (exit status 1)" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.slow
def test_a_worker_that_cannot_come_back_is_tried_again(start_workers: StartWorkers, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    server = start_workers(2, "--broken", str(broken))
    first = workers_of(server)
    broken.touch()
    os.kill(first[0].pid, signal.SIGKILL)
    with httpx.Client(base_url=server.url, timeout=60) as http:
        time.sleep(1.0)
        broken.unlink()
        assert http.post("/predict", json=ROW).status_code == 200
    wait_for("two workers", lambda: len([w for w in workers_of(server) if w.status() != "zombie"]) == 2)
    assert {ask(server.url).status_code for _ in range(20)} == {200}


def test_two_servers_of_workers_do_not_share_a_port() -> None:
    sockets = listen("127.0.0.1", 0, 2)
    port = sockets[0].getsockname()[1]
    for count in (1, 2):
        with pytest.raises(UsageError, match="Address already in use"):
            listen("127.0.0.1", port, count)
    for each in sockets:
        each.close()


def test_ready_goes_before_the_listener(start_workers: StartWorkers) -> None:
    server = start_workers(1)
    with httpx.Client(base_url=server.url, timeout=30) as http:
        assert http.get("/v2/health/ready").status_code == 200
        server.process.send_signal(signal.SIGTERM)
        wait_for("not ready", lambda: (http.get("/v2/health/ready").status_code) == 503)
        answer = http.post("/predict", json=ROW)
    assert (answer.status_code, answer.headers["connection"]) == (200, "close")
    output, _ = server.finish()
    assert output.strip() == "ended"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((server.host, server.port), timeout=5)
