"""Rule: what must hold between the columns of a row."""

from __future__ import annotations

from dataclasses import dataclass

from tilth.errors import SchemaError
from tilth.schemas.severities import SEVERITIES, Severity, known

__all__ = ["Rule"]


@dataclass(frozen=True)
class Rule:
    """What must hold in each row, as an expression over its columns.

    Args:
        expression: true or false for a row, in SQL as Polars knows it, such as "end >= start" or
            "total = a + b". A column whose name is not a plain word stands in double quotes. Where a missing
            value leaves it open whether the rule holds, it counts as held.
        name: what to call it; None for the expression itself.
        severity: whether a breach is an "error" or a "warning".
        min_share: the least share of the rows, 0 to 1, in which the rule must hold.

    Raises:
        SchemaError: no expression, an unknown severity, or a share out of range. The expression itself is
            judged where the types of its columns are known: in `tilth.validation`.

    Example:
        >>> Rule("end >= start").title
        'end >= start'
        >>> Rule("end >= start", name="ends after its start").title
        'ends after its start'
    """

    expression: str
    name: str | None = None
    severity: Severity = "error"
    min_share: float = 1.0

    def __post_init__(self) -> None:
        if not self.expression.strip():
            raise self._wrong("expression", "the rule is empty", "an expression such as end >= start")
        if self.name is not None and not self.name.strip():
            raise self._wrong("name", "the name is empty", "a name, or no such key")
        known("severity", self.severity, SEVERITIES, f"rule '{self.title}', key 'severity'")
        if not 0 <= self.min_share <= 1:
            raise self._wrong("min_share", f"min_share is {self.min_share}", "a share between 0 and 1")
        object.__setattr__(self, "min_share", float(self.min_share))

    @property
    def title(self) -> str:
        """The name, or the expression where there is none."""
        return self.name or self.expression

    def _wrong(self, key: str, what: str, expected: str) -> SchemaError:
        return SchemaError(what, where=f"rule '{self.title}', key '{key}'", expected=expected)
