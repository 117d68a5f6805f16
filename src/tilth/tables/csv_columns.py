"""What is known of a CSV file's columns while it is read: their types so far, and how to parse them next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from tilth.tables.arrow_types import ARROW_TYPES
from tilth.tables.csv_cells import text_cells
from tilth.tables.csv_chunks import Chunk
from tilth.tables.csv_dialect import Dialect
from tilth.tables.csv_typed import DIRECT_TYPES, DirectCells, Plan, misfits
from tilth.tables.text_types import TypeGuess, convert_cells
from tilth.types import ColumnType

__all__ = ["Columns"]


@dataclass
class _Column:
    forced: ColumnType | None
    guess: TypeGuess = field(default_factory=TypeGuess)
    as_text: bool = False  # some cells of it become values only by way of text, such as times with zones

    @property
    def type(self) -> ColumnType:
        return self.forced or self.guess.type

    @property
    def is_direct(self) -> bool:
        known = self.forced is not None or self.guess.seen
        return known and not self.as_text and self.type in DIRECT_TYPES


class Columns:
    """The columns of one CSV file.

    A chunk is parsed by the types found so far. Where it disproves one, it is read as text, the type is found
    anew, and the values parsed before are no good any more: then `is_sound` is False.

    Args:
        dialect: how the file is written.
        missing: the texts that mean missing, the empty one included.
        forced: the types of columns that shall not be found out.
    """

    def __init__(self, dialect: Dialect, missing: Sequence[str], forced: Mapping[str, ColumnType]) -> None:
        self._dialect = dialect
        self._missing = tuple(missing)
        self._absent = pa.array(self._missing, pa.string())
        self._columns = {name: _Column(forced.get(name)) for name in dialect.names}
        self.is_sound = True
        self.has_misfits = False
        self.plan = self.plan_for(dialect.names)

    @property
    def types(self) -> dict[str, ColumnType]:
        """The types so far."""
        return {name: column.type for name, column in self._columns.items()}

    @property
    def empty(self) -> frozenset[str]:
        """The columns without any value, unless their type was given."""
        return frozenset(name for name, c in self._columns.items() if not c.guess.seen and not c.forced)

    def begin(self) -> None:
        """Read the file (again) from its beginning, with what is known."""
        self.is_sound = True
        self.has_misfits = False

    def plan_for(self, names: Sequence[str]) -> Plan:
        """How to parse some of the columns, by what is known now."""
        direct = {name: self._columns[name].type for name in names if self._columns[name].is_direct}
        coded = frozenset(
            name
            for name, kind in direct.items()
            if kind in ("int", "float") and self._columns[name].forced is None
        )
        texts = [name for name in names if name not in direct]
        return Plan(self._dialect, self._missing, direct, texts, coded)

    def take(self, chunk: Chunk, direct: DirectCells | None) -> tuple[pa.RecordBatch, int]:
        """The values of a chunk, and how many malformed rows it has.

        Args:
            chunk: the next one of the file.
            direct: what `parse_directly` made of it by the present plan.
        """
        names, before = self._dialect.names, self.plan
        if direct is None:
            read = text_cells(chunk, self._dialect, names, self._absent)
            cells = dict(zip(names, read.batch.columns, strict=True))
            malformed, texts = read.malformed, frozenset(names)
        else:
            cells, malformed, texts = direct.columns, direct.malformed, frozenset(before.texts)
        arrays = [
            self._from_text(name, cells[name]) if name in texts else self._as_is(name, cells[name])
            for name in names
        ]
        if direct is None:
            self._avoid(chunk, before)
        after = self.plan_for(names)
        if after != before:
            self.plan = after
        return pa.RecordBatch.from_arrays(arrays, list(names)), malformed

    def _as_is(self, name: str, array: pa.Array) -> pa.Array:
        guess = self._columns[name].guess
        guess.seen = guess.seen or array.null_count < len(array)
        return array

    def _from_text(self, name: str, cells: pa.Array) -> pa.Array:
        column = self._columns[name]
        before, had_values = column.type, column.guess.seen
        if column.forced is None:
            column.guess.update(cells)
            if had_values and column.type != before:
                self.is_sound = False
        else:
            self._as_is(name, cells)
        try:
            return convert_cells(cells, column.type)
        except pa.ArrowInvalid:
            # Of a type that was asked for; who reads the column is told.
            self.is_sound, self.has_misfits = False, True
            return pa.nulls(len(cells), ARROW_TYPES[column.type])

    def _avoid(self, chunk: Chunk, plan: Plan) -> None:
        """Parse columns as text from now on that have the right type and cells that only text explains."""
        for name in misfits(chunk, plan):
            column = self._columns[name]
            if column.type == plan.direct[name]:
                column.as_text = True

    def notes(self, rows: int) -> list[str]:
        """What was assumed of them, as sentences for people."""
        notes = []
        for name, column in self._columns.items():
            if rows and not column.guess.seen:
                notes.append(f"column '{name}' has no values")
            elif column.forced is None and column.guess.is_overlong:
                notes.append(f"column '{name}' holds whole numbers of more than 64 bits and is kept as text")
        for name, example in self._dialect.decimal_commas:
            if not self._columns[name].forced and self._columns[name].type == "string":
                notes.append(
                    f"column '{name}' seems to hold numbers with a decimal comma (such as {example}) "
                    "and is kept as text"
                )
        return notes
