"""What a graph computes is what plain NumPy computes, alone or in bulk, on missing and unseen values too."""

from __future__ import annotations

import datetime
import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tilth.features import Expression, Inputs, Transform, cross, where

Tree = tuple[Any, ...]
Columns = dict[str, list[Any]]

NUMBERS = {"a": "float", "b": "float", "n": "int", "f": "bool"}
ROWS = 12

exact_numbers = st.integers(-40, 40).map(lambda n: n / 4)


def columns(texts: list[str]) -> st.SearchStrategy[Columns]:
    moment = st.datetimes(datetime.datetime(1890, 1, 1), datetime.datetime(2150, 1, 1))
    values = {
        "a": st.none() | exact_numbers,
        "b": exact_numbers,
        "n": st.none() | st.integers(-5, 5),
        "f": st.none() | st.booleans(),
        "s": st.none() | st.sampled_from(texts),
        "t": st.sampled_from(texts),
        "d": st.none() | moment,
    }
    rows = st.fixed_dictionaries(values)
    return st.lists(rows, min_size=ROWS, max_size=ROWS).map(
        lambda found: {name: [row[name] for row in found] for name in values}
    )


TYPES = {
    "a": pa.float64(),
    "b": pa.float64(),
    "n": pa.int64(),
    "f": pa.bool_(),
    "s": pa.string(),
    "t": pa.string(),
    "d": pa.timestamp("us"),
}


def table(found: Columns) -> pa.Table:
    return pa.table({name: pa.array(values, TYPES[name]) for name, values in found.items()})


# Expressions as trees: ("zscore", child), ("column", "a"), ...

number_columns = st.sampled_from(sorted(NUMBERS)).map(lambda name: ("column", name))
parts = st.sampled_from(["hour", "weekday", "day", "month", "year"]).map(lambda part: ("part", part))


def grow_exact(children: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    return (
        st.tuples(st.sampled_from(["+", "-", "*"]), children, children)
        | st.tuples(st.sampled_from(["+", "-", "*"]), children, exact_numbers.map(lambda n: ("number", n)))
        | st.tuples(st.just("fill"), children, exact_numbers)
        | st.tuples(st.just("fill_mode"), children)
        | st.tuples(st.just("missing"), children)
        | st.tuples(st.just("clip"), children, st.just((-2.0, 3.5)))
        | st.tuples(st.just("buckets"), children, st.just((-3.0, 0.0, 0.25, 4.0)))
        | st.tuples(st.just("quantiles"), children, st.integers(2, 5))
        | st.tuples(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), children, children)
        | st.tuples(st.just("where"), children, children, children)
    )


exact = st.recursive(number_columns | parts, grow_exact, max_leaves=6)
text_columns = st.sampled_from(["s", "t"]).map(lambda name: ("column", name))
whole = parts | st.sampled_from([("column", "n"), ("buckets", ("column", "a"), (-3.0, 0.0, 4.0))])
categories = text_columns | st.tuples(st.just("text"), whole) | st.just(("flag_text", ("column", "f")))


def grow_texts(children: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    crossed = st.tuples(st.just("cross"), children, children)
    return crossed | st.tuples(st.sampled_from(["fill_text", "fill_text_mode"]), crossed | text_columns)


texts = st.recursive(categories, grow_texts, max_leaves=3)
smooth = st.one_of(
    exact,
    st.tuples(st.sampled_from(["center", "zscore", "scale", "log1p", "fill_mean", "fill_median"]), exact),
    st.tuples(st.just("/"), exact, exact),
    st.tuples(st.just("vocabulary"), texts, st.sampled_from([None, 1, 2]), st.sampled_from([-1, 7])),
    st.tuples(st.just("is"), text_columns, st.sampled_from(["red", "blue"])),
    st.just(("days",)),
)
features = st.lists(
    smooth | st.tuples(st.just("one_hot"), texts, st.sampled_from([None, 2])), min_size=1, max_size=6
)

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


def build(tree: Tree, x: Inputs) -> Any:
    kind, rest = tree[0], tree[1:]
    if kind == "number":
        return rest[0]
    if kind == "column":
        return x[rest[0]]
    if kind in ("part", "days"):
        return getattr(x["d"], rest[0] if rest else "days")()
    if kind in OPERATORS:
        return OPERATORS[kind](build(rest[0], x), build(rest[1], x))
    if kind == "where":
        return where(build(rest[0], x) > 0, build(rest[1], x), build(rest[2], x))
    if kind == "cross":
        return cross(build(rest[0], x), build(rest[1], x))
    return build_method(kind, build(rest[0], x), rest[1:])


def build_method(kind: str, child: Expression, rest: Tree) -> Expression:
    methods: dict[str, Callable[[], Expression]] = {
        "fill": lambda: child.fill_missing(rest[0]),
        "fill_mode": lambda: child.fill_missing("mode"),
        "fill_mean": lambda: child.fill_missing("mean"),
        "fill_median": lambda: child.fill_missing("median"),
        "fill_text": lambda: child.fill_missing("none"),
        "fill_text_mode": lambda: child.fill_missing("mode"),
        "missing": child.is_missing,
        "clip": lambda: child.clip(*rest[0]),
        "buckets": lambda: child.buckets(rest[0]),
        "quantiles": lambda: child.quantile_buckets(rest[0]),
        "vocabulary": lambda: child.vocabulary(top=rest[0], default=rest[1]),
        "one_hot": lambda: child.one_hot(top=rest[0]),
        "is": lambda: child == rest[0],
        "center": child.center,
        "zscore": child.zscore,
        "scale": child.scale,
        "log1p": child.log1p,
    }
    # Integers and flags become text where a category is wanted.
    return child if kind in ("text", "flag_text") else methods[kind]()


# The reference: (training rows, rows) -> values, NaN or "" for missing


def compute(tree: Tree, train: Columns, rows: Columns) -> np.ndarray:
    kind, rest = tree[0], tree[1:]
    if kind == "number":
        return np.full(len(rows["a"]), rest[0])
    if kind == "column":
        return raw(rows, rest[0])
    if kind in ("part", "days"):
        return np.array(
            [np.nan if v is None else date_part(v, rest[0] if rest else "days") for v in rows["d"]]
        )
    if kind == "where":
        test, then, otherwise = (compute(child, train, rows) for child in rest)
        return np.where(np.isnan(test), np.nan, np.where(test > 0, then, otherwise))
    if kind in OPERATORS:
        return operate(kind, compute(rest[0], train, rows), compute(rest[1], train, rows))
    if kind == "cross":
        pairs = zip(compute(rest[0], train, rows), compute(rest[1], train, rows), strict=True)
        return np.array([f"{a} & {b}" if a and b else "" for a, b in pairs], dtype=object)
    return method(kind, compute(rest[0], train, train), compute(rest[0], train, rows), rest[1:])


def raw(rows: Columns, name: str) -> np.ndarray:
    if name in NUMBERS:
        return np.array([np.nan if v is None else float(v) for v in rows[name]])
    return np.array([v or "" for v in rows[name]], dtype=object)


def date_part(moment: datetime.datetime, part: str) -> float:
    if part == "days":
        return (moment - datetime.datetime(1970, 1, 1)) / datetime.timedelta(days=1)
    return float(moment.weekday() if part == "weekday" else getattr(moment, part))


def operate(symbol: str, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if symbol == "/":
        return a / np.where(b == 0, np.nan, b)
    answer = OPERATORS[symbol](a, b).astype(float)
    return np.where(np.isnan(a) | np.isnan(b), np.nan, answer)


def method(kind: str, seen: np.ndarray, now: np.ndarray, rest: Tree) -> np.ndarray:
    if seen.dtype == object or kind in ("text", "flag_text"):
        return text_method(kind, seen, now, rest)
    known = seen[~np.isnan(seen)]
    simple: dict[str, Callable[[], np.ndarray]] = {
        "fill": lambda: np.where(np.isnan(now), rest[0], now),
        "fill_mode": lambda: np.where(np.isnan(now), mode(known), now),
        "fill_mean": lambda: np.where(np.isnan(now), known.mean(), now),
        "fill_median": lambda: np.where(np.isnan(now), np.median(known), now),
        "missing": lambda: np.isnan(now).astype(float),
        "clip": lambda: np.clip(now, *rest[0]),
        "buckets": lambda: bucket(now, np.array(rest[0])),
        "quantiles": lambda: bucket(now, boundaries(known, rest[0])),
        "center": lambda: now - known.mean(),
        "zscore": lambda: now * 0 if known.std() == 0 else (now - known.mean()) / known.std(),
        "scale": lambda: now * 0 if np.ptp(known) == 0 else (now - known.min()) / np.ptp(known),
        "log1p": lambda: np.log1p(np.where(now > -1, now, np.nan)),
    }
    return simple[kind]()


def text_method(kind: str, seen: np.ndarray, now: np.ndarray, rest: Tree) -> np.ndarray:
    if kind == "text":
        return np.array(["" if np.isnan(v) else str(int(v)) for v in now], dtype=object)
    if kind == "flag_text":
        return np.array(["" if np.isnan(v) else "true" if v else "false" for v in now], dtype=object)
    if kind == "fill_text":
        return np.array([v or "none" for v in now], dtype=object)
    if kind == "is":
        return np.array([np.nan if not v else float(v == rest[0]) for v in now])
    order = ranking(seen)
    if kind == "fill_text_mode":
        return np.array([v or order[0] for v in now], dtype=object)
    order = order[: rest[0]]
    if kind == "vocabulary":
        return np.array([float(order.index(v)) if v in order else rest[1] for v in now])
    keys = order + [""] * bool((seen == "").any())
    return np.array([[float(v == key) for key in keys] for v in now]).reshape(len(now), len(keys))


def ranking(seen: np.ndarray) -> list[str]:
    counts = Counter(v for v in seen if v)
    return sorted(counts, key=lambda text: (counts[text], text), reverse=True)


def mode(known: np.ndarray) -> float:
    counts = Counter(known.tolist())
    return max(counts, key=lambda number: (counts[number], number))


def bucket(values: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(values), np.nan, np.searchsorted(bounds, values, side="right"))


def boundaries(known: np.ndarray, count: int) -> np.ndarray:
    ordered = np.sort(known)
    return np.array([ordered[k * len(ordered) // count] for k in range(1, count)])


def lacks_values(tree: Tree, train: Columns) -> bool:
    """Whether an analysis in a tree has no values to work with; then fitting is refused."""
    children = [part for part in tree[1:] if isinstance(part, tuple) and part and isinstance(part[0], str)]
    if any(lacks_values(child, train) for child in children):
        return True
    if tree[0] not in (
        "fill_mode",
        "fill_mean",
        "fill_median",
        "fill_text_mode",
        "quantiles",
        "center",
        "zscore",
        "scale",
    ):
        return False
    seen = compute(tree[1], train, train)
    return not (seen != "").any() if seen.dtype == object else bool(np.isnan(seen).all())


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    features,
    columns(["red", "green", "blue"]),
    columns(["red", "blue", "violet", "ro\u0308t \U0001f600"]),
)
def test_the_graph_computes_what_numpy_computes_alone_and_in_bulk(
    trees: list[Tree], train: Columns, rows: Columns
) -> None:
    trees = [tree for tree in trees if not lacks_values(tree, train)]
    expected = [compute(tree, train, rows).reshape(ROWS, -1) for tree in trees]
    if not sum(part.shape[1] for part in expected):
        return
    transform = Transform(lambda x: {f"f{i}": build(tree, x) for i, tree in enumerate(trees)}).fit(
        table(train)
    )

    bulk = transform.transform(table(rows))
    wanted = np.concatenate(expected, axis=1).astype(np.float32)
    np.testing.assert_allclose(bulk, wanted, rtol=2e-5, atol=2e-6, equal_nan=True)

    single = [transform.transform(table(rows).slice(position, 1)) for position in range(ROWS)]
    np.testing.assert_array_equal(bulk, np.concatenate(single))


@settings(max_examples=25, deadline=None)
@given(features, columns(["red", "green", "blue"]), st.randoms(use_true_random=False))
def test_the_order_of_training_rows_does_not_change_a_byte(
    trees: list[Tree], train: Columns, random: Any
) -> None:
    trees = [("missing", ("column", "b"))] + [tree for tree in trees if not lacks_values(tree, train)]
    order = list(range(ROWS))
    random.shuffle(order)
    shuffled = table(train).take(order)

    def features_of(x: Inputs) -> dict[str, Expression]:
        return {f"f{i}": build(tree, x) for i, tree in enumerate(trees)}

    assert (
        Transform(features_of).fit(table(train)).to_onnx() == Transform(features_of).fit(shuffled).to_onnx()
    )


def test_log1p_is_the_same_for_a_row_alone_and_among_others() -> None:
    values = np.random.default_rng(0).lognormal(size=1_003)
    transform = Transform(lambda x: {"v": x["v"].log1p(), "b": x["v"].log1p().quantile_buckets(100)})
    data = pa.table({"v": values})
    bulk = transform.fit(data).transform(data)
    single = np.concatenate([transform.transform(data.slice(i, 1)) for i in range(len(values))])
    np.testing.assert_array_equal(bulk, single)
    np.testing.assert_allclose(bulk[:, 0], np.log1p(values), rtol=1e-6)


@pytest.mark.parametrize("value", [1e-12, -1e-9, 5e-7, 1e-6, 0.5, 1e300, math.inf])
def test_log1p_is_exact_to_single_precision_everywhere(value: float) -> None:
    transform = Transform(lambda x: {"v": x["v"].log1p()}).fit(pa.table({"v": [1.0]}))
    found = transform.transform(pa.table({"v": [value]}))[0, 0]
    assert found == pytest.approx(math.log1p(value), rel=1e-6)
