"""Shuffling: with labels dealt out anew nothing can be learned, so whatever still tells them is a leak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tilth.errors import TrainingError, counted
from tilth.training.findings import Finding
from tilth.training.learning import Recipe
from tilth.training.rehearsing import attempt, drawn, is_costly, rehearsal
from tilth.training.rows import Rows
from tilth.training.strength import CHANCE, strength, strength_name

__all__ = ["shuffled_labels"]

_SHUFFLES, _MORE_SHUFFLES = 3, 4
_MOST_ROWS, _MOST_COSTLY_ROWS = 2000, 500
_MOST_CELLS = 1_000_000
_FEWEST_ROWS = 100
_LEAST_ROWS = 50
_ROUNDS, _EPOCHS = 30, 5
_CLEARLY_ABOVE = 0.1
_HELD_SHARE = 0.2


def shuffled_labels(recipe: Recipe, train: Rows, dev: Rows) -> Finding:
    """Whether models that learned shuffled labels are at chance on the true labels of dev rows.

    They are, unless the labels come in by another way: a training function that reads them from a file, or
    features from which it can look them up. One such model is easily above or below chance, since its
    direction is a matter of luck; so the same shuffled labels are learned once more with their sense turned
    round, and the mean of the two counts. An estimator that learns little says what it drew to begin with, so
    each time it draws anew. It fails where all of three are 0.1 above chance, and then all of four more.

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
    try:
        values = _values(quick, learned_from, judged, random, range(_SHUFFLES))
        if _are_clear(values, CHANCE[strength_name(task)]):
            more = range(_SHUFFLES, _SHUFFLES + _MORE_SHUFFLES)
            values += _values(quick, learned_from, judged, random, more)
    except TrainingError as error:
        if costly:
            raise
        return Finding("shuffled_labels", "skipped", f"it cannot be fitted on few rows: {error.what}")
    known = [value for value in values if value is not None]
    name = strength_name(task)
    if len(known) < len(values):
        return Finding("shuffled_labels", "skipped", f"{name} is undefined on the dev rows")
    return _judged(known, name, len(learned_from), len(judged))


def _values(
    recipe: Recipe, rows: Rows, judged: Rows, random: np.random.Generator, numbers: range
) -> list[float | None]:
    """What models of shuffled labels reach, each with a seed of its own."""
    parameters = {name: value for name, value in recipe.parameters.items() if name != "random_state"}
    return [
        _both_ways(
            replace(recipe, parameters=parameters, seed=recipe.seed + number), _shuffled(rows, random), judged
        )
        for number in numbers
    ]


def _are_clear(values: Sequence[float | None], chance: float) -> bool:
    """Whether all are defined and clearly above chance."""
    return all(value is not None and value >= chance + _CLEARLY_ABOVE for value in values)


def _judged(values: Sequence[float], name: str, learned: int, judged: int) -> Finding:
    mean, chance = sum(values) / len(values), CHANCE[name]
    figures = {name: mean, "least": min(values), "greatest": max(values), "chance": chance}
    said = (
        f"models of {learned:,} rows with shuffled labels reach {name} {mean:.2f} (chance: {chance:g}) on "
        f"{judged:,} dev rows"
    )
    if not _are_clear(values, chance):
        return Finding("shuffled_labels", "passed", said, figures=figures)
    words = f"{said}: the true labels come in by another way than the label that is given"
    mend = "look where the training function or a feature gets them: a file that it reads, a look-up by a key"
    return Finding("shuffled_labels", "failed", words, figures=figures, mend=mend)


def _most_rows(recipe: Recipe, train: Rows) -> int:
    width = train.X.shape[1] * max(1, len(recipe.encoding.classes) - 1)
    most = _MOST_COSTLY_ROWS if is_costly(recipe) else _MOST_ROWS
    return max(_FEWEST_ROWS, min(most, _MOST_CELLS // max(1, int(width))))


def _shuffled(rows: Rows, random: np.random.Generator) -> Rows:
    """The rows with each other's labels; within its group for a ranking."""
    order = random.permutation(len(rows))
    if rows.groups is not None:
        mixed = order[np.argsort(rows.groups[order], kind="stable")]
        order = np.empty(len(rows), np.int64)
        order[np.argsort(rows.groups, kind="stable")] = mixed
    return replace(rows, y=rows.y[order])


def _both_ways(recipe: Recipe, rows: Rows, judged: Rows) -> float | None:
    """The mean of what models of the labels, and of the labels turned round, reach on other rows."""
    found = [_reached(recipe, each, judged) for each in (rows, _turned(recipe, rows))]
    known = [value for value in found if value is not None]
    return sum(known) / 2 if len(known) == 2 else None


def _turned(recipe: Recipe, rows: Rows) -> Rows:
    """The rows with the sense of their labels turned round: the last class for the first, great for small."""
    if rows.y.ndim == 2:
        return replace(rows, y=1 - rows.y)
    if recipe.encoding.classes:
        return replace(rows, y=len(recipe.encoding.classes) - 1 - rows.y)
    return replace(rows, y=rows.y.max() + rows.y.min() - rows.y)


def _reached(recipe: Recipe, rows: Rows, judged: Rows) -> float | None:
    """What a model of these rows reaches on the others; a fifth of them is its own dev part."""
    held = _held(rows)
    learned = attempt(recipe, rows.take(~held), rows.take(held))
    return strength(learned.scores(judged.X), judged.y, recipe.encoding.task, judged.groups)


def _held(rows: Rows) -> npt.NDArray[np.bool_]:
    """The first fifth of the rows, or of the groups."""
    if rows.groups is None:
        return np.arange(len(rows)) < int(len(rows) * _HELD_SHARE)
    groups = np.unique(rows.groups)
    return np.isin(rows.groups, groups[: int(len(groups) * _HELD_SHARE)])
