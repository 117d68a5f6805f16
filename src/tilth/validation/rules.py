"""Rules across columns: made ready for the types of a table, then counted batch by batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tilth.errors import SchemaError
from tilth.tables import AUDIO_STATISTICS, IMAGE_STATISTICS
from tilth.tables.slicing import groups
from tilth.types import SCALAR_TYPES
from tilth.validation.rule_text import quoted_rule, rule_columns, with_moments
from tilth.validation.rule_types import mixed_kinds
from tilth.validation.words import shortened

if TYPE_CHECKING:
    import polars as pl

    from tilth.schemas import Rule, Schema
    from tilth.types import ColumnType

__all__ = ["BoundRule", "RuleCount", "RuleTally", "bind_rules", "row_text", "rule_name", "unjudged"]

_SAMPLES: dict[str, Any] = {"int": 1, "float": 1.0, "string": "1", "bool": True}
_STATISTICS = {"image": IMAGE_STATISTICS, "audio": AUDIO_STATISTICS}


@dataclass(frozen=True)
class BoundRule:
    """A rule ready to be evaluated on the rows of a table.

    Args:
        rule: the rule.
        columns: the columns that it speaks of, in their order of appearance.
        expression: the rule in Polars.
    """

    rule: Rule
    columns: tuple[str, ...]
    expression: pl.Expr

    def broken(self, batch: pa.RecordBatch) -> np.ndarray:
        """Where the rule is broken: shape (n,) of bool for a batch of n rows.

        Raises:
            SchemaError: the rule cannot be computed from these values.
        """
        import polars as pl

        frame: Any = pl.from_arrow(batch.select(list(self.columns)))
        floats = [name for name in self.columns if pa.types.is_floating(batch.schema.field(name).type)]
        # NaN is a missing value in Tilth; Polars would call it greater than all numbers.
        known = frame.lazy().with_columns(pl.col(floats).fill_nan(None)) if floats else frame.lazy()
        try:
            held = known.select(self.expression.alias("held")).collect()["held"]
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise SchemaError(
                f"the rule cannot be computed: {_first_line(error)}",
                where=rule_name(self.rule),
                mend="use TRY_CAST where a text may not be a number, which gives a missing value",
            ) from error
        return np.asarray(~held.fill_null(True).to_numpy())


@dataclass
class RuleCount:
    """How often a rule was broken, in all rows or in those of a slice.

    Args:
        bound: the rule.
        slice: the values that the rows have in common; empty for all rows.
        rows: the rows that were looked at.
        broken: those in which it does not hold.
        first: the number of the first such row in the table, from 1, or None.
        example: that row's values.
    """

    bound: BoundRule
    slice: Mapping[str, str] = field(default_factory=dict)
    rows: int = 0
    broken: int = 0
    first: int | None = None
    example: str = ""

    def take(self, batch: pa.RecordBatch, broken: np.ndarray, places: np.ndarray, before: int) -> None:
        """Take in some rows of a batch.

        Args:
            batch: the batch.
            broken: which of its rows break the rule, shape (n,) of bool.
            places: the rows to take, ascending.
            before: how many rows of the table came before the batch.
        """
        wrong = places[broken[places]]
        self.rows += len(places)
        self.broken += len(wrong)
        if self.first is None and len(wrong):
            self.first = before + int(wrong[0]) + 1
            self.example = row_text(batch, int(wrong[0]), self.bound.columns)


class RuleTally:
    """Counts how often rules are broken, in all rows and in slices.

    Args:
        rules: the rules.
        slices: the groups of columns whose values make slices.

    Example:
        >>> from tilth.schemas import Column, Rule, Schema
        >>> schema = Schema((Column("a", "int"), Column("s", "string")), rules=(Rule("a > 1"),))
        >>> tally = RuleTally(bind_rules(schema, {"a": "int", "s": "string"}), [("s",)])
        >>> tally.update(pa.record_batch({"a": [1, 2, 3], "s": ["x", "x", "y"]}))
        >>> [(dict(count.slice), count.broken, count.rows) for count in tally.counts]
        [({}, 1, 3), ({'s': 'x'}, 1, 2), ({'s': 'y'}, 0, 1)]
    """

    def __init__(self, rules: Sequence[BoundRule], slices: Sequence[Sequence[str]] = ()) -> None:
        self._rules = rules
        self._slices = slices if rules else ()
        self._rows = 0
        self._whole = [RuleCount(rule) for rule in rules]
        self._parts: dict[tuple[tuple[str, str], ...], list[RuleCount]] = {}

    def update(self, batch: pa.RecordBatch) -> None:
        """Take in the next rows."""
        broken = [rule.broken(batch) for rule in self._rules]
        self._take(self._whole, batch, broken, np.arange(batch.num_rows))
        for names in self._slices:
            for values, places in groups({name: batch.column(name) for name in names}, names):
                key = tuple(zip(names, values, strict=True))
                counts = self._parts.setdefault(key, [RuleCount(rule, dict(key)) for rule in self._rules])
                self._take(counts, batch, broken, places)
        self._rows += batch.num_rows

    def _take(
        self, counts: list[RuleCount], batch: pa.RecordBatch, broken: list[np.ndarray], places: np.ndarray
    ) -> None:
        for count, wrong in zip(counts, broken, strict=True):
            count.take(batch, wrong, places, self._rows)

    @property
    def counts(self) -> list[RuleCount]:
        """For each rule, then for each slice and rule."""
        return [*self._whole, *(count for counts in self._parts.values() for count in counts)]


def row_text(batch: pa.RecordBatch, position: int, columns: Sequence[str]) -> str:
    """The values of a row in words.

    Example:
        >>> row_text(pa.record_batch({"a": [3], "b": [None]}), 0, ["a", "b"])
        'a 3, b missing'
    """
    values = ((name, batch.column(name)[position].as_py()) for name in columns)
    return ", ".join(
        f"{name} {'missing' if value is None or value != value else shortened(value)}"
        for name, value in values
    )


def bind_rules(schema: Schema, types: Mapping[str, ColumnType]) -> list[BoundRule]:
    """The rules that can be judged on a table, each checked before any row is read.

    A rule is left out where the table lacks one of its columns or holds it in another type than the schema
    says: that is an anomaly of its own, and `unjudged` gives the reason.

    Args:
        schema: the rules, and the types that the columns should have.
        types: the table's columns and what they hold.

    Raises:
        SchemaError: a rule with an unknown column or function, a mistake in its syntax, types that do not go
            together, or a result that is not true or false.

    Example:
        >>> from tilth.schemas import Column, Rule, Schema
        >>> schema = Schema((Column("a", "int"), Column("b", "int")), rules=(Rule("b >= a"),))
        >>> [rule.columns for rule in bind_rules(schema, {"a": "int", "b": "int"})]
        [('b', 'a')]
    """
    declared = _declared(schema)
    wanted = [_bind(rule, {**types, **declared}) for rule in schema.rules]
    judged = [bound for bound in wanted if _reason(bound, types, declared) is None]
    return [_bind(bound.rule, {**declared, **types}) for bound in judged]


def unjudged(schema: Schema, types: Mapping[str, ColumnType]) -> list[tuple[Rule, str]]:
    """The rules that cannot be judged on a table, each with the reason."""
    declared = _declared(schema)
    wanted = [_bind(rule, {**types, **declared}) for rule in schema.rules]
    reasons = [(bound.rule, _reason(bound, types, declared)) for bound in wanted]
    return [(rule, reason) for rule, reason in reasons if reason is not None]


def _declared(schema: Schema) -> dict[str, ColumnType]:
    declared: dict[str, ColumnType] = {}
    for column in schema:
        declared[column.name] = column.type
        for statistic, kind in _STATISTICS.get(column.type, {}).items():
            declared.setdefault(f"{column.name}.{statistic}", kind)
    return declared


def _reason(
    bound: BoundRule, types: Mapping[str, ColumnType], declared: Mapping[str, ColumnType]
) -> str | None:
    for name in bound.columns:
        if name not in types:
            return f"column '{name}' is not there"
        wanted = declared.get(name, types[name])
        if types[name] != wanted and (types[name], wanted) != ("int", "float"):
            return f"column '{name}' is of type {types[name]}, not {wanted}"
    return None


def _bind(rule: Rule, types: Mapping[str, ColumnType]) -> BoundRule:
    text = quoted_rule(rule.expression, types, rule_name(rule))
    moments = [name for name, kind in types.items() if kind == "datetime"]
    # A text beside a date is a date: tried only where the rule makes no sense as it stands.
    readings = dict.fromkeys((text, with_moments(text, moments), with_moments(text)))
    wrong: BaseException | None = None
    for reading in readings:
        found = _compiled(rule, reading, types)
        if isinstance(found, BoundRule):
            return found
        wrong = wrong or found
    assert wrong is not None
    raise SchemaError(
        f"the rule makes no sense: {_first_line(wrong)}",
        where=rule_name(rule),
        expected="an expression that is true or false for each row, such as end >= start",
    ) from wrong


def _compiled(rule: Rule, text: str, types: Mapping[str, ColumnType]) -> BoundRule | BaseException:
    """The rule as Polars understands it, tried on a row of each kind; or what is wrong with it."""
    import polars as pl

    try:
        expression = pl.sql_expr(text)
        names = rule_columns(text)
        _check_columns(rule, names, types)
        sample = _sample(names, types)
        kind = sample.lazy().select(expression.alias("held")).collect()["held"].dtype
        mixed = mixed_kinds(expression, sample)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        return error
    if mixed is not None:
        return TypeError(mixed)
    if kind != pl.Boolean:
        return TypeError(f"it gives {kind}, not true or false")
    return BoundRule(rule, names, expression)


def _check_columns(rule: Rule, names: Sequence[str], types: Mapping[str, ColumnType]) -> None:
    if not names:
        raise SchemaError("the rule names no column", where=rule_name(rule), expected="such as end >= start")
    for name in names:
        if types[name] not in SCALAR_TYPES:
            raise SchemaError(
                f"column '{name}' is of type {types[name]}",
                where=rule_name(rule),
                expected="columns of one value a row in rules",
                mend="say it of the column itself, or of its statistics such as photo.width",
            )


def _sample(names: Sequence[str], types: Mapping[str, ColumnType]) -> pl.DataFrame:
    import datetime

    import polars as pl

    samples = {**_SAMPLES, "datetime": datetime.datetime(2024, 5, 1)}
    kinds: dict[str, Any] = {
        "int": pl.Int64,
        "float": pl.Float64,
        "string": pl.String,
        "bool": pl.Boolean,
        "datetime": pl.Datetime("us"),
    }
    return pl.DataFrame(
        {name: pl.Series([samples[types[name]], None], dtype=kinds[types[name]]) for name in names}
    )


def rule_name(rule: Rule) -> str:
    """How messages call a rule."""
    return f"rule '{rule.title}'" + (f" ({rule.expression})" if rule.name else "")


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].partition(" (create native")[0] if lines else type(error).__name__
