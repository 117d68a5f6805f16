"""How much each row counts: by its class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np

from tilth.metrics import LabelEncoding
from tilth.training.rows import Rows

__all__ = ["with_class_weights"]


def with_class_weights(
    rows: Rows, class_weights: Literal["balanced"] | Mapping[str, float] | None, encoding: LabelEncoding
) -> Rows:
    """The rows, each counting as much as its class does."""
    if class_weights is None:
        return rows
    codes = np.asarray(rows.y, np.int64)
    if class_weights == "balanced":
        counts = np.bincount(codes, rows.weights, minlength=len(encoding.classes))
        factors = counts.sum() / np.maximum(counts, 1e-300) / np.count_nonzero(counts)
    else:
        factors = np.array([class_weights.get(name, 1.0) for name in encoding.names])
    own = factors[codes]
    return replace(rows, weights=own if rows.weights is None else rows.weights * own)
