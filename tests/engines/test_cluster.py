"""The engine on a real Ray cluster of two nodes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tilth.engines import Engine, ray_engine
from tilth.errors import ColumnNotFoundError, DataError, EngineError
from tilth.profiles import Profile, associations, profile
from tilth.tables import Table, columnar_files, open_table, write_table

pytestmark = pytest.mark.slow
MEBIBYTES_100 = 100 * 2**20


@pytest.fixture(scope="module")
def cluster() -> Iterator[Engine]:
    """Two nodes of one core each."""
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    import ray

    ray.shutdown()  # the engine would use what another test is still connected to
    node = {"num_cpus": 1, "object_store_memory": MEBIBYTES_100, "include_dashboard": False}
    nodes = cluster_utils.Cluster(initialize_head=True, head_node_args=node)
    nodes.add_node(num_cpus=1, object_store_memory=MEBIBYTES_100)
    nodes.wait_for_nodes()
    yield ray_engine(nodes.address)
    ray.shutdown()
    nodes.shutdown()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three Parquet files of 20,000 rows in row groups of 1,000."""
    folder = tmp_path_factory.mktemp("files")
    rng = np.random.default_rng(0)
    paths = []
    for i in range(3):
        rows = 20_000
        table = pa.table(
            {
                "id": np.arange(rows) + i * rows,
                "x": pa.array(rng.normal(size=rows) * 1e9, mask=rng.random(rows) < 0.1),
                "s": pa.array([f"t{v}" for v in rng.zipf(1.5, rows) % 1_000]),
                "b": pa.array(rng.random(rows) < 0.3),
            }
        )
        paths.append(folder / f"{i}.parquet")
        pq.write_table(table, paths[-1], row_group_size=1_000)
    return paths


@pytest.fixture
def cut_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few row groups to a part."""
    monkeypatch.setattr(columnar_files, "_PART_BYTES", 200_000)


def test_both_nodes_work_and_results_come_in_order(cluster: Engine, tmp_path: Path) -> None:
    def meet(item: int) -> tuple[int, str]:
        """Whoever comes first keeps its node busy until the other one has been here too."""
        import ray

        node = ray.get_runtime_context().get_node_id()
        (tmp_path / node).touch()
        end = time.monotonic() + 120  # a node's first process takes its time to start
        while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(0.15 if item % 3 == 0 else 0.0)
        return item, node

    assert (cluster.name, cluster.workers) == ("ray", 2)
    found = list(cluster.map(meet, range(20)))
    assert [item for item, _ in found] == list(range(20))
    assert len({node for _, node in found}) == 2


def test_items_are_taken_only_as_fast_as_results(cluster: Engine) -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        while True:
            taken += 1
            yield taken

    results = cluster.map(lambda x: x * x, items())
    assert [next(results) for _ in range(5)] == [1, 4, 9, 16, 25]
    assert taken <= 5 + 4 * cluster.workers


def test_an_error_of_a_task_comes_out_as_it_is(cluster: Engine) -> None:
    def refuse(item: int) -> int:
        if item == 2:
            raise ColumnNotFoundError("agee", ["age"], where="people.csv")
        return item

    results = cluster.map(refuse, range(30))
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ColumnNotFoundError, match="did you mean 'age'") as raised:
        next(results)
    assert type(raised.value) is ColumnNotFoundError
    assert raised.value.available == ("age",)


def test_a_task_that_kills_its_process_is_told(cluster: Engine) -> None:
    with pytest.raises(EngineError, match="the Ray cluster lost a task"):
        list(cluster.map(lambda _: os._exit(1), [0]))


def test_parts_profiled_on_the_nodes_add_up_to_the_profile(
    cluster: Engine, files: list[Path], cut_often: None
) -> None:
    table = open_table(files)
    parts = table.parts()
    assert len(parts) > 6

    def summarize(part: Table) -> Profile:
        return profile(part)

    first, *others = cluster.map(summarize, parts)
    assert sum(others, start=first).to_json() == profile(table).to_json()


def test_the_profile_of_the_cluster_is_that_of_one_machine_byte_for_byte(
    cluster: Engine, files: list[Path], cut_often: None, tmp_path: Path
) -> None:
    lines = tmp_path / "more.csv"
    write_table(open_table(files[0]).select(["x", "s", "id", "b"]), lines)
    for data in (files, files[0], [lines, files[1]]):
        assert profile(data, engine=cluster).to_json() == profile(data).to_json()


def test_associations_of_the_cluster_are_those_of_one_machine(
    cluster: Engine, files: list[Path], cut_often: None
) -> None:
    assert associations(files, label="b", engine=cluster) == associations(files, label="b")


def test_an_unreadable_part_is_told_by_its_file(cluster: Engine, files: list[Path], cut_often: None) -> None:
    table = open_table(files)
    content = files[2].read_bytes()
    try:
        files[2].write_bytes(content[:-1000])
        with pytest.raises(DataError, match=r"2\.parquet"):
            list(cluster.map(lambda part: part.to_arrow().num_rows, table.parts()))
    finally:
        files[2].write_bytes(content)


def test_alone_it_starts_quietly_and_ends_with_the_process() -> None:
    code = """
from tilth.engines import find_engine
engine = find_engine("ray")
print(sum(engine.map(lambda x: x * x, range(10))))
"""
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "285\n", "")


def test_control_c_stops_it(interrupted: Callable[..., bytes]) -> None:
    code = """
import time
from tilth.engines import ray_engine
engine = ray_engine("local")
print("working", flush=True)
list(engine.map(lambda x: time.sleep(60), range(100)))
"""
    assert b"KeyboardInterrupt" in interrupted(code, after_s=1)


def test_no_cluster_at_the_address_is_told() -> None:
    code = """
from tilth.engines import find_engine
from tilth.errors import EngineError
try:
    find_engine("ray")
except EngineError as error:
    print(error)
"""
    environment = {**os.environ, "RAY_ADDRESS": "127.0.0.1:1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert "no Ray cluster can be used: [Errno 111] Connection refused" in done.stdout
    assert "where: 127.0.0.1:1" in done.stdout
