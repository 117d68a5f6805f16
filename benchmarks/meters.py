"""CPU of counting one request, and of one scrape: Tilth's blocks beside prometheus_client.

    python benchmarks/meters.py [--requests 200000] [--workers 4]

Counting a request is one counter and one histogram of 14 buckets, with two labels. Each way runs in a process
of its own, since prometheus_client decides once whether it counts for several processes. The scrape adds up
what `--workers` processes have counted. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
WAYS = {
    "one": "prometheus_client, one process",
    "multiprocess": "prometheus_client, multiprocess mode",
    "tilth-one": "Tilth, one process",
    "tilth": "Tilth, several workers",
}


def by_prometheus(*, is_multiprocess: bool) -> tuple[Callable[[], None], Callable[[], bytes]]:
    """Counting and scraping by prometheus_client."""
    from prometheus_client import CollectorRegistry, Counter, Histogram
    from prometheus_client.exposition import generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    registry = CollectorRegistry()
    requests = Counter("requests", "Requests.", ["endpoint", "status"], registry=registry)
    seconds = Histogram("seconds", "Seconds.", ["endpoint"], buckets=BUCKETS, registry=registry)
    request, second = requests.labels("/predict", "200"), seconds.labels("/predict")

    def count() -> None:
        request.inc()
        second.observe(0.004)

    def scrape() -> bytes:
        asked = registry
        if is_multiprocess:
            asked = CollectorRegistry()
            MultiProcessCollector(asked)
        return generate_latest(asked)

    return count, scrape


def by_tilth(folder: Path | None) -> tuple[Callable[[], None], Callable[[], bytes]]:
    """Counting and scraping by Tilth; its scrape has the metrics of processes too."""
    from tilth.serving.metering import Meters

    meters = Meters(folder)
    meters.began()

    def count() -> None:
        meters.answered("/predict", 200, 0.004)

    return count, meters.exposition


def worker(way: str, folder: Path, requests: int, scrapes: int) -> None:
    """Count, scrape, and print microseconds of both."""
    if way in ("one", "multiprocess"):
        count, scrape = by_prometheus(is_multiprocess=way == "multiprocess")
    else:
        count, scrape = by_tilth(folder if way == "tilth" else None)
    count()
    begun = time.process_time()
    for _ in range(requests):
        count()
    counted = time.process_time()
    for _ in range(scrapes):
        scrape()
    done = time.process_time()
    print((counted - begun) / requests * 1e6, (done - counted) / max(scrapes, 1) * 1e6, flush=True)
    if not scrapes:
        # One of those beside: it lives until it has been read.
        sys.stdin.read()


def measure(way: str, requests: int, workers: int) -> tuple[float, float]:
    """Microseconds of counting a request and of a scrape, when other workers have counted before."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ}
        environment.pop("PROMETHEUS_MULTIPROC_DIR", None)
        if way == "multiprocess":
            environment["PROMETHEUS_MULTIPROC_DIR"] = folder
        beside = workers - 1 if way in ("multiprocess", "tilth") else 0
        started = []
        for count, scrapes in [(10, 0)] * beside + [(requests, 50)]:
            process = subprocess.Popen(
                [sys.executable, __file__, "--way", way, folder, str(count), str(scrapes)],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            assert process.stdout is not None
            line = process.stdout.readline()
            started.append(process)
        for process in started:
            process.communicate()
    counting, scraping = map(float, line.split())
    return counting, scraping


def main() -> None:
    """Measure all ways and print them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--way", nargs=4)
    arguments = parser.parse_args()
    if arguments.way:
        way, folder, requests, scrapes = arguments.way
        worker(way, Path(folder), int(requests), int(scrapes))
        return
    print("| counting | microseconds a request | milliseconds a scrape |")
    print("| --- | --- | --- |")
    for way, name in WAYS.items():
        counting, scraping = measure(way, arguments.requests, arguments.workers)
        print(f"| {name} | {counting:.2f} | {scraping / 1000:.2f} |")


if __name__ == "__main__":
    main()
