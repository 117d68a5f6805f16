"""Profiles that follow from other profiles, so that no pass over the data is needed for them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa

from tilth.features.operations import AsText, FillWith, RowWise
from tilth.profiles import ColumnProfile, profile_batches
from tilth.sketches import TextSummary
from tilth.types import ColumnType

__all__ = ["derive", "without_empty_texts"]


def derive(operation: RowWise, profile: ColumnProfile) -> ColumnProfile | None:
    """The profile of an operation's results, or None where it does not follow from that of its argument.

    Example:
        >>> from tilth.profiles import profile
        >>> derive(FillWith(5.0), profile({"x": [1.0, 3.0, None]}).columns["x"]).mean
        3.0
    """
    if isinstance(operation, FillWith):
        return _filled(profile, operation.value)
    if isinstance(operation, AsText) and profile.type == ("bool" if operation.flag else "int"):
        return _as_text(profile)
    return None


def without_empty_texts(profile: ColumnProfile) -> ColumnProfile:
    """The same, with empty texts counted as missing, as they are in a graph."""
    if profile.texts is None:
        return profile
    empty = profile.empty_texts
    if not empty:
        return profile
    # A sample of too many texts cannot be freed of the empty ones; what is made of it leaves them out.
    texts, counts = profile.texts.counts.table()
    return dataclasses.replace(
        profile,
        count=profile.count - empty,
        missing=profile.missing + empty,
        texts=_summary(texts[1:], counts[1:]) if profile.is_exact else profile.texts,
    )


def _filled(profile: ColumnProfile, value: float | str) -> ColumnProfile:
    kind = _filled_type(profile.type, value)
    known = dataclasses.replace(profile, type=kind, missing=0, nan=0)
    if not profile.missing:
        return known
    column = pa.repeat(pa.scalar(value, pa.string() if kind == "string" else pa.float64()), profile.missing)
    typed = column.cast({"int": pa.int64(), "bool": pa.bool_()}.get(kind, column.type))
    batch = pa.record_batch({profile.name: typed})
    return known + profile_batches([batch], {profile.name: kind}).columns[profile.name]


def _filled_type(kind: ColumnType, value: float | str) -> ColumnType:
    if isinstance(value, str):
        return "string"
    if kind == "bool" and value in (0, 1):
        return "bool"
    return "int" if kind in ("int", "bool") and float(value).is_integer() else "float"


def _as_text(profile: ColumnProfile) -> ColumnProfile | None:
    if not profile.is_exact:
        return None
    counts = profile.counts()
    texts = pa.array(counts.keys(), pa.string())
    return dataclasses.replace(
        profile,
        type="string",
        numbers=None,
        texts=_summary(texts, np.array(list(counts.values()), dtype=np.int64)),
    )


def _summary(texts: pa.Array, counts: np.ndarray) -> TextSummary:
    summary = TextSummary()
    summary.update(texts, counts)
    return summary
