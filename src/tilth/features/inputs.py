"""Inputs: the `x` of `features(x)`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tilth.errors import FeatureError, closest
from tilth.features.expressions import Expression
from tilth.features.nodes import COLUMN_KINDS, Node
from tilth.features.operations import Column
from tilth.features.source_lines import caller_line
from tilth.types import ColumnType

__all__ = ["Inputs"]

_OWN = "it is Tilth's own note on where a row came from, not something that can be known of a new row"


class Inputs:
    """The raw columns, by name; iterating gives the names that may be used, in order.

    Args:
        types: name -> type of every column of the table.
        forbidden: name -> why it may not be a feature, such as the label.

    Example:
        >>> x = Inputs({"age": "int", "income": "int"}, {"income": "it is the label"})
        >>> x["age"], list(x)
        (x["age"], ['age'])
        >>> x["income"]
        Traceback (most recent call last):
        ...
        tilth.errors.FeatureError: the column 'income' may not be a feature: it is the label
          where: ..., line 1
          to mend it: leave it out
    """

    def __init__(self, types: Mapping[str, ColumnType], forbidden: Mapping[str, str] | None = None) -> None:
        self._types = dict(types)
        self._forbidden = {
            **{name: _OWN for name in types if name.startswith("tilth.")},
            **(forbidden or {}),
        }

    def __getitem__(self, name: str) -> Expression:
        reason = self._forbidden.get(name)
        if reason is not None:
            raise FeatureError(
                f"the column '{name}' may not be a feature: {reason}",
                where=caller_line(),
                mend="leave it out",
            )
        if name not in self._types:
            near = closest(str(name), self)
            raise FeatureError(
                f"there is no column x[{_quoted(name)}]",
                where=caller_line(),
                expected="one of " + ", ".join(self),
                mend=f"did you mean x[{_quoted(near)}]?" if near else None,
            )
        kind = self._types[name]
        return Expression(
            Node(Column(name, kind), (), COLUMN_KINDS[kind], f"x[{_quoted(name)}]", caller_line())
        )

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._types if name not in self._forbidden)

    def __contains__(self, name: object) -> bool:
        return name in self._types and name not in self._forbidden

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _quoted(name: object) -> str:
    text = str(name)
    return f'"{text}"' if text.isprintable() and not {'"', "\\"} & set(text) else repr(text)
