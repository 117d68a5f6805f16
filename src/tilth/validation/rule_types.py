"""What the parts of a rule are: values of different kinds are not compared, though Polars would."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

__all__ = ["mixed_kinds"]

_CAST = re.compile(r"cast\(\w+(\([^()]*\))?\)$")
_MOMENTS = ("a date", "a difference of dates")
_KINDS = (
    (("Int", "UInt", "Float", "Decimal"), "a number"),
    (("String",), "a text"),
    (("Boolean",), "true or false"),
    (("Datetime", "Date"), "a date"),
    (("Duration",), "a difference of dates"),
    (("Time",), "a time of day"),
)


def mixed_kinds(expression: pl.Expr, frame: pl.DataFrame) -> str | None:
    """What a rule compares that cannot be compared, in words; None where all is well.

    Polars compares dates with numbers as microseconds since 1970, differences of dates as microseconds, and
    true as 1, so that `0 < a < 10` and `end - start <= 12` nearly always hold.

    Args:
        expression: the rule.
        frame: rows of the types that it will meet.

    Example:
        >>> import polars as pl
        >>> mixed_kinds(pl.sql_expr("0 < a < 10"), pl.DataFrame({"a": [1]}))
        'it compares true or false with a number'
    """
    inputs = expression.meta.pop()
    kind = _kind(expression, frame)
    kinds = [found for found in (_kind(part, frame) for part in reversed(inputs)) if found]
    different = list(dict.fromkeys(kinds))
    if len(inputs) > 1 and kind == "true or false" and len(different) > 1:
        return f"it compares {different[0]} with {different[1]}"
    if len(inputs) == 1 and kinds and _CAST.search(str(expression)) and _is_unitless(kinds[0], kind):
        return f"it turns {kinds[0]} into {kind}, in a unit that is not said"
    return next((wrong for part in inputs if (wrong := mixed_kinds(part, frame))), None)


def _is_unitless(before: str, after: str | None) -> bool:
    return {before, after} in [{"a number", moment} for moment in _MOMENTS]


def _kind(expression: pl.Expr, frame: pl.DataFrame) -> str | None:
    """What kind of value an expression gives; None for nothing but missing values."""
    dtype = frame.lazy().select(expression.alias("part")).collect_schema()["part"]
    name = str(getattr(dtype, "inner", None) or dtype)
    return next((kind for starts, kind in _KINDS if name.startswith(starts)), None)
