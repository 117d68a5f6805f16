"""Rows as points of a space of many dimensions: which numbers of them, filled and scaled."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tilth.errors import ColumnNotFoundError, DataError, UsageError, counted
from tilth.features.defaults import default_features
from tilth.features.embedding.blocks import NUMBERS, Block, list_width, read_blocks
from tilth.features.embedding.examples import Examples
from tilth.features.tracing import Features
from tilth.features.transform import Transform
from tilth.profiles import Profile, profile
from tilth.schemas import Column, Schema
from tilth.tables import Table

__all__ = ["Space", "find_space"]

_MOST_NUMBERS = 1 << 28
_NAMED = 12

Values = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Space:
    """Rows as points.

    Args:
        values: (n, d) float32, finite, in the canonical order of the rows.
        names: (d,) what each dimension is, "" where it says nothing to people, such as one of many pixels.
        what: what was taken, in a few words.
        notes: what was left out, filled and scaled, as sentences for people.
    """

    values: Values
    names: tuple[str, ...]
    what: str
    notes: tuple[str, ...]


def find_space(
    table: Table,
    examples: Examples,
    *,
    features: Features | str | None,
    columns: Sequence[str] | None,
    excluded: Mapping[str, str],
    where: str = "features.py",
) -> Space:
    """The rows as numbers.

    Those of `features`, or the `columns` named; else, what the table has first of: images, recordings, lists
    of numbers of one length, the default features. Missing values become the median.

    Args:
        table: the whole table, from which the constants of features come.
        examples: the rows that are laid out.
        features: a function from raw columns to features, or the text of a features.py.
        columns: columns of numbers, lists of numbers of one length, images or recordings.
        excluded: column -> why it may not be among the features.
        where: the path of the text of features, for messages.

    Raises:
        UsageError: both features and columns, a column that holds no numbers, or too many numbers.
        ColumnNotFoundError: a column that is not there.
        FeatureError: a mistake in the features.
        DataError: nothing in which rows differ.
    """
    if features is not None and columns:
        raise UsageError("both features and columns are named", expected="one of them")
    if features is not None:
        return _of_features(table, examples, features, excluded, where)
    found = list(columns or _telling(examples.table, excluded))
    for name in found:
        if name not in table.columns:
            raise ColumnNotFoundError(name, table.columns, where=table.name)
    if found:
        return _of_columns(examples, list(dict.fromkeys(found)))
    return _of_defaults(table, examples, excluded)


def _telling(table: Table, excluded: Collection[str]) -> list[str]:
    """The columns that say most: images, else recordings, else embeddings."""
    free = {name: kind for name, kind in table.columns.items() if name not in excluded}
    for wanted in ("image", "audio"):
        if found := [name for name, kind in free.items() if kind == wanted]:
            return found
    return [name for name in free if (list_width(table, name) or 0) > 1]


def _of_columns(examples: Examples, columns: list[str]) -> Space:
    blocks = read_blocks(examples.table, columns)
    _check_size(len(examples.rows), sum(block.values.shape[1] for block in blocks), examples)
    notes = [_absent(block) for block in blocks if block.absent]
    numbers = [block for block in blocks if block.kind in NUMBERS]
    if len(numbers) > 1 or len(blocks) > len(numbers) > 0:
        notes.append("each number is standardized: its mean taken off, divided by its standard deviation")
    names = [name for block in blocks for name in _names(block)]
    parts = [_scaled(block) if block.kind in NUMBERS else _filled(block.values) for block in blocks]
    values = np.concatenate([part[examples.order] for part in parts], axis=1)
    return _space(values, names, _what(blocks), notes, examples)


def _what(blocks: Sequence[Block]) -> str:
    words = {"image": "pixels of ", "audio": "spectrum of "}
    return _listed([words.get(block.kind, "") + block.column for block in blocks])


def _names(block: Block) -> list[str]:
    width = block.values.shape[1]
    return [block.column] if block.kind in NUMBERS else [""] * width


def _scaled(block: Block) -> Values:
    filled = _filled(block.values)
    largest = float(np.abs(filled).max())
    filled = filled / largest if largest else filled  # squares of very large numbers are no numbers
    spread = filled.std()
    found: Values = ((filled - filled.mean()) / (spread if spread > 1e-12 else 1.0)).astype(np.float32)
    return found


def _absent(block: Block) -> str:
    what = {"image": "image", "audio": "recording"}.get(block.kind, "value")
    return f"{counted(block.absent, what)} of '{block.column}' missing or not readable: the median stands in"


def _of_features(
    table: Table, examples: Examples, features: Features | str, excluded: Mapping[str, str], where: str
) -> Space:
    transform = Transform(features, where=where, forbidden=dict(excluded)).fit(table)
    return _transformed(transform, examples, [])


def _of_defaults(table: Table, examples: Examples, excluded: Mapping[str, str]) -> Space:
    found = profile(table)
    schema = Schema(
        tuple(
            Column(name, column.type, kind=column.kind, required=not column.missing)
            for name, column in found.columns.items()
            if name not in excluded
        )
    )
    text = default_features(schema, "")
    if "x[" not in text.partition("return")[2]:
        raise DataError(
            "no column can be turned into numbers by itself",
            where=table.name,
            expected="numbers, categories, dates, lists of numbers, images or recordings",
            mend="write a features.py for free texts and name it with --features",
        )
    transform = Transform(text, forbidden=dict(excluded)).fit(table, profile=found)
    used = set(transform.graph.inputs)
    known = used | set(excluded)
    left_out = [name for name in table.columns if name not in known and not name.startswith("tilth.")]
    notes = [_filled_numbers(found, used)]
    if left_out:
        notes.append(f"left out, for they are keys, constants or free texts: {_listed(left_out)}")
    return _transformed(transform, examples, [note for note in notes if note])


def _filled_numbers(found: Profile, used: Collection[str]) -> str:
    missing = [
        f"{name} ({column.missing:,})"
        for name, column in found.columns.items()
        if name in used and column.missing and column.type in ("int", "float", "datetime")
    ]
    return f"missing values are the median, here and there of {_listed(missing)}" if missing else ""


def _transformed(transform: Transform, examples: Examples, notes: list[str]) -> Space:
    names = transform.feature_names
    _check_size(len(examples.rows), len(names), examples)
    values = transform.transform(examples.table)[examples.order]
    broken = (~np.isfinite(values)).sum(axis=0)
    holes = [f"{name} ({int(n):,})" for name, n in zip(names, broken, strict=True) if n]
    if holes:
        notes.append(f"features without a value are their median: {_listed(holes)}")
    columns = counted(len(transform.graph.inputs), "column")
    what = f"{counted(len(names), 'feature')} of {columns}"
    return _space(_filled(values), list(names), what, notes, examples)


def _filled(values: npt.NDArray[np.float32 | np.float64]) -> npt.NDArray[np.float32 | np.float64]:
    """With the median of its column where there is no number; 0 in a column without any."""
    holes = ~np.isfinite(values)
    if not holes.any():
        return values
    filled = values.copy()
    for column in np.flatnonzero(holes.any(axis=0)):
        there = values[~holes[:, column], column]
        filled[holes[:, column], column] = np.median(there) if len(there) else 0
    return filled


def _space(
    values: npt.NDArray[np.float32 | np.float64],
    names: list[str],
    what: str,
    notes: list[str],
    examples: Examples,
) -> Space:
    largest = float(np.abs(values).max(initial=0))
    if largest > np.sqrt(np.finfo(np.float32).max) / 1e6:
        values = values / largest
        notes = [*notes, "all numbers are divided by the largest, for their squares are too large"]
    if not (values != values[:1]).any():
        raise DataError(
            "all rows are alike in what is laid out",
            where=examples.table.name,
            expected=f"rows that differ in {what}",
        )
    return Space(values.astype(np.float32), tuple(names), what, tuple(notes))


def _check_size(n: int, d: int, examples: Examples) -> None:
    if n * d > _MOST_NUMBERS:
        raise UsageError(
            f"{n:,} rows of {d:,} numbers are too many to lay out",
            where=examples.table.name,
            expected=f"at most {_MOST_NUMBERS // d:,} rows of them",
            mend=f"--points {_MOST_NUMBERS // d}",
        )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
