"""The defaults on real data: census income, with one-hot categories."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tilth.evaluation import evaluate
from tilth.features import Expression, Inputs, Transform
from tilth.inference import Graph
from tilth.tables import Table, open_table
from tilth.training import (
    LabelEncoding,
    Learned,
    baselines,
    check_parity,
    export,
    fit_estimator,
    make_estimator,
)

NUMBERS = ["age", "fnlwgt", "education_num", "gain", "loss", "hours"]
CATEGORIES = ["workclass", "education", "marital", "occupation", "relationship", "race", "sex", "country"]
HEADER = (
    "age,workclass,fnlwgt,education,education_num,marital,occupation,relationship,race,sex,"
    "gain,loss,hours,country,label\n"
)


def census_features(x: Inputs) -> dict[str, Expression]:
    """Numbers as they are, a column for each category."""
    return {name: x[name] for name in NUMBERS} | {name: x[name].one_hot() for name in CATEGORIES}


def census_parts(source: Path, folder: Path) -> list[Table]:
    """Train, dev and test."""
    path = folder / "census.csv"
    path.write_text(HEADER + gzip.decompress(source.read_bytes()).decode(), encoding="utf-8")
    table = open_table(path, missing=["?"])
    share = np.random.default_rng(0).random(table.rows)
    return [table.filter(mask) for mask in (share < 0.6, (share >= 0.6) & (share < 0.8), share >= 0.8)]


def test_defaults_reach_auroc_092_and_beat_the_baselines(
    shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    train, dev, test = census_parts(shared_data("census-adult/adult.data.gz"), tmp_path)
    transform = Transform(census_features).fit(train).to_onnx()
    graph = Graph.from_bytes(transform)
    features = [
        np.concatenate([result["features"] for result in graph.run_table(part)])
        for part in (train, dev, test)
    ]
    columns = [part.select(["label"]).to_arrow().column(0) for part in (train, dev, test)]
    encoding = LabelEncoding.from_column(columns[0])
    codes = [encoding.encode(column) for column in columns]
    estimator = fit_estimator(
        make_estimator("lightgbm", task="binary"), features[0], codes[0], X_dev=features[1], y_dev=codes[1]
    )
    model = Graph.from_bytes(export(transform, Learned(estimator, encoding)))
    assert check_parity(model, Learned(estimator, encoding), dev, features[1]).passed

    results = list(model.run_table(test))
    answers = {name: np.concatenate([result[name] for result in results]) for name in model.outputs}
    made = {"model": (answers["label"], answers["probabilities"])}
    made |= baselines(encoding, features[0], codes[0], features[2])
    auroc = {}
    for name, (said, shares) in made.items():
        table = encoding.answers(test, said, shares)
        found = evaluate(
            table, label="label", prediction="tilth.label", score="tilth.positive", encoding=encoding
        )
        auroc[name] = found.metric("auroc")
    assert auroc["model"] is not None
    assert auroc["model"] >= 0.92
    assert auroc["linear"] is not None
    assert auroc["model"] > auroc["linear"] > 0.9
    assert auroc["majority"] == 0.5
