"""A tiny transform: the raw columns a, b, c side by side as features."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper

COLUMNS = ("a", "b", "c")


@pytest.fixture(scope="session")
def transform() -> bytes:
    """The transform's bytes."""
    inputs = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["n", 1]) for name in COLUMNS]
    nodes = [
        helper.make_node("Concat", list(COLUMNS), ["joined"], axis=1),
        helper.make_node("Cast", ["joined"], ["features"], to=TensorProto.FLOAT),
    ]
    outputs = [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", len(COLUMNS)])]
    graph = helper.make_graph(nodes, "transform", inputs, outputs)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    helper.set_model_props(model, {"tilth.feature_names": '["a", "b", "c"]'})
    return bytes(model.SerializeToString())


@pytest.fixture(scope="session")
def features() -> np.ndarray:
    """400 rows on a coarse grid, of very different size, so that many values equal a tree's threshold."""
    random = np.random.default_rng(7)
    return np.round(random.normal(size=(400, 3)) * [1, 1000, 0.3] + [0, 5e4, 0], 1).astype(np.float32)


@pytest.fixture(scope="session")
def signal(features: np.ndarray) -> np.ndarray:
    """A noisy number that depends on the features."""
    noise = np.random.default_rng(8).normal(size=len(features)) * 0.4
    centered = (features - features.mean(axis=0)) / features.std(axis=0)
    return centered[:, 0] + centered[:, 1] * centered[:, 2] + noise
