"""Labels that are an exact function of columns: a sum, a product, a comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from tilth.training.findings import Finding
from tilth.training.leaks.columns import RawColumn
from tilth.training.leaks.target import LEAST_OF_CLASS, LEAST_ROWS, Target
from tilth.training.leaks.words import leak, names_in_words
from tilth.training.strength import class_strength

__all__ = ["exact_functions"]

Floats = npt.NDArray[np.float64]

_UNEXPLAINED = 1e-9
_MOST_COLUMNS = 200
_MOST_IN_FUNCTION = 6
_MOST_PAIRS_OF = 30
_KNOWN_SHARE = 0.5
_EXACTLY = 0.9999
_PLAIN = 1e-6
_LARGEST = 1e100
"""Squares of greater numbers overflow."""


def exact_functions(target: Target, columns: Sequence[RawColumn], label: str) -> Iterator[Finding]:
    """Findings on labels that columns make up together.

    A number is looked for as a sum of columns with constant factors (casual + registered = count) and, where
    all are positive, as a product of powers (distance / hours = speed); one of two classes as a comparison of
    two columns (paid < due).

    Args:
        target: the labels.
        columns: the columns to look at; texts are left out.
        label: its name, for the sentence.
    """
    numbers = [column for column in columns if column.kind == "number" and column.varies][:_MOST_COLUMNS]
    if target.y.ndim == 1 and not target.has_classes:
        y = np.asarray(target.y, np.float64)
        found = _sum(numbers, y, label) or _product(numbers, y, label)
        if found is not None:
            yield found
    elif target.task == "binary" and len(target.members):
        yield from _comparisons(numbers, target.members[0])


def _sum(columns: Sequence[RawColumn], y: Floats, label: str) -> Finding | None:
    solved = _solved(columns, y)
    if solved is None:
        return None
    names, factors, constant = solved
    terms = [_term(factor, name) for factor, name in zip(factors, names, strict=True)]
    if abs(constant) > _PLAIN * max(1.0, float(np.abs(y).max())):
        terms.append(f"{'+' if constant > 0 else '-'} {abs(constant):.6g}")
    formula = " ".join(terms).removeprefix("+ ")
    return _finding(f"{label} = {formula}, in all rows", names)


def _product(columns: Sequence[RawColumn], y: Floats, label: str) -> Finding | None:
    positive = y > 0
    logs = [
        RawColumn(c.name, c.kind, np.log(np.where(c.values > 0, c.values, np.nan)))
        for c in columns
        if (c.values[c.present] > 0).mean() > _KNOWN_SHARE
    ]
    if positive.mean() <= _KNOWN_SHARE:
        return None
    solved = _solved(logs, np.where(positive, np.log(np.where(positive, y, 1.0)), np.nan))
    if solved is None or len(solved[0]) < 2:
        return None  # a power of one column is told by that column alone
    names, factors, _ = solved
    formula = " * ".join(
        name if abs(factor - 1) < _PLAIN else f"{name} ** {factor:.6g}"
        for factor, name in zip(factors, names, strict=True)
    )
    return _finding(f"{label} is {formula} up to a constant factor, in all rows", names)


def _comparisons(columns: Sequence[RawColumn], positive: npt.NDArray[np.bool_]) -> Iterator[Finding]:
    for first, second in combinations(columns[:_MOST_PAIRS_OF], 2):
        there = first.present & second.present
        count = int(positive[there].sum())
        if min(count, int(there.sum()) - count) < LEAST_OF_CLASS or there.mean() <= _KNOWN_SHARE:
            continue
        difference = first.values[there] - second.values[there]
        ways = {"which is greater": difference, "whether they are equal": np.abs(difference)}
        for words, values in ways.items():
            value = class_strength(values, positive[there]) or 0.0
            value = max(value, 1 - value)
            if value >= _EXACTLY:
                names = [first.name, second.name]
                shown = f"{names_in_words(names)} tell the label together: {words} (auroc {value:.4f})"
                yield leak("leak_by_function", shown, names, {"auroc": value}, certain=True)
                break


def _finding(words: str, names: Sequence[str]) -> Finding:
    return leak("leak_by_function", words, names, {"columns": float(len(names))}, certain=True)


def _term(factor: float, name: str) -> str:
    sign, size = ("+" if factor > 0 else "-"), abs(factor)
    return f"{sign} {name}" if abs(size - 1) < _PLAIN else f"{sign} {size:.6g} * {name}"


def _solved(columns: Sequence[RawColumn], y: Floats) -> tuple[list[str], list[float], float] | None:
    """The fewest columns (they are left out one by one) of which y is a linear function; None: of none."""
    there = ~np.isnan(y)
    usable = [c for c in columns if (c.present & there).sum() > _KNOWN_SHARE * there.sum()]
    for column in usable:
        there = there & column.present
    if not usable or there.sum() < max(LEAST_ROWS, 2 * len(usable) + 20):
        return None
    matrix = np.column_stack([column.values[there] for column in usable])
    wanted = y[there]
    if (
        np.ptp(wanted) == 0
        or not np.isfinite(matrix).all()
        or max(np.abs(matrix).max(), np.abs(wanted).max()) > _LARGEST
    ):
        return None
    kept = [at for at in range(len(usable)) if np.ptp(matrix[:, at]) > 0]
    if not kept or not _explains(matrix[:, kept], wanted):
        return None
    for at in list(kept):
        others = [other for other in kept if other != at]
        if others and _explains(matrix[:, others], wanted):
            kept = others
    if len(kept) > _MOST_IN_FUNCTION:
        return None
    factors, constant = _fitted(matrix[:, kept], wanted)
    return [usable[at].name for at in kept], factors.tolist(), constant


def _explains(matrix: Floats, wanted: Floats) -> bool:
    factors, constant = _fitted(matrix, wanted)
    rest = wanted - matrix @ factors - constant
    spread = wanted - wanted.mean()
    return bool((rest**2).sum() <= _UNEXPLAINED * (spread**2).sum())


def _fitted(matrix: Floats, wanted: Floats) -> tuple[Floats, float]:
    """Factors (k,) and the constant of least squares; columns are brought to one scale first."""
    means, spreads = matrix.mean(axis=0), matrix.std(axis=0)
    solution = np.linalg.lstsq((matrix - means) / spreads, wanted - wanted.mean(), rcond=None)[0]
    factors = np.asarray(solution / spreads, np.float64)
    return factors, float(wanted.mean() - means @ factors)
