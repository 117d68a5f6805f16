"""One column of two tables measured: what kind of comparison fits it, and all its distances."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from tilth.profiles.alignment import NumberPair, aligned_numbers, aligned_texts
from tilth.profiles.kinds import has_key_name, is_free_text, looks_like_identifier
from tilth.profiles.significance import fisher_exact, student_t
from tilth.validation.comparison import ColumnComparison
from tilth.validation.coverage import range_coverage, value_coverage
from tilth.validation.differences import categorical_difference, numeric_difference
from tilth.validation.verdicts import bounded, unusable

if TYPE_CHECKING:
    from tilth.profiles import ColumnProfile
    from tilth.schemas import Column
    from tilth.sketches import Moments, TextCounts
    from tilth.validation.comparison import Moment

__all__ = ["measure"]

_ALIKE = {"int": "number", "float": "number", "list[int]": "list[number]", "list[float]": "list[number]"}
_MEDIA = ("image", "audio")
_LONGEST = 65_535
_ALL = (1.0, 1.0)
_EXCUSES = {
    "identifier": "identifiers are not judged",
    "date": "dates move on by themselves",
}


def measure(
    old: ColumnProfile, new: ColumnProfile, rule: Column | None, moment: Moment, threshold: float
) -> ColumnComparison:
    """The comparison of one column, judged only where a changed type or a bound of the schema decides alone.

    Args:
        old: the reference's column.
        new: the current table's.
        rule: the schema's column, if there is one.
        moment: which of its bounds decides.
        threshold: the bound on the effect.

    Raises:
        SchemaError: a bound on a measure that does not apply to the column.
    """
    categorical = "string" in old.type or "bool" in old.type or _is_category(rule)
    empty = ColumnComparison(
        kind="categorical" if categorical else "numeric",
        effect=None,
        p_value=None,
        measure="effect",
        threshold=threshold,
        drifted=False,
        reason="nothing to compare",
        missing=(unusable(old), unusable(new)),
    )
    if not old.count or not new.count:
        return empty
    if _ALIKE.get(old.type, old.type) != _ALIKE.get(new.type, new.type):
        return replace(empty, drifted=True, measure="type", reason=f"type {old.type} became {new.type}")
    if old.type in _MEDIA:
        return replace(empty, measure="none", reason=f"judged by its columns '{old.name}.*'")
    bound = getattr(rule, moment) if rule is not None else None
    kind = None if bound else _kind(old, rule)
    if kind == "text":
        return _by_length(empty, old, new)
    if kind in _EXCUSES:
        return replace(empty, measure="none", reason=_EXCUSES[kind])
    found = _distances(empty, old, new)
    return found if bound is None else bounded(found, bound, old.name)


def _is_category(rule: Column | None) -> bool:
    return rule is not None and rule.kind in ("category", "flag") and "float" not in rule.type


def _kind(old: ColumnProfile, rule: Column | None) -> str:
    """What the column means, as far as that decides how to compare it."""
    if rule is not None:
        return rule.kind
    if old.type == "datetime":
        return "date"
    if old.type == "string":
        return "text" if is_free_text(old) else "identifier" if looks_like_identifier(old) else "category"
    return "identifier" if has_key_name(old.name) and looks_like_identifier(old) else "number"


def _distances(
    empty: ColumnComparison, old: ColumnProfile, new: ColumnProfile, independent: tuple[float, float] = _ALL
) -> ColumnComparison:
    """All distances; `independent` says which share of each sample's values counts as evidence."""
    if old.type.startswith("list"):
        return _of_lists(empty, old, new)
    if old.texts is not None and new.texts is not None:
        return _of_texts(empty, old.texts.counts, new.texts.counts, independent)
    if old.numbers is None or new.numbers is None:
        return empty
    pair = aligned_numbers(old.numbers.table, new.numbers.table)
    pair = NumberPair(pair.numbers, *_evidence(pair.reference, pair.current, independent))
    if not all(pair.rows):
        return empty  # nothing but infinities on a side
    if empty.kind == "categorical":
        names = _number_names(pair, old.type)
        covered = value_coverage(names, pair.reference, pair.current) if old.is_exact else None
        found = categorical_difference(empty, names, pair.reference, pair.current)
        return replace(found, coverage=covered)
    found = numeric_difference(empty, pair, old.std, new.std)
    return replace(found, coverage=range_coverage(old, new))


def _evidence(
    reference: np.ndarray, current: np.ndarray, independent: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Counts scaled down to what they prove: items of one list are of a kind. Distances do not change."""
    if independent == _ALL:
        return reference, current
    return reference * independent[0], current * independent[1]


def _of_texts(
    empty: ColumnComparison, old: TextCounts, new: TextCounts, independent: tuple[float, float]
) -> ColumnComparison:
    texts, reference, current = aligned_texts(old, new)
    if not reference.sum() or not current.sum():
        return empty  # of the texts of one side no sample was kept

    def name(place: int) -> str:
        return str(texts[place].as_py())

    is_whole = old.is_exact and new.is_exact
    evidence = _evidence(reference, current, independent)
    found = categorical_difference(empty, name, *evidence, is_whole=is_whole)
    covered = value_coverage(name, reference, current) if is_whole else None
    return replace(found, coverage=covered)


def _number_names(pair: NumberPair, kind: str) -> Callable[[int], str]:
    def name(place: int) -> str:
        number = float(pair.numbers[place])
        if kind == "bool":
            return "true" if number else "false"
        return str(int(number)) if number.is_integer() else str(number)

    return name


def _by_length(empty: ColumnComparison, old: ColumnProfile, new: ColumnProfile) -> ColumnComparison:
    """Free text: hardly a value comes twice, so only its length can be compared."""
    assert old.texts is not None
    assert new.texts is not None
    length = _length_difference(empty, _text_lengths(old.texts.counts), _text_lengths(new.texts.counts))
    return replace(empty, measure="length", length=length)


def _length_difference(empty: ColumnComparison, old: np.ndarray, new: np.ndarray) -> ColumnComparison:
    """The comparison of two samples of lengths, as counts of the lengths 0, 1, 2 and so on."""
    size = max(len(old), len(new))
    reference, current = (np.pad(counts, (0, size - len(counts))) for counts in (old, new))
    there = np.flatnonzero(reference + current)
    pair = NumberPair(there.astype(np.float64), reference[there], current[there])
    stds = (_std(pair.numbers, counts) for counts in (pair.reference, pair.current))
    return numeric_difference(replace(empty, kind="numeric", missing=(0.0, 0.0)), pair, *stds)


def _text_lengths(texts: TextCounts) -> np.ndarray:
    """How many texts have 0, 1, 2 ... characters, as far as they are kept; the longest count as 65,535."""
    values, counts = texts.table()
    lengths = pc.utf8_length(values).to_numpy(zero_copy_only=False)
    found: np.ndarray = np.bincount(np.minimum(lengths, _LONGEST), counts)
    return found.astype(np.int64)


def _std(numbers: np.ndarray, counts: np.ndarray) -> float:
    mean = float(counts @ numbers) / float(counts.sum())
    return math.sqrt(float(counts @ np.square(numbers - mean)) / float(counts.sum()))


def _of_lists(empty: ColumnComparison, old: ColumnProfile, new: ColumnProfile) -> ColumnComparison:
    """Lists: their items as one column, and their lengths."""
    found = empty
    if old.items is not None and new.items is not None and old.items.count and new.items.count:
        shares = min(1.0, old.count / old.items.rows), min(1.0, new.count / new.items.rows)
        found = _distances(empty, old.items, new.items, shares)
    assert old.lengths is not None
    assert new.lengths is not None
    return replace(found, length=_moved_mean(empty, old.lengths, new.lengths))


def _moved_mean(empty: ColumnComparison, old: Moments, new: Moments) -> ColumnComparison:
    """The comparison of two samples of which only mean and spread are known."""
    assert old.mean is not None
    assert new.mean is not None
    apart = abs(new.mean - old.mean)
    p_value = student_t(old, new)
    if p_value is None:  # all alike on either side
        p_value = fisher_exact(old.count, old.count, 0, new.count) if apart else 1.0
    spread = math.sqrt(1 / old.count + ((new.std or 0.0) / old.std) ** 2 / new.count) if old.std else 0.0
    moved = apart / old.std if old.std else None
    effect = moved if moved is not None else float(bool(apart))
    return replace(
        empty,
        kind="numeric",
        missing=(0.0, 0.0),
        effect=effect,
        effect_error=spread,
        p_value=p_value,
        wasserstein=moved,
        moved_by=apart,
    )
