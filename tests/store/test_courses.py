"""Curves, the use of resources, intervals and surroundings come back as they were recorded."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from tilth.errors import NotFoundError, StoreError
from tilth.metrics import Estimate
from tilth.store import Artifact, Metric, Sample, Store, Usage

Make = Callable[..., Artifact]

USED = Usage(2.5, 4.0, 120.5, 0.5, 2048.0, (Sample(0.0, 0.0, 100.0), Sample(2.5, 4.0, 120.5, 0.5, 2048.0)))


def test_curves_are_kept_by_name_and_undefined_values_are_none(store: Store) -> None:
    train = store.begin_execution(store.begin_run("run"), "train", "k")
    store.log_curves(train, {"dev.auc": [0.5, math.nan, 0.7], "train.auc": [0.6, math.inf, None]})
    store.log_curves(train, {"dev.auc": [0.5, 0.6]})
    store.log_curves(train, {})
    assert store.curves(1) == {"dev.auc": (0.5, 0.6), "train.auc": (0.6, None, None)}
    assert store.curves(2) == {}
    with pytest.raises(NotFoundError):
        store.log_curves(99, {"x": [1.0]})


def test_what_was_used_is_told_by_step_and_replaced(store: Store) -> None:
    train = store.begin_execution(store.begin_run("run"), "train", "k")
    store.log_usage(train, Usage(1.0, 1.0, 1.0))
    store.log_usage(train, USED)
    assert store.usage(1) == {"train": USED}
    assert USED.to_json()["samples"] == [[0.0, 0.0, 100.0, None, None], [2.5, 4.0, 120.5, 0.5, 2048.0]]


def test_a_run_that_skips_a_step_is_told_its_course(store: Store) -> None:
    train = store.begin_execution(store.begin_run("run"), "train", "k")
    store.log_curves(train, {"dev.auc": [0.5]})
    store.log_usage(train, USED)
    store.log_metrics(1, {"auroc": Estimate(0.8, 0.7, 0.9)}, execution=train)
    store.end_execution(train, "complete")
    second = store.begin_run("run")
    store.skip_execution(second, train)
    assert store.curves(second) == {"dev.auc": (0.5,)}
    assert store.usage(second) == {"train": USED}
    assert store.all_metrics(second) == store.all_metrics(1) == (Metric("auroc", 0.8, {}, 0.7, 0.9),)


def test_metrics_have_intervals_where_they_are_known(store: Store) -> None:
    run = store.begin_run("run")
    store.log_metrics(run, {"a": Estimate(0.5, 0.25, 0.75), "b": Estimate(None), "c": 2, "d": math.nan})
    assert [(m.name, m.value, m.low, m.high) for m in store.all_metrics(run)] == [
        ("a", 0.5, 0.25, 0.75),
        ("b", None, None, None),
        ("c", 2.0, None, None),
        ("d", None, None, None),
    ]
    assert store.metrics(run) == {"a": 0.5, "b": None, "c": 2.0, "d": None}
    store.log_metrics(run, {"a": 0.6}, {"sex": "f"})
    assert store.all_metrics(run)[0].to_json() == {
        "name": "a",
        "value": 0.6,
        "low": None,
        "high": None,
        "slice": {"sex": "f"},
    }


def test_surroundings_of_a_run_are_artifacts_by_name(store: Store, make_artifact: Make) -> None:
    run = store.begin_run("run")
    before, after = make_artifact("before"), make_artifact("after")
    code = make_artifact("code", "code")
    store.surround(run, {"environment": before, "code": code})
    store.surround(run, {"environment": after})
    store.surround(run, {})
    assert store.surroundings(run) == {"code": code, "environment": after}
    assert store.surroundings(store.begin_run("run")) == {}
    with pytest.raises(NotFoundError):
        store.surround(99, {"code": code})
    with pytest.raises(StoreError):
        store.surround(run, {"lost": Artifact(99, "x", "x", "a" * 64, None, 1, {}, run.started)})
