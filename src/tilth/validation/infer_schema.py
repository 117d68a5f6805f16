"""A first schema from a profile, for a person to curate."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tilth.errors import ColumnNotFoundError
from tilth.schemas import Column, Schema
from tilth.validation.validate import OWN_PREFIX

if TYPE_CHECKING:
    from tilth.profiles import ColumnProfile, Profile
    from tilth.schemas import Kind

__all__ = ["has_key_name", "infer_schema", "looks_like_identifier"]

_MOST_DOMAIN_VALUES = 200
_MOST_DOMAIN_LENGTH = 60
_ROWS_PER_VALUE = 2
_LEAST_ROWS = 20  # below, that all values differ says nothing
_LONG_TEXT = 40
_SENTENCE_SPACES = 2
_LOOKED_AT = 1000
_KEY_NAME = re.compile(r"(^|[^a-zA-Z])(?i:id|uid|uuid|guid|key|code|number|no|nr)$|[a-z](Id|ID)$")


def infer_schema(profile: Profile, *, label: str | None = None) -> Schema:
    """The schema that a table's profile suggests.

    Types as found; a column is required where nothing is missing; a domain where a string column has few
    values that come again (never for identifiers, dates and free text); unique where all values differ and
    the column looks like a key. Ranges are left to the people who know them.

    Args:
        profile: the profile of good data.
        label: the column to predict; it is absent when serving.

    Raises:
        ColumnNotFoundError: no column `label`.

    Example:
        >>> from tilth.profiles import profile
        >>> sales = {"size": ["S", "M", "S", "M"], "sold": [1, 0, 1, None]}
        >>> schema = infer_schema(profile(sales), label="sold")
        >>> schema["size"].domain, schema["sold"].required, schema["sold"].not_in
        (('M', 'S'), False, ('serving',))
    """
    if label is not None and label not in profile.columns:
        raise ColumnNotFoundError(label, profile.columns)
    found = (column for name, column in profile.columns.items() if not name.startswith(OWN_PREFIX))
    return Schema(tuple(_column(column, is_label=column.name == label) for column in found))


def _column(found: ColumnProfile, *, is_label: bool) -> Column:
    kind = _kind(found)
    return Column(
        name=found.name,
        type=found.type,
        required=found.missing == 0,
        domain=tuple(found.counts()) if _has_domain(found, kind) else None,
        unique=kind == "identifier" and found.is_unique,
        not_in=("serving",) if is_label else (),
        kind=kind,
    )


def _kind(found: ColumnProfile) -> Kind:
    if not found.count and found.missing:
        return "constant"
    if found.type == "datetime":
        return "date"
    if found.count and found.distinct == 1 and not found.missing and found.count > 1:
        return "constant"
    if found.type == "bool":
        return "flag"
    if looks_like_identifier(found):
        return "identifier"
    if found.type == "string":
        return "text" if _is_free_text(found) else "category"
    return "number"


def looks_like_identifier(found: ColumnProfile) -> bool:
    """Whether a column's values are keys: they hardly ever repeat, and say nothing by themselves.

    Example:
        >>> from tilth.profiles import profile
        >>> looks_like_identifier(profile({"row": list(range(100, 150))}).columns["row"])
        True
        >>> looks_like_identifier(profile({"price": [3 * n * n for n in range(50)]}).columns["price"])
        False
    """
    if found.count < _LEAST_ROWS:
        return False
    if found.type == "string":
        return found.distinct * 2 > found.count and not _is_free_text(found)
    if found.type != "int" or not found.is_unique or found.min is None or found.max is None:
        return False
    return found.max - found.min == found.count - 1 or has_key_name(found.name)


def has_key_name(name: str) -> bool:
    """Whether a column's name says that it holds keys.

    Example:
        >>> has_key_name("customer_id"), has_key_name("userId"), has_key_name("humid")
        (True, True, False)
    """
    return bool(_KEY_NAME.search(name))


def _is_free_text(found: ColumnProfile) -> bool:
    if found.texts is None or not found.count:
        return False
    length = found.texts.lengths.mean or 0.0
    texts = found.texts.counts.table()[0][:_LOOKED_AT].to_pylist()
    worded = sum(text.count(" ") >= _SENTENCE_SPACES for text in texts) * 2 > len(texts)
    return found.distinct * _ROWS_PER_VALUE > found.count and (
        worded or (length > _LONG_TEXT and _spaced(texts))
    )


def _spaced(texts: list[str]) -> bool:
    return sum(" " in text for text in texts) * 2 > len(texts)


def _has_domain(found: ColumnProfile, kind: Kind) -> bool:
    if found.texts is None or kind not in ("category", "constant") or not found.count:
        return False
    longest = found.texts.lengths.high or 0
    few = found.distinct <= _MOST_DOMAIN_VALUES and found.distinct * _ROWS_PER_VALUE <= found.count
    return few and longest <= _MOST_DOMAIN_LENGTH
