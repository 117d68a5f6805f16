"""Random expressions on texts and lists: what plain Python says, alone and in bulk, fitted in any order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from text_trees import NoValuesError, Row, Tree, build, compute, features, rows, table, text_features

from tilth.features import Expression, Inputs, Transform
from tilth.tables import concat_tables, open_table

MANY = 9_000


def expected(trees: list[Tree], train: list[Row], found: list[Row]) -> tuple[list[Tree], np.ndarray]:
    """The trees that can be learned and have columns, and these, float32."""
    kept, blocks = [], []
    for tree in trees:
        try:
            values = compute(tree, train, found)
        except NoValuesError:
            continue
        block = np.array([[np.nan if v is None else v for v in _columns(row)] for row in values], np.float64)
        if block.shape[1]:
            kept.append(tree)
            blocks.append(block)
    return kept, np.concatenate(blocks, axis=1) if blocks else np.empty((len(found), 0))


def _columns(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def fitted(trees: list[Tree], train: Any) -> Transform:
    def features_of(x: Inputs) -> dict[str, Expression]:
        return {f"f{place}": build(tree, x) for place, tree in enumerate(trees)}

    return Transform(features_of).fit(train)


def bits(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values).view(np.int32)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(features, min_size=1, max_size=5), rows, rows)
def test_the_graph_computes_what_python_computes_alone_and_in_bulk(
    trees: list[Tree], train: list[Row], found: list[Row]
) -> None:
    trees, wanted = expected(trees, train, found)
    if not trees:
        return
    transform = fitted(trees, table(train))
    given_rows = table(found)
    bulk = transform.transform(given_rows)
    np.testing.assert_allclose(bulk, wanted, rtol=2e-5, atol=2e-6, equal_nan=True)
    alone = [transform.transform(given_rows.slice(place, 1)) for place in range(len(found))]
    np.testing.assert_array_equal(bits(bulk), bits(np.concatenate(alone)))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(text_features, min_size=1, max_size=4), rows, rows)
def test_many_rows_are_what_each_is_alone(trees: list[Tree], train: list[Row], found: list[Row]) -> None:
    trees, _ = expected(trees, train, found)
    if not trees:
        return
    transform = fitted(trees, table(train))
    places = np.arange(MANY) % len(found)
    many = transform.transform(table(found).take(pa.array(places)))
    alone = [transform.transform(table(found).slice(place, 1)) for place in range(len(found))]
    np.testing.assert_array_equal(bits(many), bits(np.concatenate(alone)[places]))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(features, min_size=1, max_size=4), rows, st.randoms(use_true_random=False))
def test_the_order_and_the_cut_of_training_rows_do_not_change_a_byte(
    trees: list[Tree], train: list[Row], random: Any
) -> None:
    trees, _ = expected(trees, train, train)
    if not trees:
        return
    once = fitted(trees, table(train)).to_onnx()
    shuffled = train.copy()
    random.shuffle(shuffled)
    cut = random.randint(0, len(train))
    pieces = [open_table(table(shuffled).slice(0, cut)), open_table(table(shuffled).slice(cut))]
    assert fitted(trees, table(shuffled)).to_onnx() == once
    assert fitted(trees, concat_tables(pieces)).to_onnx() == once
