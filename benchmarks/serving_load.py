"""How the server behaves when it is asked too much, for long, or is killed.

    python benchmarks/serving_load.py overload [--minutes 10]   more than it can answer
    python benchmarks/serving_load.py soak [--minutes 20]       half of what it can answer
    python benchmarks/serving_load.py kill [--kills 50]         kill -9 of workers under load

The model is that of benchmarks/serving.py. First the most that 64 busy connections get is measured; then
requests are sent at 1.5 times or half of that rate, when they are due, however long answers take. Every
answered prediction must be in the log, and none twice. Prints Markdown.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from serving import cpu_seconds, drive, free_port, running, train
from tilth.tables import read_predictions

MOST_CONNECTIONS = 2_000
_LATE_S = 0.05
_ID = re.compile(rb'"prediction_id":"([^"]+)"')


class Line(asyncio.Protocol):
    """A connection that sends one request at a time."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._received = b""
        self._sent = 0.0
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Keep the way out."""
        self.transport = transport

    def send(self, due: float) -> None:
        """Send a request that was due at a moment."""
        assert self.transport is not None
        self._sent = due
        self.transport.write(self._load.request)

    def data_received(self, data: bytes) -> None:
        """Collect an answer."""
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(re.findall(rb"content-length: (\d+)", head.lower())[0])
        if len(body) >= length:
            status, self._received = int(head[9:12]), b""
            self._load.answered(self, status, body, time.perf_counter() - self._sent, b"close" in head)
            self._sent = 0.0

    def connection_lost(self, _exc: Exception | None) -> None:
        """Note what was cut off."""
        self._load.lost(self, was_waiting=self._sent > 0)


class Load:
    """Requests at a rate, and what became of them."""

    def __init__(self, port: int, body: bytes, rate: float) -> None:
        self.request = (
            b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"X-Request-Timeout-Ms: 1000\r\nContent-Length: %d\r\n\r\n" % len(body)
        ) + body
        self.ids: list[bytes] = []
        self.renew()
        self._port = port
        self._rate = rate
        self._idle: list[Line] = []
        self._open = 0

    def renew(self) -> None:
        """Count anew."""
        self.statuses: Counter[int] = Counter()
        self.seconds: list[float] = []
        self.cut = 0
        self.unsent = 0

    def answered(self, line: Line, status: int, body: bytes, seconds: float, closes: bool) -> None:
        """An answer came."""
        self.statuses[status] += 1
        if status == 200:
            self.seconds.append(seconds)
            self.ids += _ID.findall(body)
        if not closes:
            self._idle.append(line)

    def lost(self, line: Line, *, was_waiting: bool) -> None:
        """A connection ended."""
        self._open -= 1
        self.cut += was_waiting
        if line in self._idle:
            self._idle.remove(line)

    async def run(self, seconds: float) -> None:
        """Send for so long."""
        start = time.perf_counter()
        sent, now = 0, start
        while now < start + seconds:
            due = int((now - start) * self._rate)
            while sent < due:
                sent += 1
                moment = start + sent / self._rate
                if time.perf_counter() - moment > _LATE_S:
                    self.unsent += 1  # this client is too slow; that is not the server's latency
                else:
                    await self._send(moment)
            await asyncio.sleep(0.001)
            now = time.perf_counter()
        await asyncio.sleep(1.5)

    async def _send(self, due: float) -> None:
        if self._idle:
            self._idle.pop().send(due)
        elif self._open < MOST_CONNECTIONS:
            self._open += 1
            try:
                loop = asyncio.get_running_loop()
                _, line = await loop.create_connection(lambda: Line(self), "127.0.0.1", self._port)
            except OSError:
                self._open -= 1
                self.cut += 1
            else:
                line.send(due)
        else:
            self.unsent += 1


def check_log(ids: list[bytes], directory: Path) -> str:
    """Every answered prediction is in the log, none twice; in words."""
    logged = [each.id for each in read_predictions(directory / "predictions")]
    answered = [each.decode() for each in ids]
    missing = len(set(answered) - set(logged))
    if missing or len(set(logged)) < len(logged) or len(set(answered)) < len(answered):
        raise SystemExit(f"{missing} answered predictions are not in the log, or some are there twice")
    return f"{len(answered):,} answered predictions are all in the log of {len(logged):,}, none twice"


def memory(server: psutil.Process) -> tuple[float, int]:
    """MiB and open files of a server and its workers."""
    processes = (server, *server.children())
    return sum(p.memory_info().rss for p in processes) / 2**20, sum(p.num_fds() for p in processes)


async def at_rate(factor: float, minutes: float) -> None:
    """Send at so many times the capacity; a line of the table for each of ten parts."""
    with tempfile.TemporaryDirectory() as folder:
        directory, port = Path(folder), free_port()
        train(directory)
        body = (directory / "row.json").read_bytes()
        with running("tilth", port, directory, 1) as process:
            server = psutil.Process(process.pid)
            capacity = (await drive(port, body, 64, 3.0))["rate"]
            rate = capacity * factor
            print(f"Capacity {capacity:,.0f} requests/s; sent {rate:,.0f}/s for {minutes:g} minutes.\n")
            print("| minute | not sent | 200 | 429 | 503 | other | p50 ms | p99 ms | max ms | MiB | files |")
            print("|" + " ---: |" * 11)
            load = Load(port, body, rate)
            for part in range(10):
                load.renew()
                await load.run(minutes * 6)
                print(part_line((part + 1) * minutes / 10, load, *memory(server)), flush=True)
            cpu = cpu_seconds(server)
        print(f"\n{check_log(load.ids, directory)}; {cpu:.0f} s of CPU.")


def part_line(minute: float, load: Load, mib: float, files: int) -> str:
    p50, p99, most = (np.quantile(load.seconds or [0.0], q) * 1e3 for q in (0.5, 0.99, 1.0))
    other = sum(load.statuses.values()) - sum(load.statuses[s] for s in (200, 429, 503)) + load.cut
    counts = " | ".join(f"{load.statuses[s]:,}" for s in (200, 429, 503))
    latency = f"{p50:.1f} | {p99:.1f} | {most:.1f}"
    return f"| {minute:.2f} | {load.unsent:,} | {counts} | {other} | {latency} | {mib:.0f} | {files} |"


async def kill(kills: int) -> None:
    """Kill workers at odd moments; what was answered is in the log."""
    chance = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        directory, port = Path(folder), free_port()
        train(directory)
        body = (directory / "row.json").read_bytes()
        with running("tilth x 2", port, directory, 1) as process:
            server = psutil.Process(process.pid)
            await asyncio.sleep(5.0)  # both have started
            load = Load(port, body, 500.0)
            sending = asyncio.create_task(load.run(kills * 30.0))  # it ends with the last kill
            done = 0
            while done < kills and not sending.done():
                await asyncio.sleep(chance.uniform(0.2, 1.0))
                workers = server.children()
                if len(workers) == 2:
                    os.kill(chance.choice(workers).pid, signal.SIGKILL)
                    done += 1
                    await asyncio.sleep(2.0)
            sending.cancel()
            await asyncio.sleep(1.0)
        print(f"{done} kills: {json.dumps(load.statuses)}, {load.cut} requests cut off.")
        print(check_log(load.ids, directory) + ".")


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run on the quicker event loop."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("overload", "soak", "kill"))
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--kills", type=int, default=50)
    arguments = parser.parse_args()
    if arguments.what == "kill":
        run(kill(arguments.kills))
    elif arguments.what == "overload":
        run(at_rate(1.5, arguments.minutes or 10.0))
    else:
        run(at_rate(0.5, arguments.minutes or 20.0))


if __name__ == "__main__":
    main()
