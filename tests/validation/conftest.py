"""The census data as tables, made from the shared file without a header."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

CENSUS = (
    "age,workclass,fnlwgt,education,education-num,marital-status,occupation,relationship,race,sex,"
    "capital-gain,capital-loss,hours-per-week,native-country,label"
)
TRAIN_ROWS = 26_048


def _lines(path: Path) -> list[str]:
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [line for line in text.decode().splitlines() if line.strip()]


@pytest.fixture(scope="session")
def census(shared_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Train: the first 26,048 rows; eval: the rest and four malformed rows, then cleaned as in the case."""
    folder = tmp_path_factory.mktemp("census")
    lines = _lines(shared_data("census-adult/adult.data.gz"))
    bad = [
        line for line in _lines(shared_data("census-adult/malformed_rows.csv")) if not line.startswith("age")
    ]
    train, rest = folder / "train.csv", folder / "eval.csv"
    train.write_text("\n".join([CENSUS, *lines[:TRAIN_ROWS]]) + "\n")
    clean = [line for line in lines[TRAIN_ROWS:] + bad if _is_clean(line)]
    rest.write_text("\n".join([CENSUS, *clean]) + "\n")
    return train, rest


def _is_clean(line: str) -> bool:
    cells = [cell.strip() for cell in line.split(",")]
    return all(cells) and 17 <= int(cells[0]) <= 90
