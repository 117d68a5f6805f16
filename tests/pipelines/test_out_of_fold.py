"""A project whose features are made of labels: training rows do not see their own; the model has no fold."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tilth.inference import Graph
from tilth.projects import Project, initialize

Ask = Callable[..., tuple[int, str, str]]

ROWS = 3_000

FEATURES = """
def features(x):
    return {"signal": x["signal"], "shop": x["shop"].target_mean(1)}
"""


def write_visits(path: Path) -> Path:
    """A label that follows from a number, and a category of many values that has nothing to do with it."""
    random = np.random.default_rng(0)
    signal = random.normal(size=ROWS)
    shop = random.integers(0, ROWS // 3, ROWS)
    bought = signal + random.normal(size=ROWS) > 0
    rows = [f"{s:.4f},shop {k},{'yes' if b else 'no'}" for s, k, b in zip(signal, shop, bought, strict=True)]
    path.write_text("\n".join(["signal,shop,bought", *rows]) + "\n", encoding="utf-8")
    return path


def test_training_rows_do_not_see_their_own_labels(tmp_path: Path, ask: Ask) -> None:
    initialize(write_visits(tmp_path / "visits.csv"), "bought", tmp_path)
    (tmp_path / "features.py").write_text(FEATURES)
    toml = tmp_path / "tilth.toml"
    toml.write_text(toml.read_text().replace("min = -0.05", "min = -0.5"))
    status, out, errors = ask("run", "--dir", tmp_path, "--json")
    assert status == 0, errors or out

    project = Project.load(tmp_path)
    with project.workspace.store() as store:
        evaluation = store.artifacts("evaluation", limit=1)[0]
        transforms = {found.name: found for found in store.artifacts("transform", limit=2)}
        version = store.model_version(project.name, 1)
    artifacts = project.workspace.artifacts()
    graphs = [
        Graph.from_path(artifacts.verify(digest, ".onnx"))
        for digest in (
            transforms["transform"].digest,
            transforms["training_transform"].digest,
            version.artifact.digest,
        )
    ]
    assert ["tilth.fold" in graph.inputs for graph in graphs] == [False, True, False]

    # With their own labels in the features both would believe the shop, and fall to about 0.66.
    document = json.loads(artifacts.read_bytes(evaluation.digest, ".json"))
    for part in (document["test"], document["baselines"]["linear"]):
        assert part["slices"][0]["metrics"]["auroc"]["value"] > 0.78
