"""`tilth bench`: what a model version costs where it answers, held against what the project demands."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import pyarrow as pa

from tilth.checks import Verdict
from tilth.errors import DataError, NotFoundError, StoreError, UsageError
from tilth.pipelines.batch import LoadedVersion, load_version
from tilth.pipelines.bench_memory import peak_memory_mb
from tilth.pipelines.bench_server import bench_server, request_rows
from tilth.pipelines.bench_timing import Timing, timed
from tilth.pipelines.code_version import code_version
from tilth.pipelines.explained_material import taken
from tilth.pipelines.parts import Parts
from tilth.pipelines.run_side import RunSide
from tilth.pipelines.runner import end_early
from tilth.pipelines.runs import find_run
from tilth.pipelines.versions import find_version
from tilth.projects import Project
from tilth.store import ModelVersion
from tilth.tables import Table
from tilth.types import JSONObject

__all__ = ["BenchReport", "bench"]

T = TypeVar("T")

_SAMPLE = 2_048
_SEED = 0
_MB = 1e6
_MOST_S = 3_600.0
_MOST_ROWS = 100_000
_DEMANDED = (1, 64)
"""The sizes of requests that [deployment] speaks of."""


@dataclass(frozen=True)
class BenchReport:
    """What was measured.

    Args:
        model: the version.
        through: "graph" in this process, or "server" over HTTP.
        told: whose rows, in words.
        timings: for each size of requests.
        size_mb: the ONNX file, in MB (10^6 bytes).
        memory_mb: what a fresh process needs for the model; None where it cannot be measured.
        server_memory_mb: what the server held after the measurement; None where there was none.
        verdicts: on what [deployment] demands.
        run: what it is recorded as.
    """

    model: str
    through: str
    told: str
    timings: Sequence[Timing]
    size_mb: float
    memory_mb: float | None
    server_memory_mb: float | None
    verdicts: Sequence[Verdict] = ()
    run: int | None = None

    @property
    def is_within(self) -> bool:
        """Whether all demands are met."""
        return all(verdict.passed for verdict in self.verdicts)

    @property
    def values(self) -> Mapping[str, float | None]:
        """What [deployment] may demand, by the names of its keys."""
        by_rows = {timing.rows: timing for timing in self.timings}
        one, many = by_rows.get(1), by_rows.get(64)
        return {
            "latency_p99_ms": one.p99_ms if one is not None else None,
            "latency_p99_64_ms": many.p99_ms if many is not None else None,
            "memory_mb": self.memory_mb,
            "size_mb": self.size_mb,
            "rows_per_s": many.rows_per_s if many is not None else None,
        }

    def to_json(self) -> JSONObject:
        """All of it as JSON values."""
        return {
            "model": self.model,
            "through": self.through,
            "rows_of": self.told,
            "timings": [timing.to_json() for timing in self.timings],
            "size_mb": self.size_mb,
            "memory_mb": self.memory_mb,
            "server_memory_mb": self.server_memory_mb,
            "verdicts": [verdict.to_json() for verdict in self.verdicts],
            "passed": self.is_within,
            "run": self.run,
        }

    def report(self) -> str:
        """All of it for people."""
        through = (
            "the graph, on one core" if self.through == "graph" else "a server, over one HTTP connection"
        )
        memory = "not measured here" if self.memory_mb is None else f"{self.memory_mb:.1f} MB"
        lines = [
            f"{self.model}, {self.told}, through {through}",
            "",
            "  rows    p50 ms    p90 ms    p99 ms    max ms        rows/s  requests",
            *(timing.line() for timing in self.timings),
            "",
            f"model     {self.size_mb:.2f} MB",
            f"memory    {memory}, the most of a fresh process over what it held before",
        ]
        if self.server_memory_mb is not None:
            lines.append(f"server    {self.server_memory_mb:.1f} MB with all its processes")
        if self.run is not None:
            lines.append(f"recorded  as run {self.run}")
        return "\n".join([*lines, *([""] if self.verdicts else []), *map(str, self.verdicts)])


def bench(
    project: Project,
    reference: str | None = None,
    *,
    rows: Sequence[int] = _DEMANDED,
    seconds: float = 3.0,
    data: str | None = None,
    server: bool = False,
) -> BenchReport:
    """Measure a model version, judge it by [deployment] of tilth.toml, and record both.

    Args:
        project: the project.
        reference: which model version; default: the champion.
        rows: the sizes of requests; those that a demand speaks of are added.
        seconds: how long each size is measured.
        data: the rows to ask for; default: the dev part of the run that made the version.
        server: measure through a real server over HTTP, not the graph alone.

    Raises:
        UsageError: a size below 1, or no time.
        NotFoundError: no such version, or its rows are not at hand.
        DataError: there are no rows, or the server does not start or refuses them.
    """
    sizes = _sizes(project, rows)
    if not 0 < seconds <= _MOST_S:
        raise UsageError(f"{seconds:g} seconds for each size", expected=f"more than 0, at most {_MOST_S:g}")
    with project.store() as store:
        version = find_version(project, store, reference or "champion")
    loaded = load_version(project, version.reference)
    table, told = _rows(project, version, loaded, data)
    sample = _sample(table, list(loaded.graph.inputs))
    batches = {size: [_piece(sample, size, at) for at in range(_pieces(sample, size))] for size in sizes}
    timings, held = _measured(project, version, loaded, batches, seconds, server=server)
    memory = peak_memory_mb(loaded.graph.model, [batches[size][0] for size in sizes])
    found = BenchReport(
        version.reference,
        "server" if server else "graph",
        told,
        timings,
        loaded.graph.size_bytes / _MB,
        memory,
        held,
    )
    verdicts = [
        check.judge(found.values[check.metric]) for check in project.configuration.deployment.checks()
    ]
    return _recorded(project, version, found, verdicts)


def _sizes(project: Project, rows: Sequence[int]) -> list[int]:
    if not rows or any(not 1 <= size <= _MOST_ROWS for size in rows):
        raise UsageError(f"requests of {list(rows)} rows", expected=f"from 1 to {_MOST_ROWS:,} rows")
    demands = project.configuration.deployment
    needed = {1} if demands.latency_p99_ms is not None else set()
    if demands.latency_p99_64_ms is not None or demands.rows_per_s is not None:
        needed.add(64)
    return sorted({*rows, *needed})


def _rows(
    project: Project, version: ModelVersion, loaded: LoadedVersion, data: str | None
) -> tuple[Table, str]:
    """The rows to ask for, and whose they are in words."""
    if data is not None:
        return loaded.read(data, project.label), f"rows of {data}"
    try:
        with project.store() as store:
            side = RunSide(store, project.artifacts(), find_run(store, project, version.reference))
        return Parts(side.path("dataset"), side.path("split")).part("dev"), "rows of the dev part"
    except (NotFoundError, StoreError, UsageError) as error:
        raise NotFoundError(
            f"the rows of {version.reference} are not at hand", mend="name rows with --data"
        ) from error


def _sample(table: Table, inputs: Sequence[str]) -> pa.Table:
    """Some rows in memory, drawn by a seed of their own."""
    if not table.rows:
        raise DataError("there are no rows", where=table.name, expected="at least one row to ask for")
    random = np.random.default_rng(_SEED)
    drawn = random.permutation(table.rows)[:_SAMPLE]
    return taken(table.select(list(inputs)), np.asarray(drawn, np.int64))


def _pieces(sample: pa.Table, size: int) -> int:
    rows: int = sample.num_rows
    return max(1, min(256, rows // size))


def _piece(sample: pa.Table, size: int, at: int) -> pa.Table:
    """Some rows of a sample, from the first again after the last."""
    places = (np.arange(size) + at * size) % sample.num_rows
    return sample.take(pa.array(places)).combine_chunks()


def _measured(
    project: Project,
    version: ModelVersion,
    loaded: LoadedVersion,
    batches: Mapping[int, Sequence[pa.Table]],
    seconds: float,
    *,
    server: bool,
) -> tuple[list[Timing], float | None]:
    """The timings, and what a server held."""
    if not server:
        graph = loaded.graph
        columns = {size: [_columns(piece) for piece in given] for size, given in batches.items()}
        return [timed(_each(graph.run, given), size, seconds) for size, given in columns.items()], None
    timings = []
    with bench_server(project, version.version) as running:
        for size, given in batches.items():
            bodies = [json.dumps(list(request_rows(piece))).encode() for piece in given]
            timings.append(timed(_each(running.predict, bodies), size, seconds))
        return timings, running.memory_mb()


def _columns(piece: pa.Table) -> dict[str, np.ndarray]:
    """Rows as the arrays that a graph takes."""
    names = piece.schema.names
    return {name: piece.column(name).chunk(0).to_numpy(zero_copy_only=False) for name in names}


def _each(call: Callable[[T], object], given: Sequence[T]) -> Callable[[int], object]:
    """Calls with one after the other of what is given."""
    return lambda number: call(given[number % len(given)])


def _recorded(
    project: Project, version: ModelVersion, found: BenchReport, verdicts: Sequence[Verdict]
) -> BenchReport:
    """The same with its verdicts, as a run that is made from the model."""
    with project.store() as store:
        run = store.begin_run("bench", {"project": project.name, "model": found.model})
        done = replace(found, verdicts=tuple(verdicts), run=run.number)
        try:
            inputs = {"model": version.artifact}
            execution = store.begin_execution(
                run, "bench", run.reference, code_version=code_version(), inputs=inputs
            )
            document = json.dumps(done.to_json(), indent=1, allow_nan=False)
            digest, size = project.artifacts().put_bytes(document.encode(), ".json")
            with store.transaction():
                made = store.record_artifact("bench", "bench", digest, size, properties={"suffix": ".json"})
                store.log_verdicts(run, verdicts, execution=execution)
                store.end_execution(execution, "complete", {"bench": made})
                store.end_run(run, "complete")
        except BaseException as error:
            end_early(store, run, error)
            raise
    return done
