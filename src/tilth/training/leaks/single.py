"""Columns and features that tell the label alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from tilth.training.findings import Finding
from tilth.training.leaks.columns import RawColumn
from tilth.training.leaks.target import Target
from tilth.training.leaks.words import leak, resembles

__all__ = ["single_columns", "single_features"]

CERTAIN = 0.999
"""From which AUROC or R squared on held-out rows a single column is taken for the label in disguise."""

_SUSPECT = 0.99
_SUSPECT_BY_NAME = 0.9
_LEAST_SHARE = 0.3
_LEAST_ORDER = 0.95


def single_columns(target: Target, columns: Sequence[RawColumn], label: str) -> Iterator[Finding]:
    """A finding for each raw column that alone tells the label of rows that it was not fitted on."""
    for column in columns:
        value = _alone(target, column.values, column.kind == "text")
        bound = _SUSPECT_BY_NAME if resembles(column.name, label) else _SUSPECT
        if value is None or value < bound:
            continue
        named = f"; it is named after the label '{label}'" if bound != _SUSPECT else ""
        words = f"'{column.name}' alone tells the label: {target.metric} {value:.4f} on held-out rows{named}"
        yield leak("leak", words, [column.name], {target.metric: value}, certain=value >= CERTAIN)


def single_features(
    target: Target,
    X: npt.NDArray[np.floating],
    names: Sequence[str],
    sources: Mapping[str, Sequence[str]],
    found: set[str],
) -> Iterator[Finding]:
    """The same for features that are not made of a column found already.

    Args:
        target: the labels.
        X: (n, f), the features of the same rows.
        names: (f,), their names.
        sources: feature -> the raw columns that it is made of, where that is known.
        found: the columns that have a finding.
    """
    for at, name in enumerate(names):
        made_of = list(sources.get(name, ()))
        if found & set(made_of):
            continue
        values = np.where(np.isfinite(X[:, at]), X[:, at], np.nan).astype(np.float64)
        value = _alone(target, values, are_codes=False)
        if value is None or value < _SUSPECT:
            continue
        of = f" (made of {', '.join(made_of)})" if made_of else ""
        figure = f"{target.metric} {value:.4f}"
        words = f"the feature '{name}'{of} alone tells the label: {figure} on held-out rows"
        yield leak("leak", words, made_of or [name], {target.metric: value}, certain=value >= CERTAIN)
        found |= set(made_of)


def _alone(target: Target, values: npt.NDArray[np.float64], are_codes: bool) -> float | None:
    """What a column reaches alone; None where a quick look says that it is not worth a closer one."""
    known = values[~np.isnan(values)]
    if not len(known) or (len(known) == len(values) and known.min() == known.max()):
        return None
    if target.known_share(values, are_codes=are_codes) < _LEAST_SHARE:
        order = None if are_codes or not target.has_classes else target.order_strength(values)
        if order is None or order < _LEAST_ORDER:
            return None
    return target.alone(values, are_codes=are_codes)
