"""Column: what one column of a table must be."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Literal, cast, get_args

from tilth.errors import SchemaError
from tilth.schemas.drift_bound import DriftBound
from tilth.schemas.severities import (
    COLUMN_KINDS,
    SEVERITIES,
    AnomalyKind,
    Severities,
    Severity,
    known,
    severities,
    severity_of,
)
from tilth.types import COLUMN_TYPES, SCALAR_TYPES, ColumnType, ScalarType

__all__ = ["KINDS", "PERSONAL", "Column", "Kind", "Personal"]

Kind = Literal["number", "category", "text", "identifier", "date", "constant", "flag"]
"""What a column means, apart from the type it is stored as: codes may be whole numbers."""

KINDS: tuple[Kind, ...] = get_args(Kind)

Personal = Literal["redact", "hash", "omit"]
"""What the prediction log keeps of a personal column: that there was a value, a keyed hash of it, nothing."""

PERSONAL: tuple[Personal, ...] = get_args(Personal)

_UNSAID = cast(Kind, "")

_USUAL_KIND: dict[str, Kind] = {
    "int": "number",
    "float": "number",
    "string": "category",
    "bool": "flag",
    "datetime": "date",
}


@dataclass(frozen=True)
class Column:
    """What one column must be.

    Args:
        name: the column's name.
        type: what it holds. In a list column `low`, `high`, `domain`, `pattern` and the numbers of distinct
            values speak of the items.
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
        severities: the same for single kinds of breaches, as pairs or a mapping.
        min_length: the fewest characters of a text, items of a list, bytes of an image or recording.
        max_length: the most of them.
        pattern: a regular expression (RE2) that each text must match as a whole.
        min_distinct: the fewest different values of the column.
        max_distinct: the most of them.
        finite: a float is neither NaN nor infinite. (A bound alone already excludes infinities.)
        personal: what the prediction log keeps of the column: "redact" (whether there was a value), "hash" (a
            keyed hash) or "omit" (nothing); None for the values themselves.

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
    severities: Severities = ()
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    min_distinct: int | None = None
    max_distinct: int | None = None
    finite: bool = False
    personal: Personal | None = None

    def __post_init__(self) -> None:
        known("type", self.type, COLUMN_TYPES, self._place("type"))
        if not self.kind:
            object.__setattr__(self, "kind", self.usual_kind)
        known("kind", self.kind, KINDS, self._place("kind"))
        known("severity", self.severity, SEVERITIES, self._place("severity"))
        if self.personal is not None:
            known("personal", self.personal, PERSONAL, self._place("personal"))
        own = severities(self.severities, COLUMN_KINDS, self._place("severity"))
        object.__setattr__(self, "severities", own)
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
        self._check_counts()
        self._check_pattern()

    def _check_range(self) -> None:
        for key, bound in (("min", self.low), ("max", self.high)):
            if bound is None:
                continue
            if self.item_type not in ("int", "float"):
                raise self._wrong(
                    key,
                    f"{key} on a column of type {self.type}",
                    expected="type int or float",
                    mend=_INSTEAD_OF_RANGE.get(self.type),
                )
            if math.isnan(bound):
                raise self._wrong(key, f"{key} is not a number", expected="a number")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise self._wrong("min", f"min {self.low:g} is above max {self.high:g}")
        if self.finite and self.item_type != "float":
            raise self._wrong("finite", f"finite on a column of type {self.type}", expected="type float")

    def _check_domain(self) -> None:
        if self.domain is None:
            return
        if self.item_type not in ("string", "int", "bool"):
            raise self._wrong(
                "domain",
                f"a domain on a column of type {self.type}",
                expected="type string, int or bool",
                mend="use min and max" if self.item_type == "float" else None,
            )
        repeated = sorted(value for value, count in Counter(self.domain).items() if count > 1)
        if repeated:
            raise self._wrong("domain", f"the domain has {repeated[0]!r} twice")
        if not self.domain:
            raise self._wrong("domain", "the domain is empty", mend="leave the key out to allow any value")

    def _check_counts(self) -> None:
        for what in ("length", "distinct"):
            low, high = getattr(self, f"min_{what}"), getattr(self, f"max_{what}")
            for key, bound in ((f"min_{what}", low), (f"max_{what}", high)):
                if bound is not None and (isinstance(bound, bool) or not isinstance(bound, int) or bound < 0):
                    raise self._wrong(key, f"{key} is {bound!r}", expected="a whole number, 0 or more")
            if low is not None and high is not None and low > high:
                raise self._wrong(f"min_{what}", f"min_{what} {low} is above max_{what} {high}")
            if what == "length" and (low, high) != (None, None) and self.type in _WITHOUT_LENGTH:
                raise self._wrong(
                    "max_length" if low is None else "min_length",
                    f"a length on a column of type {self.type}",
                    expected="type string, a list, image or audio",
                )
        if self.unique and self.is_list:
            raise self._wrong("unique", f"unique on a column of type {self.type}", expected="no list")

    def _check_pattern(self) -> None:
        if self.pattern is None:
            return
        if self.item_type != "string":
            raise self._wrong(
                "pattern",
                f"a pattern on a column of type {self.type}",
                expected="type string or list[string]",
            )
        import pyarrow as pa
        import pyarrow.compute as pc

        try:
            pc.match_substring_regex(pa.array([""]), self.pattern)
        except pa.ArrowInvalid as error:
            raise self._wrong(
                "pattern",
                f"{self.pattern!r} is no regular expression: {error}",
                expected="a regular expression as RE2 knows it (no look-around, no back-references)",
            ) from error

    def _place(self, key: str) -> str:
        return f"column '{self.name}', key '{key}'"

    def _wrong(
        self, key: str, what: str, *, expected: str | None = None, mend: str | None = None
    ) -> SchemaError:
        return SchemaError(what, where=self._place(key), expected=expected, mend=mend)

    @property
    def is_list(self) -> bool:
        """Whether a row has a list of values."""
        return self.type.startswith("list[")

    @property
    def item_type(self) -> ScalarType | None:
        """The type of one value: of an item for lists, None for images and recordings.

        Example:
            >>> Column("tags", "list[string]").item_type, Column("age", "int").item_type
            ('string', 'int')
        """
        name = self.type[len("list[") : -1] if self.is_list else self.type
        return next((kind for kind in SCALAR_TYPES if kind == name), None)

    @property
    def usual_kind(self) -> Kind:
        """The kind that a column of this type has unless said: that of the items for lists."""
        return _USUAL_KIND.get(self.item_type or "", "text")

    def severity_for(self, kind: AnomalyKind) -> Severity:
        """How severe a breach of a kind is.

        Example:
            >>> Column("age", "int", severities=(("out_of_range", "warning"),)).severity_for("out_of_range")
            'warning'
        """
        return severity_of(kind, self.severities, self.severity)


_WITHOUT_LENGTH = ("int", "float", "bool", "datetime")
_INSTEAD_OF_RANGE = {
    "datetime": "say it as a rule, such as expression = \"start >= '2024-01-01'\"",
    "string": "use min_length and max_length for the number of characters",
}
