"""`tilth serve` on a project: the champion answers, is followed, and nothing answered is ever lost."""

from __future__ import annotations

import itertools
import json
import os
import signal
import threading
import time
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from project_factory import hurried_project, write_customers
from served import get, post, serving, tilth
from tilth.tables import read_predictions

ROW = {"income": 52.5, "age": 41, "plan": "pro"}


def wait_until(what: str, holds: Any) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError(f"not within 20 s: {what}")


@pytest.mark.slow
def test_kill_9_under_load_loses_no_answer_and_the_next_server_knows_them(tmp_path: Path) -> None:
    project = hurried_project(tmp_path)
    assert tilth("run", folder=tmp_path).returncode == 0
    answered: list[str] = []

    def client(url: str) -> None:
        try:
            while True:
                answered.append(post(f"{url}/predict", ROW)[1]["prediction_id"])
        except (OSError, HTTPException):  # cut off before or within the answer
            return

    for _ in range(3):
        with serving(tmp_path) as (url, process):
            clients = [threading.Thread(target=client, args=(url,)) for _ in range(4)]
            for thread in clients:
                thread.start()
            time.sleep(0.5)
            os.kill(process.pid, signal.SIGKILL)
            for thread in clients:
                thread.join(timeout=30)
    logged = [prediction.id for prediction in read_predictions(project.predictions)]
    assert len(answered) > 100
    assert len(logged) == len(set(logged))
    assert set(answered) <= set(logged)
    with serving(tmp_path) as (url, _):
        status, _ = post(f"{url}/feedback", [{"prediction_id": i, "label": "yes"} for i in answered[:50]])
        assert status == 200
    report = json.loads(tilth("monitor", "--json", folder=tmp_path).stdout)
    assert report["outcomes"] == 50 or report["rows"] == project.configuration.monitor.window


@pytest.mark.slow
def test_the_server_follows_promote_and_rollback_without_a_failed_request(tmp_path: Path) -> None:
    hurried_project(tmp_path)
    assert tilth("run", folder=tmp_path).returncode == 0
    seen: list[tuple[int, int]] = []
    with serving(tmp_path) as (url, _):
        stop = threading.Event()

        def client() -> None:
            while not stop.is_set():
                status, answer = post(f"{url}/predict", ROW)
                seen.append((status, answer.get("version", 0)))

        thread = threading.Thread(target=client)
        thread.start()
        try:
            write_customers(tmp_path / "customers.csv", 500, seed=3)
            assert tilth("run", folder=tmp_path).returncode == 0
            assert tilth("promote", folder=tmp_path).returncode == 0
            wait_until("version 2 answers", lambda: seen[-1][1] == 2)
            assert tilth("rollback", folder=tmp_path).returncode == 0
            wait_until("version 1 answers", lambda: seen[-1][1] == 1)
        finally:
            stop.set()
            thread.join(timeout=30)
    assert {status for status, _ in seen} == {200}
    versions = [version for _, version in seen]
    changes = [b for a, b in itertools.pairwise(versions) if a != b]
    assert changes == [2, 1]


def test_serving_without_a_champion_says_what_to_do(tmp_path: Path) -> None:
    hurried_project(tmp_path)
    done = tilth("serve", "--port", "0", folder=tmp_path)
    assert done.returncode == 2
    assert "has no champion" in done.stderr
    assert "tilth run" in done.stderr


def test_columns_that_the_model_does_not_use_may_be_left_out(tmp_path: Path) -> None:
    hurried_project(tmp_path)
    features = tmp_path / "features.py"
    kept = [line for line in features.read_text().splitlines() if '"income"' not in line]
    features.write_text("\n".join(kept) + "\n")
    toml = tmp_path / "tilth.toml"
    toml.write_text(toml.read_text().replace("min = 0.02", "min = -1"))
    assert tilth("run", folder=tmp_path).returncode == 0
    with serving(tmp_path) as (url, _):
        assert post(f"{url}/predict", {"age": 41, "plan": "pro"})[0] == 200
        assert post(f"{url}/predict", ROW)[0] == 200
        status, refusal = post(f"{url}/predict", {"income": 52.5, "plan": "pro"})
        assert (status, refusal["column"]) == (400, "age")
        model = get(f"{url}/v2/models/customers")
        assert {tensor["name"] for tensor in model["inputs"]} == {"age", "plan"}


def test_production_does_not_depend_on_the_working_tree(tmp_path: Path) -> None:
    """The schema is that of the version, not the one that somebody is writing at the moment."""
    hurried_project(tmp_path)
    assert tilth("run", folder=tmp_path).returncode == 0
    curated = (tmp_path / "schema.toml").read_text().replace('"basic", ', '"basic", "gold", ')
    rows = "income,age,plan\n52.5,41,pro\n40,30,?\n"
    (tmp_path / "new.csv").write_text(rows)
    toml = (tmp_path / "tilth.toml").read_text()
    (tmp_path / "tilth.toml").write_text(toml.replace('missing = ["?"]', "missing = []"))
    for broken in ("[columns.income\n", None):
        (tmp_path / "schema.toml").unlink()
        if broken is not None:
            (tmp_path / "schema.toml").write_text(broken)
        done = tilth("predict", "new.csv", "-o", "out.jsonl", folder=tmp_path)
        assert done.returncode == 0, done.stderr
        batch = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
        assert batch[1]["plan"] is None, "a ? was missing when the version was made"
        if broken is None:
            (tmp_path / "schema.toml").unlink(missing_ok=True)
        with serving(tmp_path) as (url, _):
            served = post(f"{url}/predict", [ROW, {"income": 40, "age": 30, "plan": "?"}])[1]["predictions"]
            assert [p["score"] for p in served] == pytest.approx([row["tilth.score"] for row in batch])
            assert not any("warnings" in prediction for prediction in served)
        (tmp_path / "schema.toml").touch()
    (tmp_path / "tilth.toml").write_text(toml)
    (tmp_path / "schema.toml").write_text(curated)
    with serving(tmp_path) as (url, _):
        gold = {**ROW, "plan": "gold"}
        assert "warnings" in post(f"{url}/predict", gold)[1]
        assert tilth("run", folder=tmp_path).returncode == 0
        wait_until("the curated schema is live", lambda: "warnings" not in post(f"{url}/predict", gold)[1])
        assert post(f"{url}/predict", gold)[1]["version"] == 2


@pytest.mark.slow
def test_the_key_of_whom_it_is_about_is_logged_and_must_be_a_column(tmp_path: Path) -> None:
    project = hurried_project(tmp_path)
    assert tilth("run", folder=tmp_path).returncode == 0
    toml = tmp_path / "tilth.toml"
    plain = toml.read_text()
    toml.write_text(plain.replace("[serve]\n", '[serve]\nentity = "agee"\n'))
    refused = tilth("serve", "--port", "0", folder=tmp_path)
    assert refused.returncode == 2
    assert "entity is 'agee', which no request has" in refused.stderr
    assert "did you mean 'age'?" in refused.stderr
    toml.write_text(plain.replace("[serve]\n", '[serve]\nentity = "age"\n'))
    with serving(tmp_path) as (url, _):
        assert post(f"{url}/predict", ROW)[0] == 200
    (logged,) = read_predictions(project.predictions)
    assert logged.entity == "41"
