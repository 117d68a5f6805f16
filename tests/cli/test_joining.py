"""`tilth join` as people type it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "loans.csv").write_text(
        "customer,at,repaid\n1,2024-03-01,yes\n1,2024-03-09,no\n2,2024-03-01,no\n"
    )
    (tmp_path / "balances.csv").write_text(
        "customer,at,known,balance\n1,2024-03-01,2024-03-02,50\n1,2024-02-01,2024-02-01,40\n2,2024-04-01,2024-04-01,9\n"
    )
    (tmp_path / "visits.csv").write_text("client,seen,count\n2,2024-02-29,3\n")
    return tmp_path


def test_join(ask: Ask, folder: Path) -> None:
    loans, balances, out = folder / "loans.csv", folder / "balances.csv", folder / "out.csv"
    status, printed, err = ask("join", loans, balances, "--on", "customer", "--time", "at", "-o", out)
    assert (status, printed.splitlines()[0]) == (0, "known at their time:")
    assert f"2 of 3 rows: {balances}" in printed
    assert "nothing was known of 1 of 3 rows" in err
    assert [line.split(",")[-1] for line in out.read_text().splitlines()] == ["balance", "50", "50", ""]


def test_join_as_it_was_known(ask: Ask, folder: Path) -> None:
    out = folder / "out.csv"
    names = [folder / "loans.csv", folder / "balances.csv", "--on", "customer", "--time", "at", "-o", out]
    status, printed, _ = ask(
        "join", *names, "--created", "known", "--max-age", "30d", "--age", "age", "--json"
    )
    assert status == 0
    assert json.loads(printed) == {
        "rows": 3,
        "features": [{"features": str(folder / "balances.csv"), "prefix": None, "matched": 2}],
        "output": str(out),
    }
    assert out.read_text().splitlines()[1:] == [
        "1,2024-03-01T00:00:00,yes,40,2505600.0",
        "1,2024-03-09T00:00:00,no,50,691200.0",
        "2,2024-03-01T00:00:00,no,,",
    ]
    assert ask("join", *names, "--strictly-before")[0] == 0
    assert out.read_text().splitlines()[1].endswith(",40")


def test_names_that_differ_and_prefixes(ask: Ask, folder: Path) -> None:
    out = folder / "out.csv"
    status, _, _ = ask(
        *("join", folder / "loans.csv", folder / "visits.csv", "--prefix", "visits"),
        *("--on", "customer=client", "--time", "at=seen", "-o", out),
    )
    assert (status, out.read_text().splitlines()[0]) == (0, "customer,at,repaid,visits.count")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--on", "custmer", "--time", "at"], "did you mean 'customer'"),
        (["--on", "customer", "--time", "repaid"], "no column 'repaid'"),
        (["--on", "customer", "--time", "at", "--max-age", "soon"], "such as 7d"),
        (["--on", "customer", "--time", "at", "--max-age", "1e9d"], "such as 7d"),
        (["--on", "customer", "--time", "at", "--max-age", "9999999999w"], "fewer days"),
        (["--on", "customer", "--time", "at", "--prefix", "a", "--prefix", "b"], "another one for each"),
    ],
)
def test_mistakes_are_told_and_nothing_is_written(
    ask: Ask, folder: Path, options: list[str], words: str
) -> None:
    status, printed, err = ask(
        "join", folder / "loans.csv", folder / "balances.csv", *options, "-o", folder / "out.csv"
    )
    assert (status, printed) == (2, "")
    assert words in err
    assert not (folder / "out.csv").exists()


def test_what_is_read_is_not_written_over(ask: Ask, folder: Path) -> None:
    loans, balances = folder / "loans.csv", folder / "balances.csv"
    status, _, err = ask("join", loans, balances, "--on", "customer", "--time", "at", "-o", balances)
    assert (status, "this is what is read" in err) == (2, True)
    status, _, err = ask("join", loans, "--on", "customer", "--time", "at", "-o", folder / "out.csv")
    assert (status, "which features?" in err) == (2, True)
