"""Seeded tables of shops with texts that repeat, and features of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from tilth.features import Inputs


def shops(rows: int, cities: int, seed: int = 3) -> pa.Table:
    rng = np.random.default_rng(seed)
    names = pa.array([f"city {number}" for number in range(cities)])
    return pa.table(
        {
            "city": names.take(pa.array(rng.integers(0, cities, rows))),
            "kind": pa.array(["small", "large", None]).take(pa.array(rng.integers(0, 3, rows))),
            "size": rng.normal(size=rows),
        }
    )


def shop_features(x: Inputs) -> dict[str, Any]:
    return {"city": x["city"].vocabulary(), "kind": x["kind"].one_hot(), "size": x["size"].zscore()}
