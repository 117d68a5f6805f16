"""Schema: what a table must be, column by column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from tilth.errors import ColumnNotFoundError, SchemaError
from tilth.schemas.column import Column
from tilth.schemas.reading import read_schema
from tilth.schemas.wording import column_changes
from tilth.schemas.writing import write_schema

__all__ = ["Schema"]


@dataclass(frozen=True)
class Schema:
    """What a table must be.

    Args:
        columns: what each column must be, in the table's order.
        min_rows: the least number of rows.

    Raises:
        SchemaError: two columns of one name, or a negative number of rows.

    Example:
        >>> schema = Schema((Column("age", "int", low=0), Column("label", "string", not_in=("serving",))))
        >>> schema.names
        ('age', 'label')
        >>> schema.in_environment("serving").names
        ('age',)
        >>> Schema.from_toml(schema.to_toml()) == schema
        True
    """

    columns: tuple[Column, ...]
    min_rows: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", tuple(self.columns))
        names = [column.name for column in self.columns]
        repeated = next((name for name in names if names.count(name) > 1), None)
        if repeated is not None:
            raise SchemaError(f"two columns are called '{repeated}'", where=f"column '{repeated}'")
        if self.min_rows < 0:
            raise SchemaError(f"min_rows is {self.min_rows}", where="key 'min_rows'", expected="0 or more")

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(self._by_name)

    def __getitem__(self, name: str) -> Column:
        if name not in self._by_name:
            raise ColumnNotFoundError(name, self.names, where="the schema")
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def in_environment(self, environment: str | None) -> Schema:
        """The schema without the columns that are absent in an environment; None leaves all.

        Example:
            >>> Schema((Column("y", "int", not_in=("serving",)),)).in_environment("training").names
            ('y',)
        """
        if environment is None:
            return self
        return replace(self, columns=tuple(c for c in self.columns if environment not in c.not_in))

    @classmethod
    def from_toml(cls, text: str, where: str = "schema.toml") -> Schema:
        r"""Read a schema from its text.

        Args:
            text: the content of a schema.toml.
            where: the file's name, for errors.

        Raises:
            SchemaError: not TOML, an unknown key, a value of the wrong type, or a contradiction; it names the
                column and the key.

        Example:
            >>> Schema.from_toml('[columns.age]\ntype = "int"\nmin = 17')["age"].low
            17.0
        """
        columns, min_rows = read_schema(text, where)
        return cls(columns, min_rows)

    def to_toml(self) -> str:
        """The schema's text: short, in a fixed order, read back exactly by `from_toml`.

        Example:
            >>> print(Schema((Column("age", "int", low=17),)).to_toml())
            # What the data must be...
            <BLANKLINE>
            [columns.age]
            type = "int"
            min = 17
        """
        return write_schema(self.columns, self.min_rows)

    def diff(self, other: Schema) -> list[str]:
        """What `other` says differently, one sentence each; empty when the two are equal.

        Example:
            >>> before = Schema((Column("age", "int"),))
            >>> before.diff(Schema((Column("age", "int", low=17), Column("x", "int"))))
            ["column 'age': min was none, is 17", "column 'x' is new (int)"]
        """
        sentences = []
        if self.min_rows != other.min_rows:
            sentences.append(f"min_rows was {self.min_rows}, is {other.min_rows}")
        for column in self.columns:
            if column.name not in other:
                sentences.append(f"column '{column.name}' is gone")
            else:
                sentences += column_changes(column, other[column.name])
        sentences += [f"column '{c.name}' is new ({c.type})" for c in other.columns if c.name not in self]
        return sentences or self._order_changes(other)

    def _order_changes(self, other: Schema) -> list[str]:
        return [] if self.names == other.names else ["the columns come in another order"]

    def merge(self, other: Schema) -> Schema:
        """This schema, with the columns that only `other` knows added at the end.

        What a person curated here stays as it is.

        Example:
            >>> curated = Schema((Column("age", "int", low=17),))
            >>> inferred = Schema((Column("age", "float"), Column("sex", "string")))
            >>> merged = curated.merge(inferred)
            >>> merged["age"].type, merged.names
            ('int', ('age', 'sex'))
        """
        return replace(self, columns=self.columns + tuple(c for c in other.columns if c.name not in self))
