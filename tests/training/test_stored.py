"""Features in files: the same numbers as in memory, nothing left behind, no room said."""

from __future__ import annotations

import errno
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.errors import TrainingError
from tilth.metrics import LabelEncoding
from tilth.training import Recipe, Rows, export, learn
from tilth.training import rows as rows_module
from tilth.training import stored as stored_module
from tilth.training.order import hash_features
from tilth.training.stored import gathered, stored


def some_features(rows: int, width: int = 5) -> np.ndarray:
    return np.random.default_rng(rows).normal(size=(rows, width)).astype(np.float32)


@given(st.lists(st.integers(0, 99), max_size=300), st.integers(1, 50), st.booleans())
def test_gathered_rows_are_those_at_the_positions(positions: list[int], block: int, is_near: bool) -> None:
    X = some_features(100)
    wanted = np.array(positions, np.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stored_module, "_BLOCK_BYTES", block * 20)
        patch.setattr(stored_module, "_ROWS", 7)
        patch.setattr(stored_module, "_is_near", lambda _: is_near)
        assert np.array_equal(gathered(X, wanted, Path()), X[wanted])


def test_stored_rows_leave_nothing_behind_and_can_be_written_to(tmp_path: Path) -> None:
    X = some_features(1000)
    kept = stored([X[:300], X[300:]], 5, tmp_path)
    assert isinstance(kept, np.memmap)
    assert list(tmp_path.iterdir()) == []
    assert np.array_equal(kept, X)
    kept[0] = 7.0
    again = gathered(kept, np.arange(1000)[::-1], tmp_path)
    assert again[-1].tolist() == [7.0] * 5
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_stored_as_nothing(tmp_path: Path) -> None:
    assert stored([], 3, tmp_path).shape == (0, 3)
    assert gathered(np.empty((0, 3), np.float32), np.empty(0, np.int64), tmp_path).shape == (0, 3)


@pytest.mark.parametrize("estimator", ["lightgbm", "xgboost", "sklearn.linear_model.LogisticRegression"])
def test_a_model_of_stored_rows_is_that_of_rows_in_memory(
    estimator: str,
    transform: bytes,
    features: np.ndarray,
    signal: np.ndarray,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if estimator == "xgboost":
        pytest.importorskip("xgboost")
    X, y = features / np.array([1, 1000, 0.3], np.float32), (signal > 0).astype(np.int64)
    recipe = Recipe(LabelEncoding("binary", ("no", "yes")), estimator)
    plain = export(transform, learn(recipe, Rows(X[:300], y[:300]), Rows(X[300:], y[300:])))
    monkeypatch.setattr(rows_module, "MOST_BYTES", 100)
    monkeypatch.setattr(stored_module, "_BLOCK_BYTES", 1000)
    monkeypatch.setattr(stored_module, "_is_near", lambda _: False)
    kept = [
        Rows(stored([X[part]], 3, tmp_path), y[part], hashes=hash_features(X[part]), folder=tmp_path)
        for part in (slice(300), slice(300, None))
    ]
    assert isinstance(kept[0].take(kept[0].order()).X, np.memmap)
    assert export(transform, learn(recipe, *kept)) == plain


def test_no_room_is_an_error_and_not_a_crash(tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys, pathlib, numpy as np\n"
        "from tilth.training.stored import stored\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, {resource.RLIM_INFINITY}))\n"
        "try:\n"
        f"    stored([np.zeros((100_000, 4))], 4, pathlib.Path({str(tmp_path)!r}))\n"
        "except OSError as error:\n"
        "    sys.exit(error.errno)\n"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == errno.EFBIG
    assert list(tmp_path.iterdir()) == []


def test_some_rows_do_not_depend_on_the_order_and_leave_the_rest_alone() -> None:
    X = some_features(200)
    rows = Rows(X, np.arange(200) % 2, np.linspace(0, 1, 200), hashes=hash_features(X))
    order = np.random.default_rng(1).permutation(200)
    one, other = rows.some(50), rows.take(order).some(50)
    assert len(one) == 50
    assert {tuple(row) for row in one.X.tolist()} == {tuple(row) for row in other.X.tolist()}
    assert rows.some(200) is rows


def test_an_estimator_that_has_no_room_is_refused_before_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    X = some_features(200)
    monkeypatch.setattr(rows_module, "MOST_BYTES", 100)
    monkeypatch.setattr("tilth.training.fitting.free_bytes", lambda: 10_000)
    rows = Rows(stored([X], 5, tmp_path), (X[:, 0] > 0).astype(np.int64), folder=tmp_path)
    recipe = Recipe(LabelEncoding("binary", ("no", "yes")), "sklearn.linear_model.LogisticRegression")
    with pytest.raises(TrainingError, match="needs all 200 x 5 features in memory"):
        learn(recipe, rows)
    assert learn(recipe, Rows(X, rows.y))
