"""Candidates: every slice that may be bad, its rows and errors, told apart by what is known already."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tilth.evaluation.cuts import Cut

__all__ = ["Candidates"]

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Table:
    """One cut, or two crossed, with the candidates among their runs of cells that are kept."""

    first: int
    second: int | None
    kept: Counts


class Candidates:
    """The conditions of some columns and their pairs, with counts that follow as rows are told apart.

    Args:
        cuts: the columns.
        values: (m, n), what is summed over slices: for each measure the values of all rows, whole numbers so
            that sums do not depend on the order of rows.
        pairs: which cuts are crossed.
        minimum_rows: slices with fewer rows, or fewer rows outside, are left out.

    Attributes:
        rows: (k,), the rows of each candidate.
        sums: (m, k), the sum of each measure's values over them.
        parents: (k, 2), the candidates that a crossed one lies in; -1 where it is none or not kept.
        in_strata: (k, s), its rows by stratum.
    """

    def __init__(
        self, cuts: Sequence[Cut], values: Floats, pairs: Sequence[tuple[int, int]], minimum_rows: int
    ) -> None:
        self.cuts = cuts
        self._size = values.shape[1]
        self._minimum = minimum_rows
        self._runs = [_runs(cut) for cut in cuts]
        self._tables: list[_Table] = []
        rows: list[Counts] = []
        sums: list[Floats] = []
        parents: list[Counts] = []
        self._singles: list[Counts] = []
        for at in range(len(cuts)):
            self._add_single(at, values, rows, sums, parents)
        single_rows = np.concatenate(rows) if rows else np.empty(0, np.int64)
        for first, second in pairs:
            self._add_pair((first, second), values, single_rows, (rows, sums, parents))
        self.rows: Counts = np.concatenate(rows) if rows else np.empty(0, np.int64)
        self.sums: Floats = np.concatenate(sums, axis=1) if sums else np.empty((len(values), 0))
        self.parents: Counts = np.concatenate(parents) if parents else np.empty((0, 2), np.int64)
        self._starts = np.cumsum([0, *(len(table.kept) for table in self._tables)])
        self._in_strata = np.zeros((max(len(self.rows), 1), 8), np.int32)
        self._in_strata[: len(self.rows), 0] = self.rows
        self._strata = 1

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def in_strata(self) -> npt.NDArray[np.int32]:
        """(k, s), the rows of each candidate by stratum; at first all are one."""
        return self._in_strata[: len(self.rows), : self._strata]

    def expression(self, candidate: int) -> str:
        """The candidate in SQL."""
        return " and ".join(cut.conditions[at].expression for cut, at in self._conditions(candidate))

    def columns(self, candidate: int) -> tuple[str, ...]:
        """The columns that it names."""
        return tuple(cut.column for cut, _ in self._conditions(candidate))

    def mask(self, candidate: int) -> npt.NDArray[np.bool_]:
        """Which rows it has, (n,)."""
        found = np.ones(self._size, bool)
        for cut, at in self._conditions(candidate):
            condition = cut.conditions[at]
            found &= (cut.codes >= condition.first) & (cut.codes <= condition.last)
        return found

    def move(self, rows: Counts, before: Counts, after: Counts, strata: int) -> None:
        """Rows have gone from one stratum to another.

        Args:
            rows: (r,), their positions.
            before: (r,), the stratum of each until now.
            after: (r,), the one it is in now.
            strata: how many strata there are now.
        """
        while self._in_strata.shape[1] < strata:
            self._in_strata = np.hstack((self._in_strata, np.zeros_like(self._in_strata)))
        self._strata = strata
        for at, table in enumerate(self._tables):
            cells, shape = self._cells(table, rows)
            there = np.zeros((*shape, strata), np.int64)
            for of_rows, sign in ((before, -1), (after, 1)):
                counts = np.bincount(cells * strata + of_rows, minlength=there.size)
                there += sign * counts.reshape(there.shape)
            moved = self._summed(table, there)[table.kept]
            self._in_strata[self._starts[at] : self._starts[at + 1], :strata] += moved.astype(np.int32)

    def _conditions(self, candidate: int) -> list[tuple[Cut, int]]:
        at = int(np.searchsorted(self._starts, candidate, "right")) - 1
        table = self._tables[at]
        local = int(table.kept[candidate - self._starts[at]])
        if table.second is None:
            return [(self.cuts[table.first], local)]
        second = self.cuts[table.second]
        one, other = divmod(local, len(second.conditions))
        return [(self.cuts[table.first], one), (second, other)]

    def _cells(self, table: _Table, rows: Counts | slice) -> tuple[Counts, tuple[int, int]]:
        """The cell of each of some rows in a table, and the table's shape."""
        first = self.cuts[table.first]
        codes = first.codes[rows].astype(np.int64)
        if table.second is None:
            return codes, (first.cells, 1)
        second = self.cuts[table.second]
        return codes * second.cells + second.codes[rows], (first.cells, second.cells)

    def _summed(self, table: _Table, of_cells: npt.NDArray[np.number]) -> npt.NDArray[np.number]:
        """What the cells of a table (a, b, ...) hold, summed over the runs of each condition: (k, ...)."""
        runs = (self._runs[table.first], _ALL if table.second is None else self._runs[table.second])
        return _run_sums(of_cells, *runs)

    def _tabulated(self, table: _Table, values: Floats) -> tuple[Counts, Floats]:
        cells, shape = self._cells(table, slice(None))
        size = shape[0] * shape[1]
        counts = np.bincount(cells, minlength=size).reshape(shape)
        sums = np.stack([np.bincount(cells, each, size).reshape(shape) for each in values], axis=-1)
        return self._summed(table, counts).astype(np.int64), self._summed(table, sums).T.astype(np.float64)

    def _add_single(
        self, at: int, values: Floats, rows: list[Counts], sums: list[Floats], parents: list[Counts]
    ) -> None:
        whole = _Table(at, None, np.empty(0, np.int64))
        counts, found = self._tabulated(whole, values)
        kept = np.flatnonzero((counts >= self._minimum) & (self._size - counts >= self._minimum))
        index = np.full(len(counts), -1)
        index[kept] = sum(map(len, rows)) + np.arange(len(kept))
        self._singles.append(index)
        self._keep(_Table(at, None, kept), counts, found, (rows, sums))
        parents.append(np.full((len(kept), 2), -1))

    def _add_pair(
        self,
        pair: tuple[int, int],
        values: Floats,
        single_rows: Counts,
        out: tuple[list[Counts], list[Floats], list[Counts]],
    ) -> None:
        rows, sums, parents = out
        counts, found = self._tabulated(_Table(*pair, np.empty(0, np.int64)), values)
        one, other = np.divmod(np.arange(len(counts)), len(self.cuts[pair[1]].conditions))
        ancestors = np.column_stack((self._singles[pair[0]][one], self._singles[pair[1]][other]))
        # Only what both conditions narrow is a slice of its own.
        known = (ancestors >= 0).all(axis=1)
        within = single_rows[np.where(ancestors < 0, 0, ancestors)] if len(single_rows) else ancestors
        kept = np.flatnonzero(
            known & (counts >= self._minimum) & (counts[:, None] <= _NARROWER * within).all(axis=1)
        )
        self._keep(_Table(*pair, kept), counts, found, (rows, sums))
        parents.append(ancestors[kept])

    def _keep(
        self, table: _Table, counts: Counts, found: Floats, out: tuple[list[Counts], list[Floats]]
    ) -> None:
        self._tables.append(table)
        out[0].append(counts[table.kept])
        out[1].append(found[:, table.kept])


_NARROWER = 0.9
"""A crossing with more than this share of the rows of one of its conditions says what that says."""

_ALL = np.array([[0, 0]])


def _runs(cut: Cut) -> Counts:
    return np.array([(each.first, each.last) for each in cut.conditions], np.int64).reshape(-1, 2)


def _run_sums(of_cells: npt.NDArray[np.number], rows: Counts, columns: Counts) -> npt.NDArray[np.number]:
    """Sums over rectangles of cells, from cumulative sums: for each run down and each run across."""
    summed = np.zeros((of_cells.shape[0] + 1, of_cells.shape[1] + 1, *of_cells.shape[2:]), of_cells.dtype)
    summed[1:, 1:] = of_cells.cumsum(axis=0).cumsum(axis=1)
    top, bottom = rows[:, 0][:, None], rows[:, 1][:, None] + 1
    left, right = columns[:, 0], columns[:, 1] + 1
    found = summed[bottom, right] - summed[top, right] - summed[bottom, left] + summed[top, left]
    return found.reshape(-1, *of_cells.shape[2:])


def pairs_of(count: int) -> list[tuple[int, int]]:
    """All pairs of so many things.

    Example:
        >>> pairs_of(3)
        [(0, 1), (0, 2), (1, 2)]
    """
    return list(itertools.combinations(range(count), 2))
