"""`tilth bench`: what a model costs, and the verdict on what the project demands."""

from __future__ import annotations

import datetime
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from project_factory import hurried_project, write_customers
from tilth.cli import main
from tilth.errors import NotFoundError
from tilth.pipelines import BenchReport, bench, trace
from tilth.pipelines.bench_memory import peak_memory_mb
from tilth.pipelines.bench_server import request_rows
from tilth.pipelines.bench_timing import Timing, timed
from tilth.projects import Project

Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a project that has a champion."""
    folder = tmp_path_factory.mktemp("trained")
    hurried_project(folder)
    assert main(["run", "--dir", str(folder)]) == 0
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    shutil.copytree(trained, tmp_path / "project")
    return tmp_path / "project"


def demand(folder: Path, text: str) -> Project:
    toml = folder / "tilth.toml"
    toml.write_text(f"{toml.read_text()}\n[deployment]\n{text}\n")
    return Project.load(folder)


def test_quantiles_and_rows_a_second() -> None:
    found = Timing.of(10, [0.001] * 98 + [0.002, 0.1])
    assert found.p50_ms == found.p90_ms == 1.0
    assert 2.0 < found.p99_ms < 3.0
    assert found.max_ms == 100.0
    assert found.rows_per_s == pytest.approx(1000 / 0.2)
    assert Timing(**found.to_json()) == found  # type: ignore[arg-type]


def test_calls_are_made_even_in_no_time_and_each_with_its_number() -> None:
    numbers: list[int] = []
    found = timed(numbers.append, 3, 1e-9)
    assert found.calls == 30
    assert numbers == [*range(10), *range(30)]


def test_demands_are_judged_and_the_status_says_so(folder: Path, ask: Ask) -> None:
    demand(folder, "latency_p99_ms = 100000\nsize_mb = 0.0001\nrows_per_s = 1")
    status, out, _ = ask("bench", "--rows", "2", "--seconds", "0.05", "--dir", folder)
    assert status == 1
    assert "pass: latency_p99_ms" in out
    assert "pass: rows_per_s" in out
    assert "fail: size_mb" in out
    status, out, _ = ask("bench", "--rows", "2", "--seconds", "0.05", "--dir", folder, "--json")
    found = json.loads(out)
    assert [timing["rows"] for timing in found["timings"]] == [1, 2, 64]
    assert (status, found["passed"], found["model"]) == (1, False, "customers@1")
    by_name = {verdict["metric"]: verdict for verdict in found["verdicts"]}
    assert by_name["latency_p99_ms"]["value"] == found["timings"][0]["p99_ms"]
    assert by_name["rows_per_s"]["value"] == found["timings"][2]["rows_per_s"]


def test_without_demands_everything_passes(folder: Path, ask: Ask) -> None:
    status, out, _ = ask("bench", "--rows", "1", "--seconds", "0.05", "--dir", folder)
    assert status == 0
    assert "pass" not in out
    assert out.startswith("customers@1, rows of the dev part, through the graph, on one core\n")


def test_it_is_recorded_as_made_from_the_model(folder: Path) -> None:
    project = demand(folder, "size_mb = 100")
    found = bench(project, rows=[1], seconds=0.05)
    with project.store() as store:
        assert found.run is not None
        run = store.run(found.run)
        assert (run.command, run.state) == ("bench", "complete")
        assert [(v.check.metric, v.passed) for v in store.verdicts(run)] == [("size_mb", True)]
        (execution,) = store.executions(run=run)
        kept = store.outputs(execution)["bench"]
        assert set(store.inputs(execution)) == {"model"}
    document = json.loads(project.artifacts().read_bytes(kept.digest, ".json"))
    assert document == found.to_json()
    assert f"run {found.run}" in trace(project, f"run:{found.run}").report()


def test_the_rows_may_be_named(folder: Path) -> None:
    data = write_customers(folder / "other.csv", 20)
    found = bench(Project.load(folder), rows=[1, 64], seconds=0.05, data=str(data))
    assert found.told == f"rows of {data}"
    assert found.timings[1].calls >= 30  # of 20 rows, taken again and again


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rows", "one"], "--rows is 'one'"),
        (["--rows", "0"], "requests of [0] rows"),
        (["--seconds", "nan"], "nan seconds"),
        (["--seconds", "-1"], "-1 seconds"),
        (["9"], "there is no version 9"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    trained: Path, ask: Ask, options: list[str], message: str
) -> None:
    status, _, err = ask("bench", *options, "--dir", trained)
    assert status == 2
    assert message in err


def test_rows_that_are_gone_are_to_be_named(folder: Path) -> None:
    project = Project.load(folder)
    with project.store() as store:
        digests = {a.digest for a in store.artifacts("dataset") or store.artifacts()}
    for path in (folder / ".tilth" / "artifacts").rglob("*.parquet"):
        path.unlink()
    assert digests
    with pytest.raises(NotFoundError, match="--data"):
        bench(project, rows=[1], seconds=0.05)


def test_a_larger_model_needs_more_memory(trained: Path) -> None:
    from tilth.pipelines.batch import load_version

    graph = load_version(Project.load(trained), None).graph
    rows = pa.table({"income": [1.0], "age": [2], "plan": ["pro"]}).select(list(graph.inputs))
    small = peak_memory_mb(graph.model, [rows])
    large = peak_memory_mb(graph.model, [pa.concat_tables([rows] * 100_000).combine_chunks()])
    if small is None or large is None:
        pytest.skip("only Linux tells the most memory that a process has held")
    assert 0 < small < large


def test_rows_become_what_requests_have() -> None:
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5)
    rows = pa.table(
        {"t": [moment, None], "x": [float("nan"), 1.5], "l": [["a", None], None], "b": [b"ab", None]}
    )
    found = request_rows(rows)
    assert found[0] == {"t": "2026-01-02T03:04:05", "x": None, "l": ["a", None], "b": "YWI="}
    assert found[1] == {"t": None, "x": 1.5, "l": None, "b": None}


@pytest.mark.slow
def test_through_a_server_the_log_of_the_project_stays_empty(folder: Path) -> None:
    project = demand(folder, "latency_p99_ms = 100000\nlatency_p99_64_ms = 100000")
    found: BenchReport = bench(project, "1", rows=[1], seconds=0.3, server=True)
    assert found.through == "server"
    assert found.is_within
    assert [timing.rows for timing in found.timings] == [1, 64]
    assert found.server_memory_mb is not None
    assert found.server_memory_mb > 10
    assert not list(project.predictions.glob("*.jsonl"))
