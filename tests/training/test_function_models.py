"""PyTorch modules and ONNX bytes that a training function returns, as part of our graph."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from tilth.errors import TrainingError
from tilth.inference import Graph
from tilth.metrics import LabelEncoding
from tilth.tables import open_table
from tilth.training import Learned, Recipe, Rows, check_parity, export, learn
from tilth.training.onnx_models import OnnxModel
from tilth.types import Task

ENCODINGS: dict[Task, LabelEncoding] = {
    "binary": LabelEncoding("binary", ("no", "yes")),
    "multiclass": LabelEncoding("multiclass", ("a", "b", "c")),
    "regression": LabelEncoding("regression", ()),
    "multilabel": LabelEncoding("multilabel", ("a", "b", "c")),
    "ranking": LabelEncoding("ranking", ()),
}


def fitted(folder: Path, text: str, task: Task, X: np.ndarray, y: np.ndarray) -> Learned:
    (folder / "train.py").write_text(textwrap.dedent(text), encoding="utf-8")
    recipe = Recipe(ENCODINGS[task], "train.py", directory=folder)
    return learn(recipe, Rows(X[:300], y[:300]), Rows(X[300:], y[300:]))


def codes(task: Task, signal: np.ndarray) -> np.ndarray:
    if task == "regression":
        return signal
    return (signal > 0).astype(np.int64) if task == "binary" else np.digitize(signal, [-0.5, 0.5])


def agrees(transform: bytes, learned: Learned, X: np.ndarray) -> bytes:
    """The exported graph, after it has answered as what was learned does."""
    made = export(transform, learned)
    table = open_table({name: X[:, at].astype(float) for at, name in enumerate("abc")})
    parity = check_parity(Graph.from_bytes(made), learned, table, X)
    assert parity.passed, parity
    return made


NETWORK = """
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self, columns):
            super().__init__()
            self.inner = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2))
            self.outer = nn.Linear(8, columns)

        def forward(self, x):
            found = self.outer(self.inner(x))
            return found{shape}

    def train(data, params):
        net = Net({columns})
        best = torch.optim.Adam(net.parameters(), 0.03)
        X, y = torch.from_numpy(data.X), torch.from_numpy(data.y)
        for at in range(12):
            net.train()
            loss = {loss}
            best.zero_grad()
            loss.backward()
            best.step()
            data.report(at, train_loss=loss)
        return net
"""
LOSSES = {
    "logits": "nn.functional.cross_entropy(net(X), y)",
    "logit": "nn.functional.binary_cross_entropy_with_logits(net(X).reshape(-1), y.float())",
    "number": "nn.functional.mse_loss(net(X).reshape(-1), y.float())",
}


@pytest.mark.parametrize(
    ("task", "columns", "loss", "shape"),
    [
        ("multiclass", 3, "logits", ""),
        ("binary", 2, "logits", ""),
        ("binary", 1, "logit", ""),
        ("binary", 1, "logit", "[:, 0]"),
        ("regression", 1, "number", "[:, 0]"),
    ],
)
def test_a_torch_module_becomes_part_of_the_graph(
    tmp_path: Path,
    transform: bytes,
    features: np.ndarray,
    signal: np.ndarray,
    task: Task,
    columns: int,
    loss: str,
    shape: str,
) -> None:
    pytest.importorskip("torch")
    text = NETWORK.format(columns=columns, loss=LOSSES[loss], shape=shape)
    X = ((features - features.mean(axis=0)) / features.std(axis=0)).astype(np.float32)
    y = codes(task, signal)
    learned = fitted(tmp_path, text, task, X, y)
    made = agrees(transform, learned, X)
    if task == "multiclass":
        assert export(transform, fitted(tmp_path, text, task, X, y)) == made
    assert str(tmp_path).encode() not in made
    losses = learned.curves["train"]["loss"]
    assert losses[-1] < losses[0]
    scores = learned.scores(X)
    if task != "regression":
        assert np.mean(learned.codes(scores) == y) > np.bincount(y).max() / len(y)


def test_a_module_that_gives_probabilities_is_refused(
    tmp_path: Path, features: np.ndarray, signal: np.ndarray
) -> None:
    pytest.importorskip("torch")
    text = """
        from torch import nn
        def train(data, params):
            return nn.Sequential(nn.Linear(3, 2), nn.Softmax(1))
    """
    with pytest.raises(TrainingError, match="the module gives probabilities"):
        fitted(tmp_path, text, "binary", features, codes("binary", signal))


@pytest.mark.parametrize(
    ("module", "what"),
    [
        ("nn.Linear(3, 5)", "it gives 5 columns"),
        ("nn.Linear(2, 2)", "cannot answer for rows"),
        ("nn.Unflatten(1, (3, 1))", "the module gives"),
        ("nn.Identity()", "it gives 3 columns"),
    ],
)
def test_modules_of_other_shapes_are_refused(
    tmp_path: Path, features: np.ndarray, signal: np.ndarray, module: str, what: str
) -> None:
    pytest.importorskip("torch")
    text = f"from torch import nn\ndef train(data, params):\n    return {module}\n"
    with pytest.raises(TrainingError, match=what):
        fitted(tmp_path, text, "binary", features, codes("binary", signal))


def onnx_model(columns: int = 2, *, opset: int = 20, softmax: bool = True, flat: bool = False) -> bytes:
    """A linear model of three features."""
    weight = numpy_helper.from_array(
        np.random.default_rng(0).normal(size=(3, columns)).astype(np.float32), "w"
    )
    nodes = [helper.make_node("MatMul", ["x", "w"], ["raw"])]
    last = helper.make_node("Softmax", ["raw"], ["y"], axis=1) if softmax else None
    nodes.append(last or helper.make_node("Sigmoid", ["raw"], ["y"]))
    output, shape = "y", ["n", columns]
    if flat:
        nodes.append(helper.make_node("Flatten", ["y"], ["z0"], axis=0))
        nodes.append(helper.make_node("Squeeze", ["z0"], ["z"]))
        output, shape = "z", ["n"]
    graph = helper.make_graph(
        nodes,
        "own",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)],
        [weight],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    return bytes(made.SerializeToString())


@pytest.mark.parametrize("opset", [13, 18, 20])
@pytest.mark.parametrize(
    ("task", "columns", "softmax"),
    [("binary", 2, True), ("multiclass", 3, True), ("binary", 1, False), ("regression", 1, False)],
)
def test_onnx_bytes_become_part_of_the_graph(
    tmp_path: Path,
    transform: bytes,
    features: np.ndarray,
    signal: np.ndarray,
    task: Task,
    columns: int,
    softmax: bool,
    opset: int,
) -> None:
    (tmp_path / "model.onnx").write_bytes(onnx_model(columns, opset=opset, softmax=softmax))
    text = """
        from pathlib import Path
        def train(data, params):
            return Path(__file__).with_name("model.onnx").read_bytes()
    """
    X = features / np.array([1, 1000, 0.3], np.float32)
    learned = fitted(tmp_path, text, task, X, codes(task, signal))
    agrees(transform, learned, X)
    weight = np.random.default_rng(0).normal(size=(3, columns)).astype(np.float32)
    raw = (X @ weight).astype(float)
    if softmax:
        expected = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    else:
        positive = 1 / (1 + np.exp(-raw))
        expected = np.hstack([1 - positive, positive]) if task == "binary" else positive
    assert np.allclose(learned.scores(X), expected, atol=1e-5)


def test_what_skl2onnx_writes_is_taken_as_it_is(
    tmp_path: Path, transform: bytes, features: np.ndarray, signal: np.ndarray
) -> None:
    text = """
        import skl2onnx
        from sklearn.linear_model import LogisticRegression
        def train(data, params):
            fitted = LogisticRegression().fit(data.X, data.y)
            options = {id(fitted): {"zipmap": False}}
            return skl2onnx.to_onnx(fitted, data.X[:1], options=options).SerializeToString()
    """
    X = features / np.array([1, 1000, 0.3], np.float32)
    learned = fitted(tmp_path, text, "multiclass", X, codes("multiclass", signal))
    agrees(transform, learned, X)


def bad(nodes: list[object], **given: object) -> bytes:
    graph = helper.make_graph(
        nodes,
        "own",
        given.get("inputs", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])]),
        given.get("outputs", [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])]),
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(made.SerializeToString())


def test_models_of_other_inputs_and_outputs_are_refused() -> None:
    two = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3]) for name in ("x", "z")]
    double = [helper.make_tensor_value_info("x", TensorProto.DOUBLE, ["n", 3])]
    both = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3]) for name in ("y", "w")]
    add = helper.make_node("Add", ["x", "z"], ["y"])
    same = helper.make_node("Identity", ["x"], ["y"])
    again = helper.make_node("Identity", ["x"], ["w"])
    with pytest.raises(TrainingError, match=r"takes tensor\(float\), tensor\(float\)"):
        OnnxModel(bad([add], inputs=two))
    with pytest.raises(TrainingError, match=r"takes tensor\(double\)|cannot be run"):
        OnnxModel(bad([same], inputs=double))
    with pytest.raises(TrainingError, match=r"gives y tensor\(float\), w tensor\(float\)"):
        OnnxModel(bad([same, again], outputs=both))
    summed = helper.make_node("ReduceSum", ["x"], ["y"], keepdims=0)
    scalar = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [])]
    with pytest.raises(TrainingError, match=r"answers \(\) for 2 rows"):
        OnnxModel(bad([summed], outputs=scalar)).raw(np.zeros((2, 3), np.float32))


def test_a_model_that_mixes_rows_is_refused(tmp_path: Path, features: np.ndarray, signal: np.ndarray) -> None:
    softmax = helper.make_node("Softmax", ["x"], ["y"], axis=0)
    (tmp_path / "model.onnx").write_bytes(bad([softmax]))
    text = """
        from pathlib import Path
        def train(data, params):
            return Path(__file__).with_name("model.onnx").read_bytes()
    """
    X, y = features, codes("multiclass", signal)
    with pytest.raises(TrainingError, match=r"depends on the rows beside it|do not add up to 1"):
        fitted(tmp_path, text, "multiclass", X, y)


SEVERAL = {
    "one estimator for each label": """
        from sklearn.linear_model import LogisticRegression
        from sklearn.multiclass import OneVsRestClassifier
        def train(data, params):
            return OneVsRestClassifier(LogisticRegression()).fit(data.X, data.y)
    """,
    "a tree of all labels": """
        from lightgbm import LGBMClassifier
        from tilth.training.per_label import PerLabel
        def train(data, params):
            return PerLabel(LGBMClassifier(n_estimators=5, verbose=-1)).fit(data.X, data.y)
    """,
    "a module": """
        import torch
        def train(data, params):
            net = torch.nn.Linear(3, 3)
            best = torch.optim.Adam(net.parameters(), 0.1)
            X, y = torch.from_numpy(data.X), torch.from_numpy(data.y).float()
            for _ in range(30):
                best.zero_grad()
                torch.nn.functional.binary_cross_entropy_with_logits(net(X), y).backward()
                best.step()
            return net
    """,
}


@pytest.mark.parametrize("made", SEVERAL)
def test_several_labels(
    tmp_path: Path, transform: bytes, features: np.ndarray, signal: np.ndarray, made: str
) -> None:
    if made == "a module":
        pytest.importorskip("torch")
    X = ((features - features.mean(axis=0)) / features.std(axis=0)).astype(np.float32)
    y = np.column_stack([signal > 0, X[:, 0] > 0.5, X[:, 1] > 0]).astype(np.int8)
    learned = fitted(tmp_path, SEVERAL[made], "multilabel", X, y)
    agrees(transform, learned, X)
    assert np.mean(learned.codes(learned.scores(X)) == y) > 0.85


def test_a_ranking(tmp_path: Path, transform: bytes, features: np.ndarray, signal: np.ndarray) -> None:
    (tmp_path / "train.py").write_text(
        "from sklearn.linear_model import Ridge\n"
        "def train(data, params):\n"
        "    assert data.groups.shape == (300,) and data.groups_dev.shape == (100,)\n"
        "    return Ridge().fit(data.X, data.y)\n"
    )
    X, groups = features / np.array([1, 1000, 0.3], np.float32), np.arange(400) // 10
    rows = [Rows(X[part], signal[part], groups=groups[part]) for part in (slice(300), slice(300, None))]
    learned = learn(Recipe(ENCODINGS["ranking"], "train.py", directory=tmp_path), *rows)
    agrees(transform, learned, X)
