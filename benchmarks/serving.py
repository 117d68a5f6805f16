"""Requests a second and CPU per request of POST /predict, beside a server that answers a constant.

    python benchmarks/serving.py [--seconds 3] [--rounds 5] [--connections 1,32,64] [--threads 1]

The servers run in turn in the same minutes: Starlette with uvicorn, uvloop and httptools, answering the
same bytes each time, and Tilth with validation, logging and counting on: 14 numbers and 6 texts through one
graph of scaling, one-hot encoding and 100 LightGBM trees. The client is a process of its own. CPU is the
user and system time of the server's processes divided by the answers; it barely moves with what else the
machine does.
"tilth x 2" is Tilth with two workers: with two free cores besides those of the client it answers about
twice as many. Prints a Markdown table of medians.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil

if TYPE_CHECKING:
    from tilth.serving.workers import Seat

NUMBERS = [f"n{i:02d}" for i in range(14)]
TEXTS = {"channel": 4, "country": 30, "device": 6, "plan": 5, "merchant": 60, "segment": 12}
CONSTANT = b'{"predictions":[[0.8123456789,0.1876543211]]}'


# ---------------------------------------------------------------- the model


def make_rows(count: int, seed: int = 20240601) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Columns of random numbers and texts, and labels that depend on them."""
    rng = np.random.default_rng(seed)
    columns: dict[str, np.ndarray] = {}
    logit = np.zeros(count)
    for i, name in enumerate(NUMBERS):
        columns[name] = (rng.normal(size=count) * (1 + i) + i).astype(np.float32).astype(np.float64)
        logit += np.sin(columns[name] / (1 + i)) * (0.3 + 0.05 * i)
    for name, size in TEXTS.items():
        codes = rng.choice(size, size=count, p=rng.dirichlet(np.ones(size) * 3))
        logit += rng.normal(size=size)[codes] * 0.5
        columns[name] = np.array([f"{name}_{v:02d}" for v in range(size)], dtype=object)[codes]
    labels = (logit + rng.logistic(size=count) > np.median(logit)).astype(np.int64)
    return columns, labels


def train(directory: Path) -> None:
    """Write graph.onnx, row.json and rows.json."""
    import pyarrow as pa

    from tilth.features import Transform
    from tilth.metrics import LabelEncoding
    from tilth.training import Learned, export, fit_estimator, make_estimator

    columns, labels = make_rows(40_000)
    table = pa.table({name: pa.array(values.tolist()) for name, values in columns.items()})
    transform = Transform(
        lambda x: {name: x[name].zscore() for name in NUMBERS} | {name: x[name].one_hot() for name in TEXTS}
    ).fit(table)
    features = np.column_stack([column.to_numpy() for column in transform.apply(table).columns])
    estimator = make_estimator("lightgbm", {"n_estimators": 100}, task="binary", seed=1)
    fitted = fit_estimator(estimator, features, labels)
    graph = export(transform.to_onnx(), Learned(fitted, LabelEncoding("binary", (0, 1))))
    (directory / "graph.onnx").write_bytes(graph)
    rows = [{name: values[i] for name, values in columns.items()} for i in range(1_000)]
    (directory / "row.json").write_text(json.dumps(rows[0]))
    (directory / "rows.json").write_text(json.dumps(rows))


# ---------------------------------------------------------------- the servers


def serve_constant(port: int) -> None:
    """Starlette, reading the body and answering the same bytes."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    async def predict(request: Request) -> Response:
        await request.body()
        return Response(CONSTANT, media_type="application/json")

    app = Starlette(routes=[Route("/predict", predict, methods=["POST"])])
    uvicorn.run(app, port=port, loop="uvloop", http="httptools", access_log=False, log_level="warning")


def serve_tilth(port: int, directory: Path, workers: int, threads: int) -> None:
    """Tilth as `tilth serve` runs it."""
    import serving  # what a worker does must be found by name in another process
    from tilth.serving.listening import listen
    from tilth.serving.meter_blocks import meter_folder
    from tilth.serving.supervision import supervise
    from tilth.serving.workers import Seat

    sockets = listen("127.0.0.1", port, workers)
    if workers == 1:
        answer(directory, threads, Seat(0, 1, {"http": sockets[0]}, None, int))
        return
    with meter_folder() as folder:
        work = functools.partial(serving.answer, directory, threads)
        supervise(work, {"http": sockets}, folder=folder)


def answer(directory: Path, threads: int, seat: Seat) -> None:
    """One process of Tilth."""
    from tilth.inference import Graph
    from tilth.schemas import Column, Schema
    from tilth.serving import ServedModel, create_app, fixed_model, serve
    from tilth.serving.metering import Meters
    from tilth.tables import FeedbackLog, PredictionLog

    numbers = [Column(name=name, type="float") for name in NUMBERS]
    texts = [
        Column(name=name, type="string", domain=tuple(f"{name}_{v:02d}" for v in range(size)))
        for name, size in TEXTS.items()
    ]
    model = ServedModel("bench", 1, Graph.from_path(directory / "graph.onnx", threads), "binary", (0, 1))
    logs = directory / "predictions"
    app = create_app(
        fixed_model(model),
        PredictionLog(logs),
        FeedbackLog(logs),
        Schema(columns=(*numbers, *texts)),
        meters=Meters(seat.folder),
        folder=seat.folder,
    )
    serve(app, listener=seat.listeners["http"], started=lambda *_: seat.started())


# ---------------------------------------------------------------- the client


class Connection(asyncio.Protocol):
    """Sends the same request again as soon as it is answered."""

    def __init__(self, request: bytes, times: list[float], failures: list[bytes]) -> None:
        self._request = request
        self._times = times
        self._failures = failures
        self._received = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Send the first request."""
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Collect an answer; when it is whole, send the next request."""
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._received[:end].lower()
        at = head.index(b"content-length:") + 15
        length = int(head[at:].split(b"\r\n", 1)[0])
        if len(self._received) < end + 4 + length:
            return
        if b" 200 " not in head[:16]:
            self._failures.append(self._received)
        self._received = b""
        self._times.append(time.perf_counter() - self._sent)
        self._send()


async def drive(port: int, body: bytes, connections: int, seconds: float) -> dict[str, float]:
    """Keep so many connections busy; counts and latencies."""
    request = (
        b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body)
    ) + body
    times: list[float] = []
    failures: list[bytes] = []
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    transports = [
        (await loop.create_connection(lambda: Connection(request, times, failures), "127.0.0.1", port))[0]
        for _ in range(connections)
    ]
    await asyncio.sleep(seconds)
    wall = time.perf_counter() - started
    for transport in transports:
        transport.abort()
    if failures:
        raise SystemExit(f"an answer that is not 200: {failures[0][:500]!r}")
    answered = list(times)
    return {
        "count": len(answered),
        "rate": len(answered) / wall,
        "p50_ms": float(np.quantile(answered, 0.5)) * 1e3,
        "p99_ms": float(np.quantile(answered, 0.99)) * 1e3,
    }


# ---------------------------------------------------------------- the measurement


@dataclass(frozen=True)
class Measured:
    """One round."""

    rate: float
    p50_ms: float
    p99_ms: float
    cpu_us: float


@contextmanager
def running(kind: str, port: int, directory: Path, threads: int) -> Iterator[subprocess.Popen[bytes]]:
    """A server process, ready to answer."""
    process = subprocess.Popen(
        [sys.executable, __file__, "--role", *kind.split(" x "), str(port), str(directory), str(threads)]
    )
    try:
        wait_ready(port, process)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def wait_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    import socket

    for _ in range(600):
        if process.poll() is not None:
            raise SystemExit("a server ended before it was ready")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("a server did not get ready")


def measure(
    process: subprocess.Popen[bytes], port: int, body: Path, connections: int, seconds: float
) -> Measured:
    """One round against one server."""
    server = psutil.Process(process.pid)
    before = cpu_seconds(server)
    client = [
        sys.executable,
        __file__,
        "--role",
        "client",
        str(port),
        str(body),
        str(connections),
        str(seconds),
    ]
    result = json.loads(subprocess.run(client, stdout=subprocess.PIPE, check=True).stdout)
    cpu = cpu_seconds(server) - before
    return Measured(result["rate"], result["p50_ms"], result["p99_ms"], cpu / result["count"] * 1e6)


def cpu_seconds(server: psutil.Process) -> float:
    """User and system time of a server and its workers."""
    times = [each.cpu_times() for each in (server, *server.children())]
    return sum(time.user + time.system for time in times)


def free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def median(rounds: list[Measured]) -> Measured:
    return Measured(*(statistics.median(getattr(r, f) for r in rounds) for f in Measured.__annotations__))


def compare(seconds: float, rounds: int, connections: list[int], threads: int) -> None:
    """Measure the servers in turn and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        train(directory)
        row = directory / "row.json"
        ports = {kind: free_port() for kind in ("constant", "tilth", "tilth x 2")}
        with (
            running("constant", ports["constant"], directory, threads) as constant,
            running("tilth", ports["tilth"], directory, threads) as tilth,
            running("tilth x 2", ports["tilth x 2"], directory, threads) as two,
        ):
            processes = {"constant": constant, "tilth": tilth, "tilth x 2": two}
            for kind, process in processes.items():
                measure(process, ports[kind], row, 8, 1.0)
            print("| connections | server | requests/s | p50 ms | p99 ms | CPU us/request | CPU x constant |")
            print("| ---: | :--- | ---: | ---: | ---: | ---: | ---: |")
            for count in connections:
                found: dict[str, list[Measured]] = {kind: [] for kind in processes}
                for _ in range(rounds):
                    for kind, process in processes.items():
                        found[kind].append(measure(process, ports[kind], row, count, seconds))
                base = median(found["constant"]).cpu_us
                for kind, rounds_found in found.items():
                    print(table_line(count, kind, median(rounds_found), base))
            rows = directory / "rows.json"
            batch = median([measure(tilth, ports["tilth"], rows, 1, seconds) for _ in range(rounds)])
            memory = psutil.Process(tilth.pid).memory_info().rss / 2**20
    print(
        f"\n1,000 rows in one request: {batch.rate:.1f} requests/s, p50 {batch.p50_ms:.1f} ms, "
        f"{batch.cpu_us / 1e3:.1f} ms CPU. Memory of the server: {memory:.0f} MiB. "
        f"Median of {rounds} rounds of {seconds:g} s on {os.cpu_count()} cores."
    )


def table_line(connections: int, kind: str, found: Measured, base: float) -> str:
    return (
        f"| {connections} | {kind} | {found.rate:,.0f} | {found.p50_ms:.2f} | {found.p99_ms:.2f} "
        f"| {found.cpu_us:.0f} | {found.cpu_us / base:.2f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", default="1,32,64")
    parser.add_argument("--threads", type=int, default=1, help="cores that one run of the graph may use")
    parser.add_argument("--role", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    role = arguments.role or ["compare"]
    if role[0] == "constant":
        serve_constant(int(role[1]))
    elif role[0] == "tilth":
        workers, port, directory, threads = role[1:] if len(role) == 5 else ("1", *role[1:])
        serve_tilth(int(port), Path(directory), int(workers), int(threads))
    elif role[0] == "client":
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            work = drive(int(role[1]), Path(role[2]).read_bytes(), int(role[3]), float(role[4]))
            print(json.dumps(runner.run(work)))
    else:
        connections = [int(n) for n in arguments.connections.split(",")]
        compare(arguments.seconds, arguments.rounds, connections, arguments.threads)


if __name__ == "__main__":
    main()
