"""docs/metrics.md speaks of every metric that there is, and of no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tilth.metrics import (
    BinaryStatistics,
    MulticlassStatistics,
    MultilabelStatistics,
    RankingStatistics,
    RegressionStatistics,
)

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
SECTIONS = {
    "Two classes": BinaryStatistics(),
    "Several classes": MulticlassStatistics(["NAME"]),
    "Several labels": MultilabelStatistics(["NAME"]),
    "Numbers": RegressionStatistics(),
    "Rankings": RankingStatistics(),
}


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_lists_the_metrics_of_its_task(section: str) -> None:
    text = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    listed = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    assert sorted(listed) == sorted(SECTIONS[section].metrics())  # type: ignore[attr-defined]
