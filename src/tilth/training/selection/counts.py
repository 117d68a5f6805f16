"""How many of the ranked columns to keep: found on the training rows alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["candidate_counts", "fewest_within_one_error"]

Floats = npt.NDArray[np.float64]

_TRIED = 12
_MOST_KEPT = 100


def candidate_counts(candidates: int) -> list[int]:
    """The counts that are tried, spread ever wider.

    Args:
        candidates: how many there are; of more than 100 at most 100 are kept.

    Example:
        >>> candidate_counts(5), candidate_counts(30)
        ([1, 2, 3, 4, 5], [1, 2, 3, 5, 6, 9, 12, 16, 22, 30])
    """
    most = min(candidates, _MOST_KEPT)
    return sorted({round(float(count)) for count in np.geomspace(1, most, _TRIED)})


def fewest_within_one_error(counts: Sequence[int], losses: Callable[[int], Floats]) -> int:
    """The least count that does as well as the best one, by the one-standard-error rule.

    As well: its mean loss exceeds the least mean loss by no more than one standard error of the difference,
    which is taken row by row (Breiman, Friedman, Olshen, Stone 1984, section 3.4.3, paired).

    Args:
        counts: ascending.
        losses: the losses of the same held-out rows, (n,), for a count.
    """
    found = [losses(count) for count in counts]
    best = found[int(np.argmin([each.mean() for each in found]))]
    for count, each in zip(counts, found, strict=True):
        difference = each - best
        error = float(difference.std()) / np.sqrt(max(len(difference) - 1, 1))
        if difference.mean() <= error:
            return count
    return counts[-1]
