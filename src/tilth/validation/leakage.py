"""Leakage: what train, dev and test have in common though they should not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import ColumnNotFoundError, UsageError, counted
from tilth.tables import NEAR_DUPLICATE_DISTANCE, NO_HASH, Table, image_hashes, open_table
from tilth.tables.row_hashes import row_hashes, rows_repeat
from tilth.validation.near_pairs import near_pairs
from tilth.validation.validate import OWN_PREFIX
from tilth.validation.words import shortened

if TYPE_CHECKING:
    from tilth.types import JSONObject

__all__ = ["Leakage", "Overlap", "OverlapKind", "leakage"]

OverlapKind: TypeAlias = Literal["row", "key", "copy", "near_copy"]
"""Equal rows, equal keys, images or recordings of equal bytes, images that look alike."""

_EXAMPLES = 5
_FARTHEST = 31
_CANDIDATES = 100
_MEDIA = ("image", "audio")
_WORDS: dict[OverlapKind, str] = {
    "row": "equal rows",
    "key": "values of '{}'",
    "copy": "equal files in '{}'",
    "near_copy": "images that look alike in '{}'",
}

Hashes: TypeAlias = "npt.NDArray[np.uint64]"


@dataclass(frozen=True)
class Overlap:
    """What two parts have in common.

    Args:
        kind: "row", "key", "copy" (of an image or a recording) or "near_copy" (images that look alike).
        column: which key or media column; None for rows.
        parts: the names of the two parts.
        values: how many different rows, keys or files are in both; of near copies those of the second part.
        rows: how many rows of each part that concerns.
        examples: some of them as pairs of row numbers, from 1: of the first part, of the second.
        keys: for keys, their values in these examples.
        by_nature: within the largest part alone more than a fifth of the rows are copies of others: a table
            of few categories, in which equal rows are no leak.

    Example:
        >>> Overlap("key", "patient", ("train", "test"), 1, (2, 1), ((4, 7),), ("p3",)).is_leak
        True
    """

    kind: OverlapKind
    column: str | None
    parts: tuple[str, str]
    values: int
    rows: tuple[int, int]
    examples: tuple[tuple[int, int], ...] = ()
    keys: tuple[str, ...] = ()
    by_nature: bool = False

    @property
    def is_leak(self) -> bool:
        """Whether the parts share what they should not."""
        return self.values > 0 and not self.by_nature

    def to_json(self) -> JSONObject:
        """The overlap as JSON values."""
        return {
            "kind": self.kind,
            "column": self.column,
            "parts": list(self.parts),
            "values": self.values,
            "rows": list(self.rows),
            "examples": [list(pair) for pair in self.examples],
            "keys": list(self.keys),
            "by_nature": self.by_nature,
        }

    def __str__(self) -> str:
        what = _WORDS[self.kind].format(self.column)
        first, second = self.parts
        rows = [f"{count:,} row{'s' if count != 1 else ''}" for count in self.rows]
        words = f"{self.values:,} {what} in {first} ({rows[0]}) and {second} ({rows[1]})"
        if self.by_nature:
            return f"{words}: the table has few different rows, so this is no leak"
        shown = [f"row {a} and row {b}" for a, b in self.examples[:3]]
        if self.keys:
            shown = [f"{shortened(key)} ({where})" for key, where in zip(self.keys, shown, strict=False)]
        return f"{words}: {', '.join(shown)}" if shown else words


@dataclass(frozen=True)
class Leakage:
    """What the parts of a data set have in common.

    Args:
        rows: how many rows each part has.
        overlaps: everything that was looked for in each pair of parts, found or not.

    Example:
        >>> found = leakage({"train": {"x": [1, 2, 3]}, "test": {"x": [3, 4, 5]}})
        >>> found.total, found.overlaps[0].examples
        (1, ((3, 1),))
    """

    rows: Mapping[str, int]
    overlaps: tuple[Overlap, ...]

    @property
    def total(self) -> int:
        """How many rows, keys and files are in more than one part, all together."""
        return sum(overlap.values for overlap in self.overlaps if overlap.is_leak)

    def to_json(self) -> JSONObject:
        """What was found as JSON values."""
        return {
            "rows": dict(self.rows),
            "total": self.total,
            "overlaps": [overlap.to_json() for overlap in self.overlaps],
        }

    def report(self) -> str:
        """What was found in plain text, for people."""
        sizes = ", ".join(f"{name} {counted(rows, 'row')}" for name, rows in self.rows.items())
        found = [overlap for overlap in self.overlaps if overlap.values]
        lines = [f"{'!' if overlap.is_leak else ' '} {overlap}" for overlap in found]
        looked = dict.fromkeys(_WORDS[overlap.kind].format(overlap.column) for overlap in self.overlaps)
        verdict = (
            f"{self.total:,} leak{'s' if self.total > 1 else ''}"
            if self.total
            else f"no leak: looked for {', '.join(looked)}"
        )
        return "\n".join([f"{sizes}: {verdict}", *lines])


def leakage(
    parts: Mapping[str, object], keys: Sequence[str] = (), *, distance: int = NEAR_DUPLICATE_DISTANCE
) -> Leakage:
    """Look for rows, keys, images and recordings that are in more than one part of a data set.

    What a model has seen in training it need not have understood to be right about in the test. Rows are
    equal when all columns that the parts share are; images and recordings are copies when their bytes are
    equal; images that are no copies look alike when their perceptual hashes differ in at most `distance` of
    64 bits. Everything is compared by 64-bit hashes: 8 bytes of memory a row.

    Args:
        parts: the tables by name, such as train, dev and test; paths, data frames or tables.
        keys: columns of which no value may be in two parts, such as a patient; missing ones do not count.
        distance: how many bits may differ; see `tilth.tables.image_hashes` for what that finds.

    Raises:
        UsageError: fewer than two parts, no column that all share, or a distance out of range.
        ColumnNotFoundError: a key that a part does not have.
        DataError: data that cannot be read.

    Example:
        >>> patients = {"train": {"p": ["a", "b"], "x": [1, 2]}, "test": {"p": ["b"], "x": [3]}}
        >>> print(leakage(patients, ["p"]).report())
        train 2 rows, test 1 row: 1 leak
        ! 1 values of 'p' in train (1 row) and test (1 row): 'b' (row 2 and row 1)
    """
    if len(parts) < 2 or not 0 <= distance <= _FARTHEST:
        raise UsageError(
            f"{len(parts)} parts and a distance of {distance}",
            expected=f"two parts or more, and a distance of 0 to {_FARTHEST}",
        )
    tables = {name: open_table(table) for name, table in parts.items()}
    shared = _shared_columns(tables, keys)
    found = [*_of_rows(tables, shared)]
    for key in keys:
        found += _of_keys(tables, key)
    for name in shared:
        if all(table.columns[name] in _MEDIA for table in tables.values()):
            found += _of_media(tables, name, distance)
    return Leakage({name: table.rows for name, table in tables.items()}, tuple(found))


def _shared_columns(tables: Mapping[str, Table], keys: Sequence[str]) -> list[str]:
    for table in tables.values():
        for key in keys:
            if key not in table.columns:
                raise ColumnNotFoundError(key, table.columns, where=table.name)
    first, *others = tables.values()
    shared = [name for name in first.columns if all(name in table.columns for table in others)]
    shared = [name for name in shared if not name.startswith(OWN_PREFIX)]
    if not shared:
        raise UsageError("the parts have no column in common", where=", ".join(tables))
    return shared


def _of_rows(tables: Mapping[str, Table], shared: Sequence[str]) -> Iterator[Overlap]:
    hashes = {name: _hashes(table, shared) for name, table in tables.items()}
    largest = max(hashes.values(), key=len)
    by_nature = bool(len(largest)) and rows_repeat(largest)
    for first, second in combinations(tables, 2):
        common = _Common(hashes[first], hashes[second])
        yield Overlap("row", None, (first, second), *common.counts, common.examples, (), by_nature)


def _of_keys(tables: Mapping[str, Table], key: str) -> Iterator[Overlap]:
    columns = {name: table.select([key]) for name, table in tables.items()}
    hashes = {name: _hashes(column, [key]) for name, column in columns.items()}
    there = {name: _present(column) for name, column in columns.items()}
    for first, second in combinations(tables, 2):
        common = _Common(hashes[first], hashes[second], there[first], there[second])
        shown = tuple(_value(columns[first], row) for row, _ in common.examples)
        yield Overlap("key", key, (first, second), *common.counts, common.examples, shown)


def _of_media(tables: Mapping[str, Table], name: str, distance: int) -> Iterator[Overlap]:
    columns = {part: table.select([name]) for part, table in tables.items()}
    hashes = {part: _hashes(column, [name]) for part, column in columns.items()}
    there = {part: _present(column) for part, column in columns.items()}
    are_images = all(table.columns[name] == "image" for table in tables.values())
    looks = {part: image_hashes(table, name) for part, table in columns.items()} if are_images else {}
    for first, second in combinations(tables, 2):
        common = _Common(hashes[first], hashes[second], there[first], there[second])
        yield Overlap("copy", name, (first, second), *common.counts, common.examples)
        if not looks:
            continue
        apart = [~np.isin(hashes[part], common.words) & (looks[part] != NO_HASH) for part in (first, second)]
        near = _Near((looks[first], looks[second]), (apart[0], apart[1]), distance)
        contents = len(np.unique(hashes[second][near.flags[1]]))
        rows = int(near.flags[0].sum()), int(near.flags[1].sum())
        yield Overlap("near_copy", name, (first, second), contents, rows, near.examples)


def _hashes(table: Table, columns: Sequence[str]) -> Hashes:
    ordered = sorted(columns)
    batches = [row_hashes(batch, columns=ordered) for batch in table.select(ordered).batches()]
    return np.concatenate(batches) if batches else np.empty(0, np.uint64)


def _present(column: Table) -> npt.NDArray[np.bool_]:
    found = [
        ~pc.is_null(batch.column(0), nan_is_null=pa.types.is_floating(batch.column(0).type)).to_numpy(
            zero_copy_only=False
        )
        for batch in column.batches()
    ]
    return np.concatenate(found) if found else np.empty(0, np.bool_)


def _value(column: Table, row: int) -> str:
    place = np.zeros(column.rows, np.bool_)
    place[row - 1] = True
    value = column.filter(place).to_arrow().column(0)[0].as_py()
    return value if isinstance(value, str) else str(value)


class _Common:
    """The words that two sides have in common."""

    def __init__(
        self,
        first: Hashes,
        second: Hashes,
        first_there: npt.NDArray[np.bool_] | None = None,
        second_there: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        sides = first, second
        used = [
            np.arange(len(side)) if there is None else np.flatnonzero(there)
            for side, there in zip(sides, (first_there, second_there), strict=True)
        ]
        words = [np.unique(side[rows]) for side, rows in zip(sides, used, strict=True)]
        self.words: Hashes = np.intersect1d(words[0], words[1], assume_unique=True)
        hits = [rows[np.isin(side[rows], self.words)] for side, rows in zip(sides, used, strict=True)]
        self.counts = len(self.words), (len(hits[0]), len(hits[1]))
        shown = self.words[:_EXAMPLES]
        pairs = [
            tuple(int(rows[side[rows] == word][0]) + 1 for side, rows in zip(sides, hits, strict=True))
            for word in shown
        ]
        self.examples = tuple(sorted((first, second) for first, second in pairs))


class _Near:
    """The rows of two sides whose hashes are near each other."""

    def __init__(
        self,
        looks: tuple[Hashes, Hashes],
        used: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]],
        bits: int,
    ) -> None:
        words = [np.unique(side[rows]) for side, rows in zip(looks, used, strict=True)]
        hit = [np.zeros(len(side), np.bool_) for side in words]
        pairs: list[tuple[int, int]] = []
        for i, j in near_pairs(words[0], words[1], bits):
            hit[0][i] = hit[1][j] = True
            pairs = sorted({*pairs, *zip(i[:_CANDIDATES].tolist(), j[:_CANDIDATES].tolist(), strict=True)})[
                :_EXAMPLES
            ]
        self.flags = tuple(
            rows & np.isin(side, word[flags])
            for side, rows, word, flags in zip(looks, used, words, hit, strict=True)
        )
        self.examples = tuple(
            sorted((self._row(looks, 0, words[0][i]), self._row(looks, 1, words[1][j])) for i, j in pairs)
        )

    def _row(self, looks: tuple[Hashes, Hashes], side: int, word: np.uint64) -> int:
        return int(np.flatnonzero(self.flags[side] & (looks[side] == word))[0]) + 1
