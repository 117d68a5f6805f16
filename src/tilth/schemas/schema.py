"""Schema: what a table must be, column by column and as a whole."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from tilth.errors import ColumnNotFoundError, SchemaError
from tilth.schemas.column import Column
from tilth.schemas.reading import read_schema
from tilth.schemas.rule import Rule
from tilth.schemas.severities import TABLE_KINDS, AnomalyKind, Severities, Severity, severities, severity_of
from tilth.schemas.wording import column_changes, rule_changes, table_changes
from tilth.schemas.writing import ROW_BOUNDS, write_schema

__all__ = ["Schema"]


@dataclass(frozen=True)
class Schema:
    """What a table must be.

    Args:
        columns: what each column must be, in the table's order.
        min_rows: the least number of rows.
        max_rows: the greatest number of rows, or None.
        min_rows_ratio: the least number of rows over that of the previous data set, or None.
        max_rows_ratio: the greatest such ratio, or None.
        rules: what must hold between the columns of a row.
        severities: the severity of "new_column" (usually a warning), "too_few_rows", "too_many_rows" and
            "size_changed" (usually errors), as pairs or a mapping.

    Raises:
        SchemaError: two columns or rules of one name, or bounds that contradict each other.

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
    max_rows: int | None = None
    min_rows_ratio: float | None = None
    max_rows_ratio: float | None = None
    rules: tuple[Rule, ...] = ()
    severities: Severities = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", tuple(self.columns))
        object.__setattr__(self, "rules", tuple(self.rules))
        own = severities(self.severities, TABLE_KINDS, "key 'severity'")
        object.__setattr__(self, "severities", own)
        repeated = _repeated([column.name for column in self.columns])
        if repeated is not None:
            raise SchemaError(f"two columns are called '{repeated}'", where=f"column '{repeated}'")
        repeated = _repeated([rule.title for rule in self.rules])
        if repeated is not None:
            raise SchemaError(
                f"two rules are called '{repeated}'", where=f"rule '{repeated}'", mend="give one a name"
            )
        self._check_rows()

    def _check_rows(self) -> None:
        for key, bound in self.bounds.items():
            if bound is not None and not 0 <= bound < math.inf:
                raise SchemaError(f"{key} is {bound}", where=f"key '{key}'", expected="0 or more")
            if bound is not None and key.endswith("ratio"):
                object.__setattr__(self, key, float(bound))
        for least, most in (("min_rows", "max_rows"), ("min_rows_ratio", "max_rows_ratio")):
            low, high = getattr(self, least), getattr(self, most)
            if low is not None and high is not None and low > high:
                raise SchemaError(f"{least} {low} is above {most} {high}", where=f"key '{least}'")

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    @property
    def bounds(self) -> dict[str, int | float | None]:
        """The bounds on the number of rows by key; None for none.

        Example:
            >>> Schema((), min_rows=10).bounds["min_rows"]
            10
        """
        return {key: getattr(self, key) for key in ROW_BOUNDS}

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
        fields = read_schema(text, where)
        try:
            return cls(**fields)
        except SchemaError as error:
            error.where = f"{where}, {error.where}"
            raise

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
        return write_schema(self.columns, self.bounds, self.severities, self.rules)

    def diff(self, other: Schema) -> list[str]:
        """What `other` says differently, one sentence each; empty when the two are equal.

        Example:
            >>> before = Schema((Column("age", "int"),))
            >>> before.diff(Schema((Column("age", "int", low=17), Column("x", "int"))))
            ["column 'age': min was none, is 17", "column 'x' is new (int)"]
        """
        sentences = table_changes(self.bounds, other.bounds, self.severities, other.severities)
        for column in self.columns:
            if column.name not in other:
                sentences.append(f"column '{column.name}' is gone")
            else:
                sentences += column_changes(column, other[column.name])
        sentences += [f"column '{c.name}' is new ({c.type})" for c in other.columns if c.name not in self]
        sentences += rule_changes(self.rules, other.rules)
        return sentences or self._order_changes(other)

    def _order_changes(self, other: Schema) -> list[str]:
        changes = [] if self.names == other.names else ["the columns come in another order"]
        return changes if self.rules == other.rules else [*changes, "the rules come in another order"]

    def severity_for(self, kind: AnomalyKind) -> Severity:
        """How severe a breach is that concerns the table as a whole.

        Example:
            >>> Schema((), severities=(("new_column", "error"),)).severity_for("new_column")
            'error'
        """
        return severity_of(kind, self.severities, "warning" if kind == "new_column" else "error")

    def merge(self, other: Schema) -> Schema:
        """This schema, with the columns and rules that only `other` knows added at the end.

        What a person curated here stays as it is.

        Example:
            >>> curated = Schema((Column("age", "int", low=17),))
            >>> inferred = Schema((Column("age", "float"), Column("sex", "string")))
            >>> merged = curated.merge(inferred)
            >>> merged["age"].type, merged.names
            ('int', ('age', 'sex'))
        """
        titles = {rule.title for rule in self.rules}
        return replace(
            self,
            columns=self.columns + tuple(c for c in other.columns if c.name not in self),
            rules=self.rules + tuple(rule for rule in other.rules if rule.title not in titles),
        )


def _repeated(names: list[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
