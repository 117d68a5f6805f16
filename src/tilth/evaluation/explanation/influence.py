"""Influence: how strongly columns move a model's answers, as means of contributions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tilth.evaluation.explanation.attribution import Attributions
from tilth.types import JSONObject

__all__ = ["Influence", "SliceOf", "influences_of"]

SliceOf = tuple[Mapping[str, str], npt.NDArray[np.int64]]
"""What selects a slice, and the positions of its rows."""


@dataclass(frozen=True)
class Influence:
    """How strongly columns move the answers of the rows of a slice.

    Args:
        slice: the column values that select its rows; empty for all rows.
        rows: how many were looked at.
        mean_absolute: by columns the mean of the contributions' sizes.
        mean: by columns the mean contribution: which way these rows are moved.
    """

    slice: Mapping[str, str]
    rows: int
    mean_absolute: Mapping[tuple[str, ...], float]
    mean: Mapping[tuple[str, ...], float]

    @property
    def order(self) -> tuple[tuple[str, ...], ...]:
        """The columns, the strongest first."""
        return tuple(sorted(self.mean_absolute, key=lambda columns: (-self.mean_absolute[columns], columns)))

    def to_json(self) -> JSONObject:
        """The influence as JSON values."""
        return {
            "slice": dict(self.slice),
            "rows": self.rows,
            "columns": [
                {
                    "columns": list(columns),
                    "mean_absolute": self.mean_absolute[columns],
                    "mean": self.mean[columns],
                }
                for columns in self.order
            ],
        }


def influences_of(
    found: Attributions, picked: npt.NDArray[np.int64], slices: Sequence[SliceOf], *, first: int
) -> tuple[Influence, ...]:
    """The influence over all rows and on slices.

    Args:
        found: the contributions of the rows that were looked at, n of them.
        picked: (n,), where these stand among all rows.
        slices: with the positions of their rows among all rows.
        first: so many rows stand for all; the others were looked at for some slice.
    """
    whole: SliceOf = ({}, np.arange(first))
    made = []
    for slice_, positions in (whole, *slices):
        amounts = found.amounts[np.isin(picked, positions)]
        sizes, means = np.abs(amounts).mean(axis=0), amounts.mean(axis=0)
        pairs = list(zip(found.players, sizes.tolist(), means.tolist(), strict=True))
        made.append(
            Influence(
                slice_,
                len(amounts),
                {columns: float(f"{size:.10g}") for columns, size, _ in pairs},
                {columns: float(f"{mean:.10g}") for columns, _, mean in pairs},
            )
        )
    return tuple(made)
