"""The language of features.py: expressions on columns, checked as they are written.

`Expression` has all methods; those of one kind of value stand in one class each, in the file of that kind.
"""

from __future__ import annotations

from tilth.features.expressions.base import Operand, as_node
from tilth.features.expressions.expression import Expression
from tilth.features.expressions.functions import (
    cross,
    group,
    interactions,
    log1p,
    maximum,
    minimum,
    where,
)

__all__ = [
    "Expression",
    "Operand",
    "as_node",
    "cross",
    "group",
    "interactions",
    "log1p",
    "maximum",
    "minimum",
    "where",
]
