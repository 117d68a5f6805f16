"""The sections of a model card, for every task, as Markdown and as a page."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from tilth.evaluation import Evaluation, evaluate
from tilth.metrics import Estimate
from tilth.pipelines.card_measured import measured_sections
from tilth.pipelines.card_parts import CardTable, Plot, Section
from tilth.pipelines.card_writing import card_markdown, card_page

ROWS = 200


def evaluation(task: str) -> Evaluation:
    """Seeded answers to a task, on slices with a hostile name."""
    random = np.random.default_rng(0)
    city = random.choice(["Rome", "a|b`<i>\n*c*"], ROWS).tolist()
    if task == "binary":
        p = random.random(ROWS)
        data = {"y": (random.random(ROWS) < p).astype(int), "p": p, "city": city}
        return evaluate(data, label="y", score="p", slices=[["city"]])
    if task == "multiclass":
        y = random.choice(["owl", "cat", "dog"], ROWS)
        said = np.where(random.random(ROWS) < 0.7, y, "cat")
        return evaluate({"y": y, "s": said, "city": city}, label="y", prediction="s", slices=[["city"]])
    if task == "multilabel":
        y = [["a", "b"] if n % 3 else ["b"] for n in range(ROWS)]
        said = [["a"] if n % 2 else ["b"] for n in range(ROWS)]
        data = {"y": y, "s": said, "city": city}
        return evaluate(data, label="y", prediction="s", slices=[["city"]], task="multilabel")
    y = random.normal(0, 1, ROWS) if task == "regression" else random.integers(0, 4, ROWS)
    data = {"y": y, "s": y + random.normal(0, 1, ROWS), "city": city, "query": np.arange(ROWS) // 10}
    group = "query" if task == "ranking" else None
    slices = [] if task == "ranking" else [["city"]]
    return evaluate(data, label="y", prediction="s", slices=slices, task=task, group=group)  # type: ignore[arg-type]


def document(task: str) -> dict[str, Any]:
    found = evaluation(task).to_json()
    kept = {"test": found, "dev": found, "train": None, "baselines": {"majority": found}, "verdicts": []}
    loaded: dict[str, Any] = json.loads(json.dumps(kept))
    return loaded


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression", "multilabel", "ranking"])
def test_a_card_of_every_task(task: str) -> None:
    sections = list(measured_sections(document(task)))
    text = card_markdown("m@1", "A model.", sections)
    page = card_page("m@1", "A model.", sections, holds=True)
    found = evaluation(task)
    told = {name for name in found.slices[0].metrics if f"| {name.replace('_', chr(92) + '_')} |" in text}
    assert told
    assert ("## Calibration" in text) == (task == "binary")
    assert ("## Slices" in text) == (task != "ranking")
    assert "<i>" not in page
    lines = text.splitlines()
    for at, line in enumerate(lines):
        if line.startswith("| ---"):
            columns = line.count("|")
            body = [row for row in lines[at + 1 :] if row]
            for row in body[: next((n for n, row in enumerate(body) if not row.startswith("|")), len(body))]:
                assert row.replace("\\|", "").count("|") == columns


def test_classes_have_a_table_of_their_own() -> None:
    (metrics, *_) = measured_sections(document("multiclass"))
    (table,) = (each for each in metrics.tables if each.caption.startswith("By class"))
    assert [row[0] for row in table.rows] == ["cat", "dog", "owl"]


def test_the_same_document_gives_the_same_card() -> None:
    texts = {card_markdown("m", "", list(measured_sections(document("binary")))) for _ in range(2)}
    pages = {card_page("m", "", list(measured_sections(document("binary"))), holds=False) for _ in range(2)}
    assert (len(texts), len(pages)) == (1, 1)


def test_what_is_undefined_is_said_and_not_drawn() -> None:
    table = CardTable(
        ["slice", "f1"], [["a", "undefined"], ["b", "0.5"]], [Estimate(None), Estimate(0.5, 0, 1)]
    )
    text = card_markdown("m", "", [Section("S", tables=[table]), Section("nothing")])
    assert "| a | undefined |   |" in text
    assert "●" in text
    assert "nothing" not in text
    one = CardTable(["slice", "f1"], [["a", "0.5"]], [Estimate(0.5)])
    assert "●" not in card_markdown("m", "", [Section("S", tables=[one])])


def test_a_curve_in_text_lies_where_its_values_do() -> None:
    points = [(0.0, Estimate(0.0, 0.0, 0.5)), (1.0, Estimate(1.0, 0.5, 1.0))]
    plot = Plot("share", "score", points, [(0.0, Estimate(1.0)), (1.0, Estimate(1.0))])
    text = card_markdown("m", "", [Section("S", plots=[plot])])
    (low, high) = (line for line in text.splitlines() if line.endswith("|"))
    assert low.split("|")[1] == "●───────────┤          +"
    assert high.split("|")[1] == "            ├──────────●"
