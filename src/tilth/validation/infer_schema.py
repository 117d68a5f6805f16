"""A first schema from a profile, for a person to curate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from tilth.errors import ColumnNotFoundError
from tilth.profiles.kinds import has_key_name, likely_kind, looks_like_identifier
from tilth.schemas import Column, Schema
from tilth.validation.natural_bounds import media_bounds, media_statistic, natural_range
from tilth.validation.validate import OWN_PREFIX

if TYPE_CHECKING:
    from tilth.profiles import ColumnProfile, Profile
    from tilth.schemas import Kind

__all__ = ["MOST_DOMAIN_VALUES", "has_key_name", "infer_column", "infer_schema", "looks_like_identifier"]

MOST_DOMAIN_VALUES = 200
"""With more values a column holds codes or names, and new ones will come."""

_MOST_DOMAIN_LENGTH = 60
_ROWS_PER_VALUE = 2
_MOST_CODES = 20
"""With more values, all with digits in them, a column holds codes, and new ones will come."""

_MOST_NEW = 0.01
_NEARLY_ALL = 0.95
_PERIOD = (
    r"^(\d{4}[-/. ]?(0[1-9]|1[0-2])|(0[1-9]|1[0-2])[-/.]\d{4}|\d{4}[- ]?[QqWwHhSs]\d{1,2}|[QqHh]\d[- /]?\d{4}"
    r"|(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[- ]\d{2,4}|(19|20)\d{2})$"
)
_ADDRESS = r"@|://|^www\."
_MEASURE = r"[$€£¥%]|\d[.,]\d"


def infer_schema(profile: Profile, *, label: str | None = None) -> Schema:
    """The schema that a table's profile suggests.

    Types as found; a column is required where nothing is missing; a domain where texts, or the texts in
    lists, have at most 200 values that come again (never for identifiers, dates, periods, addresses, amounts
    and free text, nor for more than 20 codes with digits); unique where all values differ and the column
    looks like a key; one length where all lists have the same. A range only
    where the name and all values justify it: latitudes, hours, months, percentages, probabilities and the
    like, no negative ages, counts, lengths or weights (see `natural_range`), and what the statistics of
    images and recordings are by definition. Other ranges are left to the people who know them.

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
    return Schema(tuple(infer_column(column, profile, is_label=column.name == label) for column in found))


def infer_column(found: ColumnProfile, profile: Profile, *, is_label: bool = False) -> Column:
    """What one column of a table must be.

    Args:
        found: the column's profile.
        profile: that of the table, which tells what are statistics of images and recordings.
        is_label: it is the column to predict, absent when serving.

    Example:
        >>> from tilth.profiles import profile
        >>> found = profile({"hour": [3, 17, 9]})
        >>> column = infer_column(found.columns["hour"], found)
        >>> column.low, column.high
        (0.0, 23.0)
    """
    statistic = media_statistic(found.name, profile.columns)
    usual: dict[str, Any] = {
        "name": found.name,
        "type": found.type,
        # A statistic is missing where its image is, or cannot be read: that is told once, not of each.
        "required": found.missing == 0 and statistic is None,
        "not_in": ("serving",) if is_label else (),
    }
    return Column(**usual, **(media_bounds(statistic, found) if statistic else _expectations(found)))


def _expectations(found: ColumnProfile) -> dict[str, Any]:
    """The keys that say more than type and presence, as arguments of Column."""
    if found.type in ("image", "audio"):
        return {}
    subject = found.items if found.type.startswith("list[") else found
    if subject is None:
        return {}
    kind = _kind(subject)
    low, high = _range(subject, kind)
    expected: dict[str, Any] = {
        "kind": kind,
        "low": low,
        "high": high,
        "domain": tuple(subject.counts()) if _has_domain(subject, kind) else None,
    }
    if subject is found:
        return {**expected, "unique": kind == "identifier" and found.is_unique and _is_key(found)}
    return {**expected, **_fixed_length(found)}


def _kind(found: ColumnProfile) -> Kind:
    """The likely kind; texts that are measurements or dates hardly repeat, and are no identifiers."""
    kind, hints = likely_kind(found), {hint.kind for hint in found.hints}
    if kind != "identifier" or found.texts is None:
        return kind
    if "date_in_disguise" in hints:
        return "date"
    return "category" if "number_in_disguise" in hints and not found.is_unique else kind


def _is_key(found: ColumnProfile) -> bool:
    """Whether values that are all different so far must stay so: names of people may well come again."""
    if found.texts is None or has_key_name(found.name):
        return True
    return _share_like(found, r"\d") >= _NEARLY_ALL and _share_like(found, r"\s") < 1 - _NEARLY_ALL


def _share_like(found: ColumnProfile, pattern: str) -> float:
    """The share of a column's different texts, as far as they are kept, in which a pattern is found."""
    assert found.texts is not None
    texts = found.texts.counts.table()[0]
    like = pc.match_substring_regex(texts, pattern)
    return (pc.sum(like).as_py() or 0) / max(len(texts), 1)


def _range(found: ColumnProfile, kind: Kind) -> tuple[float | None, float | None]:
    numeric = found.type in ("int", "float") and kind in ("number", "constant")
    if not numeric or found.min is None or found.max is None or found.infinite:
        return None, None
    values = found.numbers.table.table()[0] if found.numbers is not None else np.zeros(0)
    is_whole = found.type == "int" or bool((values == np.floor(values)).all())
    return natural_range(found.name, found.min, found.max, is_whole=is_whole)


def _fixed_length(found: ColumnProfile) -> dict[str, int]:
    """One length for lists that all have it, as embeddings do."""
    if found.count < 2 or found.lengths is None or not found.lengths.low:
        return {}
    if found.lengths.low != found.lengths.high:
        return {}
    return {"min_length": int(found.lengths.low), "max_length": int(found.lengths.low)}


def _has_domain(found: ColumnProfile, kind: Kind) -> bool:
    if found.texts is None or kind not in ("category", "constant") or not found.count:
        return False
    longest = found.texts.lengths.high or 0
    few = found.distinct <= MOST_DOMAIN_VALUES and found.distinct * _ROWS_PER_VALUE <= found.count
    return few and longest <= _MOST_DOMAIN_LENGTH and not _is_open(found)


def _is_open(found: ColumnProfile) -> bool:
    """Whether more values will come: dates, addresses, amounts, codes, or many that came but once."""
    if any(hint.kind == "date_in_disguise" for hint in found.hints):
        return True
    if max(_share_like(found, pattern) for pattern in (_PERIOD, _ADDRESS)) >= _NEARLY_ALL:
        return True
    is_number = any(hint.kind == "number_in_disguise" for hint in found.hints)
    if is_number and _share_like(found, _MEASURE) > 0:
        return True
    if found.distinct <= _MOST_CODES:
        return False
    # Turing: the next value is new about as often as values came once so far.
    once = sum(count == 1 for count in found.counts().values())
    return is_number or _share_like(found, r"\d") >= _NEARLY_ALL or once > _MOST_NEW * found.count
