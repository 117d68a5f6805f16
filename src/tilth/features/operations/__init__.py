"""Operations: what can be done to columns, as small values that know neither data nor ONNX.

A row-wise operation computes a row's value from that row alone and its own constants. An analyzed operation
must see all training data first; `analyzers` turns it into the row-wise operation that has its constants.

Missing in, missing out, unless an operation says otherwise. What is undefined (a quotient by zero, the
logarithm of a negative number) is missing too.
"""

from __future__ import annotations

from tilth.features.operations.categories import AsText, Cross, Indicators, Lookup, OneHot, Vocabulary
from tilth.features.operations.dates import DatePart, Days
from tilth.features.operations.leaves import Column, Number, Text
from tilth.features.operations.numbers import (
    Add,
    Affine,
    AtLeast,
    AtMost,
    Buckets,
    Center,
    Choose,
    Clip,
    Divide,
    Equal,
    FillFrom,
    FillWith,
    Greater,
    IsMissing,
    Less,
    Log1p,
    Multiply,
    QuantileBuckets,
    Scale,
    Statistic,
    Subtract,
    ZScore,
)
from tilth.features.operations.operation import Analyzed, Operation, RowWise

__all__ = [
    "Add",
    "Affine",
    "Analyzed",
    "AsText",
    "AtLeast",
    "AtMost",
    "Buckets",
    "Center",
    "Choose",
    "Clip",
    "Column",
    "Cross",
    "DatePart",
    "Days",
    "Divide",
    "Equal",
    "FillFrom",
    "FillWith",
    "Greater",
    "Indicators",
    "IsMissing",
    "Less",
    "Log1p",
    "Lookup",
    "Multiply",
    "Number",
    "OneHot",
    "Operation",
    "QuantileBuckets",
    "RowWise",
    "Scale",
    "Statistic",
    "Subtract",
    "Text",
    "Vocabulary",
    "ZScore",
]
