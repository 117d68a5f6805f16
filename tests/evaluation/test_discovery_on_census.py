"""Slice discovery on census: planted slices are found, shuffled errors have none."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tilth.evaluation import ScoredRows, discover
from tilth.metrics import Answered, LabelEncoding
from tilth.tables import Table, open_table

NAMES = (
    *("age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation"),
    *("relationship", "race", "sex", "capital-gain", "capital-loss", "hours-per-week", "native-country"),
    "income",
)


@pytest.fixture(scope="module")
def census(shared_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Table:
    """All 48,842 rows."""
    lines = []
    for name in ("adult.data.gz", "adult.test.gz"):
        text = gzip.decompress(shared_data(f"census-adult/{name}").read_bytes()).decode()
        lines += [line.rstrip(".").replace(", ", ",") for line in text.splitlines() if line.count(",") == 14]
    path = tmp_path_factory.mktemp("census") / "census.csv"
    path.write_text("\n".join([",".join(NAMES), *lines]) + "\n", encoding="utf-8")
    return open_table(path, missing=["?"])


def _wrong_where(table: Table, wrong: npt.NDArray[np.bool_]) -> ScoredRows:
    encoding = LabelEncoding("binary", ("<=50K", ">50K"))
    truth = encoding.encode(table.select(["income"]).to_arrow().column(0).combine_chunks())
    return ScoredRows(table, "income", encoding, Answered(truth, np.where(wrong, 1 - truth, truth)))


def _column(table: Table, name: str) -> npt.NDArray[np.object_]:
    return np.array(table.select([name]).to_arrow().column(0).to_pylist(), object)


@pytest.mark.parametrize(
    ("one", "value", "other", "second"),
    [
        ("occupation", "Sales", "race", "Black"),
        ("workclass", "Private", "marital-status", "Widowed"),
        ("occupation", "Exec-managerial", "hours-per-week", 45),
    ],
)
def test_a_planted_crossing_of_about_one_percent_is_found(
    census: Table, one: str, value: str, other: str, second: object
) -> None:
    inside = (_column(census, one) == value) & (_column(census, other) == second)
    assert 0.005 < inside.mean() < 0.02
    wrong = np.random.default_rng(0).random(len(inside)) < np.where(inside, 0.45, 0.15)
    (found,) = discover(_wrong_where(census, wrong)).found
    assert found.columns == (one, other)
    assert inside.sum() <= found.rows < 1.1 * inside.sum()  # a range of numbers may hold more than one
    assert found.value.value == pytest.approx(0.45, abs=0.06)


def test_shuffled_errors_have_no_slices_in_19_of_20_seeds(census: Table) -> None:
    wrong = np.random.default_rng(0).random(census.rows) < 0.15
    found = [
        bool(discover(_wrong_where(census, np.random.default_rng(seed).permutation(wrong))).found)
        for seed in range(20)
    ]
    assert sum(found) <= 1
