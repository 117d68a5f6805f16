"""Memorizing: a recipe that cannot learn two examples by heart will learn nothing from two million."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tilth.errors import TrainingError
from tilth.training.findings import Finding
from tilth.training.learning import Curves, Recipe
from tilth.training.rehearsing import Attempt, attempt, copied, drawn, in_turns, is_costly, rehearsal
from tilth.training.rows import Rows
from tilth.training.strength import CHANCE, strength, strength_name

__all__ = ["loss_falls", "memorizes"]

_COPIES, _MOST_COPIES, _COSTLY_COPIES = 1000, 5000, 256
_CANDIDATES = 64
_HANDFUL = 32
_HANDFUL_ROUNDS = 50
_PAIRS = 5
_FAR, _TINY = 0.2, 1e-6
_CLEAR_GAP = 0.5
_ABOVE_CHANCE = 0.05
_MEND = (
    "look at the training function, the learning rate, the number of iterations and the regularization "
    "([train] in tilth.toml); sanity_checks = false there turns these checks off"
)
_LOSSES = ("loss", "l1", "l2", "rmse", "mae", "mape", "error", "merror", "mse", "rmsle", "mphe", "entropy")


def memorizes(recipe: Recipe, rows: Rows) -> list[Finding]:
    """Whether a recipe learns one example of each of two classes (or two numbers), then a handful, by heart.

    The examples are copied to a thousand rows, or as many as there are up to 5,000, since many estimators
    demand a number of rows in each leaf, or weigh their penalties against the number of rows.
    Judged is only whether the scores come out in the right order and apart: neither threshold nor weights
    of classes can hide it. A recipe that fails at one example computes something else than it was asked
    to, or is regularized to the point where it cannot learn at all.

    Args:
        recipe: how the model is made.
        rows: rows to take examples from.

    Returns:
        Findings of the checks "one_example", "handful" and "loss_falls".

    Raises:
        TrainingError: what a training function of one's own raises.
    """
    task = recipe.encoding.task
    pool = drawn(rows, _CANDIDATES * max(2, len(recipe.encoding.classes)), task)
    pairs = _pairs(pool, task)
    if not pairs:
        what = "no two rows have different labels and different features"
        return [Finding("one_example", "skipped", what)]
    trial = _Trial(recipe, pool, _copies(recipe, len(rows)))
    try:
        first, gap = _one_example(trial, pairs)
        return [first, *_handful(trial, gap)]
    except TrainingError as error:
        if is_costly(recipe):
            raise
        what = f"it cannot be fitted on copies of few examples: {error.what}"
        return [Finding("one_example", "skipped", what)]


def loss_falls(curves: Curves) -> Finding:
    """Whether the loss on the training rows is less after the last iteration than after the first.

    Example:
        >>> print(loss_falls({"train": {"loss": [0.7, 0.9]}}))
        loss_falls failed: the training loss does not fall: loss 0.7 after the first iteration, 0.9 after 2
    """
    told = curves.get("train", {})
    name = next((metric for metric in told if metric.rpartition("_")[2] in _LOSSES or "loss" in metric), None)
    if name is None or len(told[name]) < 2:
        return Finding("loss_falls", "skipped", "the estimator tells no loss after each iteration")
    values = told[name]
    first, last = values[0], values[-1]
    figures = {"first": first if np.isfinite(first) else None, "last": last if np.isfinite(last) else None}
    if np.isfinite(values).all() and last < first:
        return Finding(
            "loss_falls", "passed", f"{name} falls from {first:.4g} to {last:.4g}", figures=figures
        )
    words = (
        f"the training loss does not fall: {name} {first:.4g} after the first iteration, {last:.4g} after "
        f"{len(values)}"
    )
    return Finding("loss_falls", "failed", words, figures=figures, mend=_MEND)


@dataclass(frozen=True)
class _Trial:
    """A recipe to try, rows to take examples from, and to how many rows examples are copied."""

    recipe: Recipe
    pool: Rows
    copies: int

    def learned(
        self, positions: npt.NDArray[np.int64], most_rounds: int | None = None
    ) -> tuple[Attempt, Rows]:
        """A model that knows nothing but some examples, and the copies of these that it learned from."""
        rows = copied(self.pool, positions, self.copies)
        return attempt(rehearsal(self.recipe, most_rounds), rows, rows), rows


def _copies(recipe: Recipe, rows: int) -> int:
    return _COSTLY_COPIES if is_costly(recipe) else min(max(rows, _COPIES), _MOST_COPIES)


def _one_example(trial: _Trial, pairs: Sequence[tuple[int, int]]) -> tuple[Finding, float]:
    """The finding, and how far apart the scores of two examples come out: 1 is as far as it goes.

    Where that is little, more pairs tell a recipe that learns little from one that learns nothing: of the one
    they all come out the right way round, of the other they do so by luck.
    """
    first = _gap_of(trial, pairs[0])
    gaps = [first] if first is None or first >= _FAR else [first, *(_gap_of(trial, p) for p in pairs[1:])]
    known = [gap for gap in gaps if gap is not None]
    figures = {"gap": first, "least": min(known, default=None)}
    if first is None or len(known) < len(gaps):
        words = "after learning two examples by heart, the scores are not finite numbers"
        return Finding("one_example", "failed", words, figures=figures, mend=_MEND), 0.0
    if first >= _FAR:
        words = f"two examples learned by heart come out apart (gap {first:.2f} of 1)"
        return Finding("one_example", "passed", words, figures=figures), first
    if min(known) > _TINY:
        words = (
            f"two examples learned by heart hardly come out apart (gap {first:.2g} of 1): strong "
            "regularization, few iterations, or features of a small scale"
        )
        return Finding("one_example", "noted", words, figures=figures), first
    said = f"gap {min(known):.3f} of 1"
    words = f"two examples of different labels, learned by heart, do not come out apart ({said})"
    return Finding("one_example", "failed", words, figures=figures, mend=_MEND), first


def _gap_of(trial: _Trial, pair: tuple[int, int]) -> float | None:
    positions = np.array(pair)
    learned, _ = trial.learned(positions)
    scores = learned.scores(trial.pool.X[positions])
    return _gap(trial.recipe.encoding.task, scores, trial.pool.y[positions])


def _handful(trial: _Trial, gap: float) -> list[Finding]:
    task = trial.recipe.encoding.task
    positions = _different(trial.pool, task)
    learned, rows = trial.learned(positions, _HANDFUL_ROUNDS)
    found, name = strength(learned.scores(rows.X), rows.y, task, rows.groups), strength_name(task)
    figures = {name: found, "examples": float(len(positions))}
    said = f"{len(positions)} examples learned by heart reach {name} " + (
        "undefined" if found is None else f"{found:.2f}"
    )
    falls = loss_falls(learned.learned.curves)
    if found is None or (found <= CHANCE[name] + _ABOVE_CHANCE and gap < _CLEAR_GAP):
        return [Finding("handful", "failed", said, figures=figures, mend=_MEND), falls]
    if found < (CHANCE[name] + 1) / 2:
        words = f"{said} only: the model may have too little capacity, or too few features, for this"
        return [Finding("handful", "noted", words, figures=figures), falls]
    return [Finding("handful", "passed", said, figures=figures), falls]


def _pairs(pool: Rows, task: str) -> list[tuple[int, int]]:
    """Pairs of rows of different labels whose features are far apart; none where there are none."""
    Z = _standardized(pool.X)
    for first, second in _candidates(pool.y, task):
        found = []
        for at in first[:_PAIRS].tolist():
            distances = np.abs(Z[second] - Z[at]).sum(axis=1)
            if len(second) and distances.max() > 0:
                found.append((at, int(second[int(distances.argmax())])))
        if found:
            return found
    return []


def _candidates(
    y: npt.NDArray[np.number], task: str
) -> Sequence[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Where the rows of two labels lie; for numbers those of the lower and the upper tenth."""
    if y.ndim == 2:
        balance = np.argsort(np.abs(y.mean(axis=0) - 0.5), kind="stable")
        return [(np.flatnonzero(y[:, label] == 0), np.flatnonzero(y[:, label] == 1)) for label in balance]
    if task in ("regression", "ranking"):
        low, high = np.quantile(y, [0.1, 0.9], method="inverted_cdf")
        low, high = (low, high) if low < high else (y.min(), y.max())
        return [(np.flatnonzero(y <= low), np.flatnonzero(y >= high))] if low < high else []
    codes, counts = np.unique(y, return_counts=True)
    most = codes[np.argsort(-counts, kind="stable")]
    return [(np.flatnonzero(y == most[0]), np.flatnonzero(y == other)) for other in most[1:]]


def _gap(task: str, scores: npt.NDArray[np.float64], y: npt.NDArray[np.number]) -> float | None:
    """How much higher the label of each example scores on itself than on the other."""
    if not np.isfinite(scores).all():
        return None
    if task == "ranking":
        return float(np.sign(scores[1, 0] - scores[0, 0]))
    if task == "regression":
        return float((scores[1, 0] - scores[0, 0]) / (y[1] - y[0]))
    if y.ndim == 2:
        differ = np.flatnonzero(y[0] != y[1])
        return float(np.mean((scores[1] - scores[0])[differ] * (y[1] - y[0])[differ]))
    a, b = int(y[0]), int(y[1])
    return float(scores[0, a] - scores[1, a] + scores[1, b] - scores[0, b]) / 2


def _different(pool: Rows, task: str) -> npt.NDArray[np.int64]:
    """Some rows whose features differ from each other, of all classes in turn."""
    _, firsts = np.unique(pool.X, axis=0, return_index=True)
    positions = np.sort(firsts)
    if task in ("binary", "multiclass"):
        positions = positions[in_turns(pool.y[positions])]
    return np.asarray(positions[:_HANDFUL], np.int64)


def _standardized(X: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    known = np.where(np.isfinite(X), X, np.nan).astype(np.float64)
    low, high = np.nanmin(known, axis=0, initial=np.inf), np.nanmax(known, axis=0, initial=-np.inf)
    spread = np.where((high > low) & np.isfinite(high - low), high - low, np.inf)
    return np.nan_to_num((known - np.where(np.isfinite(low), low, 0.0)) / spread, nan=0.0)
