"""How long the values of a column may be, and what its texts look like."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass, field

from tilth.schemas import Column

__all__ = ["Shape"]

_REMEMBERED = 4096
_LONGEST = 200


@dataclass(frozen=True)
class Shape:
    """What a schema says of the shape of a column's values; made by `Shape.of`.

    Args:
        least: the least length, or None.
        most: the greatest length, or None.
        unit: what is counted: characters, items or bytes.
        pattern: what a text matches as a whole, as RE2 knows it, which takes no more than linear time.

    Example:
        >>> shape = Shape.of(Column("zip", "string", pattern="[0-9]+", max_length=5))
        >>> shape.problem("12345"), shape.problem("123456"), shape.problem("x")
        (None, 'at most 5 characters', 'a text that matches [0-9]+')
    """

    least: int | None
    most: int | None
    unit: str
    pattern: str | None
    _matched: dict[str, bool] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, column: Column) -> Shape | None:
        """The shape that a column's values must have; None where any will do."""
        if column.min_length is None and column.max_length is None and column.pattern is None:
            return None
        files = column.type in ("image", "audio")
        unit = "bytes" if files else "items" if column.is_list else "characters"
        return cls(column.min_length, column.max_length, unit, column.pattern)

    def problem(self, value: object) -> str | None:
        """What a value should be and is not, in words; None where it is right, or missing."""
        if not isinstance(value, Sized):
            return None
        size = len(value)
        if (self.least is not None and size < self.least) or (self.most is not None and size > self.most):
            return self._lengths
        if self.pattern is None or not isinstance(value, str) or self._matches(value):
            return None
        return f"a text that matches {self.pattern}"

    @property
    def _lengths(self) -> str:
        if self.least is None:
            return f"at most {self.most:,} {self.unit}"
        if self.most is None:
            return f"at least {self.least:,} {self.unit}"
        if self.least == self.most:
            return f"{self.least:,} {self.unit}"
        return f"{self.least:,} to {self.most:,} {self.unit}"

    def _matches(self, text: str) -> bool:
        known = self._matched.get(text)
        if known is not None:
            return known
        import pyarrow as pa
        import pyarrow.compute as pc

        # Arrow's expressions, since those of Python may take for ever; as `tilth validate` matches them.
        found = pc.match_substring_regex(pa.array([text]), rf"\A(?:{self.pattern})\z")[0].as_py()
        if len(text) <= _LONGEST and len(self._matched) < _REMEMBERED:
            self._matched[text] = found
        return bool(found)
