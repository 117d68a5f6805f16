"""What was known of a key at a moment: the newest of its rows that one could have had then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Moments", "newest_known"]

Integers = npt.NDArray[np.int64]
Times = npt.NDArray[np.int64] | npt.NDArray[np.float64]
Content = Callable[[Integers], npt.NDArray[np.uint64]]


@dataclass(frozen=True, eq=False)
class Moments:
    """Rows with a key and a time.

    Args:
        codes: (n,) the keys' numbers, 0 or more.
        times: (n,) what the rows are about.
        created: (n,) when they became known; None where they are known at their time.
        rows: (n,) their positions in the table.
    """

    codes: Integers
    times: Times
    created: Times | None
    rows: Integers

    def take(self, order: Integers) -> Moments:
        """These of them, in this order."""
        created = None if self.created is None else self.created[order]
        return Moments(self.codes[order], self.times[order], created, self.rows[order])


def newest_known(
    known: Moments, codes: Integers, times: Times, content: Content, *, allow_exact: bool = True
) -> tuple[Integers, int]:
    """For each key and moment the newest row of that key that was known then.

    Of rows with the same time the one that became known last counts; of those that became known at once, the
    one whose content has the greatest hash. So the order of the rows means nothing.

    Args:
        known: n rows, in any order.
        codes: (m,) keys; -1 is no row's.
        times: (m,) moments.
        content: a hash of the content of rows at these positions.
        allow_exact: whether a row at the moment itself is known already.

    Returns:
        (m,) positions in the rows' table, -1 where nothing was known; and how many rows of the table are told
        from others of their key and time by their content alone.

    Sorting takes O(n log n + m log n) time and some 50 bytes of memory for each of the n.

    Example:
        >>> from numpy import array
        >>> rows = Moments(array([0, 0, 0]), array([10, 20, 30]), array([10, 50, 30]), array([0, 1, 2]))
        >>> newest_known(rows, array([0, 0, 0, 1]), array([9, 29, 50, 50]), content=lambda rows: rows)
        (array([-1,  0,  2, -1]), 0)
    """
    ordered, ambiguous = _ordered(known, content)
    # A row is known from the later of its two times on. Rows are in the order in which they would be chosen,
    # so the best of those that are known by then is the last of them.
    since = ordered.times
    best = None
    if ordered.created is not None:
        since = np.maximum(ordered.times, ordered.created)
        best = np.lexsort((since, ordered.codes))
        since = since[best]
        best = np.maximum.accumulate(best)
    first, last = _stretches(ordered.codes, codes)
    place = _count_until(since, first, last, times, allow_exact=allow_exact) - 1
    found = place >= first
    place = np.maximum(place, 0)[found]
    rows = np.full(len(codes), -1, np.int64)
    rows[found] = ordered.rows[place if best is None else best[place]]
    return rows, ambiguous


def _stretches(ordered: Integers, codes: Integers) -> tuple[Integers, Integers]:
    """Where the rows of each key begin and end, in rows ordered by key."""
    keys = np.maximum(codes, 0)
    ends = np.cumsum(np.bincount(ordered, minlength=int(keys.max(initial=0)) + 1))
    begins = np.append(0, ends[:-1])
    return begins[keys], np.where(codes >= 0, ends[keys], begins[keys])


def _count_until(
    since: Times, first: Integers, last: Integers, times: Times, *, allow_exact: bool
) -> Integers:
    """How many rows lie before the first that is not known yet: a binary search in each stretch."""
    low, high = first.copy(), last.copy()
    searching = np.flatnonzero(low < high)
    while len(searching):
        middle = (low[searching] + high[searching]) // 2
        moment = times[searching]
        known = since[middle] <= moment if allow_exact else since[middle] < moment
        low[searching[known]] = middle[known] + 1
        high[searching[~known]] = middle[~known]
        searching = searching[low[searching] < high[searching]]
    return low


def _ordered(known: Moments, content: Content) -> tuple[Moments, int]:
    """By key, then time, then created, then content; and how many rows need their content for that."""
    by = (known.times, known.codes) if known.created is None else (known.created, known.times, known.codes)
    order = np.lexsort(by)
    ordered = known.take(order)
    same = (ordered.codes[1:] == ordered.codes[:-1]) & (ordered.times[1:] == ordered.times[:-1])
    if ordered.created is not None:
        same &= ordered.created[1:] == ordered.created[:-1]
    if not same.any():
        return ordered, 0
    tied = np.flatnonzero(np.append(same, False) | np.insert(same, 0, False))
    run = np.cumsum(~np.insert(same, 0, False))[tied]
    words = content(ordered.rows[tied])
    within = np.lexsort((words, run))
    order = np.arange(len(ordered.codes))
    order[tied] = tied[within]
    return ordered.take(order), _differing(run, words)


def _differing(run: Integers, words: npt.NDArray[np.uint64]) -> int:
    """How many rows are in a run whose contents are not all the same."""
    starts = np.flatnonzero(np.insert(run[1:] != run[:-1], 0, True))
    lengths = np.diff(np.append(starts, len(run)))
    differ = np.maximum.reduceat(words, starts) != np.minimum.reduceat(words, starts)
    return int(lengths[differ].sum())
