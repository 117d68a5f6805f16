"""Shuffling: with labels dealt out anew nothing can be learned, so whatever still tells them is a leak."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tilth.errors import TrainingError, counted
from tilth.training.findings import Finding
from tilth.training.learning import Recipe, learn
from tilth.training.rehearsing import drawn, is_costly, rehearsal
from tilth.training.rows import Rows
from tilth.training.strength import CHANCE, strength, strength_name

__all__ = ["shuffled_labels"]

_SHUFFLES = 5
_MOST_ROWS, _MOST_COSTLY_ROWS = 2000, 500
_MOST_CELLS = 1_000_000
_LEAST_ROWS = 50
_ROUNDS, _EPOCHS = 30, 5
_T_95, _T_999 = 2.776, 7.173
"""Student's t with 4 degrees of freedom: two-sided 95 %, one-sided 99.9 %."""
_CLEARLY_ABOVE = 0.1
_HELD_SHARE = 0.2


def shuffled_labels(recipe: Recipe, train: Rows, dev: Rows) -> Finding:
    """Whether models that learned shuffled labels are at chance on the true labels of dev rows.

    They are, unless the labels come in by another way: a training function that reads them from a file, or
    features from which it can look them up. One such model is easily above or below chance, since its
    direction is a matter of luck; so five are made, and their mean must be above chance beyond doubt (0.1 and
    Student's t of 99.9 %) to fail.

    Args:
        recipe: how the model is made; few iterations are enough here.
        train: the rows to learn from; at most 2,000 of them are taken, rare classes first.
        dev: rows that are not learned from.

    Raises:
        TrainingError: what a training function of one's own raises.
    """
    task = recipe.encoding.task
    costly = is_costly(recipe)
    most = _most_rows(recipe, train)
    learned_from, judged = drawn(train, most, task), drawn(dev, _MOST_ROWS, task)
    if min(len(learned_from), len(judged)) < _LEAST_ROWS:
        fewest = min(len(learned_from), len(judged))
        return Finding("shuffled_labels", "skipped", f"{counted(fewest, 'row')} are too few to tell")
    quick = rehearsal(recipe, _EPOCHS if costly else _ROUNDS)
    random = np.random.default_rng(recipe.seed)
    values = []
    for _ in range(_SHUFFLES):
        try:
            values.append(_reached(quick, _shuffled(learned_from, random), judged, task))
        except TrainingError as error:
            if costly:
                raise
            return Finding("shuffled_labels", "skipped", f"it cannot be fitted on few rows: {error.what}")
    known = [value for value in values if value is not None]
    name = strength_name(task)
    if len(known) < _SHUFFLES:
        return Finding("shuffled_labels", "skipped", f"{name} is undefined on the dev rows")
    return _judged(known, name, len(learned_from), len(judged))


def _judged(values: Sequence[float], name: str, learned: int, judged: int) -> Finding:
    mean, error = float(np.mean(values)), float(np.std(values, ddof=1)) / math.sqrt(_SHUFFLES)
    figures = {name: mean, "low": mean - _T_95 * error, "high": mean + _T_95 * error, "chance": CHANCE[name]}
    said = (
        f"{_SHUFFLES} models of {learned:,} rows with shuffled labels reach {name} {mean:.2f} (chance: "
        f"{CHANCE[name]:g}) on {judged:,} dev rows"
    )
    above = mean - CHANCE[name]
    if above < _CLEARLY_ABOVE or above < _T_999 * error:
        return Finding("shuffled_labels", "passed", said, figures=figures)
    words = f"{said}: the true labels come in by another way than the label that is given"
    mend = (
        "look for where the training function, or a feature, gets them: a file that it reads, a look-up by a key"
    )
    return Finding("shuffled_labels", "failed", words, figures=figures, mend=mend)


def _most_rows(recipe: Recipe, train: Rows) -> int:
    width = train.X.shape[1] * max(1, len(recipe.encoding.classes) - 1)
    return max(100, min(_MOST_COSTLY_ROWS if is_costly(recipe) else _MOST_ROWS, _MOST_CELLS // max(1, width)))


def _shuffled(rows: Rows, random: np.random.Generator) -> Rows:
    """The rows with each other's labels; within its group for a ranking."""
    order = random.permutation(len(rows))
    if rows.groups is not None:
        mixed = order[np.argsort(rows.groups[order], kind="stable")]
        order = np.empty(len(rows), np.int64)
        order[np.argsort(rows.groups, kind="stable")] = mixed
    return replace(rows, y=rows.y[order])


def _reached(recipe: Recipe, rows: Rows, judged: Rows, task: str) -> float | None:
    """What a model of these rows reaches on the others; a fifth of them is its own dev part."""
    bound = _bound(rows)
    held, kept = np.arange(len(rows)) < bound, np.arange(len(rows)) >= bound
    learned = learn(recipe, rows.take(kept), rows.take(held))
    return strength(learned.scores(judged.X), judged.y, task, judged.groups)


def _bound(rows: Rows) -> int:
    bound = int(len(rows) * _HELD_SHARE)
    if rows.groups is None:
        return bound
    return int(np.searchsorted(np.cumsum(np.ones(len(rows))), bound))
