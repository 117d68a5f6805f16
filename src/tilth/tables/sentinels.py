"""Texts that stand for missing values in data that nobody prepared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tilth.tables.csv_files import CSVFile
from tilth.tables.file_sets import CSV_SUFFIXES
from tilth.tables.files import SourceFile
from tilth.tables.opening import find_files, open_table
from tilth.tables.table import Table
from tilth.tables.text_types import TypeGuess

__all__ = ["SENTINELS", "sentinels"]

SENTINELS = (
    *("?", "NA", "N/A", "n/a", "#N/A", "<NA>", "na", "null", "NULL", "Null", "None", "none", "NONE"),
    *("nan", "NaN", "NAN", "-", "--", ".", "missing", "Missing", "unknown", "Unknown"),
)
"""The texts that are looked for."""


def sentinels(data: object) -> dict[str, dict[str, int]]:
    """Which texts stand for missing values, and how many cells of which columns hold them.

    A text counts when it stands in a column whose other values are all numbers, dates or true and false; "?"
    counts anywhere. Nothing is changed: give the texts to `open_table` as `missing`.

    Args:
        data: what `open_table` takes.

    Returns:
        For each text, the number of cells by column, over all columns where it stands.

    Example:
        >>> sentinels({"job": ["cook", "?", "?"], "town": ["none", "Ulm", "Bonn"]})
        {'?': {'job': 2}}
    """
    guesses: dict[str, TypeGuess] = {}
    counts: dict[str, Counter[str]] = {}
    looked_for = pa.array(SENTINELS)
    for name, cells in _text_columns(data):
        found = pc.is_in(cells, value_set=looked_for)
        if pc.any(found).as_py():
            counts.setdefault(name, Counter()).update(cells.filter(found).to_pylist())
        guesses.setdefault(name, TypeGuess()).update(cells.filter(pc.invert(found)))
    chosen = {
        text
        for name, counter in counts.items()
        for text in counter
        if text == "?" or (guesses[name].seen and guesses[name].type != "string")
    }
    return {
        text: {name: counter[text] for name, counter in counts.items() if counter[text]}
        for text in SENTINELS
        if text in chosen
    }


def _text_columns(data: object) -> Iterator[tuple[str, pa.Array]]:
    """The texts of every column of text, a batch at a time; of a CSV file, all its cells."""
    many = isinstance(data, (list, tuple)) and bool(data) and all(isinstance(p, (str, Path)) for p in data)
    for part in data if many else [data]:  # type: ignore[attr-defined]
        found = find_files(str(part)) if isinstance(part, (str, Path)) else None
        files = [item.file for item in found or ()]
        if files and all(file.suffix in CSV_SUFFIXES for file in files):
            for file in files:
                yield from _cells(file)
        else:
            yield from _texts(open_table(part))


def _cells(file: SourceFile) -> Iterator[tuple[str, pa.Array]]:
    source = CSVFile(file)
    for batch in source.cells(source.dialect.names):
        yield from zip(batch.schema.names, batch.columns, strict=True)


def _texts(table: Table) -> Iterator[tuple[str, pa.Array]]:
    texts = [name for name, kind in table.columns.items() if kind == "string"]
    for batch in table.select(texts).batches() if texts else ():
        yield from zip(batch.schema.names, batch.columns, strict=True)
