"""The whole loop on real data, as a user gives the commands: init to monitor, and back."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from served import get, post, serving, tilth
from tilth.tables import open_table

pytestmark = pytest.mark.slow

CENSUS = (
    "age,workclass,fnlwgt,education,education-num,marital-status,occupation,relationship,race,sex,"
    "capital-gain,capital-loss,hours-per-week,native-country,label"
)
ELECTRICITY = "date,day,period,nswprice,nswdemand,vicprice,vicdemand,transfer,class"


@dataclass(frozen=True)
class Case:
    """A data set, its label, and what a default model reaches on held-out rows."""

    train: str
    live: str
    label: str
    metric: str
    at_least: float
    header: str = ""
    first_live_row: int = 0


CASES = {
    "census": Case(
        "census-adult/adult.data.gz", "census-adult/adult.test.gz", "label", "auroc", 0.92, CENSUS
    ),
    "taxi": Case("chicago-taxi/train.csv.gz", "chicago-taxi/eval.csv.gz", "tips", "r2", 0.6),
    "electricity": Case(
        "electricity-elec2/elecNorm.csv.gz",
        "electricity-elec2/elecNorm.csv.gz",
        "class",
        "auroc",
        0.93,
        ELECTRICITY,
        44_000,
    ),
}


def with_header(source: Path, target: Path, header: str) -> Path:
    """A copy with a header line, without the comment line and the dots that UCI's test file has."""
    lines = gzip.decompress(source.read_bytes()).decode().splitlines()
    rows = [line.rstrip(".") for line in lines if line and not line.startswith("|")]
    target.write_text("\n".join([header, *rows] if header else rows) + "\n")
    return target


def known(row: dict[str, Any]) -> dict[str, Any]:
    """A row as a client sends it: without the fields that it does not know."""
    return {name: value for name, value in row.items() if value is not None}


@pytest.mark.parametrize("name", CASES)
def test_the_loop(name: str, shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    case = CASES[name]
    data = with_header(shared_data(case.train), tmp_path / f"{name}.csv", case.header)
    live = with_header(shared_data(case.live), tmp_path / "live.csv", case.header)

    made = tilth("init", data.name, "--label", case.label, folder=tmp_path)
    assert made.returncode == 0, made.stderr
    done = tilth("run", "--json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    status = json.loads(tilth("status", "--json", folder=tmp_path).stdout)
    assert status["models"][0]["metric"].startswith(case.metric)
    assert float(status["models"][0]["metric"].split()[1]) >= case.at_least

    rows = open_table(str(live), missing=["?"]).to_arrow().to_pylist()
    rows = rows[case.first_live_row : case.first_live_row + 400]
    with serving(tmp_path) as (url, _):
        assert get(f"{url}/v2/health/ready")["ready"] is True
        inputs = [known({k: v for k, v in row.items() if k != case.label}) for row in rows]
        code, answer = post(f"{url}/predict", inputs)
        assert code == 200, answer
        ids = [prediction["prediction_id"] for prediction in answer["predictions"]]
        assert len(set(ids)) == len(rows)
        one_by_one = [post(f"{url}/predict", row)[1] for row in inputs[:20]]
        for single, bulk in zip(one_by_one, answer["predictions"], strict=False):
            assert single["label"] == bulk["label"]
            assert single.get("scores") == bulk.get("scores")
        wrong = inputs[0] | {next(n for n, v in inputs[0].items() if isinstance(v, int | float)): "many"}
        code, refusal = post(f"{url}/predict", wrong)
        assert code == 400
        assert refusal["got"] == "'many'" or "many" in refusal["got"]
        assert refusal["column"]
        assert refusal["expected"]
        outcomes = [
            {"prediction_id": i, "label": row[case.label]}
            for i, row in zip(ids, rows, strict=True)
            if row[case.label] is not None
        ]
        assert post(f"{url}/feedback", outcomes)[1]["accepted"] == len(outcomes)

    watched = tilth("monitor", "--json", folder=tmp_path)
    assert watched.returncode in (0, 1), watched.stderr
    report = json.loads(watched.stdout)
    assert report["rows"] == len(rows) + 20
    assert report["outcomes"] == len(outcomes)
    assert bool(report["alarms"]) == (watched.returncode == 1)

    again = tilth("run", "--with-feedback", "--json", folder=tmp_path)
    assert again.returncode == 0, again.stderr
    assert f"{name}@2 is the challenger" in json.loads(again.stdout)["steps"][-1]["summary"]
    lineage = json.loads(tilth("lineage", data.name, "--downstream", "--json", folder=tmp_path).stdout)
    assert lineage["downstream"]["models"][0]["name"] == name
    out = tilth("predict", "live.csv", "-o", "answers.parquet", folder=tmp_path)
    assert out.returncode == 0, out.stderr
    answers = open_table(str(tmp_path / "answers.parquet"))
    assert answers.rows == open_table(str(live)).rows
