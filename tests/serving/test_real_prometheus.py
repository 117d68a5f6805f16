"""A real Prometheus scrapes a real `tilth serve` of two workers and two versions."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from project_factory import hurried_project
from served import post, serving, tilth

pytestmark = pytest.mark.slow

PROMETHEUS = shutil.which("prometheus")
ROW = {"income": 55.0, "age": 30, "plan": "pro"}


@contextlib.contextmanager
def prometheus(folder: Path) -> Iterator[Callable[[str], dict[str, float]]]:
    """A Prometheus with the configuration in a folder: a query gives values by their labels."""
    assert PROMETHEUS is not None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [
        PROMETHEUS,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    ]

    def asked(path: str) -> Any:
        with urllib.request.urlopen(f"http://{address}/api/v1/{path}", timeout=10) as answer:
            return json.load(answer)["data"]

    def query(expression: str) -> dict[str, float]:
        found = asked("query?" + urllib.parse.urlencode({"query": expression}))["result"]
        return {",".join(map(str, each["metric"].values())): float(each["value"][1]) for each in found}

    with (folder / "prometheus.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            until(lambda: answers(asked), "Prometheus answers")
            rules = [rule for group in asked("rules")["groups"] for rule in group["rules"]]
            assert len(rules) == 16
            yield query
            rules = [rule for group in asked("rules")["groups"] for rule in group["rules"]]
            assert [rule for rule in rules if rule["health"] == "err"] == []
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


def answers(asked: Callable[[str], Any]) -> bool:
    try:
        return bool(asked("rules")["groups"])
    except (urllib.error.URLError, ConnectionError):
        return False


def until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two versions; the second is the challenger. Two workers serve both."""
    folder = hurried_project(tmp_path, rows=200).directory
    assert tilth("run", folder=folder).returncode == 0
    toml = folder / "tilth.toml"
    text = toml.read_text().replace("n_estimators = 20", "n_estimators = 5")
    serve = '[serve]\nworkers = 2\nversions = ["challenger"]\n'
    text = text.replace("[serve]\n", serve) if "[serve]\n" in text else f"{text}\n{serve}"
    toml.write_text(text)
    assert tilth("run", folder=folder).returncode == 0
    return folder


@pytest.mark.skipif(PROMETHEUS is None, reason="prometheus is not here")
def test_totals_over_workers_and_versions_are_right(project: Path, tmp_path: Path) -> None:
    assert tilth("monitor", folder=project).returncode in (0, 1)
    with serving(project) as (url, process):
        host = url.removeprefix("http://")
        exported = tilth("monitor", "export", "watching", "--target", host, "--interval", "1", folder=project)
        assert exported.returncode == 0, exported.stderr
        with prometheus(project / "watching") as query:
            send(f"{url}/predict", 40, rows=1)
            send(f"{url}/predict/customers/versions/2", 20, rows=3)
            for _ in range(5):
                assert post(f"{url}/predict", {**ROW, "plan": 7})[0] == 400
            by = "sum by (version, role) (tilth_predictions_total)"
            until(lambda: sorted(query(by).values()) == [40, 60], f"the totals: {query(by)}")
            every = query('sum by (status) (tilth_requests_total{endpoint=~"/predict.*"})')
            assert every == {"200": 60, "400": 5}
            assert query("sum(tilth_prediction_duration_seconds_count)") == {"": 60}
            assert query("sum(tilth_batch_rows_sum)") == {"": 100}
            assert query("tilth_workers") != {}
            assert list(query("tilth_workers").values()) == [2]
            assert list(query("tilth_model_ready").values()) == [1]
            assert sorted(query("count by (role) (tilth_model_info)")) == ["beside", "live"]
            assert list(query("tilth_monitor_time_seconds").values()) != []
            assert list(query('up{job="tilth"}').values()) == [1]
            kill_a_worker(process.pid)
            until(
                lambda: list(query("tilth_worker_starts_total").values()) == [3], "another worker was started"
            )
            send(f"{url}/predict", 10, rows=1)
            until(lambda: sorted(query(by).values()) == [50, 60], "what the dead worker counted stays")


def send(url: str, requests: int, rows: int) -> None:
    """Requests over connections of their own, from four threads, so that every worker gets some."""
    failed: list[tuple[int, Any]] = []

    def some() -> None:
        for _ in range(requests // 4):
            status, answer = post(url, [ROW] * rows)
            if status != 200:
                failed.append((status, answer))

    threads = [threading.Thread(target=some) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    some_more = requests % 4
    for _ in range(some_more):
        assert post(url, [ROW] * rows)[0] == 200
    assert failed == []


def kill_a_worker(server: int) -> None:
    """One of the processes that answer, not one that only keeps account of others."""
    children = psutil.Process(server).children(recursive=True)
    workers = [child for child in children if child.net_connections(kind="inet")]
    workers[0].kill()
