from __future__ import annotations

import hashlib
import itertools
import subprocess
import sys
import threading

import pytest

from tilth.store import Store

WORKER = """
import hashlib, sys
from tilth.store import Store
url, me, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
sys.stdin.readline()
with Store.open(url) as store:
    for turn in range(rounds):
        run = store.begin_run(me)
        execution = store.begin_execution(run, "train", f"{me}-{turn}")
        for name in (f"{me}-{turn}", f"shared-{turn}"):
            digest = hashlib.sha256(name.encode()).hexdigest()
            artifact = store.record_artifact("model", name, digest, 1, properties={me: turn})
            version = store.register_model("cats", artifact, run)
            store.set_alias("cats", "champion", version.version, me)
        store.end_execution(execution, "complete", {"model": artifact})
        store.end_run(run, "complete")
"""


def at_once(code: str, arguments: list[list[str]]) -> list[subprocess.CompletedProcess[str]]:
    """Run the code in processes that begin together."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, *each],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for each in arguments
    ]
    results = []
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in started:
        out, err = process.communicate()
        results.append(subprocess.CompletedProcess(process.args, process.returncode, out, err))
    return results


def test_processes_make_and_fill_one_store(url: str) -> None:
    workers, rounds = 3, 8
    done = at_once(WORKER, [[url, f"w{number}", str(rounds)] for number in range(workers)])
    assert [each.returncode for each in done] == [0] * workers, [each.stderr[-2000:] for each in done]
    with Store.open(url) as store:
        runs = store.runs()
        assert [run.number for run in runs] == list(range(workers * rounds, 0, -1))
        assert {run.state for run in runs} == {"complete"}
        built = workers * rounds + rounds
        assert [each.version for each in store.model_versions("cats")] == list(range(built, 0, -1))
        shared = store.artifacts(name="shared-0")
        assert [sorted(artifact.properties) for artifact in shared] == [[f"w{n}" for n in range(workers)]]
        moves = store.alias_history("cats")
        assert moves[0].previous is None
        assert all(after.previous == before.version for before, after in itertools.pairwise(moves))
        assert store.aliases("cats")["champion"] == moves[-1].version


@pytest.mark.slow
def test_many_processes_make_one_store_at_once(url: str) -> None:
    code = "import sys, tilth.store as s; sys.stdin.readline(); s.Store.open(sys.argv[1]).close()"
    done = at_once(code, [[url]] * 8)
    assert [each.stderr for each in done] == [""] * 8
    with Store.open(url) as store:
        assert store.begin_run("run").number == 1


def test_threads_share_a_store(store: Store) -> None:
    errors: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for turn in range(10):
                digest = hashlib.sha256(f"{name}{turn}".encode()).hexdigest()
                with store.transaction():
                    run = store.begin_run(name)
                    store.register_model("cats", store.record_artifact("model", name, digest, 1), run)
                    store.end_run(run, "complete")
                assert store.model_versions("cats")
        except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=work, args=(f"t{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert [run.number for run in store.runs()] == list(range(40, 0, -1))
    assert [each.version for each in store.model_versions("cats")] == list(range(40, 0, -1))


def test_readers_do_not_wait_for_a_writer(url: str) -> None:
    with Store.open(url) as writer, Store.open(url) as reader:
        writer.begin_run("before")
        with writer.transaction():
            writer.begin_run("unseen")
            assert [run.command for run in reader.runs()] == ["before"]
        assert len(reader.runs()) == 2
