"""Does a table keep to its schema?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tilth.profiles import Profile
from tilth.tables import open_table
from tilth.validation.anomaly import Anomaly
from tilth.validation.column_rules import SLACK, judge_column, missing_column
from tilth.validation.observing import Observation, Watch, observe
from tilth.validation.rules import RuleCount, bind_rules, rule_name, unjudged
from tilth.validation.table_rules import judge_rows, judge_size, new_column
from tilth.validation.words import percent

if TYPE_CHECKING:
    from tilth.schemas import AnomalyKind, Schema

__all__ = ["OWN_PREFIX", "is_rule_broken", "judge", "unjudged_rules", "validate"]

OWN_PREFIX = "tilth."
"""Columns that Tilth itself adds to a table begin with this; they are never judged."""

_OF_WHOLE: frozenset[AnomalyKind] = frozenset(
    ("type_mismatch", "not_unique", "too_few_distinct", "too_many_distinct")
)
"""Breaches that say nothing about a part of the rows that they do not say about all."""


def validate(
    data: object,
    schema: Schema,
    environment: str | None = None,
    *,
    missing: Sequence[str] = (),
    previous: Profile | None = None,
    slices: Sequence[str | Sequence[str]] = (),
) -> list[Anomaly]:
    """The expectations of the schema that a table breaks, in the schema's order; empty when all is well.

    Data are read once. From a profile everything is judged but the rules across columns, which need the
    rows: `unjudged_rules` names them. Slices of the profile are judged too.

    Args:
        data: whatever `profile` reads, or a Profile.
        schema: what the table must be.
        environment: where the data comes from, such as "serving"; columns absent there may be there or not.
        missing: texts that stand for a missing value, when `data` is yet to be read.
        previous: the profile of the data set before, for the bounds on the change of its size.
        slices: columns to judge apart, as `profile` takes them, when `data` is yet to be read.

    Raises:
        DataError: the data cannot be read.
        SchemaError: a rule that names an unknown column, has a mistake, or is not true or false; no row has
            been read then.

    Example:
        >>> from tilth.schemas import Column, Schema
        >>> size, price = Column("size", "string", domain=("S", "M", "L")), Column("price", "float", low=0)
        >>> for anomaly in validate({"size": ["S", "XL"], "price": [3.5, -1.0]}, Schema((size, price))):
        ...     print(anomaly)
        column 'size' has unexpected values 'XL' (50% of its values); expected one of 'S', 'M', 'L'
        column 'price' has values below 0 (50% of its values): the least is -1
    """
    seen = observe(data, schema, missing=missing, slices=slices)
    return judge(seen, schema, environment, previous)


def judge(
    seen: Observation, schema: Schema, environment: str | None = None, previous: Profile | None = None
) -> list[Anomaly]:
    """The expectations that break, from what was seen while the data were read."""
    found = seen.profile
    anomalies = [*judge_rows(schema, found.rows), *judge_size(schema, found.rows, previous)]
    anomalies += _columns(seen, found, schema, environment)
    anomalies += [anomaly for count in seen.rules if not count.slice for anomaly in _rule(count)]
    new = (name for name in found.columns if name not in schema and not name.startswith(OWN_PREFIX))
    anomalies += [new_column(schema, found.columns[name]) for name in new]
    for part in found.slices:
        narrow = Observation(part.profile, {}, ())
        of_part = list(_columns(narrow, part.profile, schema, environment))
        of_part += [a for count in seen.rules if count.slice == part.values for a in _rule(count)]
        anomalies += _sliced(of_part, part.values, seen)
    return anomalies


def _columns(seen: Observation, found: Profile, schema: Schema, environment: str | None) -> Iterator[Anomaly]:
    for column in schema.in_environment(environment):
        if column.name in found.columns:
            yield from judge_column(
                column,
                found.columns[column.name],
                seen.misfits.get(column.name),
                seen.repeats.get(column.name),
            )
        elif column.required:
            yield missing_column(column)


def _sliced(anomalies: Iterable[Anomaly], values: Mapping[str, str], whole: Observation) -> Iterator[Anomaly]:
    """What is wrong in a slice by itself."""
    words = ", ".join(f"{name} = {value}" for name, value in values.items())
    for anomaly in anomalies:
        misfits = whole.misfits.get(anomaly.column or "")
        unreadable = misfits is not None and misfits.unreadable.count > 0
        told = anomaly.kind in _OF_WHOLE or anomaly.kind == "missing_column"
        if not told and not (anomaly.kind == "too_many_missing" and unreadable):
            yield replace(anomaly, slice=dict(values), message=f"where {words}: {anomaly.message}")


def _rule(count: RuleCount) -> Iterator[Anomaly]:
    rule = count.bound.rule
    if not is_rule_broken(count):
        return
    share = count.broken / count.rows
    observed = f"broken in {count.broken} of {count.rows} rows"
    expected = "every row" if rule.min_share == 1 else f"at least {rule.min_share:.4g} of the rows"
    message = (
        f"{rule_name(rule)} is {observed} ({percent(share)}), first in row {count.first}: {count.example}; "
        f"expected to hold in {expected}"
    )
    yield Anomaly(
        None, "rule_broken", (), observed, f"{rule.expression} in {expected}", share, rule.severity, message
    )


def is_rule_broken(count: RuleCount) -> bool:
    """Whether a rule is broken more often than it tolerates."""
    return count.rows > 0 and count.broken / count.rows > 1 - count.bound.rule.min_share + SLACK


def unjudged_rules(data: object, schema: Schema, *, missing: Sequence[str] = ()) -> list[str]:
    """The rules that `validate` cannot judge on these data, one sentence each with the reason.

    Args:
        data: what `validate` was given.
        schema: the schema.
        missing: texts that stand for a missing value.

    Raises:
        SchemaError: a rule that makes no sense.

    Example:
        >>> from tilth.profiles import profile
        >>> from tilth.schemas import Column, Rule, Schema
        >>> schema = Schema((Column("a", "int"),), rules=(Rule("a > 0"),))
        >>> unjudged_rules(profile({"a": [1]}), schema)
        ["rule 'a > 0' was not judged: a profile has no rows; give the data itself"]
    """
    if isinstance(data, Profile):
        bind_rules(schema, {name: column.type for name, column in data.columns.items()})
        reason = "a profile has no rows; give the data itself"
        return [f"{rule_name(rule)} was not judged: {reason}" for rule in schema.rules]
    types = Watch(open_table(data, missing=missing), schema).table.columns
    return [f"{rule_name(rule)} was not judged: {reason}" for rule, reason in unjudged(schema, types)]
