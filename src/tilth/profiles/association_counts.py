"""The second pass over a table: all that associations need, counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from tilth.profiles.levels import Levels, chance_information, cramers_v, entropy, mutual_information
from tilth.profiles.missing_patterns import MissingPattern, MissingPatterns
from tilth.profiles.number_grids import EvenGrid, Grid, RankGrid
from tilth.profiles.product_sums import ProductSums
from tilth.types import SCALAR_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tilth.profiles.column import ColumnProfile
    from tilth.profiles.profile import Profile
    from tilth.types import ColumnType

__all__ = ["AssociationCounts", "CountedRows"]

_NUMBERS = 200
_CATEGORIES = 30
_MOST_LEVELS = {"string": 100, "bool": 2, "int": 20}


class CountedRows(NamedTuple):
    """What `AssociationCounts` has counted."""

    rows: int
    fit_the_profile: bool
    values: ProductSums
    places: ProductSums
    tables: dict[tuple[str, str], np.ndarray]
    patterns: MissingPatterns


class AssociationCounts:
    """Takes in the batches of a table of which there is a profile.

    Args:
        profile: of the same rows.
        types: the columns and what they hold.
        label: the column that the others may tell of.
    """

    def __init__(self, profile: Profile, types: Mapping[str, ColumnType], label: str | None) -> None:
        columns = [profile.columns[name] for name in types]
        scalars = [c for c in columns if c.type in SCALAR_TYPES and c.count > c.infinite]
        numbers = [column for column in scalars if column.numbers is not None]
        categories = [column for column in scalars if _is_category(column)]
        self._numbers = _most_varied(numbers, _NUMBERS, label)
        self._categories = [column.name for column in _most_varied(categories, _CATEGORIES, label)]
        self.left_out = _names_without([*numbers, *categories], {*_names(self._numbers), *self._categories})

        self._grids = [EvenGrid(column) for column in self._numbers]
        self._ranks = [RankGrid(column) for column in self._numbers]
        gaps = [column.missing + column.infinite > 0 for column in self._numbers]
        self._values = ProductSums([grid.limit for grid in self._grids], gaps)
        self._places = ProductSums([grid.limit for grid in self._ranks], gaps)

        self._label = label if label in _names(scalars) else None
        about = scalars if self._label is not None else []
        self._levels = {c.name: Levels(c) for c in scalars if c in about or c.name in self._categories}
        self._pairs = [(a, b) for i, a in enumerate(self._categories) for b in self._categories[i + 1 :]]
        self._told = [(c.name, str(label)) for c in about if c.name != label]
        self._tables = {pair: self._empty_table(*pair) for pair in {*self._pairs, *self._told}}

        self._columns = {column.name: column for column in columns}
        self._incomplete = [column.name for column in columns if column.missing]
        self._patterns = MissingPatterns(self._incomplete)
        self.rows = 0
        self.fit_the_profile = True

    def _empty_table(self, first: str, second: str) -> np.ndarray:
        return np.zeros((self._levels[first].count, self._levels[second].count), dtype=np.int64)

    def state(self) -> CountedRows:
        """All that was counted, to be sent to another process."""
        return CountedRows(
            self.rows, self.fit_the_profile, self._values, self._places, self._tables, self._patterns
        )

    def merge(self, state: CountedRows) -> None:
        """Take in what one with the same profile, columns and label has counted."""
        self.rows += state.rows
        self.fit_the_profile = self.fit_the_profile and state.fit_the_profile
        self._values.merge(state.values)
        self._places.merge(state.places)
        for pair, table in self._tables.items():
            table += state.tables[pair]  # noqa: PLW2901 - in place
        self._patterns.merge(state.patterns)

    def update(self, batch: pa.RecordBatch) -> None:
        """Take in rows with all columns."""
        self.rows += batch.num_rows
        needed = {*_names(self._numbers), *self._levels, *self._incomplete}
        cells = {name: _cells(batch.column(name)) for name in self._columns if name in needed}
        self._count_products(cells)
        self._count_levels(cells)
        if self._incomplete:
            self._patterns.update(np.column_stack([cells[name].missing for name in self._incomplete]))

    def _count_products(self, cells: Mapping[str, _Cells]) -> None:
        if len(self._numbers) < 2:
            return
        present = np.column_stack([cells[column.name].finite for column in self._numbers])
        kinds: list[tuple[Sequence[Grid], ProductSums]] = [
            (self._grids, self._values),
            (self._ranks, self._places),
        ]
        for grids, sums in kinds:
            placed = np.empty(present.shape)
            for position, (column, grid) in enumerate(zip(self._numbers, grids, strict=True)):
                whole = grid.place(cells[column.name].numbers)
                whole[~present[:, position]] = 0.0
                placed[:, position] = whole
                if np.abs(whole).max(initial=0.0) > grid.limit:
                    self.fit_the_profile = False  # and the sums would no longer be exact
                    return
            sums.update(placed, present)

    def _count_levels(self, cells: Mapping[str, _Cells]) -> None:
        codes = {}
        for name, levels in self._levels.items():
            cell = cells[name]
            texts = cell.texts
            found = levels.of_numbers(cell.numbers, cell.finite) if texts is None else levels.of_texts(texts)
            codes[name] = found
        for (first, second), table in self._tables.items():
            both = codes[first] * table.shape[1] + codes[second]
            both = both[(codes[first] >= 0) & (codes[second] >= 0)]
            np.add(table, np.bincount(both, minlength=table.size).reshape(table.shape), out=table)

    def correlations(self) -> Iterator[tuple[str, str, int, float | None, float | None, float]]:
        """Each pair of numbers: first, second, rows, Pearson, Spearman, how far Spearman can be off."""
        if len(self._numbers) < 2:
            return
        pairs = zip(self._values.correlations(), self._places.correlations(), strict=True)
        for (i, j, rows, pearson), (_, _, _, spearman) in pairs:
            error = min(1.0, self._ranks[i].error + self._ranks[j].error)
            yield self._numbers[i].name, self._numbers[j].name, rows, pearson, spearman, error

    def categories(self) -> Iterator[tuple[str, str, int, float | None]]:
        """Each pair of categories: first, second, rows, Cramér's V."""
        for pair in self._pairs:
            table = self._tables[pair]
            yield *pair, int(table.sum()), cramers_v(table)

    def information(self) -> Iterator[tuple[str, int, float | None, float | None, float | None]]:
        """Each column beside the label: its name, rows, bits, share of the label's bits, bits by chance."""
        for column, label in self._told:
            table = self._tables[column, label]
            rows = int(table.sum())
            if not rows:
                yield column, 0, None, None, None
                continue
            bits, whole = mutual_information(table), entropy(table.sum(axis=0))
            yield column, rows, bits, min(1.0, bits / whole) if whole else None, chance_information(table)

    def patterns(self) -> tuple[MissingPattern, ...] | None:
        """The most frequent sets of columns that are missing together; None if there are too many sets."""
        found = self._patterns.top()
        return None if found is None else tuple(found)


class _Cells(NamedTuple):
    """The cells of one column in one batch: numbers are 0 where they are not finite."""

    missing: np.ndarray
    finite: np.ndarray
    numbers: np.ndarray
    texts: pa.Array | None


def _cells(values: pa.Array) -> _Cells:
    missing = np.asarray(values.is_null(nan_is_null=True))
    kind = values.type
    if pa.types.is_string(kind):
        return _Cells(missing, ~missing, np.zeros(0), values)
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        if not pa.types.is_timestamp(kind):
            return _Cells(missing, ~missing, np.zeros(0), None)
        values = values.cast(pa.int64())
    elif pa.types.is_boolean(kind):
        values = values.cast(pa.int8())
    numbers = values.fill_null(0).to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
    finite = ~missing & np.isfinite(numbers)
    return _Cells(missing, finite, np.where(finite, numbers, 0.0), None)


def _is_category(column: ColumnProfile) -> bool:
    return column.is_exact and 2 <= column.distinct <= _MOST_LEVELS.get(column.type, 0)


def _most_varied(columns: Sequence[ColumnProfile], most: int, label: str | None) -> list[ColumnProfile]:
    """At most so many columns, those with the most different values, in their order; the label always."""
    ranked = sorted(columns, key=lambda column: (column.name != label, -column.distinct))
    kept = {column.name for column in ranked[:most]}
    return [column for column in columns if column.name in kept]


def _names(columns: Sequence[ColumnProfile]) -> set[str]:
    return {column.name for column in columns}


def _names_without(columns: Sequence[ColumnProfile], kept: set[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(column.name for column in columns if column.name not in kept))
