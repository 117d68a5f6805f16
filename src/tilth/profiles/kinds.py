"""What a column most likely means, apart from the type that it is stored as."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tilth.profiles.figures import ColumnFigures
    from tilth.schemas import Kind

__all__ = ["has_key_name", "is_free_text", "likely_kind", "looks_like_identifier"]

_LEAST_ROWS = 20  # below, that all values differ says nothing
_LONG_TEXT = 40
_ROWS_PER_VALUE = 2
_SENTENCE_SPACES = 2
_LOOKED_AT = 1000
_KEY_NAME = re.compile(r"(^|[^a-zA-Z])(?i:id|uid|uuid|guid|key|code|number|no|nr)$|[a-z](Id|ID)$")


def likely_kind(column: ColumnFigures) -> Kind:
    """What a column most likely is: a number, category, text, identifier, date, constant or flag.

    A list is of the kind of its items; of an image or recording nothing can be said but "text".

    Example:
        >>> from tilth.profiles import profile
        >>> found = profile({"size": ["S", "M"] * 20, "n": [7] * 40, "row": list(range(40))}).columns
        >>> [likely_kind(column) for column in found.values()]
        ['category', 'constant', 'identifier']
    """
    if column.items is not None:
        return likely_kind(column.items)
    if column.type in ("image", "audio"):
        return "text"
    if not column.count and column.missing:
        return "constant"
    if column.type == "datetime":
        return "date"
    if column.count > 1 and column.distinct == 1 and not column.missing:
        return "constant"
    if column.type == "bool":
        return "flag"
    if looks_like_identifier(column):
        return "identifier"
    if column.type == "string":
        return "text" if is_free_text(column) else "category"
    return "number"


def looks_like_identifier(column: ColumnFigures) -> bool:
    """Whether a column's values are keys: they hardly ever repeat, and say nothing by themselves.

    Example:
        >>> from tilth.profiles import profile
        >>> looks_like_identifier(profile({"row": list(range(100, 150))}).columns["row"])
        True
        >>> looks_like_identifier(profile({"price": [3 * n * n for n in range(50)]}).columns["price"])
        False
    """
    if column.count < _LEAST_ROWS:
        return False
    if column.type == "string":
        return column.distinct * _ROWS_PER_VALUE > column.count and not is_free_text(column)
    if column.type != "int" or not column.is_unique or column.min is None or column.max is None:
        return False
    return column.max - column.min == column.count - 1 or has_key_name(column.name)


def has_key_name(name: str) -> bool:
    """Whether a column's name says that it holds keys.

    Example:
        >>> has_key_name("customer_id"), has_key_name("userId"), has_key_name("humid")
        (True, True, False)
    """
    return bool(_KEY_NAME.search(name))


def is_free_text(column: ColumnFigures) -> bool:
    """Whether a column holds what people wrote: values hardly ever repeat, and are sentences or long.

    Example:
        >>> from tilth.profiles import profile
        >>> notes = [f"called {n} times about the bill" for n in range(30)]
        >>> is_free_text(profile({"note": notes}).columns["note"])
        True
    """
    if column.texts is None or not column.count or column.distinct * _ROWS_PER_VALUE <= column.count:
        return False
    texts = column.texts.counts.table()[0][:_LOOKED_AT].to_pylist()
    worded = sum(text.count(" ") >= _SENTENCE_SPACES for text in texts) * 2 > len(texts)
    spaced = sum(" " in text for text in texts) * 2 > len(texts)
    return worded or (spaced and (column.texts.lengths.mean or 0.0) > _LONG_TEXT)
