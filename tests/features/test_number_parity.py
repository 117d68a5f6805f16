"""Random expressions of functions, scales, keys and dates against plain NumPy, on numbers of every kind."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tilth.errors import FeatureError
from tilth.features import Expression, Inputs, Transform, cross, group, interactions, maximum, minimum

Tree = tuple[Any, ...]
Columns = dict[str, list[Any]]
Numbers = np.ndarray
"""float64, shape (n,) or (n, k); NaN for missing."""

TYPES = {"a": pa.float64(), "b": pa.float64(), "n": pa.int64(), "s": pa.string(), "d": pa.timestamp("us")}
EPOCH = datetime.datetime(1970, 1, 1)
BOUNDARY = "1969-12-31T12:00:00"

quarters = st.integers(-40, 40).map(lambda n: n / 4)
values: dict[str, st.SearchStrategy[Any]] = {
    "a": st.none() | quarters,
    "b": quarters | st.just(-0.0),
    "n": st.none() | st.integers(-3, 3),
    "s": st.none() | st.sampled_from(["", "red", "blue", "rö\U0001f600"]),
    "d": st.none() | st.integers(-(2**31), 2**31).map(lambda s: EPOCH + datetime.timedelta(seconds=s)),
}
rows = st.lists(st.fixed_dictionaries(values), min_size=1, max_size=9).map(
    lambda found: {name: [row[name] for row in found] for name in values}
)


def table(found: Columns) -> pa.Table:
    return pa.table({name: pa.array(cells, TYPES[name]) for name, cells in found.items()})


def column(name: str, found: Columns) -> Numbers:
    if name == "d":
        return np.array([np.nan if v is None else (v - EPOCH).total_seconds() for v in found["d"]])
    return np.array([np.nan if value is None else value for value in found[name]], dtype=float)


def key(found: Columns) -> list[str]:
    pairs = zip(found["s"], found["n"], strict=True)
    return [f"{s} & {n}" if s and n is not None else "" for s, n in pairs]


def there(seen: Numbers) -> Numbers:
    return seen[np.isfinite(seen)]


# name -> (what is written, what it gives: from the training rows' and the rows' arguments)

Given = Callable[..., Any]
EXACT: dict[str, tuple[Given, Given]] = {
    "abs": (abs, lambda _, a: np.abs(a)),
    "sign": (lambda a: a.sign(), lambda _, a: np.sign(a)),
    "round": (lambda a: a.round(), lambda _, a: np.round(a)),
    "floor": (lambda a: a.floor(), lambda _, a: np.floor(a)),
    "square": (lambda a: a**2, lambda _, a: a * a),
    "mod": (lambda a: a % 1.5, lambda _, a: np.mod(a, 1.5)),
    "mod of": (lambda a: -7 % a, lambda _, a: np.mod(-7, np.where(a == 0, np.nan, a))),
    "minimum": (lambda a: minimum(2, a, 5), lambda _, a: np.minimum(a, 2)),
    "maximum": (lambda a: maximum(a, -1.25), lambda _, a: np.maximum(a, -1.25)),
    "equal width": (
        lambda a: a.equal_width_buckets(3),
        lambda seen, a: bucket(a, equal_width(there(seen), 3)),
    ),
    "fill": (lambda a: a.fill_missing(0.5), lambda _, a: np.where(np.isnan(a), 0.5, a)),
}
SMOOTH: dict[str, tuple[Given, Given]] = {
    "log": (lambda a: a.log(), lambda _, a: np.log(np.where(a > 0, a, np.nan))),
    "exp": (lambda a: a.exp(), lambda _, a: finite(np.exp(np.minimum(a, 1e3)))),
    "sqrt": (lambda a: a.sqrt(), lambda _, a: np.sqrt(np.where(a >= 0, a, np.nan))),
    "cube": (lambda a: a.power(3), lambda _, a: a**3),
    "inverse": (lambda a: a**-1, lambda _, a: 1 / np.where(a == 0, np.nan, a)),
    "power": (lambda a: a**1.5, lambda _, a: np.where(a >= 0, a, np.nan) ** 1.5),
    "robust": (
        lambda a: a.robust_scale(),
        lambda seen, a: spread(a, *np.quantile(there(seen), (0.5, 0.25, 0.75))),
    ),
    "max abs": (lambda a: a.max_abs_scale(), lambda seen, a: spread(a, 0, 0, np.abs(there(seen)).max())),
    "clip": (
        lambda a: a.clip_quantiles(0.1, 0.8),
        lambda seen, a: np.clip(a, *np.quantile(there(seen), (0.1, 0.8))),
    ),
    "given ranks": (
        lambda a: a.quantile_ranks([-2, 0, 1, 5]),
        lambda _, a: np.where(np.isnan(a), np.nan, np.interp(a, [-2, 0, 1, 5], [0, 1 / 3, 2 / 3, 1])),
    ),
    "ranks": (lambda a: a.quantile_ranks(3), lambda seen, a: ranks(there(seen), a, 3)),
    "cyclic": (lambda a: a.cyclic(2.5), lambda _, a: turning(a / 2.5)),
    "interactions": (
        lambda a: interactions(a, a + 1, a - 2),
        lambda _, a: beside(a * (a + 1), a * (a - 2), (a + 1) * (a - 2)),
    ),
    "indicator": (
        lambda a: a.fill_missing("mean", indicator=True),
        lambda seen, a: beside(np.where(np.isnan(a), there(seen).mean(), a), np.isnan(a)),
    ),
}
BY_KEY: dict[str, tuple[Given, Given]] = {
    "center": (lambda a, k: a.center(by=k), lambda own, a: a - own.mean()),
    "zscore": (lambda a, k: a.zscore(by=k), lambda own, a: spread(a, own.mean(), 0, own.std())),
    "scale": (lambda a, k: a.scale(-1, 3, by=k), lambda own, a: 4 * spread(a, own.min(), 0, np.ptp(own)) - 1),
    "fill": (lambda a, k: a.fill_missing("mean", by=k), lambda own, a: own.mean() if np.isnan(a) else a),
    "mean": (lambda a, k: a.mean_by(k), lambda own, _: own.mean()),
    "std": (lambda a, k: a.std_by(k), lambda own, _: own.std()),
    "min": (lambda a, k: a.min_by(k), lambda own, _: own.min()),
    "max": (lambda a, k: a.max_by(k), lambda own, _: own.max()),
}  # fmt: skip
DATES: dict[str, tuple[Given, Given]] = {
    "days": (lambda d: d.days_since(BOUNDARY), lambda s: (s + 43_200) / 86_400),
    "hours": (lambda d: d.hours_since(datetime.date(1950, 1, 1)), lambda s: (s + 631_152_000) / 3_600),
    "before": (lambda d: d < BOUNDARY, lambda s: np.where(np.isnan(s), np.nan, s < -43_200)),
    "from": (lambda d: d >= datetime.datetime(1970, 1, 1), lambda s: np.where(np.isnan(s), np.nan, s >= 0)),
    "hour": (lambda d: d.cyclic("hour"), lambda s: turning(np.floor(s % 86_400 / 3_600) / 24)),
    "weekday": (lambda d: d.cyclic("weekday"), lambda s: turning((np.floor(s / 86_400) + 3) % 7 / 7)),
}


def finite(found: Numbers) -> Numbers:
    return np.where(np.isfinite(found), found, np.nan)


def beside(*found: Numbers) -> Numbers:
    return np.stack(found, axis=1).astype(float)


def turning(turns: Numbers) -> Numbers:
    return beside(np.sin(2 * np.pi * turns), np.cos(2 * np.pi * turns))


def spread(now: Numbers, middle: float, low: float, high: float) -> Numbers:
    return (now - middle) / (high - low) if high > low else now * 0


def bucket(now: Numbers, bounds: Numbers) -> Numbers:
    return np.where(np.isnan(now), np.nan, np.searchsorted(bounds, now, side="right"))


def equal_width(seen: Numbers, count: int) -> Numbers:
    low, high = Fraction(seen.min()), Fraction(seen.max())
    return np.array([float(low + (high - low) * step / count) for step in range(1, count)])


def ranks(seen: Numbers, now: Numbers, count: int) -> Numbers:
    ordered = np.sort(seen)
    low, high = ordered[0], ordered[-1]
    if low == high:
        return np.where(np.isnan(now), np.nan, np.where(now < low, 0.0, np.where(now > low, 1.0, 0.5)))
    bounds = np.array([low, *(ordered[k * len(ordered) // count] for k in range(1, count)), high])
    places = {float(b): np.flatnonzero(bounds == b).mean() / count for b in bounds} | {low: 0.0, high: 1.0}
    return np.where(np.isnan(now), np.nan, np.interp(now, list(places), list(places.values())))


exact = st.recursive(
    st.sampled_from(["a", "b", "n"]).map(lambda name: ("column", name)),
    lambda children: st.tuples(st.sampled_from(sorted(EXACT)), children),
    max_leaves=3,
)
trees = st.one_of(
    exact,
    st.tuples(st.sampled_from(sorted(SMOOTH)), exact),
    st.tuples(st.just("by"), st.sampled_from(sorted(BY_KEY)), exact),
    st.tuples(st.just("count by"), exact),
    st.tuples(st.just("date"), st.sampled_from(sorted(DATES))),
    st.just(("frequency",)),
)


def build(tree: Tree, x: Inputs) -> Expression:
    kind, *rest = tree
    if kind == "column":
        return x[rest[0]]
    if kind == "date":
        return DATES[rest[0]][0](x["d"])
    together = cross(x["s"], x["n"])
    if kind == "frequency":
        return together.frequency()
    if kind == "count by":
        return build(rest[0], x).count_by(together)
    if kind == "by":
        return BY_KEY[rest[0]][0](build(rest[1], x), together)
    return (EXACT | SMOOTH)[kind][0](build(rest[0], x))


def compute(tree: Tree, train: Columns, found: Columns) -> Numbers:
    kind, *rest = tree
    if kind == "column":
        return column(rest[0], found)
    if kind == "date":
        return DATES[rest[0]][1](column("d", found))
    if kind == "frequency":
        counts = Counter(key(train))
        return np.array([counts[k] / len(train["a"]) if k else 0.0 for k in key(found)])
    seen, now = (compute(rest[-1], train, part) for part in (train, found))
    if kind not in ("by", "count by"):
        return (EXACT | SMOOTH)[kind][1](seen, now)
    owners = np.array(key(train), dtype=object)
    answers = []
    for k, value in zip(key(found), now, strict=True):
        own = there(seen[owners == k]) if k else there(seen[:0])
        if kind == "by":
            answers.append(BY_KEY[rest[0]][1](own if len(own) else there(seen), value))
        else:
            answers.append(float(len(own)))
    return np.array(answers)


def lacks_values(tree: Tree, train: Columns) -> bool:
    """Whether some step of a tree sees no value at all in training."""
    children = [part for part in tree[1:] if isinstance(part, tuple)]
    return any(
        lacks_values(child, train) or not len(there(compute(child, train, train))) for child in children
    )


@pytest.mark.filterwarnings("ignore:.* encountered in:RuntimeWarning")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(trees, min_size=1, max_size=6), rows, rows, st.randoms(use_true_random=False))
def test_the_graph_computes_what_numpy_computes_in_any_order(
    found: list[Tree], train: Columns, new: Columns, random: Any
) -> None:
    kept = [tree for tree in found if not lacks_values(tree, train)]
    if not kept:
        return

    def features(x: Inputs) -> dict[str, Expression]:
        return {f"f{place}": build(tree, x) for place, tree in enumerate(kept)}

    transform = Transform(features).fit(table(train))
    given_rows = table(new)
    bulk = transform.transform(given_rows)
    expected = np.concatenate([compute(tree, train, new).reshape(len(bulk), -1) for tree in kept], axis=1)
    np.testing.assert_allclose(bulk, expected.astype(np.float32), rtol=2e-5, atol=2e-6)
    alone = [transform.transform(given_rows.slice(place, 1)) for place in range(len(bulk))]
    assert_same_bits(bulk, np.concatenate(alone))

    order = list(range(len(train["a"])))
    random.shuffle(order)
    assert Transform(features).fit(table(train).take(order)).to_onnx() == transform.to_onnx()


def assert_same_bits(found: Numbers, other: Numbers) -> None:
    """Equal to the last bit, the sign of zero included; one NaN is as good as another."""
    differ = (found.view(np.uint32) != other.view(np.uint32)) & ~(np.isnan(found) & np.isnan(other))
    assert not differ.any(), np.argwhere(differ)


NASTY = [
    np.nan,
    np.inf,
    -np.inf,
    -0.0,
    0.0,
    1.7e308,
    -1.7e308,
    5e-324,
    -5e-324,
    1e-310,
    2.0**53,
    1e39,
    0.5,
    -7,
]


@pytest.mark.filterwarnings("ignore:.* encountered in:RuntimeWarning")
@pytest.mark.parametrize("name", sorted(EXACT.keys() | SMOOTH.keys()))
def test_numbers_of_every_size_stay_what_they_are(name: str) -> None:
    write, reference = (EXACT | SMOOTH)[name]
    seen, now = np.array([-3.0, 1.0, 2.0, 8.0, np.nan]), np.array(NASTY)
    transform = Transform(lambda x: {"y": write(x["v"])}).fit(pa.table({"v": seen}))
    data = pa.table({"v": now})
    bulk = transform.transform(data)
    alone = np.concatenate([transform.transform(data.slice(place, 1)) for place in range(len(now))])
    assert_same_bits(bulk, alone)
    is_plain = ~np.isnan(now) & (np.abs(now) < 1e30)
    expected = reference(seen, now).reshape(len(now), -1)[is_plain].astype(np.float32)
    if name == "cyclic":
        is_plain[now == 2.0**53], expected = False, expected[now[is_plain] != 2.0**53]
    found = bulk[is_plain]
    if name == "inverse":  # beyond the greatest double is missing
        expected = np.where(np.isinf(expected), np.nan, expected)
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-6)
    if name != "indicator" and name != "fill":
        assert np.isnan(bulk[0]).all()


@pytest.mark.parametrize("count", [23, 24, 25, 26, 100, 1_000])
def test_many_bounds_are_looked_up_in_two_steps(count: int) -> None:
    """Beside a column with few bounds, at each of the bounds, between them and beyond."""
    bounds = np.sort(np.random.default_rng(count).normal(size=count))
    near = np.concatenate([bounds, np.nextafter(bounds, -np.inf), np.nextafter(bounds, np.inf)])
    now = np.concatenate([near, [np.nan, np.inf, -np.inf, 0.0, -0.0]])
    places = bounds.tolist()
    transform = Transform(
        lambda x: {
            "many": x["v"].buckets(places),
            "few": x["v"].buckets([0.0]),
            "rank": x["v"].quantile_ranks(places),
        }
    ).fit({"v": [1.0]})
    found = transform.transform({"v": now})
    np.testing.assert_array_equal(found[:, 0], bucket(now, bounds).astype(np.float32))
    np.testing.assert_array_equal(found[:, 1], bucket(now, np.zeros(1)).astype(np.float32))
    ranked = np.interp(now, bounds, np.linspace(0, 1, count))
    np.testing.assert_allclose(found[:, 2], ranked, rtol=1e-5, atol=1e-6)


def test_a_large_table_in_threads_gives_what_each_row_gives_alone() -> None:
    random, count = np.random.default_rng(0), 70_000
    wide = random.normal(size=count) * 10.0 ** random.integers(-300, 300, count)
    wide[::97], wide[::101] = np.nan, np.inf
    data = pa.table(
        {
            "v": wide,
            "w": random.normal(size=count),
            "s": pa.array(random.choice([*(f"k{i}" for i in range(500)), "", None], count)),
            "n": pa.array(random.integers(-5, 5, count), mask=random.random(count) < 0.1),
            "d": pa.array(random.integers(-(10**9), 10**9, count) * 10**6, pa.timestamp("us")),
        }
    )

    def features(x: Inputs) -> dict[str, Expression]:
        by = cross(x["s"], x["n"])
        return {
            "log": x["v"].log(),
            "exp": x["w"].exp(),
            "power": abs(x["w"]) ** 1.7,
            "mod": x["v"] % 0.37,
            "cyclic": x["d"].cyclic("hour_of_week"),
            "turn": x["w"].cyclic(0.3),
            "zscore": x["w"].zscore(by=by),
            "filled": x["n"].fill_missing("mean", by=x["s"]),
            "frequency": by.frequency(),
            "target": by.target_mean(2),
            "rank": x["w"].quantile_ranks(50),
            "pca": group(x["w"], x["w"] ** 2, x["n"].fill_missing(0)).pca(2),
        }

    labels = random.integers(0, 2, count)
    transform = Transform(features).fit(data, labels)
    bulk = transform.transform(data)
    some = random.choice(count, 400, replace=False)
    assert_same_bits(bulk[some], np.concatenate([transform.transform(data.slice(at, 1)) for at in some]))
    order = random.permutation(count)
    shuffled = Transform(features).fit(data.take(order), labels[order])
    assert shuffled.to_onnx() == transform.to_onnx()
    assert shuffled.to_training_onnx() == transform.to_training_onnx()


MISTAKES: dict[str, tuple[Callable[[Inputs], Expression], str]] = {
    "a key as a text": (lambda x: x["v"].zscore(by="s"), "'s' is no key"),  # type: ignore[arg-type]
    "a key of a figure as a text": (lambda x: x["v"].mean_by("s"), "'s' is no key"),  # type: ignore[arg-type]
    "a number as a key": (lambda x: x["v"].mean_by(x["v"]), "make it a category first"),
    "bounds that are none": (lambda x: x["v"].buckets(3), "expected: numbers"),  # type: ignore[arg-type]
    "no end of buckets": (lambda x: x["v"].quantile_buckets(10**9), "at most 65,536"),
    "no end of bounds": (lambda x: x["v"].buckets(range(70_000)), "at most 65,536"),
    "one bucket": (lambda x: x["v"].quantile_ranks(1), "at least 2"),
    "no double": (lambda x: x["v"] * 10**400, "a finite number"),
    "too far apart": (lambda x: x["far"].scale(), "farther apart"),
    "too far apart by key": (lambda x: x["far"].scale(by=x["s"]), "farther apart"),
    "quartiles too far apart": (lambda x: x["far"].robust_scale(), "farther apart"),
    "ranks too far apart": (lambda x: x["far"].quantile_ranks(2), "farther apart"),
    "bounds too far apart": (lambda x: x["v"].quantile_ranks([-1.7e308, 1.7e308]), "too far apart"),
    "ends too far apart": (lambda x: x["v"].scale(-1e308, 1e308), "too far below"),
    "whole numbers that doubles are not": (lambda x: x["id"].one_hot(), "let the column be text"),
    "the same as keys": (lambda x: x["v"].mean_by(x["id"]), "cannot be told from its neighbors"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_told(name: str) -> None:
    write, message = MISTAKES[name]
    far, large = 1.7e308, 2**53
    data = {
        "v": [1.0, 2.0, 3.0, 4.0],
        "s": ["a"] * 4,
        "far": [-far, -far, far, far],
        "id": [large, large + 1, 1, 2],
    }
    with pytest.raises(FeatureError, match=r"test_number_parity\.py, line") as found:
        Transform(lambda x: {"y": write(x)}).fit(data)
    assert message in str(found.value)


def test_a_whole_number_beyond_an_integer_is_no_category() -> None:
    """What the cast gives is another number on each machine."""
    transform = Transform(lambda x: {"y": x["v"].round().vocabulary()}).fit({"v": [1.0, 1.0, 2.0]})
    assert transform.transform({"v": [1e300, -np.inf, 2.0**63, 0.6, 2.4]})[:, 0].tolist() == [
        -1,
        -1,
        -1,
        0,
        1,
    ]


def test_constants_may_be_of_numpy_and_dates() -> None:
    def features(x: Inputs) -> dict[str, Expression]:
        return {
            "product": x["v"] * np.float32(2.5),
            "sum": x["v"] + np.int64(3),
            "before": x["d"] < datetime.date(1960, 1, 1),
            "later": x["d"] > np.datetime64("1960-01-01T00:00:00"),
        }

    data = pa.table({"v": [2.0], "d": pa.array([EPOCH], pa.timestamp("us"))})
    assert Transform(features).fit(data).transform(data).tolist() == [[5, 5, 0, 1]]
