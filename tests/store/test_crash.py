from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tilth.store import ArtifactStore, Store

WRITER = """
import os, sys
from pathlib import Path
from tilth.store import ArtifactStore, Store
folder = Path(sys.argv[1])
files = ArtifactStore(folder / "artifacts")
with Store.open(folder / "store.db") as store:
    store.interrupt_stale()
    run = store.begin_run("write")
    print("run", run.number, flush=True)
    for turn in range(1_000_000):
        execution = store.begin_execution(run, "write", f"{run.number}-{turn}")
        digest, size = files.put_bytes(os.urandom(20_000), ".bin")
        with store.transaction():
            artifact = store.record_artifact("file", "x", digest, size)
            store.end_execution(execution, "complete", {"out": artifact})
        version = store.register_model("m", artifact, run)
        store.set_alias("m", "champion", version.version, "writer")
        print("done", digest, execution.id, version.version, flush=True)
"""


def kill_after(folder: Path, delay_s: float) -> list[list[str]]:
    """What a writer acknowledged before kill -9."""
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    first = writer.stdout.readline()
    time.sleep(delay_s)
    writer.kill()
    rest = writer.stdout.read()
    writer.wait()
    writer.stdout.close()
    whole = (first + rest).rpartition("\n")[0]
    return [line.split() for line in whole.splitlines()]


def check(folder: Path, acknowledged: list[list[str]]) -> None:
    files = ArtifactStore(folder / "artifacts")
    with Store.open(folder / "store.db") as store:
        store.interrupt_stale()
        recorded = {artifact.digest: artifact for artifact in store.artifacts()}
        for line in acknowledged:
            if line[0] == "run":
                assert store.run(int(line[1])).state == "interrupted"
                continue
            _, digest, execution, version = line
            assert store.execution(int(execution)).state == "complete"
            assert store.outputs(int(execution)) == {"out": recorded[digest]}
            assert store.model_version("m", int(version)).artifact.digest == digest
        for digest in recorded:
            files.verify(digest, ".bin")
        assert set(recorded) <= set(files.digests())
        assert store.runs(state="running") == ()
        assert store.executions(state="running") == ()
        versions = [each.version for each in store.model_versions("m")]
        assert versions == list(range(len(versions), 0, -1))
        promised = [int(line[3]) for line in acknowledged if line[0] == "done"]
        assert store.aliases("m").get("champion", 0) >= max(promised, default=0)
    files.clean(older_than_s=0)
    assert list((files.root / "drafts").glob("*")) == []
    connection = sqlite3.connect(folder / "store.db")
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()


def crash(folder: Path, times: int) -> None:
    dice = random.Random(7)
    acknowledged: list[list[str]] = []
    for _ in range(times):
        acknowledged += kill_after(folder, dice.uniform(0.0, 0.4))
        check(folder, acknowledged)
    assert [line for line in acknowledged if line[0] == "done"], "something was written at all"


def test_nothing_acknowledged_is_lost_by_kill_9(tmp_path: Path) -> None:
    crash(tmp_path, 4)


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_by_many_kills(tmp_path: Path) -> None:
    crash(tmp_path, 30)


CREATOR = "import sys, tilth.store as s; print('go', flush=True); s.Store.open(sys.argv[1]).close()"


def test_a_store_half_made_is_made_whole(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    for delay_s in (0.0, 0.05, 0.1, 0.15, 0.2, 0.3):
        maker = subprocess.Popen(
            [sys.executable, "-c", CREATOR, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert maker.stdout is not None
        maker.stdout.readline()
        time.sleep(delay_s)
        maker.kill()
        maker.wait()
        maker.stdout.close()
        with Store.open(path) as store:
            assert store.begin_run("run").number == 1
        path.unlink()
