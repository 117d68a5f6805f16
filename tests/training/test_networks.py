"""Networks learn what only they can, repeat themselves bit for bit, and answer in the graph as in PyTorch."""

from __future__ import annotations

import hashlib
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from onnx import TensorProto, helper

from project_factory import hurried_project
from tilth.errors import TrainingError
from tilth.features import Block
from tilth.inference import Graph
from tilth.training.boosting import curves_of
from tilth.training.estimators import make_estimator
from tilth.training.fitting import fit_rows, outputs_of
from tilth.training.networks.estimators import NetworkClassifier
from tilth.training.rows import Rows
from tilth.types import Task

torch = pytest.importorskip("torch")

Matrix = npt.NDArray[np.float32]
QUICK: Mapping[str, object] = {"width": 2, "depth": 1, "epochs": 2}

IMAGE = Block("image", "picture", 1, 109, (6, 6, 3))
FRAMES = Block("frames", "sound", 109, 139, (10, 3))
TOKENS = Block("tokens", "words", 139, 144, (5,), 9)
MIXED = (IMAGE, FRAMES, TOKENS)


def mixed_rows(rows: int = 120, seed: int = 0) -> Matrix:
    """Two numbers, before and behind an image, frames and tokens; here and there a value is missing."""
    random = np.random.default_rng(seed)
    parts = [
        random.normal(1e4, 3, (rows, 1)),
        random.integers(0, 256, (rows, 108)),
        random.normal(-50, 20, (rows, 30)),
        random.integers(0, 9, (rows, 5)),
        random.exponential(5, (rows, 1)),
    ]
    X = np.concatenate(parts, axis=1)
    X[3, 1:109] = X[4, 109:139] = X[5, 0] = np.nan
    X[6, 139:144] = 0
    return X.astype(np.float32)


def labels_for(task: str, X: Matrix) -> npt.NDArray[Any]:
    first = np.nan_to_num(X[:, 0]) > 1e4
    second = X[:, 144] > 3
    if task == "multilabel":
        return np.stack([first, second, first & second], axis=1).astype(np.int8)
    if task in ("regression", "ranking"):
        return 3.0 * first - 1.0 * second + 0.1 * X[:, 144]
    return (first if task == "binary" else first + 1 * second).astype(np.int64)


def fitted(
    X: Matrix,
    y: npt.NDArray[Any],
    *blocks: Block,
    task: Task = "multiclass",
    dev: Rows | None = None,
    weights: npt.NDArray[np.float64] | None = None,
    seed: int = 0,
    **parameters: object,
) -> Any:
    estimator = make_estimator("network", parameters, task=task, seed=seed, blocks=blocks)
    return fit_rows(estimator, Rows(X, y, weights), dev)


def graph_of(estimator: Any) -> Graph:
    """The network alone as a graph; its features are one column each."""
    width = estimator.n_features_in_
    found = estimator.conversion(20)
    names = [f"x{place}" for place in range(width)]
    nodes = [
        helper.make_node("Concat", names, ["joined"], axis=1),
        helper.make_node("Cast", ["joined"], ["features"], to=TensorProto.FLOAT),
        *found.nodes,
        helper.make_node("Cast", [found.output], ["scores"], to=TensorProto.DOUBLE),
    ]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["n", 1]) for name in names],
        [helper.make_tensor_value_info("scores", TensorProto.DOUBLE, ["n", "k"])],
        list(found.constants),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    return Graph.from_bytes(model.SerializeToString())


def in_graph(graph: Graph, X: Matrix) -> npt.NDArray[np.float64]:
    columns = {f"x{place}": X[:, place].astype(np.float64) for place in range(X.shape[1])}
    return np.asarray(graph.run(columns)["scores"])


def said(estimator: Any, X: Matrix) -> npt.NDArray[np.float64]:
    if not hasattr(estimator, "predict_proba"):
        return np.asarray(estimator.predict(X))[:, None]
    return np.asarray(estimator.predict_proba(X), np.float64)


def digest(estimator: Any) -> str:
    values = sorted(estimator.values_.items())
    return hashlib.sha256(b"".join(name.encode() + value.tobytes() for name, value in values)).hexdigest()


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel", "regression", "ranking"])
def test_the_graph_says_what_the_network_says(task: Task) -> None:
    X = mixed_rows()
    model = fitted(X, labels_for(task, X), *MIXED, task=task, epochs=3, width=3, depth=2)
    other = mixed_rows(60, seed=1)
    other[0] = np.nan
    other[1] = np.inf
    other[2] = -np.inf
    other[3] = np.finfo(np.float32).max
    other[4, 139:144] = [-1, 3.7, 9, 1e9, np.nan]
    wanted, graph = said(model, other), graph_of(model)
    found = in_graph(graph, other)
    assert np.isfinite(wanted).all()
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)
    alone = np.concatenate([in_graph(graph, other[row : row + 1]) for row in range(len(other))])
    np.testing.assert_array_equal(alone, found)
    if task in ("binary", "multiclass"):
        np.testing.assert_allclose(wanted.sum(axis=1), 1, atol=1e-6)
        codes = outputs_of(model, other, wanted.shape[1]).argmax(axis=1)
        assert model.predict(other).tolist() == codes.tolist()


def stripes(rows: int, random: np.random.Generator) -> tuple[Matrix, npt.NDArray[np.int64]]:
    """One stripe, upright or lying: no pixel alone tells which."""
    y = random.integers(0, 2, rows)
    images = random.normal(0, 0.3, (rows, 8, 8))
    for row, place in enumerate(random.integers(0, 8, rows)):
        if y[row]:
            images[row, place] += 2
        else:
            images[row, :, place] += 2
    return images.reshape(rows, -1).astype(np.float32), y


def courses(rows: int, random: np.random.Generator) -> tuple[Matrix, npt.NDArray[np.int64]]:
    """A step up or a step down, at any moment."""
    y = random.integers(0, 2, rows)
    moments = np.arange(16)
    low = random.integers(2, 6, (rows, 1))
    high = low + random.integers(3, 7, (rows, 1))
    up = (moments >= low) & (moments < high)
    down = -1.0 * up
    signal = np.where(y[:, None] == 1, np.cumsum(up, axis=1), np.cumsum(down, axis=1) + 8)
    return (signal + random.normal(0, 0.3, (rows, 16))).astype(np.float32), y


def sentences(rows: int, random: np.random.Generator) -> tuple[Matrix, npt.NDArray[np.int64]]:
    """Word 2 right before word 3, or right behind it: the bag of words is the same."""
    y = random.integers(0, 2, rows)
    ids = random.integers(4, 12, (rows, 9))
    for row, place in enumerate(random.integers(0, 6, rows)):
        ids[row, place : place + 2] = [2, 3] if y[row] else [3, 2]
        ids[row, place + 3 :] = 0
    return ids.astype(np.float32), y


def corners(rows: int, random: np.random.Generator) -> tuple[Matrix, npt.NDArray[np.int64]]:
    """Whether two numbers have the same sign: neither alone tells."""
    X = random.uniform(-1, 1, (rows, 2))
    return X.astype(np.float32), (X[:, 0] * X[:, 1] > 0).astype(np.int64)


@pytest.mark.parametrize(
    ("make", "blocks"),
    [
        (stripes, (Block("image", "x", 0, 64, (8, 8, 1)),)),
        (courses, (Block("frames", "x", 0, 16, (16, 1)),)),
        (sentences, (Block("tokens", "x", 0, 9, (9,), 12),)),
        (corners, ()),
    ],
)
def test_each_kind_of_features_is_read_as_what_it_is(
    make: Callable[[int, np.random.Generator], tuple[Matrix, npt.NDArray[np.int64]]],
    blocks: tuple[Block, ...],
) -> None:
    random = np.random.default_rng(0)
    X, y = make(500, random)
    model = fitted(X, y, *blocks, width=4, depth=2, dropout=0.0, task="binary")
    new, truth = make(200, random)
    assert np.mean(model.predict(new) == truth) >= 0.9


def test_several_labels_are_learned_each() -> None:
    X = mixed_rows(400)
    y = labels_for("multilabel", X)
    model = fitted(X, y, *MIXED, task="multilabel", epochs=25, width=4, depth=1)
    assert model.predict(X).shape == y.shape
    assert (model.predict(X) == y).mean(axis=0).min() >= 0.9


def test_numbers_are_learned_in_their_unit() -> None:
    X = mixed_rows(400)
    y = 1e6 * labels_for("regression", X) + 5e7
    model = fitted(X, y, *MIXED, task="regression", width=4, depth=1)
    errors = model.predict(X) - y
    assert np.sqrt(np.mean(errors**2)) < 0.4 * y.std()
    assert model.curves_["train"]["rmse"][-1] < 0.7 * y.std()
    assert model.curves_["train"]["rmse"][0] > 0.5 * y.std()


def test_the_same_rows_in_any_order_give_the_same_bits() -> None:
    X = mixed_rows()
    y = labels_for("multiclass", X)
    dev = Rows(mixed_rows(60, seed=2), labels_for("multiclass", mixed_rows(60, seed=2)))
    options: dict[str, Any] = {"augment": ["flip", "shift", "noise", "mask"], **QUICK}
    once = fitted(X, y, *MIXED, dev=dev, **options)
    order = np.random.default_rng(5).permutation(len(X))
    back = dev.take(np.arange(len(dev))[::-1])
    again = fitted(X[order], y[order], *MIXED, dev=back, **options)
    assert digest(once) == digest(again)
    assert once.curves_ == again.curves_
    assert digest(fitted(X, y, *MIXED, dev=dev, seed=1, **options)) != digest(once)
    assert digest(pickle.loads(pickle.dumps(once))) == digest(once)


def test_another_process_with_other_threads_gives_the_same_bits() -> None:
    here = Path(__file__).parent
    code = (
        f"import sys; sys.path[:0] = [{str(here)!r}, {str(here.parent)!r}]\n"
        "import test_networks as t\n"
        "X = t.mixed_rows()\n"
        "print(t.digest(t.fitted(X, t.labels_for('binary', X), *t.MIXED, task='binary', **t.QUICK)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"OMP_NUM_THREADS": "3", "PATH": ""},
    )
    X = mixed_rows()
    same = fitted(X, labels_for("binary", X), *MIXED, task="binary", **QUICK)
    assert done.stdout.strip() == digest(same)


def test_nothing_else_in_the_process_is_changed() -> None:
    torch.manual_seed(7)
    before = torch.get_rng_state(), torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    X = mixed_rows()
    model = fitted(X, labels_for("binary", X), *MIXED, task="binary", augment=["noise"], **QUICK)
    model.predict(X)
    after = torch.get_rng_state(), torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    assert torch.equal(before[0], after[0])
    assert before[1:] == after[1:]


def test_rows_without_weight_do_not_count() -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(400, 2)).astype(np.float32)
    y = (X[:, 0] > 0).astype(np.int64)
    wrong = random.random(400) < 0.6
    shown = np.where(wrong, 1 - y, y)
    model = fitted(X, shown, task="binary", width=4, weights=np.where(wrong, 0.0, 2.0))
    assert np.mean(model.predict(X) == y) >= 0.95
    alike, plain = (
        NetworkClassifier(width=2, epochs=2).fit(X, y, weights) for weights in (np.full(400, 3.0), None)
    )
    assert digest(alike) == digest(plain)
    with pytest.raises(TrainingError, match="no row has a weight above 0"):
        fitted(X, y, task="binary", weights=np.zeros(400))


def test_the_epoch_that_is_best_on_dev_is_kept_and_the_fitting_ends() -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(200, 3)).astype(np.float32)
    y = (X[:, 0] + random.normal(size=200) > 0).astype(np.int64)
    other = random.normal(size=(100, 3)).astype(np.float32)
    dev = Rows(other, (other[:, 0] < 0).astype(np.int64))  # the contrary: each epoch makes it worse
    told: list[tuple[int, Mapping[str, float]]] = []
    estimator = make_estimator("network", {"width": 2}, task="binary")
    model: Any = fit_rows(
        estimator,
        Rows(X, y),
        dev,
        early_stopping_rounds=4,
        watch=lambda number, metrics: told.append((number, metrics)),
    )
    losses = model.curves_["dev"]["log_loss"]
    assert model.best_iteration_ == int(np.argmin(losses))
    assert len(losses) == model.best_iteration_ + 5
    assert [number for number, _ in told] == list(range(len(losses)))
    assert [metrics["dev.log_loss"] for _, metrics in told] == losses
    assert curves_of(model)["train"]["log_loss"] == [metrics["train.log_loss"] for _, metrics in told]
    shares = model.predict_proba(dev.X)[np.arange(100), dev.y]
    assert -np.log(shares).mean() == pytest.approx(min(losses), rel=1e-4)
    endless: Any = fit_rows(estimator, Rows(X, y), dev, early_stopping_rounds=0)
    assert len(endless.curves_["dev"]["log_loss"]) == endless.best_iteration_ + 1 == 75


def test_who_watches_may_end_the_fitting() -> None:
    class EnoughError(Exception):
        pass

    def watch(number: int, _: Mapping[str, float]) -> None:
        if number == 2:
            raise EnoughError

    X = mixed_rows()
    estimator = make_estimator("network", QUICK | {"epochs": 9}, task="binary", blocks=MIXED)
    with pytest.raises(EnoughError):
        fit_rows(estimator, Rows(X, labels_for("binary", X)), watch=watch)


def test_dev_rows_of_classes_that_training_has_not_do_not_count() -> None:
    X = mixed_rows()
    y = labels_for("binary", X)
    other = mixed_rows(120, seed=3)
    known = labels_for("binary", other)
    strange = np.where(np.arange(120) < 60, known, 7)
    with_strange = fitted(X, y, *MIXED, dev=Rows(other, strange), **QUICK)
    without = fitted(X, y, *MIXED, dev=Rows(other[:60], known[:60]), **QUICK)
    assert with_strange.curves_ == without.curves_
    assert with_strange.classes_.tolist() == [0, 1]


def test_two_examples_are_learned_by_heart() -> None:
    X = mixed_rows()
    for task in ("binary", "regression"):
        two = X[:2] if task == "binary" else X[[0, 7]]
        model = fitted(two, np.array([0, 1]), *MIXED, task=task)
        found = said(model, two)[:, -1]
        assert found[0] < 0.2
        assert found[1] > 0.8


def test_a_constant_in_training_says_nothing_when_it_changes() -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(300, 2)).astype(np.float32)
    X[:, 1] = 0.1
    model = fitted(X, (X[:, 0] > 0).astype(np.int64), task="binary", width=4)
    changed = X.copy()
    changed[:, 1] = 0.2
    np.testing.assert_array_equal(model.predict_proba(changed), model.predict_proba(X))
    X[:, 1] = np.nan
    assert np.isfinite(
        fitted(X, (X[:, 0] > 0).astype(np.int64), task="binary", **QUICK).predict_proba(X)
    ).all()


def test_a_constant_number_is_learned() -> None:
    X = mixed_rows()
    model = fitted(X, np.full(len(X), 7.5), *MIXED, task="regression", **QUICK)
    np.testing.assert_allclose(model.predict(X), 7.5, atol=0.3)


def test_large_batches_are_computed_in_pieces() -> None:
    X = mixed_rows()
    model = fitted(X, labels_for("binary", X), *MIXED, task="binary", **QUICK)
    many = np.tile(X, (80, 1))
    np.testing.assert_allclose(model.predict_proba(many), np.tile(model.predict_proba(X), (80, 1)), atol=1e-6)
    assert model.predict_proba(X[:0]).shape == (0, 2)
    assert model.conversion(20).row_cells >= 6 * 6 * 2


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"epoch": 3}, "did you mean 'epochs'"),
        ({"blocks": []}, "no parameter 'blocks'"),
        ({"epochs": 0}, "whole number from 1"),
        ({"epochs": "many"}, "whole number from 1"),
        ({"batch_size": 2.5}, "whole number from 1"),
        ({"depth": True}, "whole number from 1"),
        ({"dropout": 1.0}, "below 1"),
        ({"learning_rate": float("nan")}, "below 10"),
        ({"weight_decay": -1}, "from 0"),
        ({"augment": "flip"}, 'list of some of "flip"'),
        ({"augment": ["filp"]}, "did you mean 'flip'"),
        ({"device": "tpu"}, '"auto", "cpu" or "cuda"'),
        ({"random_state": 1.5}, "a whole number"),
    ],
)
def test_bad_parameters_are_refused_with_what_would_be_right(
    parameters: dict[str, object], words: str
) -> None:
    with pytest.raises(TrainingError) as caught:
        make_estimator("network", parameters, task="binary")
    assert words in str(caught.value)


def test_a_loss_that_is_no_number_ends_the_fitting() -> None:
    X = mixed_rows()
    y = labels_for("regression", X)
    y[3] = np.inf
    with pytest.raises(TrainingError, match="not a number any more"), np.errstate(invalid="ignore"):
        fitted(X, y, *MIXED, task="regression", **QUICK)


def test_a_gpu_that_is_not_there_is_missed() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(TrainingError, match="no GPU"):
        make_estimator("network", {"device": "cuda"}, task="binary")


def test_without_torch_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(TrainingError, match=r"pip install 'tilth\[torch\]'"):
        make_estimator("network", {}, task="binary")


def test_a_run_without_torch_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ask: Callable[..., tuple[int, str, str]]
) -> None:
    hurried_project(tmp_path, rows=200)
    toml = tmp_path / "tilth.toml"
    text = toml.read_text().replace('estimator = "lightgbm"', 'estimator = "network"')
    toml.write_text(text.replace("n_estimators = 20", "width = 2"))
    monkeypatch.setitem(sys.modules, "torch", None)
    status, _, errors = ask("run", "--dir", tmp_path)
    assert status == 2
    assert "pip install 'tilth[torch]'" in errors
    monkeypatch.undo()
    status, _, errors = ask("run", "--dir", tmp_path)
    assert status == 0, errors
    assert "network on 120 rows" in errors


def test_a_network_that_is_not_fitted_says_so() -> None:
    estimator: Any = make_estimator("network", {}, task="binary")
    with pytest.raises(TrainingError, match="not fitted"):
        estimator.predict(np.zeros((1, 2)))
    with pytest.raises(TrainingError, match="not fitted"):
        estimator.conversion(20)


def test_a_network_is_not_made_for_other_opsets() -> None:
    X = mixed_rows()
    model = fitted(X, labels_for("binary", X), *MIXED, task="binary", **QUICK)
    with pytest.raises(TrainingError, match="opset 13"):
        model.conversion(12)
