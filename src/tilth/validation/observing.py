"""One pass over data: its profile, the texts that do not fit the schema, the rows that break its rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from tilth.profiles import Profile, profile
from tilth.profiles.slices import slice_columns
from tilth.tables import Table, open_table, with_media_statistics
from tilth.types import SCALAR_TYPES, ColumnType
from tilth.validation.misfits import Misfits
from tilth.validation.repeats import count_repeats
from tilth.validation.rules import BoundRule, RuleCount, RuleTally, bind_rules

if TYPE_CHECKING:
    from tilth.schemas import Schema

__all__ = ["Observation", "Watch", "declared_types", "observe", "opened"]


@dataclass(frozen=True)
class Observation:
    """What a schema's judgement is made from.

    Args:
        profile: the data's profile; cells that could not be read as the schema's type are missing in it.
        misfits: the texts that do not fit, by column; empty where only a profile was given.
        rules: how often each rule is broken, in all rows and in each slice; empty where only a profile was
            given.
        repeats: how many values came before, of columns that must be unique and have more values than their
            profile keeps.
    """

    profile: Profile
    misfits: Mapping[str, Misfits]
    rules: Sequence[RuleCount]
    repeats: Mapping[str, int] = field(default_factory=dict)


def observe(
    data: object, schema: Schema, *, missing: Sequence[str] = (), slices: Sequence[str | Sequence[str]] = ()
) -> Observation:
    """Look at data once, from its first row to its last.

    A column that must be unique and has more different values than a profile keeps is read once more.

    Args:
        data: whatever `open_table` reads, or a Profile.
        schema: whose types and rules to look for.
        missing: texts that stand for a missing value.
        slices: columns to look at apart, as `profile` takes them.

    Raises:
        DataError: the data cannot be read.
        SchemaError: a rule that makes no sense.
    """
    if isinstance(data, Profile):
        bind_rules(schema, {name: column.type for name, column in data.columns.items()})
        return Observation(data, {}, ())
    table, is_untyped = opened(data, schema, missing)
    return Watch(table, schema, is_untyped=is_untyped, slices=slice_columns(slices)).observe()


def declared_types(table: Table, schema: Schema) -> dict[str, ColumnType]:
    """Columns to open again as texts: a text file carries no types, and codes of digits alone are texts.

    Args:
        table: a text file, opened with the types that were found in it.
        schema: what its columns are.

    Example:
        >>> from tilth.schemas import Column, Schema
        >>> declared_types(open_table({"zip": [8001, 4051]}), Schema((Column("zip", "string"),)))
        {'zip': 'string'}
    """
    kinds = table.columns
    return {
        column.name: "string"
        for column in schema
        if column.type == "string" and kinds.get(column.name, "string") != "string"
    }


def opened(data: object, schema: Schema, missing: Sequence[str]) -> tuple[Table, bool]:
    """The table, and whether it is of text files, which carry no types."""
    table = open_table(data, missing=missing)
    types = declared_types(table, schema) if table.is_untyped and data is not table else {}
    table = open_table(data, missing=missing, types=types) if types else table
    return with_media_statistics(table), table.is_untyped


class Watch:
    """A table that is watched while it is read: texts become values of the schema's types, rules are counted.

    Args:
        table: the data.
        schema: the types that its columns should have, and the rules.
        is_untyped: whether the data come from text files, which carry no types.
        slices: the groups of columns in whose slices rules are counted too.

    Raises:
        SchemaError: a rule that makes no sense; no row has been read then.

    Example:
        >>> from tilth.schemas import Column, Rule, Schema
        >>> schema = Schema((Column("a", "int"), Column("b", "int")), rules=(Rule("b >= a"),))
        >>> watch = Watch(open_table({"a": ["1", "2", "?"], "b": [1, 1, 1]}), schema)
        >>> watch.table.to_arrow()["a"].to_pylist()
        [1, 2, None]
        >>> watch.misfits["a"].unreadable.top(), watch.counts[0].broken
        (('?',), 1)
    """

    def __init__(
        self,
        table: Table,
        schema: Schema,
        *,
        is_untyped: bool = False,
        slices: Sequence[Sequence[str]] = (),
    ) -> None:
        self._source = table
        self._schema = schema
        self._is_untyped = is_untyped
        self._slices = slices
        fitting = {
            column.name: column.type
            for column in schema
            if table.columns.get(column.name) == "string"
            and column.type != "string"
            and column.type in SCALAR_TYPES
        }
        self._fitting = frozenset(fitting)
        self._columns: dict[str, ColumnType] = {**table.columns, **fitting}
        self.rules: list[BoundRule] = bind_rules(schema, self._columns)
        self.misfits: dict[str, Misfits] = self._fresh_misfits()
        self.counts: list[RuleCount] = RuleTally(self.rules).counts
        self._is_read = False

    def observe(self) -> Observation:
        """Read the table once, and say what was seen."""
        made = profile(self.table, slices=self._slices)
        if not self._is_read:  # the profile took the columns in portions
            for _ in self.table.batches():
                pass
        misfits, counts = self.misfits, self.counts
        return Observation(made, misfits, counts, self._repeats(made))

    def _repeats(self, made: Profile) -> dict[str, int]:
        """Of columns that must be unique, where the profile cannot tell: read again, exactly."""
        found = {c.name: made[c.name] for c in self._schema if c.unique and c.name in made.columns}
        return {
            name: count_repeats(self.table, name, made.rows)
            for name, column in found.items()
            if not column.is_distinct_exact
        }

    @property
    def table(self) -> Table:
        """The table to read; a reading of all columns to the end sets `misfits` and `counts`."""
        source = self._source
        return Table(
            source.name,
            self._columns,
            self._read,
            rows=source._rows,
            notes=source.notes,
            empty=source.empty - self._fitting,
        )

    def fit(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Rows of the source in the types of `table`, without counting."""
        misfits = self._fresh_misfits()
        return self._fitted(batch, batch.schema.names, misfits)

    def _fresh_misfits(self) -> dict[str, Misfits]:
        return {
            column.name: Misfits(column, "string" if column.name in self._fitting else None, self._is_untyped)
            for column in self._schema
            if column.name in self._fitting
            or (column.pattern is not None and self._columns.get(column.name) == column.type)
        }

    def _read(self, names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        misfits, tally = self._fresh_misfits(), RuleTally(self.rules, self._slices)
        is_whole = set(names) == set(self._columns)
        for batch in self._source.select(names).batches(size):
            fitted = self._fitted(batch, names, misfits)
            if is_whole and self.rules:
                tally.update(fitted)
            yield fitted
        if is_whole:
            self.misfits, self.counts, self._is_read = misfits, tally.counts, True

    @staticmethod
    def _fitted(
        batch: pa.RecordBatch, names: Sequence[str], misfits: Mapping[str, Misfits]
    ) -> pa.RecordBatch:
        arrays = [
            misfits[name].take(batch.column(name)) if name in misfits else batch.column(name)
            for name in names
        ]
        return pa.RecordBatch.from_arrays(arrays, list(names))
