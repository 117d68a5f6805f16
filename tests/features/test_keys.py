"""Figures by key against plain NumPy; keys that are new, missing or without values; too many keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from graph_checks import Rows, assert_close, assert_order_is_free, column
from hypothesis import given
from hypothesis import strategies as st

from tilth.errors import FeatureError
from tilth.features import Expression, Inputs, Transform, cross

numbers = st.integers(-80, 80).map(lambda n: n / 8)
seen_keys = st.none() | st.sampled_from(["red", "green", "blue"])
all_keys = st.none() | st.sampled_from(["red", "green", "violet", "ro\u0308t"])


def rows_of(keys: st.SearchStrategy[str | None], least: int) -> st.SearchStrategy[Rows]:
    pairs = st.lists(st.tuples(st.none() | numbers, keys), min_size=least, max_size=10)
    return pairs.map(lambda found: {"a": [a for a, _ in found], "s": [s for _, s in found]})


def with_a_value(rows: Rows) -> Rows:
    return {"a": [*rows["a"], 1.5], "s": [*rows["s"], "blue"]}


train = rows_of(seen_keys, 0).map(with_a_value)
rows = rows_of(all_keys, 1)


def of_key(train_rows: Rows, key: str | None) -> np.ndarray:
    """The values in training rows with that key, or all values where there are none."""
    own = [
        a for a, s in zip(train_rows["a"], train_rows["s"], strict=True) if a is not None and s == key and s
    ]
    return np.array(own or [a for a in train_rows["a"] if a is not None])


def zscore(value: float, own: np.ndarray) -> float:
    return (value - own.mean()) / own.std() if own.std() else value * 0


def scale(value: float, own: np.ndarray) -> float:
    return -1 + 3 * (value - own.min()) / np.ptp(own) if np.ptp(own) else value * 0 - 1


ROW_BY_ROW: dict[str, tuple[Callable[[Inputs], Expression], Callable[[float, np.ndarray], float]]] = {
    "center": (lambda x: x["a"].center(by=x["s"]), lambda value, own: value - own.mean()),
    "zscore": (lambda x: x["a"].zscore(by=x["s"]), zscore),
    "scale": (lambda x: x["a"].scale(-1, 2, by=x["s"]), scale),
    "fill": (
        lambda x: x["a"].fill_missing("mean", by=x["s"]),
        lambda value, own: own.mean() if np.isnan(value) else value,
    ),
    "mean": (lambda x: x["a"].mean_by(x["s"]), lambda _, own: own.mean()),
    "std": (lambda x: x["a"].std_by(x["s"]), lambda _, own: own.std()),
    "min": (lambda x: x["a"].min_by(x["s"]), lambda _, own: own.min()),
    "max": (lambda x: x["a"].max_by(x["s"]), lambda _, own: own.max()),
}


@pytest.mark.parametrize("name", ROW_BY_ROW)
@given(train, rows)
def test_figures_by_key(name: str, seen: Rows, found: Rows) -> None:
    ours, reference = ROW_BY_ROW[name]
    expected = [
        reference(np.nan if a is None else a, of_key(seen, s))
        for a, s in zip(found["a"], found["s"], strict=True)
    ]
    assert_close(column(ours, seen, found), np.array(expected))


@given(train, rows)
def test_counts(seen: Rows, found: Rows) -> None:
    pairs = list(zip(seen["a"], seen["s"], strict=True))
    values = [sum(s == key and a is not None for a, s in pairs) if key else 0 for key in found["s"]]
    assert_close(column(lambda x: x["a"].count_by(x["s"]), seen, found), np.array(values))
    shares = [sum(s == key for _, s in pairs) / len(pairs) if key else 0 for key in found["s"]]
    assert_close(column(lambda x: x["s"].frequency(), seen, found), np.array(shares))


def test_order_of_training_rows_does_not_change_a_byte() -> None:
    random = np.random.default_rng(0)
    keys = [None if k == 9 else f"key {k}" for k in random.integers(0, 10, 700)]
    values = [None if random.random() < 0.1 else float(v) for v in random.normal(size=700)]

    def features(x: Inputs) -> dict[str, Expression]:
        made = {name: ours(x) for name, (ours, _) in ROW_BY_ROW.items()}
        return {**made, "count": x["a"].count_by(x["s"]), "frequency": x["s"].frequency()}

    assert_order_is_free(features, {"a": values, "s": keys})


def test_whole_numbers_and_crosses_are_keys() -> None:
    data: dict[str, Any] = {"n": [1, 1, 2], "s": ["x", "y", "x"], "a": [1.0, 3.0, 9.0]}
    transform = Transform(
        lambda x: {"n": x["a"].mean_by(x["n"]), "both": x["a"].mean_by(cross(x["n"], x["s"]))}
    ).fit(data)
    assert transform.transform(data).tolist() == [[2, 1], [2, 3], [9, 9]]


def test_a_figure_needs_only_the_key_of_new_rows() -> None:
    transform = Transform(lambda x: {"m": x["a"].mean_by(x["s"])}).fit({"a": [1.0, 3.0], "s": ["x", "y"]})
    assert list(transform.graph.inputs) == ["s"]


def test_columns_share_the_table_of_a_key() -> None:
    random = np.random.default_rng(0)
    keys = [f"a long name of a shop, number {n}" for n in random.integers(0, 500, 3_000)]
    data = {"s": keys} | {f"c{i}": random.normal(size=3_000) for i in range(8)}
    sizes = [
        len(
            Transform(lambda x, k=k: {f"c{i}": x[f"c{i}"].zscore(by=x["s"]) for i in range(k)})
            .fit(data)
            .to_onnx()
        )
        for k in (1, 8)
    ]
    assert sizes[1] - sizes[0] < 7 * (500 * 8 * 3 + 500)  # constants, and no names of shops


def test_no_values_at_all() -> None:
    with pytest.raises(FeatureError, match="no values in the training data") as found:
        column(lambda x: x["a"].zscore(by=x["s"]), {"a": [None], "s": ["x"]}, {"a": [1.0], "s": ["x"]})
    assert 'zscore(by=x["s"])' in str(found.value)


def test_too_many_keys_are_refused_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    from tilth.sketches import key_numbers

    monkeypatch.setattr(key_numbers.KeyNumbers.__init__, "__defaults__", (3,))
    from tilth.features.analyses import ANALYSES

    moments = ANALYSES["targets"](None)
    moments.update(np.array(list("abcd"), dtype=object), np.ones((4, 1)), np.zeros(4, dtype=np.int64))
    assert len(moments.keys) == 0  # type: ignore[attr-defined]
    with pytest.raises(FeatureError, match="too many different values") as found:
        Transform(lambda x: {"t": x["s"].target_mean()}).fit({"s": list("abcd")}, [0, 1, 0, 1])
    assert 'x["s"].target_mean()' in str(found.value)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (lambda x: x["a"].zscore(by=x["b"]), "needs text"),
        (lambda x: x["s"].zscore(by=x["s"]), "needs a number"),
        (lambda x: x["a"].mean_by(x["b"]), "needs text"),
        (lambda x: x["s"].mean_by(x["s"]), "needs a number"),
        (lambda x: x["a"].fill_missing("median", by=x["s"]), '"mean" of numbers'),
        (lambda x: x["a"].frequency(), "needs text"),
    ],
)
def test_mistakes(expression: Callable[[Inputs], Expression], message: str) -> None:
    x = Inputs({"a": "float", "b": "float", "s": "string"})
    with pytest.raises(FeatureError, match=message) as found:
        expression(x)
    assert "test_keys.py, line" in str(found.value)
