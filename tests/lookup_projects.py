"""A small project whose label depends on a feature that is looked up: loans, and balances over time."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from tilth.projects import Project, initialize
from tilth.tables import write_table

__all__ = ["NOW", "loans_project", "write_balances"]

Balance = tuple[int, datetime.datetime, float]

NOW = datetime.datetime(2020, 3, 1, tzinfo=datetime.UTC)
_START = datetime.datetime(2020, 1, 1)

_LOOKUP = """
[[lookups]]
name = "balances"
features = "balances.parquet"
on = { customer = "client" }
time = "at"
max_age = "60d"
store = "STORE"
"""

_FEATURES = """
def features(x):
    return {
        "amount": x["amount"].zscore(),
        "balance": x["balance"].fill_missing("median").zscore(),
        "tier": x["tier"].one_hot(),
    }
"""


def write_balances(path: Path, *, customers: int = 40, days: int = 70, shift: float = 0.0) -> list[Balance]:
    """Ten balances of each customer, some of them later than NOW: customer, moment, balance."""
    random = np.random.default_rng(7)
    rows: list[dict[str, object]] = []
    known: list[Balance] = []
    for client in range(customers):
        for day in sorted(random.integers(0, days, 10).tolist()):
            moment = _START + datetime.timedelta(days=day, seconds=client + len(rows))
            balance = float(np.round(random.normal(50 + shift, 20), 2))
            rows.append({"client": client, "at": moment, "balance": balance, "tier": "ab"[client % 2]})
            known.append((client, moment, balance))
    write_table(pa.Table.from_pylist(rows), path)
    return known


def loans_project(folder: Path, store: str = "sqlite", rows: int = 400) -> Project:
    """The project, with its data and its features beside it."""
    random = np.random.default_rng(3)
    folder.mkdir(parents=True, exist_ok=True)
    balances = write_balances(folder / "balances.parquet")
    customers = random.integers(0, 44, rows)  # four of them are known to nobody
    amounts = np.round(random.normal(30, 8, rows), 2)
    days = random.integers(10, 59, rows)
    lines = ["customer,at,amount,repaid"]
    for customer, day, amount in zip(customers.tolist(), days.tolist(), amounts.tolist(), strict=True):
        moment = _START + datetime.timedelta(days=day)
        had = max(
            ((at, b) for c, at, b in balances if c == customer and at <= moment), default=(_START, 40.0)
        )[1]
        lines.append(f"{customer},{moment.isoformat()},{amount},{'yes' if amount < had else 'no'}")
    (folder / "loans.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    initialize(folder / "loans.csv", "repaid", folder)
    toml = folder / "tilth.toml"
    text = toml.read_text(encoding="utf-8")
    text = text.replace("parameters = {}", "parameters = { n_estimators = 10 }").replace(
        "min = -0.05", "min = -1.0"
    )
    text = text.replace("[train]\n", "[train]\nsanity_checks = false\nlearning_curve = []\n")
    toml.write_text(text + _LOOKUP.replace("STORE", store), encoding="utf-8")
    (folder / "schema.toml").unlink()  # the next run infers it, with what is looked up
    (folder / "features.py").write_text(_FEATURES, encoding="utf-8")
    return Project.load(folder)
