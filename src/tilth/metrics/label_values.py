"""Label values: counted, written as text, matched across types, and the guess which of two is positive."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeAlias, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import DataError

__all__ = ["LabelValue", "find_class", "guess_positive", "label_counts", "label_text"]

LabelValue: TypeAlias = "str | int | bool"

_POSITIVE_WORDS = frozenset({"1", "true", "t", "yes", "y", "positive", "pos", "+"})
_TRUTH = {"0": 0, "false": 0, "1": 1, "true": 1}
_NEGATIVE_WORDS = frozenset({"0", "-1", "false", "f", "no", "n", "negative", "neg", "-", "none", "normal"})

Value = TypeVar("Value", bound="LabelValue | float")


def label_text(value: object) -> str:
    """A label value as text, the same for every type that can hold it.

    Example:
        >>> [label_text(value) for value in (True, 1, 1.0, "1", 0.5)]
        ['true', '1', '1', '1', '0.5']
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def find_class(value: object, classes: Collection[Value]) -> Value | None:
    """The class that a value stands for, matched as text; None if there is none.

    Example:
        >>> find_class("1", (0, 1)), find_class(2, (0, 1))
        (1, None)
    """
    text = label_text(value)
    for known in classes:
        if label_text(known) == text:
            return known
    truth = _TRUTH.get(text)
    if truth is None or not all(isinstance(known, int) for known in classes):
        return None
    return next((known for known in classes if known == truth), None)


def label_counts(values: pa.Array | pa.ChunkedArray) -> dict[LabelValue | float, int]:
    """How often each label occurs; missing ones and NaN are left out.

    Raises:
        DataError: a type that cannot be predicted, such as dates.

    Example:
        >>> label_counts(pa.array(["b", "a", None, "b"]))
        {'b': 2, 'a': 1}
    """
    if pa.types.is_temporal(values.type) or pa.types.is_nested(values.type):
        raise DataError(
            f"a label of type {values.type} cannot be predicted", expected="texts, numbers or booleans"
        )
    counted = pc.value_counts(values)
    pairs = ((entry["values"], entry["counts"]) for entry in counted.to_pylist())
    return {value: count for value, count in pairs if value is not None and value == value}


def guess_positive(counts: Mapping[LabelValue, int]) -> tuple[LabelValue, str]:
    """Which of two classes is the positive one, and why it is thought to be.

    Example:
        >>> guess_positive({"<=50K": 70, ">50K": 30})
        ('>50K', 'its name says so')
        >>> guess_positive({"ham": 70, "spam": 30})
        ('spam', 'it is the rarer class')
    """
    first, second = sorted(counts, key=label_text)
    for one, other in ((first, second), (second, first)):
        if _is_negative(one) and not _is_negative(other):
            return other, "its name says so"
        if _is_positive(one) and not _is_positive(other) and not isinstance(one, int):
            return one, "its name says so"
    if counts[first] == counts[second]:
        return second, "it comes last in the alphabet"
    return min(counts, key=counts.__getitem__), "it is the rarer class"


def _is_negative(value: LabelValue) -> bool:
    return label_text(value).strip().lower() in _NEGATIVE_WORDS


def _is_positive(value: LabelValue) -> bool:
    text = label_text(value).strip().lower()
    return text in _POSITIVE_WORDS or text.startswith(">")
