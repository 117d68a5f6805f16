"""Counting in several worker processes: totals anywhere, whatever becomes of a worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tilth.serving.meter_blocks import MeterBlock, meter_folder
from tilth.serving.metering import Meters
from tilth.serving.metric_table import METRICS

WORKER = """
import sys
from pathlib import Path
from tilth.serving.metering import Meters
meters = Meters(Path(sys.argv[1]))
meters.models("census", int(sys.argv[2]) or None)
for line in sys.stdin:
    for _ in range(int(line)):
        meters.request("/predict", 200, 0.002)
        meters.predicted("census", 1, 3, waited_s=0.0003, seconds=0.0015)
    print("done", flush=True)
"""


class Worker:
    """A process that counts as many requests as it is told."""

    def __init__(self, folder: Path, version: int = 1) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(folder), str(version)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def count(self, requests: int) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{requests}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"

    def end(self, how: signal.Signals = signal.SIGKILL) -> None:
        self.process.send_signal(how)
        self.process.communicate()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def workers(folder: Path) -> Iterator[list[Worker]]:
    started = [Worker(folder), Worker(folder)]
    yield started
    for worker in started:
        if worker.process.poll() is None:
            worker.end()


def totals(meters: Meters) -> dict[tuple[str, tuple[str, ...]], float]:
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(meters.exposition().decode())
        for sample in family.samples
    }


REQUESTS = ("tilth_requests_total", ("/predict", "200"))


def test_any_worker_tells_what_all_have_counted(folder: Path, workers: list[Worker]) -> None:
    workers[0].count(300)
    workers[1].count(20)
    here = Meters(folder)
    here.request("/predict", 200, 0.2)
    found = totals(here)
    assert found[REQUESTS] == 321
    assert found["tilth_request_duration_seconds_bucket", ("/predict", "0.0025")] == 320
    assert found["tilth_request_duration_seconds_count", ("/predict",)] == 321
    assert found["tilth_request_duration_seconds_sum", ("/predict",)] == pytest.approx(320 * 0.002 + 0.2)
    assert found["tilth_predictions_total", ("census", "live", "1")] == 960
    assert found["tilth_workers", ()] == 3
    here.close()


def test_what_a_killed_worker_counted_stays_and_the_next_one_goes_on(
    folder: Path, workers: list[Worker]
) -> None:
    here = Meters(folder)
    workers[0].count(100)
    workers[1].count(10)
    before = totals(here)
    workers[1].end()
    found = totals(here)
    assert found[REQUESTS] == 110
    assert found["tilth_workers", ()] == 2
    assert found["process_cpu_seconds_total", ()] >= before["process_cpu_seconds_total", ()]
    workers.append(Worker(folder))
    workers[2].count(1)
    found = totals(here)
    assert found[REQUESTS] == 111
    assert found["tilth_workers", ()] == 3
    assert found["tilth_worker_starts_total", ()] == 4
    assert found["process_cpu_seconds_total", ()] >= before["process_cpu_seconds_total", ()]
    assert found["process_start_time_seconds", ()] == before["process_start_time_seconds", ()]
    assert len(list(folder.glob("*.cells"))) == 3
    here.close()


def test_gauges_of_a_dead_worker_are_gone(folder: Path, workers: list[Worker]) -> None:
    workers.append(Worker(folder, version=2))
    workers[2].count(1)
    here = Meters(folder)
    assert totals(here)["tilth_model_info", ("census", "live", "2")] == 1
    workers[2].end()
    assert ("tilth_model_info", ("census", "live", "2")) not in totals(here)
    here.close()


def test_a_model_is_ready_when_it_is_so_in_every_worker(folder: Path, workers: list[Worker]) -> None:
    for worker in workers:
        worker.count(1)
    here = Meters(folder)
    assert totals(here)["tilth_model_ready", ("census",)] == 1
    workers.append(Worker(folder, version=0))
    workers[2].count(1)
    assert totals(here)["tilth_model_ready", ("census",)] == 0
    here.close()


def test_half_a_line_of_a_worker_that_was_killed_is_no_obstacle(folder: Path) -> None:
    first = MeterBlock(folder)
    place = first.place(METRICS["tilth_feedback_total"], ("census",))
    first.cells[place] += 2
    first.close()
    with (folder / "worker-0.series").open("ab") as lines:
        lines.write(b'["tilth_feedb')
    again = MeterBlock(folder)
    assert again.place(METRICS["tilth_feedback_total"], ("census",)) == place
    other = again.place(METRICS["tilth_feedback_total"], ("other",))
    again.cells[other] += 1
    (snapshot,) = again.snapshots()
    assert snapshot.series == {
        ("tilth_feedback_total", ("census",)): (2.0,),
        ("tilth_feedback_total", ("other",)): (1.0,),
    }
    again.close()


def test_threads_lose_no_count() -> None:
    meters = Meters()

    def count() -> None:
        for _ in range(5_000):
            meters.request("/predict", 200, 0.001)

    threads = [threading.Thread(target=count) for _ in range(4)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    found = totals(meters)
    assert found[REQUESTS] == found["tilth_request_duration_seconds_count", ("/predict",)] == 20_000
    assert found["tilth_requests_in_flight", ()] == 0


def test_more_series_than_there_is_room_for_are_left_out_and_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    meters = Meters()
    for number in range(3_000):
        meters.predicted("census", number, 1, seconds=0.001)
    found = totals(meters)
    assert found["tilth_predictions_total", ("census", "live", "0")] == 1
    assert ("tilth_predictions_total", ("census", "live", "2999")) not in found
    assert [record.message for record in caplog.records] == [
        "there are too many metrics: those that come new are not counted"
    ]


def test_a_full_disk_is_an_error_at_the_start_and_no_crash_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_file: int, _from: int, _count: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space"):
        MeterBlock(tmp_path)


def test_the_folder_goes_with_the_server() -> None:
    with meter_folder() as folder:
        assert folder.stat().st_mode & 0o077 == 0
        Meters(folder).close()
    assert not folder.exists()
