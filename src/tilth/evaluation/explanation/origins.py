"""Which raw columns each feature is made of, found out by exchanging the values of one column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.evaluation.explanation.asking import with_values

__all__ = ["Players", "find_players"]

_SHIFTS = 3
_FEW = 16
_MOST_ALONE = 400
"""So many columns are moved one after the other, where features are made of several."""

_MOST_TOGETHER = 3
"""A player of more columns than this says nothing about any of them."""

Features = Callable[[pa.Table], npt.NDArray[np.floating]]


@dataclass(frozen=True)
class Players:
    """Who shares an answer: raw columns, alone or together where a feature is made of several.

    Args:
        columns: the columns of each player.
        of_feature: (f,), the player of each feature; one behind the last for features that are always the
            same.
    """

    columns: tuple[tuple[str, ...], ...]
    of_feature: npt.NDArray[np.int64]

    @property
    def are_clear(self) -> bool:
        """Whether each player is one column, or a few."""
        return all(len(names) <= _MOST_TOGETHER for names in self.columns)


def find_players(
    features: Features, rows: pa.Table, columns: Sequence[str], *, seed: int = 0
) -> Players | None:
    """Give each row another row's value of one column, and see which features change.

    A feature that is made of one column is always found out, if it varies among the rows at all: somewhere
    it differs between one row and the next, and then it changes when the column's values move on by a row.

    Args:
        features: the features (n, f) of n rows.
        rows: all rows that play a part.
        columns: the raw columns.
        seed: of the exchanges beside that with the next row.

    Returns:
        None where a feature varies and no column alone changes it.

    Example:
        >>> rows = pa.table({"a": [1.0, 2.0, 3.0], "b": [1.0, 5.0, 2.0]})
        >>> def made(t):
        ...     a, b = t["a"].to_numpy(), t["b"].to_numpy()
        ...     return np.column_stack([a, b, a * b, 0 * a])
        >>> found = find_players(made, rows, ["a", "b"])
        >>> found.columns, found.of_feature.tolist()
        ((('a',), ('a', 'b'), ('b',)), [0, 2, 1, 3])
    """
    known = features(rows)
    random = np.random.default_rng(seed)
    moves = [np.roll(np.arange(rows.num_rows), 1)]
    moves += [random.permutation(rows.num_rows) for _ in range(_SHIFTS - 1)]

    def moved_by(chosen: Sequence[int]) -> npt.NDArray[np.bool_]:
        """Which features change when some columns get other rows' values, all the same row's."""
        changed = np.zeros(known.shape[1], np.bool_)
        for positions in moves:
            given = rows
            for at in chosen:
                given = with_values(given, columns[at], rows.column(columns[at]).take(pa.array(positions)))
            changed |= _changed(known, features(given))
        return changed

    moved = _moved_together(moved_by, len(columns)) if len(columns) > _FEW else None
    if moved is None:
        if len(columns) > _MOST_ALONE:
            return None
        moved = np.stack([moved_by([at]) for at in range(len(columns))])
    varies = _changed(known, known[:1])
    if (varies & ~moved.any(axis=0)).any():
        return None
    sets = [tuple(columns[at] for at in np.flatnonzero(each).tolist()) for each in moved.T]
    players = tuple(
        sorted({each for each in sets if each}, key=lambda names: [columns.index(n) for n in names])
    )
    numbers = {names: at for at, names in enumerate(players)} | {(): len(players)}
    return Players(players, np.array([numbers[each] for each in sets], np.int64))


def _moved_together(
    moved_by: Callable[[Sequence[int]], npt.NDArray[np.bool_]], columns: int
) -> npt.NDArray[np.bool_] | None:
    """Which column changes each feature, (columns, f), half of the columns at a time.

    For each binary digit of the columns' numbers those with a 1 are moved, then those with a 0. A feature of
    one column changes with one of both, which tells the digit; None where some feature changes with both.
    """
    numbers = np.arange(columns)
    digits, others = [], []
    for digit in range(max(1, (columns - 1).bit_length())):
        has = (numbers >> digit) & 1 == 1
        digits.append(moved_by(np.flatnonzero(has).tolist()))
        others.append(moved_by(np.flatnonzero(~has).tolist()))
    if (np.array(digits) & np.array(others)).any():
        return None
    changes = (np.array(digits) | np.array(others)).all(axis=0)
    owners = sum((each.astype(np.int64) << digit for digit, each in enumerate(digits)), np.int64(0))
    return np.asarray((numbers[:, None] == owners) & changes, np.bool_)


def _changed(one: npt.NDArray[np.floating], other: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
    """Which features differ in some row; missing is like missing."""
    differs = (one != other) & ~(np.isnan(one) & np.isnan(other))
    return np.asarray(differs.any(axis=0), np.bool_)
