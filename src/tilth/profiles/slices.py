"""Profiles of slices: of the rows that share the values of some columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tilth.errors import ColumnNotFoundError, UsageError
from tilth.profiles.rows_builder import RowsBuilder, one_by_one
from tilth.tables.slicing import MOST_SLICES, groups
from tilth.tables.table import plain_texts

if TYPE_CHECKING:
    from tilth.profiles.column import ColumnProfile
    from tilth.profiles.rows_builder import Run
    from tilth.types import ColumnType

__all__ = ["SliceBuilder", "SliceParts", "check_slices", "slice_columns"]

_ROWS_AT_ONCE = 1 << 17
_CELLS_AT_ONCE = 1 << 23

Values = tuple[tuple[str, str], ...]
"""The columns that make a slice, and the value of each."""


@dataclass(frozen=True)
class SliceParts:
    """What was found in one slice.

    Args:
        values: the value of each column that makes the slice.
        rows: how many rows.
        columns: the profiles of its columns.
    """

    values: Mapping[str, str]
    rows: int
    columns: Mapping[str, ColumnProfile]


def slice_columns(slices: Sequence[str | Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """The groups of columns in what a user asks for: names, several with commas between them or in a list.

    Example:
        >>> slice_columns(["sex", "sex,race", ["age"]])
        (('sex',), ('sex', 'race'), ('age',))
    """
    return tuple(
        tuple(part.strip() for part in names.split(",")) if isinstance(names, str) else tuple(names)
        for names in slices
    )


def check_slices(columns: Sequence[str], count: int) -> None:
    """Refuse more slices than anybody can look at.

    Raises:
        UsageError: more than 1,000.
    """
    if count > MOST_SLICES:
        raise UsageError(
            f"{' x '.join(columns)} makes more than {MOST_SLICES:,} slices",
            expected=f"columns with at most {MOST_SLICES:,} combinations of values",
            mend="slice by a column with fewer values, such as a bucket of this one",
        )


class SliceBuilder:
    """Takes in batches, and divides their rows among slices.

    Args:
        types: the columns and what they hold.
        slices: the groups of columns whose values make slices.
        weight: the column that says how much each row counts.

    Raises:
        ColumnNotFoundError: a column that does not exist.
        UsageError: a column of lists, images or recordings.
    """

    def __init__(
        self, types: Mapping[str, ColumnType], slices: Sequence[Sequence[str]], weight: str | None = None
    ) -> None:
        for name in (name for names in slices for name in names):
            if name not in types:
                raise ColumnNotFoundError(name, types)
            if types[name].startswith("list[") or types[name] in ("image", "audio"):
                raise UsageError(f"column '{name}' of type {types[name]} makes no slices")
        self._types = types
        self._slices = [tuple(names) for names in slices]
        self._weight = weight
        self._found: dict[Values, RowsBuilder] = {}
        self._waiting: list[tuple[pa.RecordBatch, np.ndarray | None]] = []
        self._rows = 0

    def add(self, batch: pa.RecordBatch, counts: np.ndarray | None, run: Run = one_by_one) -> None:
        """Take in a batch, and the weights of its rows."""
        self._waiting.append((batch, counts))
        self._rows += batch.num_rows
        if self._rows >= min(_ROWS_AT_ONCE, _CELLS_AT_ONCE // max(1, len(self._types))):
            self.finish(run)

    def finish(self, run: Run = one_by_one) -> None:
        """Divide the rows that wait."""
        if not self._waiting:
            return
        rows = pa.concat_batches([plain_texts(batch) for batch, _ in self._waiting])
        weights = [counts for _, counts in self._waiting if counts is not None]
        counts = np.concatenate(weights) if weights else None
        self._waiting, self._rows = [], 0

        def update(part: tuple[RowsBuilder, np.ndarray]) -> None:
            builder, places = part
            builder.update(rows.take(pa.array(places)), None if counts is None else counts[places])

        for names in self._slices:
            parts = list(self._parts(rows, names))
            check_slices(names, sum(tuple(name for name, _ in key) == names for key in self._found))
            for _ in run(update, parts):
                pass

    def _parts(self, rows: pa.RecordBatch, names: Sequence[str]) -> Iterator[tuple[RowsBuilder, np.ndarray]]:
        for values, places in groups({name: rows.column(name) for name in names}, names):
            key = tuple(zip(names, values, strict=True))
            if key not in self._found:
                self._found[key] = RowsBuilder(self._types, self._weight)
            yield self._found[key], places

    def result(self) -> list[SliceParts]:
        """All slices, by the order of their groups of columns and then by value."""
        order = {names: place for place, names in enumerate(self._slices)}
        found = sorted(self._found, key=lambda key: (order[tuple(name for name, _ in key)], key))
        return [SliceParts(dict(key), self._found[key].rows, self._found[key].result()) for key in found]
