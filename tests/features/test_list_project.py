"""A project on columns of lists, from `tilth init` to `tilth monitor`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from served import get, post, serving
from tilth.tables import open_table, write_table

Ask = Callable[..., tuple[int, str, str]]
TAGS = ["red", "green", "blue", "old", "new"]


def shops(rows: int, seed: int = 0, *, price: float = 10.0) -> list[dict[str, Any]]:
    """Shops whose success depends on their tags and prices."""
    random = np.random.default_rng(seed)
    made = []
    for _ in range(rows):
        tags = random.choice(TAGS, size=random.integers(0, 4), replace=False).tolist()
        prices = np.round(random.normal(price, 3, random.integers(0, 6)), 2).tolist()
        good = 2.0 * ("red" in tags) - ("old" in tags) + (np.mean(prices) if prices else 8.0) / 4
        made.append(
            {
                "tags": tags if random.random() > 0.05 else None,
                "prices": prices,
                "sizes": random.integers(1, 9, random.integers(1, 4)).tolist(),
                "flags": (random.random(2) > 0.5).tolist(),
                "good": "yes" if good + random.normal(0, 0.3) > 3 else "no",
            }
        )
    return made


def write_lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def without_label(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "good"} for row in rows]


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_a_project_on_lists_runs_from_init_to_monitor(tmp_path: Path, ask: Ask, form: str) -> None:
    data = write_lines(tmp_path / "shops.jsonl", shops(300))
    if form == "parquet":
        table = open_table(data)
        data = tmp_path / "shops.parquet"
        write_table(table, data)
    folder = tmp_path / "project"
    assert ask("init", data, "--label", "good", "--dir", folder)[0] == 0
    features = (folder / "features.py").read_text(encoding="utf-8")
    assert '"tags": x["tags"].bag_of_words(top=100),' in features
    assert '"prices mean": x["prices"].mean().fill_missing("median"),' in features
    assert "left out" not in features
    status, _, err = ask("run", "--dir", folder)
    assert status == 0, err
    assert auroc(ask, folder, data) > 0.95

    fresh = shops(60, seed=1)
    answers = tmp_path / "answers.jsonl"
    asked = write_lines(tmp_path / "fresh.jsonl", without_label(fresh))
    assert ask("predict", asked, "-o", answers, "--dir", folder)[0] == 0
    batch = [json.loads(line) for line in answers.read_text().splitlines()]
    assert [row["tags"] for row in batch] == [row["tags"] for row in fresh]
    right = [row["tilth.label"] == known["good"] for row, known in zip(batch, fresh, strict=True)]
    assert np.mean(right) > 0.75

    with serving(folder) as (url, _):
        status_code, answer = post(f"{url}/predict", without_label(fresh))
        assert status_code == 200, answer
        assert [row["score"] for row in answer["predictions"]] == [row["tilth.score"] for row in batch]
        status_code, refused = post(f"{url}/predict", {**without_label(fresh)[0], "prices": ["cheap"]})
        assert (status_code, refused["column"]) == (400, "prices")
        assert refused["got"] == 'the text "cheap" as item 0'
        row = get(f"{url}/openapi.json")["components"]["schemas"]["Row"]
        assert row["properties"]["tags"]["type"] == ["array", "null"]
        for known, made in zip(fresh, answer["predictions"], strict=True):
            post(f"{url}/feedback", {"prediction_id": made["prediction_id"], "label": known["good"]})
    status, out, err = ask("monitor", "--dir", folder, "--json")
    assert status == 0, out + err
    found = json.loads(out)
    assert (found["rows"], found["outcomes"]) == (60, 60)

    with serving(folder) as (url, _):
        post(f"{url}/predict", without_label(shops(400, seed=2, price=60.0)))
    status, out, _ = ask("monitor", "--dir", folder, "--json")
    assert status == 1
    assert "prices" in json.loads(out)["inputs"]["drifted"], out


def auroc(ask: Ask, folder: Path, data: Path) -> float:
    status, out, err = ask(
        "evaluate", data, "--label", "good", "--model", "shops@1", "--dir", folder, "--json"
    )
    assert status == 0, err
    found: float = json.loads(out)["slices"][0]["metrics"]["auroc"]["value"]
    return found
