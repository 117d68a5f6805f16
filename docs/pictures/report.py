"""Writes report.html, the report that report.png shows, from data made up with a seed.

Then: chromium --headless --window-size=1200,1180 --screenshot=report.png "file://$PWD/report.html#sort=drift"
"""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np

import tilth


def orders(rows: int, *, seed: int, start: str, price: float, cash: float) -> dict[str, object]:
    """A week of orders."""
    random = np.random.default_rng(seed)
    first = datetime.datetime.fromisoformat(start)
    seconds = np.sort(random.integers(0, 7 * 86_400, rows))
    tip = np.where(random.random(rows) < 0.4, random.gamma(2, 1.5, rows), 0).round(2)
    return {
        "order_id": [int(number) for number in 100_000 * seed + np.arange(rows)],
        "placed": [first + datetime.timedelta(seconds=int(second)) for second in seconds],
        "price": (random.lognormal(2.4, 0.6, rows) * price).round(2),
        "distance_km": random.gamma(2.0, 2.1, rows).round(1),
        "tip": [None if random.random() < 0.05 else float(each) for each in tip],
        "payment": random.choice(["card", "cash", "voucher"], rows, p=[0.9 - cash, cash, 0.1]),
        "city": random.choice(["Basel", "Bern", "Genève", "Zürich"], rows, p=[0.2, 0.25, 0.2, 0.35]),
        "returning": random.random(rows) < 0.62,
    }


def main() -> None:
    """Two weeks of orders, prices up and cash down in the second."""
    before = tilth.profile(orders(20_000, seed=1, start="2026-11-02", price=1.0, cash=0.3))
    after = tilth.profile(orders(18_000, seed=2, start="2026-11-09", price=1.25, cash=0.12))
    found = tilth.compare(before, after)
    page = before.html(
        title="Orders: week 45 against week 46",
        current=after,
        names=("week 45", "week 46"),
        comparison=found.to_json(),
        anomalies=[anomaly.to_json() for anomaly in found.anomalies()],
    )
    Path("report.html").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
