"""A real server's log: Parquet in the background, a sink, personal columns, killed and started again."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from http.client import HTTPException
from pathlib import Path

import pytest

from project_factory import hurried_project
from served import post, serving, tilth
from tilth.tables import read_predictions

ROW = {"income": 52.5, "age": 41, "plan": "pro"}


@pytest.mark.slow
def test_a_server_compacts_its_log_while_it_answers_and_loses_nothing_when_killed(tmp_path: Path) -> None:
    project = hurried_project(tmp_path)
    assert tilth("run", folder=tmp_path).returncode == 0
    toml, schema = tmp_path / "tilth.toml", tmp_path / "schema.toml"
    toml.write_text(toml.read_text() + '\n[serve.log]\nroll = "1s"\nkeep = "90d"\nsink = "warehouse"\n')
    schema.write_text(schema.read_text().replace("[columns.age]\n", '[columns.age]\npersonal = "hash"\n'))
    answered: list[str] = []

    def client(url: str) -> None:
        try:
            while True:
                answered.append(post(f"{url}/predict", ROW)[1]["prediction_id"])
                time.sleep(0.01)
        except (OSError, HTTPException):  # cut off before or within the answer
            return

    for _ in range(2):
        with serving(tmp_path) as (url, process):
            clients = [threading.Thread(target=client, args=(url,)) for _ in range(2)]
            for thread in clients:
                thread.start()
            before = len(files(project.predictions))
            deadline = time.monotonic() + 60
            while len(files(project.predictions)) < before + 2 and time.monotonic() < deadline:
                time.sleep(0.05)
            os.kill(process.pid, signal.SIGKILL)
            for thread in clients:
                thread.join(timeout=30)
    assert len(files(project.predictions)) >= 4
    logged = read_predictions(project.predictions)
    assert len({made.id for made in logged}) == len(logged)
    assert set(answered) <= {made.id for made in logged}
    assert {len(str(made.inputs["age"])) for made in logged} == {32}
    assert len({made.inputs["age"] for made in logged}) == 1  # the key outlives the server
    with serving(tmp_path) as (url, _):
        outcomes = [{"prediction_id": identity, "label": "yes"} for identity in answered[:20]]
        assert post(f"{url}/feedback", outcomes)[0] == 200
    done = tilth("log", "compact", "--json", folder=tmp_path)
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["problems"] == []
    assert len(files(tmp_path / "warehouse")) == len(files(project.predictions))
    shown = json.loads(tilth("log", "--since", "1h", "--limit", "10000", "--json", folder=tmp_path).stdout)
    assert {made["id"] for made in shown} == {made.id for made in logged}
    assert tilth("monitor", folder=tmp_path).returncode in (0, 1)


def files(folder: Path) -> list[Path]:
    return list(folder.glob("model=*/**/*.parquet"))
