"""Does a table keep to its schema? Everything is read from the table's profile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tilth.profiles import Profile, profile
from tilth.tables import open_table
from tilth.validation.anomaly import Anomaly

if TYPE_CHECKING:
    from tilth.profiles import ColumnProfile
    from tilth.schemas import Column, Schema
    from tilth.types import ColumnType
    from tilth.validation.anomaly import AnomalyKind

__all__ = ["OWN_PREFIX", "validate"]

OWN_PREFIX = "tilth."
"""Columns that Tilth itself adds to a table begin with this; they are never judged."""

_SHOWN = 5
_SLACK = 1e-12  # shares are quotients of counts: a bound met exactly must hold
_TYPED_SUFFIXES = (".parquet", ".arrow", ".feather", ".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")

_Rule = Callable[["Column", "ColumnProfile"], Iterator[Anomaly]]


def validate(
    data: object, schema: Schema, environment: str | None = None, *, missing: Sequence[str] = ()
) -> list[Anomaly]:
    """The expectations of the schema that a table breaks, in the schema's order; empty when all is well.

    Args:
        data: whatever `profile` reads, or a Profile.
        schema: what the table must be.
        environment: where the data comes from, such as "serving"; columns absent there may be there or not.
        missing: texts that stand for a missing value, when `data` is yet to be read.

    Raises:
        DataError: the data cannot be read.

    Example:
        >>> from tilth.schemas import Column, Schema
        >>> size, price = Column("size", "string", domain=("S", "M", "L")), Column("price", "float", low=0)
        >>> for anomaly in validate({"size": ["S", "XL"], "price": [3.5, -1.0]}, Schema((size, price))):
        ...     print(anomaly)
        column 'size' has unexpected values 'XL' (50% of its values); expected one of 'S', 'M', 'L'
        column 'price' has values below 0 (50% of its values): the least is -1
    """
    found = _profile(data, schema, missing)
    anomalies = list(_rows(schema, found))
    for column in schema.in_environment(environment).columns:
        anomalies += _judge(column, found.columns.get(column.name))
    new = (name for name in found.columns if name not in schema.names and not name.startswith(OWN_PREFIX))
    return anomalies + [_new_column(found.columns[name]) for name in new]


def _profile(data: object, schema: Schema, missing: Sequence[str]) -> Profile:
    if isinstance(data, Profile):
        return data
    table = open_table(data, missing=missing)
    if isinstance(data, str | Path) and not str(data).endswith(_TYPED_SUFFIXES):
        # A text file carries no types: codes that happen to be all digits are still texts.
        texts: dict[str, ColumnType] = {
            c.name: "string"
            for c in schema.columns
            if c.type == "string" and table.columns.get(c.name, "string") != "string"
        }
        table = open_table(data, missing=missing, types=texts) if texts else table
    return profile(table)


def _rows(schema: Schema, found: Profile) -> Iterator[Anomaly]:
    if found.rows < schema.min_rows:
        observed, expected = f"{found.rows} rows", f"at least {schema.min_rows} rows"
        message = f"the table has {observed}; expected {expected}"
        yield Anomaly(None, "too_few_rows", (), observed, expected, None, "error", message)


def _judge(column: Column, found: ColumnProfile | None) -> Iterator[Anomaly]:
    if found is None:
        if column.required:
            message = f"column '{column.name}' is missing; expected a column of type {column.type}"
            yield _anomaly(column, "missing_column", "no such column", f"type {column.type}", None, message)
        return
    yield from _missing(column, found)
    if not _type_fits(column, found):
        observed, expected = f"type {found.type}", f"type {column.type}"
        message = f"column '{column.name}' has {observed}; expected {expected}"
        yield _anomaly(column, "type_mismatch", observed, expected, None, message)
        return
    for rule in _RULES:
        if found.count:
            yield from rule(column, found)


def _type_fits(column: Column, found: ColumnProfile) -> bool:
    whole_for_float = column.type == "float" and found.type == "int"
    return not found.count or found.type == column.type or whole_for_float


def _missing(column: Column, found: ColumnProfile) -> Iterator[Anomaly]:
    if not found.rows:
        return
    share = found.missing / found.rows
    if share > 1 - column.min_present + _SLACK:
        observed = f"{found.missing} of {found.rows} missing"
        expected = "none missing" if column.min_present == 1 else f"at least {column.min_present:.4g} present"
        message = f"column '{column.name}' has {_percent(share)} missing ({observed}); expected {expected}"
        yield _anomaly(column, "too_many_missing", observed, expected, share, message)


def _domain(column: Column, found: ColumnProfile) -> Iterator[Anomaly]:
    if column.domain is None:
        return
    counts, allowed = found.counts(), set(column.domain)
    outside = {value: count for value, count in counts.items() if value not in allowed}
    share = sum(outside.values()) / sum(counts.values())
    if share > 1 - column.min_domain_mass + _SLACK:
        values = tuple(sorted(outside, key=lambda value: (-outside[value], value)))
        mass = (
            "" if column.min_domain_mass == 1 else f" for at least {column.min_domain_mass:.4g} of the values"
        )
        expected = f"one of {_listed(column.domain)}{mass}"
        message = (
            f"column '{column.name}' has unexpected values {_listed(values)} "
            f"({_percent(share)} of its values); expected {expected}"
        )
        yield _anomaly(column, "unexpected_values", _listed(values), expected, share, message, values)


def _range(column: Column, found: ColumnProfile) -> Iterator[Anomaly]:
    if found.numbers is None or found.min is None or found.max is None:
        return
    values, counts = found.numbers.table.table()
    if column.low is not None and found.min < column.low:
        share = max(int(counts[values < column.low].sum()), 1) / found.count
        yield _out_of_range(column, found.min, share, f"below {column.low:g}", "least")
    if column.high is not None and found.max > column.high:
        share = max(int(counts[values > column.high].sum()), 1) / found.count
        yield _out_of_range(column, found.max, share, f"above {column.high:g}", "greatest")


def _out_of_range(column: Column, worst: float, share: float, side: str, which: str) -> Anomaly:
    expected = " and ".join(
        f"{word} {bound:g}"
        for word, bound in (("at least", column.low), ("at most", column.high))
        if bound is not None
    )
    observed = f"the {which} is {worst:.6g}"
    message = f"column '{column.name}' has values {side} ({_percent(share)} of its values): {observed}"
    return _anomaly(column, "out_of_range", observed, expected, share, message, (worst,))


def _finite(column: Column, found: ColumnProfile) -> Iterator[Anomaly]:
    if found.infinite and (column.low is not None or column.high is not None):
        share = found.infinite / found.count
        observed, expected = f"{found.infinite} infinite values", "finite numbers"
        message = (
            f"column '{column.name}' has {observed} ({_percent(share)} of its values); expected {expected}"
        )
        yield _anomaly(column, "out_of_range", observed, expected, share, message)


def _unique(column: Column, found: ColumnProfile) -> Iterator[Anomaly]:
    if not column.unique or found.is_unique:
        return
    repeated = tuple(value for value, count in found.top(_SHOWN) if count > 1)
    share = max(0.0, 1 - found.distinct / found.count)
    observed = f"{found.distinct} distinct among {found.count} values"
    shown = f", such as {_listed(repeated)}" if repeated else ""
    message = f"column '{column.name}' has repeated values{shown} ({observed}); expected each value once"
    yield _anomaly(column, "not_unique", observed, "each value once", share, message, repeated)


_RULES: tuple[_Rule, ...] = (_domain, _range, _finite, _unique)


def _new_column(found: ColumnProfile) -> Anomaly:
    message = f"column '{found.name}' ({found.type}) is not in the schema"
    return Anomaly(
        found.name, "new_column", (), f"type {found.type}", "no such column", None, "warning", message
    )


def _anomaly(
    column: Column,
    kind: AnomalyKind,
    observed: str,
    expected: str,
    share: float | None,
    message: str,
    values: tuple[str | int | float | bool, ...] = (),
) -> Anomaly:
    return Anomaly(column.name, kind, values, observed, expected, share, column.severity, message)


def _listed(values: Sequence[object]) -> str:
    shown = ", ".join(repr(value) for value in values[:_SHOWN])
    return shown + (f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else "")


def _percent(share: float) -> str:
    return f"{share:.2g}" if 0 < share < 0.0001 else f"{100 * share:.3g}%"
