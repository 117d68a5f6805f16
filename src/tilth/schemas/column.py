"""Column: what one column of a table must be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast, get_args

from tilth.errors import SchemaError, closest
from tilth.types import COLUMN_TYPES, ColumnType

__all__ = ["DRIFT_MEASURES", "KINDS", "Column", "DriftBound", "DriftMeasure", "Kind", "Severity"]

Kind = Literal["number", "category", "text", "identifier", "date", "constant", "flag"]
"""What a column means, apart from the type it is stored as: codes may be whole numbers."""

KINDS: tuple[Kind, ...] = get_args(Kind)

DriftMeasure = Literal["l_infinity", "jensen_shannon", "ks", "psi", "effect"]
"""How far two distributions are apart; see `tilth.profiles` for each."""

DRIFT_MEASURES: tuple[DriftMeasure, ...] = get_args(DriftMeasure)

Severity = Literal["error", "warning"]

SEVERITIES: tuple[Severity, ...] = get_args(Severity)

_UNSAID = cast(Kind, "")

_USUAL_KIND: dict[ColumnType, Kind] = {
    "int": "number",
    "float": "number",
    "string": "category",
    "bool": "flag",
    "datetime": "date",
}


@dataclass(frozen=True)
class DriftBound:
    """How far a column may move away from its reference.

    Args:
        measure: the distance; "effect" is Wasserstein-1 over the reference's standard deviation for numbers
            and total variation for categories.
        threshold: the largest distance that is accepted, 0 or more.

    Raises:
        SchemaError: an unknown measure, or a threshold that is negative or not a number.

    Example:
        >>> DriftBound("l_infinity", 0.01).threshold
        0.01
    """

    measure: DriftMeasure
    threshold: float

    def __post_init__(self) -> None:
        _one_of("measure", self.measure, DRIFT_MEASURES)
        object.__setattr__(self, "threshold", float(self.threshold))
        if not 0 <= self.threshold < math.inf:
            raise SchemaError(
                f"a drift threshold of {self.threshold}", where="threshold", expected="a number, 0 or more"
            )


@dataclass(frozen=True)
class Column:
    """What one column must be.

    Args:
        name: the column's name.
        type: what it holds.
        required: the column must be there. An optional column may be absent, or missing in any row.
        min_present: the least share of rows, 0 to 1, in which the column is not missing; 1 unless the column
            is optional, then 0.
        low: the least value allowed, for int and float; None for no bound.
        high: the greatest value allowed, for int and float; None for no bound.
        domain: the values allowed, as texts ("1", "true" for int and bool columns); None for any.
        min_domain_mass: the least share of the present values, 0 to 1, that must lie in the domain.
        unique: no value may come twice.
        not_in: the environments in which the column is absent, such as ("serving",) for a label.
        kind: what the column means; the usual one of its type unless said.
        drift: the bound on movement over time, or None for the usual decision.
        skew: the bound on the difference between training and serving, or None for the usual decision.
        severity: whether a breach is an "error" or a "warning".

    Raises:
        SchemaError: values that contradict each other or the type.

    Example:
        >>> Column("age", "int", low=17, high=90).kind
        'number'
        >>> Column("company", "string", required=False).min_present
        0.0
        >>> Column("age", "int", low=90, high=17)
        Traceback (most recent call last):
        ...
        tilth.errors.SchemaError: min 90 is above max 17
          where: column 'age', key 'min'
    """

    name: str
    type: ColumnType
    required: bool = True
    min_present: float = 1.0
    low: float | None = None
    high: float | None = None
    domain: tuple[str, ...] | None = None
    min_domain_mass: float = 1.0
    unique: bool = False
    not_in: tuple[str, ...] = ()
    kind: Kind = _UNSAID
    drift: DriftBound | None = None
    skew: DriftBound | None = None
    severity: Severity = "error"

    def __post_init__(self) -> None:
        _one_of("type", self.type, COLUMN_TYPES, self.name)
        if not self.kind:
            object.__setattr__(self, "kind", _USUAL_KIND[self.type])
        _one_of("kind", self.kind, KINDS, self.name)
        _one_of("severity", self.severity, SEVERITIES, self.name)
        for bound in ("low", "high"):
            if getattr(self, bound) is not None:
                object.__setattr__(self, bound, float(getattr(self, bound)))
        if not self.required and self.min_present == 1.0:
            object.__setattr__(self, "min_present", 0.0)
        for key, share in (("min_present", self.min_present), ("min_domain_mass", self.min_domain_mass)):
            if not 0 <= share <= 1:
                raise self._wrong(key, f"{key} is {share}", expected="a share between 0 and 1")
        self._check_range()
        self._check_domain()

    def _check_range(self) -> None:
        for key, bound in (("min", self.low), ("max", self.high)):
            if bound is None:
                continue
            if self.type not in ("int", "float"):
                raise self._wrong(key, f"{key} on a column of type {self.type}", expected="type int or float")
            if math.isnan(bound):
                raise self._wrong(key, f"{key} is not a number", expected="a number")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise self._wrong("min", f"min {self.low:g} is above max {self.high:g}")

    def _check_domain(self) -> None:
        if self.domain is None:
            return
        if self.type in ("float", "datetime"):
            raise self._wrong(
                "domain",
                f"a domain on a column of type {self.type}",
                expected="type string, int or bool",
                mend="use min and max" if self.type == "float" else None,
            )
        repeated = sorted({value for value in self.domain if self.domain.count(value) > 1})
        if repeated:
            raise self._wrong("domain", f"the domain has {repeated[0]!r} twice")
        if not self.domain:
            raise self._wrong("domain", "the domain is empty", mend="leave the key out to allow any value")

    def _wrong(
        self, key: str, what: str, *, expected: str | None = None, mend: str | None = None
    ) -> SchemaError:
        return SchemaError(what, where=f"column '{self.name}', key '{key}'", expected=expected, mend=mend)

    @property
    def usual_kind(self) -> Kind:
        """The kind that a column of this type has unless said."""
        return _USUAL_KIND[self.type]


def _one_of(key: str, value: str, allowed: Sequence[str], column: str | None = None) -> None:
    if value in allowed:
        return
    near = closest(str(value), allowed)
    raise SchemaError(
        f"{key} {value!r} is not known",
        where=f"column '{column}', key '{key}'" if column is not None else f"key '{key}'",
        expected=f"one of {', '.join(allowed)}",
        mend=f"did you mean '{near}'?" if near else None,
    )
