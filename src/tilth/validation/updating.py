"""A curated schema, loosened by exactly what new data asks for."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.errors import SchemaError
from tilth.profiles import Profile
from tilth.schemas import Column, Schema
from tilth.tables import open_table
from tilth.validation import column_rules
from tilth.validation.column_rules import misfits_of_profile
from tilth.validation.infer_schema import MOST_DOMAIN_VALUES, infer_column
from tilth.validation.observing import Observation, observe
from tilth.validation.validate import OWN_PREFIX, is_rule_broken

if TYPE_CHECKING:
    from tilth.profiles import ColumnProfile
    from tilth.schemas import Rule
    from tilth.types import ColumnType

__all__ = ["update_schema"]

_STEPS = 1_000_000  # shares are kept to six digits


def update_schema(
    schema: Schema, data: object, environment: str | None = None, *, missing: Sequence[str] = ()
) -> Schema:
    r"""The schema with what a person curated, loosened where new data asks for it.

    A value outside a domain joins it (a domain that would have more than 200 values goes); a range or a
    length widens to what was seen; a column with missing values becomes optional, or gets a lower
    min_present if it had one; a column that is absent becomes optional; repeated values end uniqueness; a
    pattern that does not match goes; the type becomes the one of the data; bounds on different values, rows
    and the shares in which rules hold widen. Columns that are new are inferred and come last. All else stays:
    drift bounds, severities, environments, kinds, order. Data that already holds to the schema changes
    nothing, and `validate` finds nothing in the data afterwards.

    Args:
        schema: the curated schema.
        data: whatever `profile` reads, or a Profile; from a profile the rules cannot be judged, and stay.
        environment: where the data comes from; columns absent there are left alone.
        missing: texts that stand for a missing value, when `data` is yet to be read.

    Raises:
        DataError: the data cannot be read.
        SchemaError: a rule that makes no sense.

    Example:
        >>> curated = Schema((Column("size", "string", domain=("S", "M")), Column("price", "float", low=1)))
        >>> updated = update_schema(curated, {"size": ["L", None], "price": [0.5, 3]})
        >>> print("\n".join(curated.diff(updated)))
        column 'size': required was true, is false
        column 'size': min_present was 1.0, is 0.0
        column 'size': domain gained 'L'
        column 'price': min was 1.0, is 0.5
    """
    if not isinstance(data, Profile | str | Path | list):
        data = open_table(data, missing=missing)  # may be read twice
    judged = set(schema.in_environment(environment).names)
    seen = observe(data, schema, missing=missing)
    retyped = _retyped(schema, seen, judged)
    if retyped != schema:
        seen = _observed_again(data, retyped, missing)
    found = seen.profile.columns
    columns = [_loosened(column, seen) if column.name in judged else column for column in retyped]
    new = [found[name] for name in found if name not in schema and not name.startswith(OWN_PREFIX)]
    columns += [infer_column(column, seen.profile) for column in new]
    return replace(
        schema,
        columns=tuple(columns),
        rules=_rules(schema, seen),
        min_rows=min(schema.min_rows, seen.profile.rows),
        max_rows=None if schema.max_rows is None else max(schema.max_rows, seen.profile.rows),
    )


def _retyped(schema: Schema, seen: Observation, judged: Collection[str]) -> Schema:
    """The schema with the types that the data has."""
    columns = []
    for column in schema:
        found, misfits = seen.profile.columns.get(column.name), seen.misfits.get(column.name)
        wrong = found is not None and any(column_rules.type_rule(column, found, misfits))
        if found is None or not wrong or column.name not in judged:
            columns.append(column)
            continue
        kind = misfits.type if misfits is not None and misfits.type is not None else found.type
        columns.append(_of_type(column, kind, found))
    return replace(schema, columns=tuple(columns))


def _of_type(column: Column, kind: ColumnType, found: ColumnProfile) -> Column:
    """The column with another type, and the keys that still make sense with it."""
    bare = Column(column.name, kind)
    has_length = bare.is_list or kind in ("string", "image", "audio")
    gone: dict[str, Any] = {}
    if bare.item_type not in ("int", "float"):
        gone |= {"low": None, "high": None}
    if bare.item_type not in ("string", "int", "bool"):
        gone |= {"domain": None, "min_domain_mass": 1.0}
    if bare.item_type != "string":
        gone |= {"pattern": None}
    if not has_length or column.is_list != bare.is_list:
        gone |= {"min_length": None, "max_length": None}
    gone |= {
        "finite": column.finite and bare.item_type == "float",
        "unique": column.unique and not bare.is_list,
    }
    meaning = (
        infer_column(found, Profile(found.rows, {found.name: found})).kind if found.type == kind else None
    )
    return replace(column, type=kind, kind=meaning or bare.kind, **gone)


def _observed_again(data: object, schema: Schema, missing: Sequence[str]) -> Observation:
    try:
        return observe(data, schema, missing=missing)
    except SchemaError as error:
        error.mend = "the data has another type than the rule needs: correct the data, or change the rule"
        raise


def _rules(schema: Schema, seen: Observation) -> tuple[Rule, ...]:
    held = {
        count.bound.rule.title: _share_below(1 - count.broken / count.rows)
        for count in seen.rules
        if is_rule_broken(count) and not count.slice
    }
    return tuple(
        replace(rule, min_share=held[rule.title]) if rule.title in held else rule for rule in schema.rules
    )


def _share_below(share: float) -> float:
    """The share, or a little less, with few digits."""
    return max(0, math.floor(share * _STEPS)) / _STEPS


def _loosened(column: Column, seen: Observation) -> Column:
    """The column, with all that its values break made wide enough."""
    found, misfits = seen.profile.columns.get(column.name), seen.misfits.get(column.name)
    if found is None:
        return replace(column, required=False) if column.required else column
    changes = _presence(column, found)
    subject = found.items if column.is_list else found
    if not found.count or subject is None:
        return replace(column, **changes)
    if any(column_rules.domain_rule(column, found)):
        changes |= _domain(column, subject)
    if any(column_rules.pattern_rule(column, found, misfits or misfits_of_profile(column, found))):
        changes["pattern"] = None
    changes |= _range(column, subject)
    changes |= _length(column, found)
    if any(column_rules.unique_rule(column, found)):
        changes["unique"] = False
    if column.min_distinct is not None:
        changes["min_distinct"] = min(column.min_distinct, subject.distinct)
    if column.max_distinct is not None:
        changes["max_distinct"] = max(column.max_distinct, subject.distinct)
    return replace(column, **changes)


def _presence(column: Column, found: ColumnProfile) -> dict[str, Any]:
    if not any(column_rules.missing_rule(column, found, None)):
        return {}
    if column.min_present == 1:
        return {"required": False, "min_present": 0.0}
    return {"min_present": _share_below(1 - found.missing / found.rows)}


def _domain(column: Column, subject: ColumnProfile) -> dict[str, Any]:
    known = set(column.domain or ())
    new = [value for value in subject.counts() if value not in known]
    if not subject.is_exact or len(known) + len(new) > MOST_DOMAIN_VALUES:
        return {"domain": None, "min_domain_mass": 1.0}
    return {"domain": (*(column.domain or ()), *new)}


def _range(column: Column, subject: ColumnProfile) -> dict[str, Any]:
    if subject.infinite and (column.finite or (column.low, column.high) != (None, None)):
        return {"low": None, "high": None, "finite": False}
    changes: dict[str, Any] = {"finite": False} if column.finite and subject.nan else {}
    if column.low is not None and subject.min is not None and subject.min < column.low:
        changes["low"] = _at_most(subject.min)
    if column.high is not None and subject.max is not None and subject.max > column.high:
        changes["high"] = -_at_most(-subject.max)
    return changes


def _at_most(number: float) -> float:
    """The number as a float, not above it: whole numbers beyond 2**53 may have no equal."""
    near = float(number)
    below = float(math.nextafter(near, -math.inf))
    return near if near <= number else below


def _length(column: Column, found: ColumnProfile) -> dict[str, Any]:
    lengths, _ = column_rules.lengths_of(column, found)
    if lengths is None or lengths.low is None or lengths.high is None:
        return {}
    changes: dict[str, Any] = {}
    if column.min_length is not None:
        changes["min_length"] = min(column.min_length, int(lengths.low))
    if column.max_length is not None:
        changes["max_length"] = max(column.max_length, int(lengths.high))
    return changes
