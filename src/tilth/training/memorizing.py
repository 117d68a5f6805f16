"""Memorizing: a recipe that cannot learn two examples by heart will learn nothing from two million."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tilth.errors import TrainingError
from tilth.training.findings import Finding
from tilth.training.learning import Curves, Learned, Recipe, learn
from tilth.training.rehearsing import copied, drawn, is_costly, rehearsal
from tilth.training.rows import Rows
from tilth.training.strength import CHANCE, strength, strength_name

__all__ = ["loss_falls", "memorizes"]

_COPIES, _COSTLY_COPIES = 1000, 256
_CANDIDATES = 64
_HANDFUL = 32
_HANDFUL_ROUNDS = 50
_LEAST_GAP = 0.05
_CLEAR_GAP = 0.5
_ABOVE_CHANCE = 0.05
_BY_HEART = 0.9
_MEND = (
    "look at the training function, the learning rate, the number of iterations and the regularization "
    "([train] in tilth.toml); sanity_checks = false there turns these checks off"
)
_LOSSES = ("loss", "l1", "l2", "rmse", "mae", "mape", "error", "merror", "mse", "rmsle", "mphe", "entropy")


def memorizes(recipe: Recipe, rows: Rows) -> list[Finding]:
    """Whether a recipe learns one example of each of two classes (or two numbers), then a handful, by heart.

    The examples are copied a thousand times, since many estimators demand a number of rows in each leaf.
    Judged is only whether the scores come out in the right order and apart: neither threshold nor weights
    of classes can hide it. A recipe that fails at one example computes something else than it was asked to, or
    is regularized to the point where it cannot learn at all.

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
    pair = _pair(pool, task)
    if pair is None:
        what = "no two rows have different labels and different features"
        return [Finding("one_example", "skipped", what)]
    try:
        first, gap = _one_example(recipe, pool, pair)
        return [first, *_handful(recipe, pool, gap)]
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


def _one_example(recipe: Recipe, pool: Rows, pair: tuple[int, int]) -> tuple[Finding, float]:
    """The finding, and how far apart the scores of the two examples come out: 1 when it learns them wholly."""
    positions = np.array(pair)
    rows = _copies(recipe, pool, positions)
    learned = learn(rehearsal(recipe), rows, rows)
    scores = learned.scores(pool.X[positions])
    gap = _gap(recipe.encoding.task, scores, pool.y[positions])
    figures = {"gap": gap}
    if gap is None:
        words = "after learning two examples by heart, the scores are not finite numbers"
        return Finding("one_example", "failed", words, figures=figures, mend=_MEND), 0.0
    if gap < _LEAST_GAP:
        words = (
            f"two examples with different labels, learned by heart, do not come out apart (gap {gap:.3f} of 1)"
        )
        return Finding("one_example", "failed", words, figures=figures, mend=_MEND), gap
    outcome = f"two examples learned by heart come out apart (gap {gap:.2f} of 1)"
    return Finding("one_example", "passed", outcome, figures=figures), gap


def _handful(recipe: Recipe, pool: Rows, gap: float) -> list[Finding]:
    task = recipe.encoding.task
    positions = _different(pool, _HANDFUL)
    rows = _copies(recipe, pool, positions)
    learned = learn(rehearsal(recipe, _HANDFUL_ROUNDS), rows, rows)
    found, name = _reached(learned, rows, task), strength_name(task)
    figures = {name: found, "examples": float(len(positions))}
    said = f"{len(positions)} examples learned by heart reach {name} " + (
        "undefined" if found is None else f"{found:.2f}"
    )
    falls = loss_falls(learned.curves)
    if found is None or (found <= CHANCE[name] + _ABOVE_CHANCE and gap < _CLEAR_GAP):
        return [Finding("handful", "failed", said, figures=figures, mend=_MEND), falls]
    if found < _BY_HEART:
        words = f"{said} only: the model may have too little capacity, or too few features, for this"
        return [Finding("handful", "noted", words, figures=figures), falls]
    return [Finding("handful", "passed", said, figures=figures), falls]


def _copies(recipe: Recipe, pool: Rows, positions: npt.NDArray[np.int64]) -> Rows:
    return copied(pool, positions, _COSTLY_COPIES if is_costly(recipe) else _COPIES)


def _reached(learned: Learned, rows: Rows, task: str) -> float | None:
    return strength(learned.scores(rows.X), rows.y, task, rows.groups)


def _pair(pool: Rows, task: str) -> tuple[int, int] | None:
    """Two rows of different labels whose features are far apart; None where there are none."""
    for first, second in _candidates(pool.y, task):
        if not len(first) or not len(second):
            continue
        Z = _standardized(pool.X)
        at = int(first[0])
        distances = np.abs(Z[second] - Z[at]).sum(axis=1)
        if distances.max() > 0:
            return at, int(second[int(distances.argmax())])
    return None


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


def _different(pool: Rows, most: int) -> npt.NDArray[np.int64]:
    """The first rows whose features differ from each other; rows of the classes take turns in the pool."""
    _, firsts = np.unique(pool.X, axis=0, return_index=True)
    return np.asarray(np.sort(firsts)[:most], np.int64)


def _standardized(X: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    known = np.where(np.isfinite(X), X, np.nan).astype(np.float64)
    low, high = np.nanmin(known, axis=0, initial=np.inf), np.nanmax(known, axis=0, initial=-np.inf)
    spread = np.where((high > low) & np.isfinite(high - low), high - low, np.inf)
    return np.nan_to_num((known - np.where(np.isfinite(low), low, 0.0)) / spread, nan=0.0)
