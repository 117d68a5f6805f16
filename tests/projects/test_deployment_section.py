"""[deployment]: what a model may cost."""

from __future__ import annotations

import pytest

from tilth.errors import ProjectError
from tilth.projects import Configuration

BASE = """
project = {name = "a", label = "y", task = "binary"}
data = {sources = ["a.csv"]}
"""


def configuration(deployment: str) -> Configuration:
    return Configuration.from_toml(f"{BASE}deployment = {{{deployment}}}")


def test_demands_are_checks_with_the_bound_on_the_right_side() -> None:
    checks = configuration("latency_p99_ms = 5, rows_per_s = 100").deployment.checks()
    assert [(c.metric, c.low, c.high) for c in checks] == [
        ("latency_p99_ms", None, 5),
        ("rows_per_s", 100, None),
    ]
    assert [c.judge(5).passed for c in checks] == [True, False]
    assert not checks[0].judge(None).passed


def test_nothing_is_demanded_unless_it_is_said() -> None:
    assert Configuration.from_toml(BASE).deployment.checks() == []


@pytest.mark.parametrize("bound", ["0", "-1", "nan", "inf"])
def test_bounds_are_above_zero(bound: str) -> None:
    with pytest.raises(ProjectError, match=r"memory_mb is .*\n.*\[deployment\]"):
        configuration(f"memory_mb = {bound}")


def test_an_unknown_demand_is_named() -> None:
    with pytest.raises(ProjectError, match="did you mean 'latency_p99_ms'"):
        configuration("latency_p9_ms = 5")
