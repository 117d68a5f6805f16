"""Predicting a table: the same bytes in one go, in pieces, on any engine, and after a crash."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pytest

from project_factory import hurried_project, write_customers
from served import post, serving, tilth
from tilth.cli import main
from tilth.engines import Engine, local_engine
from tilth.errors import DataError
from tilth.pipelines import batch_answers, predict_table
from tilth.pipelines.batch import LoadedVersion, load_version
from tilth.pipelines.batch_answers import KeptAnswers, parts_folder
from tilth.pipelines.batch_prediction import predict_rows
from tilth.pipelines.batch_source import data_state
from tilth.projects import Project
from tilth.tables import open_table

T = TypeVar("T")
R = TypeVar("R")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a champion."""
    project = hurried_project(tmp_path_factory.mktemp("trained"))
    assert main(["run", "--dir", str(project.directory)]) == 0
    return project


@pytest.fixture(scope="module")
def loaded(trained: Project) -> LoadedVersion:
    return load_version(trained, None)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """400 customers in batches of 50."""
    return write_batches(tmp_path / "rows.arrow", 400)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers go to disk every 100 rows, however long these take."""
    monkeypatch.setattr(batch_answers, "_ROWS_A_PART", 100)
    monkeypatch.setattr(batch_answers, "_SECONDS_A_PART", math.inf)


def write_batches(path: Path, rows: int, size: int = 50, seed: int = 1) -> Path:
    source = write_customers(path.with_suffix(".csv"), rows, seed=seed)
    table = open_table(str(source), missing=["?"]).to_arrow()
    with pa.ipc.new_file(path, table.schema) as writer:
        for batch in table.combine_chunks().to_batches(max_chunksize=size):
            writer.write_batch(batch)
    return path


@dataclass
class Counting:
    """An engine that counts what it is given, and stops where it is told to."""

    stop_after: float = math.inf
    error: type[BaseException] = KeyboardInterrupt
    batches: int = 0
    name: str = "local"
    workers: int = 1

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        for item in items:
            if self.batches == self.stop_after:
                raise self.error
            self.batches += 1
            yield function(item)


def whole(loaded: LoadedVersion, rows: Path) -> bytes:
    """The file that is written in one go."""
    output = rows.with_name("whole.parquet")
    predict_rows(loaded, str(rows), output, "bought")
    return output.read_bytes()


def test_what_was_broken_off_goes_on_where_it_stopped(loaded: LoadedVersion, rows: Path) -> None:
    output, told = rows.with_name("out.parquet"), list[str]()
    with pytest.raises(KeyboardInterrupt):
        predict_rows(loaded, str(rows), output, "bought", engine=Counting(stop_after=5), tell=told.append)
    assert not output.exists()
    assert parts_folder(output).is_dir()
    engine = Counting()
    assert predict_rows(loaded, str(rows), output, "bought", engine=engine, tell=told.append) == 400
    assert engine.batches == 3
    assert told[0].startswith("the answers of 250 rows are kept in ")
    assert told[1] == "goes on after 250 rows that were answered before"
    assert output.read_bytes() == whole(loaded, rows)
    assert not parts_folder(output).exists()


def test_an_error_early_on_leaves_nothing_and_a_late_one_the_answers_on_disk(
    loaded: LoadedVersion, rows: Path
) -> None:
    output = rows.with_name("out.parquet")
    for stop, rest in ((1, 8), (5, 4)):
        failing = Counting(stop_after=stop, error=MemoryError)
        with pytest.raises(MemoryError):
            predict_rows(loaded, str(rows), output, "bought", engine=failing)
        assert parts_folder(output).exists() is (stop == 5)
        if stop == 5:
            engine = Counting()
            predict_rows(loaded, str(rows), output, "bought", engine=engine)
            assert engine.batches == rest
    assert [path.name for path in rows.parent.glob("*out*")] == ["out.parquet"]


@pytest.mark.parametrize("change", ["data", "reading"])
def test_answers_to_other_questions_are_not_used(loaded: LoadedVersion, rows: Path, change: str) -> None:
    output, told = rows.with_name("out.parquet"), list[str]()
    with pytest.raises(KeyboardInterrupt):
        predict_rows(loaded, str(rows), output, "bought", engine=Counting(stop_after=6))
    if change == "data":
        write_batches(rows, 400, seed=2)
        os.utime(rows, ns=(1, 1))
        other, why = loaded, "this has changed: the data"
    else:
        other, why = (
            dataclasses.replace(loaded, missing=("basic",)),
            "this has changed: how the data are read",
        )
    engine = Counting()
    predict_rows(other, str(rows), output, "bought", engine=engine, tell=told.append)
    assert engine.batches == 8
    assert told[0].startswith("begins anew: the answers of 300 rows that were kept are not used")
    assert why in told[0]
    assert output.read_bytes() == whole(other, rows)


def test_batches_may_be_cut_otherwise_when_it_goes_on(loaded: LoadedVersion, tmp_path: Path) -> None:
    rows, output = write_batches(tmp_path / "rows.arrow", 400, size=50), tmp_path / "out.parquet"
    expected = whole(loaded, rows)
    with pytest.raises(KeyboardInterrupt):
        predict_rows(loaded, str(rows), output, "bought", engine=Counting(stop_after=5))
    changed = rows.stat().st_mtime_ns
    plan = json.loads((parts_folder(output) / "plan.json").read_text())
    write_batches(rows, 400, size=70)
    os.utime(rows, ns=(changed, changed))
    plan["the data"] = state_of(loaded, str(rows))  # as if the reader of these rows cut them so by now
    (parts_folder(output) / "plan.json").write_text(json.dumps(plan))
    engine = Counting()
    predict_rows(loaded, str(rows), output, "bought", engine=engine)
    assert engine.batches == 3  # 30 rows of the fourth batch, 70, 50
    assert output.read_bytes() == expected


def state_of(loaded: LoadedVersion, place: str) -> str:
    return data_state(place, loaded.read(place, "bought"))


def test_a_damaged_part_and_drafts_of_a_killed_process_do_no_harm(loaded: LoadedVersion, rows: Path) -> None:
    output = rows.with_name("out.parquet")
    with pytest.raises(KeyboardInterrupt):
        predict_rows(loaded, str(rows), output, "bought", engine=Counting(stop_after=6))
    folder = parts_folder(output)
    damaged = sorted(folder.glob("0*.arrow"))[1]
    damaged.write_bytes(damaged.read_bytes()[:100])
    (folder / ".out.parquet.1.abc").write_bytes(b"half")
    engine = Counting()
    predict_rows(loaded, str(rows), output, "bought", engine=engine)
    assert engine.batches == 6  # the first 100 rows were whole
    assert output.read_bytes() == whole(loaded, rows)
    assert not folder.exists()


def test_a_folder_of_that_name_that_holds_something_else_is_left_alone(
    loaded: LoadedVersion, rows: Path
) -> None:
    output = rows.with_name("out.parquet")
    parts_folder(output).mkdir()
    (parts_folder(output) / "thesis.txt").write_text("precious")
    with pytest.raises(DataError, match="which holds no answers"):
        predict_rows(loaded, str(rows), output, "bought")
    assert (parts_folder(output) / "thesis.txt").read_text() == "precious"


def test_two_processes_do_not_write_one_file(loaded: LoadedVersion, rows: Path) -> None:
    output = rows.with_name("out.parquet")
    with KeptAnswers.opened(output, {"data": "a"}, print), pytest.raises(DataError, match="another process"):
        predict_rows(loaded, str(rows), output, "bought")
    assert predict_rows(loaded, str(rows), output, "bought") == 400


def test_no_rows_are_an_error_and_leave_nothing(loaded: LoadedVersion, tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("income,age,plan\n")
    with pytest.raises(DataError, match="no rows"):
        predict_rows(loaded, str(empty), tmp_path / "out.csv", "bought")
    assert [path.name for path in tmp_path.iterdir()] == ["empty.csv"]


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".arrow", ".csv.gz"])
def test_every_format_is_the_same_on_one_thread_and_several(
    loaded: LoadedVersion, rows: Path, ending: str
) -> None:
    outputs = [rows.with_name(f"out{threads}{ending}") for threads in (1, 4)]
    for output, threads in zip(outputs, (1, 4), strict=True):
        predict_rows(loaded, str(rows), output, "bought", engine=local_engine(threads))
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


def test_nothing_is_written_among_the_files_that_are_read(loaded: LoadedVersion, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    write_customers(tmp_path / "data" / "a.csv", 30)
    with pytest.raises(DataError, match="among the files that are read"):
        predict_rows(loaded, str(tmp_path / "data"), tmp_path / "data" / "out.csv", "bought")
    assert predict_rows(loaded, str(tmp_path / "data"), tmp_path / "out.csv", "bought") == 30


def test_progress_tells_the_rows_that_are_done(loaded: LoadedVersion, tmp_path: Path) -> None:
    data, told = write_customers(tmp_path / "a.csv", 30), list[tuple[int, int | None]]()
    predict_rows(
        loaded, str(data), tmp_path / "o.csv", "bought", progress=lambda done, rows: told.append((done, rows))
    )
    assert told == [(30, 30)]


def test_answers_of_an_earlier_model_in_the_data_are_replaced(loaded: LoadedVersion, rows: Path) -> None:
    first, second = rows.with_name("first.parquet"), rows.with_name("second.parquet")
    predict_rows(loaded, str(rows), first, "bought")
    predict_rows(loaded, str(first), second, "bought")
    assert open_table(str(second)).to_arrow().equals(open_table(str(first)).to_arrow())


def test_a_database_is_known_by_its_rows(loaded: LoadedVersion, tmp_path: Path) -> None:
    def state() -> str:
        place = f"sqlite:///{tmp_path}/c.db?table=customers"
        return state_of(loaded, place)

    with sqlite3.connect(tmp_path / "c.db") as connection:
        connection.execute("create table customers (income real, age integer, plan text)")
        connection.executemany("insert into customers values (?, ?, 'pro')", [(50.5, 20), (60.5, 30)])
    before = state()
    assert state() == before
    with sqlite3.connect(tmp_path / "c.db") as connection:
        connection.execute("update customers set age = 31 where age = 30")
    connection.close()
    assert state() != before


def test_the_command_refuses_options_that_would_do_nothing(
    trained: Project, ask: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    data = write_customers(tmp_path / "a.csv", 30)
    common = ("predict", data, "-o", tmp_path / "o.csv", "--dir", trained.directory)
    status, _, err = ask(*common, "--engine", "ray", "--workers", "2")
    assert (status, "--workers is for this machine" in err) == (2, True)
    status, _, err = ask(*common, "--workers", "0")
    assert (status, "1 thread or more" in err) == (2, True)
    status, out, _ = ask(*common, "--workers", "2", "--json")
    assert (status, json.loads(out)["rows"]) == (0, 30)


@pytest.mark.slow
def test_a_cluster_gives_the_same_bytes(loaded: LoadedVersion, rows: Path, cluster_here: Engine) -> None:
    output = rows.with_name("out.parquet")
    predict_rows(loaded, str(rows), output, "bought", engine=cluster_here)
    assert output.read_bytes() == whole(loaded, rows)


@pytest.mark.slow
def test_the_server_gives_the_same_numbers(trained: Project, rows: Path) -> None:
    output = rows.with_name("out.parquet")
    predict_table(trained, str(rows), output)
    predicted = open_table(str(output)).to_arrow().to_pylist()
    asked = [{name: row[name] for name in ("income", "age", "plan")} for row in predicted]
    with serving(trained.directory) as (url, _):
        _, together = post(f"{url}/predict", asked)
        alone = [post(f"{url}/predict", row)[1] for row in asked[:50]]
    for answers in (together["predictions"], alone):
        for row, answer in zip(predicted, answers, strict=False):
            assert answer["label"] == row["tilth.label"]
            assert answer["score"] == row["tilth.score"]
            assert answer["scores"]["yes"] == row["tilth.positive"]


@pytest.mark.slow
def test_killed_again_and_again_it_ends_with_the_same_bytes(
    trained: Project, loaded: LoadedVersion, tmp_path: Path
) -> None:
    data, output = write_batches(tmp_path / "many.arrow", 60_000, size=500), tmp_path / "out.parquet"
    expected = whole(loaded, data)
    code = (
        "import sys; from tilth.pipelines import batch_answers; batch_answers._ROWS_A_PART = 500; "
        "from tilth.cli import main; sys.exit(main())"
    )
    command = [sys.executable, "-c", code, "predict", str(data), "-o", str(output)]
    command += ["--dir", str(trained.directory)]
    random, answered = np.random.default_rng(0), 0
    for signalled in (signal.SIGKILL, signal.SIGINT, signal.SIGKILL):
        process = subprocess.Popen(
            command, stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"}
        )
        while process.poll() is None and answered_rows(output) <= answered:
            time.sleep(0.002)
        time.sleep(float(random.uniform(0, 0.05)))
        process.send_signal(signalled)
        process.communicate(timeout=60)
        if process.returncode == 0:
            break
        assert not output.exists()
        assert answered_rows(output) > answered
        answered = answered_rows(output)
    finished = tilth("predict", str(data), "-o", str(output), folder=trained.directory)
    assert finished.returncode == 0, finished.stderr
    assert output.read_bytes() == expected
    assert not parts_folder(output).exists()


def answered_rows(output: Path) -> int:
    """How many rows have answers on disk."""
    ends = [int(path.stem.split("-")[1]) for path in parts_folder(output).glob("0*.arrow")]
    return max(ends, default=0)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows(trained: Project, tmp_path: Path) -> None:
    code = (
        "import sys; from tilth.cli import main; status = main()\n"
        "print([l.split()[1] for l in open('/proc/self/status') if l.startswith('VmHWM')][0])\n"
        "sys.exit(status)"
    )
    if not Path("/proc/self/status").exists():
        pytest.skip("only Linux tells the most memory that a process has held")
    table = open_table(str(write_customers(tmp_path / "a.csv", 50_000)), missing=["?"]).to_arrow()
    held = []
    for times in (10, 80):
        data = tmp_path / f"{times}.parquet"
        with pa.parquet.ParquetWriter(data, table.schema) as writer:
            for _ in range(times):
                writer.write_table(table)
        command = [sys.executable, "-c", code, "predict", str(data), "-o", str(tmp_path / "out.parquet")]
        command += ["--workers", "2", "--dir", str(trained.directory)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        held.append(int(done.stdout) / 1024)
    assert held[1] - held[0] < 80, held  # the rows added are 3,500,000 of 7 columns, 200 MB and more
