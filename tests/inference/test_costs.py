"""What a graph costs, measured: larger ones cost more."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from tilth.errors import GraphError
from tilth.features import Transform
from tilth.inference import measure_costs
from tilth.training import LabelEncoding, Recipe, Rows, export, learn


def test_more_trees_cost_more() -> None:
    random = np.random.default_rng(0)
    columns = {f"x{at}": random.normal(size=500) for at in range(4)}
    table = pa.table(columns)
    transform = Transform(lambda x: {name: x[name] for name in columns}).fit(table).to_onnx()
    X = np.stack(list(columns.values()), axis=1).astype(np.float32)
    y = (X.sum(axis=1) + random.normal(size=500) > 0).astype(np.int64)
    models = [
        export(
            transform,
            learn(Recipe(LabelEncoding("binary", (0, 1)), parameters={"n_estimators": trees}), Rows(X, y)),
        )
        for trees in (2, 400)
    ]
    small, large = (measure_costs(model, table) for model in models)
    assert [small.size_mb, large.size_mb] == [len(model) / 1e6 for model in models]
    assert large.memory_mb > small.memory_mb + large.size_mb / 2
    assert 0 < small.latency_us < 1e6
    assert large.latency_us > 0
    with pytest.raises(GraphError, match="needs the column 'x3'"):
        measure_costs(models[0], table.drop_columns(["x3"]))
