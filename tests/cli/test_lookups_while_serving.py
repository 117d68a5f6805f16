"""Features that are materialized while two workers serve reach them both."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from lookup_projects import loans_project, write_balances
from served import post, serving, tilth
from tilth.tables import read_predictions


@pytest.mark.slow
def test_workers_take_over_what_is_materialized_while_they_serve(tmp_path: Path) -> None:
    project = loans_project(tmp_path, "memory")
    toml = tmp_path / "tilth.toml"
    text = toml.read_text(encoding="utf-8").replace('"60d"', '"20000d"')
    toml.write_text(text.replace("port = 8080", "port = 8080\nworkers = 2\ngrpc = false"), encoding="utf-8")
    for command in ("run", "materialize"):
        done = tilth(command, folder=tmp_path)
        assert done.returncode == 0, done.stderr
    row = {"customer": 3, "amount": 31.0}
    with serving(tmp_path) as (url, _):
        assert post(f"{url}/predict", row)[0] == 200
        write_balances(tmp_path / "balances.parquet", shift=1000.0)
        assert "written" in tilth("materialize", folder=tmp_path).stdout
        served: list[bool] = []
        deadline = time.monotonic() + 60
        while served[-20:] != [True] * 20 and time.monotonic() < deadline:
            assert post(f"{url}/predict", row)[0] == 200  # a connection each: either worker may answer
            balances = [made.inputs["balance"] for made in read_predictions(project.predictions)]
            served = [isinstance(each, float) and each > 500 for each in balances]
    assert served[0] is False
    assert served[-20:] == [True] * 20
