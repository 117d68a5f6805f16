"""`learn`: from a recipe and rows to a fitted estimator, calibrated, with the rule by which it decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from tilth.errors import TrainingError
from tilth.features.blocks import Block
from tilth.metrics import LabelEncoding
from tilth.training.boosting import Watch, curves_of
from tilth.training.calibration import Calibration, fit_calibration
from tilth.training.decision import Decision
from tilth.training.estimators import Estimator, make_estimator
from tilth.training.fitting import RowsEstimator, fit_rows, outputs_of
from tilth.training.goals import decide
from tilth.training.rows import Floats, Labels, Rows
from tilth.training.weights import ClassWeights, class_factors, weighted

__all__ = ["Curves", "Learned", "Recipe", "estimator_of", "learn"]

Curves: TypeAlias = "Mapping[str, Mapping[str, list[float]]]"
"""Part ("train", "dev") -> metric -> its value after each iteration."""

_ROWS = 65_536


@dataclass(frozen=True)
class Recipe:
    """How a model is made from rows, apart from the rows.

    Args:
        encoding: the task and its classes.
        estimator: its name; see `make_estimator`.
        parameters: its parameters by name.
        seed: for all that is drawn at random.
        class_weights: "balanced", or class -> how much its rows count; None: all alike.
        early_stopping_rounds: fitting stops when so many iterations do not help on the dev rows; 0: never.
        calibration: how probabilities are corrected on the dev rows; "none": they are not.
        threshold: of two classes, the probability that the positive one must exceed; or the goal by which it
            is chosen on the dev rows: "f1", "recall >= 0.9", "precision >= 0.9", "value".
        values: (classes, classes), the value of a row by its true and its said class; for "value".
        blocks: which features belong together, for networks.
        directory: where a training function of one's own is looked for.
        feature_names: the features' names, for such a function.
    """

    encoding: LabelEncoding
    estimator: str = "lightgbm"
    parameters: Mapping[str, object] = field(default_factory=dict)
    seed: int = 0
    class_weights: ClassWeights | None = None
    early_stopping_rounds: int = 25
    calibration: str = "none"
    threshold: float | str = 0.5
    values: npt.NDArray[np.float64] | None = None
    blocks: tuple[Block, ...] = ()
    directory: Path | None = None
    feature_names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Learned:
    """A fitted estimator with all that turns its scores into answers.

    Args:
        estimator: fitted on codes of classes, or on numbers.
        encoding: the task and its classes.
        decision: how probabilities become a class.
        calibration: how probabilities are corrected before; None: they are not.
        curves: how its fitting went on, iteration by iteration; empty where it does not tell.

    Example:
        >>> from sklearn.linear_model import LogisticRegression
        >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]], np.float32), np.array([0, 0, 1, 1])
        >>> learned = Learned(LogisticRegression().fit(X, y), LabelEncoding("binary", ("no", "yes")))
        >>> learned.codes(learned.scores(X)).tolist()
        [0, 0, 1, 1]
    """

    estimator: Estimator
    encoding: LabelEncoding
    decision: Decision = field(default_factory=Decision)
    calibration: Calibration | None = None
    curves: Curves = field(default_factory=dict)

    def scores(self, X: Floats) -> npt.NDArray[np.float64]:
        """Probabilities (n, classes), or numbers (n, 1), of features (n, f)."""
        found = outputs_of(self.estimator, X, len(self.encoding.classes))
        return found if self.calibration is None else self.calibration.apply(found)

    def slack(self, X: Floats, rounding: float) -> npt.NDArray[np.float64]:
        """How far `scores` of features (n, f) move by such rounding of what the calibration is given."""
        found = outputs_of(self.estimator, X, len(self.encoding.classes))
        return np.zeros_like(found) if self.calibration is None else self.calibration.slack(found, rounding)

    def codes(self, scores: npt.NDArray[np.float64]) -> Labels:
        """What is said for scores: codes (n,) of classes, or numbers (n,)."""
        if not self.encoding.classes:
            return scores.ravel()
        return self.decision.codes(scores, self.encoding.task)


def estimator_of(recipe: Recipe) -> Estimator:
    """The estimator of a recipe, not fitted yet.

    Raises:
        TrainingError: it cannot be made.

    Example:
        >>> estimator_of(Recipe(LabelEncoding("regression"), "sklearn.linear_model.Ridge", seed=1))
        Ridge(random_state=1)
    """
    return make_estimator(
        recipe.estimator,
        recipe.parameters,
        task=recipe.encoding.task,
        seed=recipe.seed,
        blocks=recipe.blocks,
        directory=recipe.directory,
        feature_names=recipe.feature_names,
        classes=recipe.encoding.classes,
    )


def learn(recipe: Recipe, train: Rows, dev: Rows | None = None, *, watch: Watch | None = None) -> Learned:
    """Fit an estimator, correct its probabilities and choose its threshold, as a recipe says.

    The same rows in any order give the same bit for bit.

    Args:
        recipe: how.
        train: the rows to learn from.
        dev: rows that are not learned from: for early stopping, calibration and the threshold.
        watch: is told the metrics after each iteration, where the estimator tells them; what it raises ends
            the fitting.

    Raises:
        TrainingError: the estimator cannot be made or fitted.
        CheckFailed: no threshold reaches the goal on the dev rows.
    """
    encoding = recipe.encoding
    estimator = estimator_of(recipe)
    _refuse_infinite(estimator, train.X, recipe.feature_names)
    factors = class_factors(recipe.class_weights, train, encoding)
    fitted = fit_rows(
        estimator,
        weighted(train, factors),
        None if dev is None else weighted(dev, factors),
        early_stopping_rounds=recipe.early_stopping_rounds,
        watch=watch,
    )
    learned = Learned(fitted, encoding, curves=curves_of(fitted))
    if not encoding.classes:
        return learned
    if recipe.calibration != "none":
        learned = replace(learned, calibration=_calibration(recipe, learned, dev))
    return replace(learned, decision=_decision(recipe, learned, dev))


def _refuse_infinite(estimator: Estimator, X: Floats, names: Sequence[str]) -> None:
    """Only LightGBM takes infinity for a number like others, and a training function decides for itself."""
    if type(estimator).__module__.startswith("lightgbm.") or isinstance(estimator, RowsEstimator):
        return
    wrong = np.zeros(X.shape[1], bool)
    for start in range(0, len(X), _ROWS):
        wrong |= np.isinf(X[start : start + _ROWS]).any(axis=0)
    if wrong.any():
        at = int(wrong.argmax())
        raise TrainingError(
            f"{int(wrong.sum())} of {len(wrong)} features are infinite in some rows",
            where=f"feature '{names[at]}'" if at < len(names) else f"feature {at}",
            expected="numbers that single precision can hold, up to 3e38",
            mend="clip it in features.py with .clip(low, high), or leave these rows out",
        )


def _calibration(recipe: Recipe, learned: Learned, dev: Rows | None) -> Calibration | None:
    known = _needed(dev, f'calibration = "{recipe.calibration}"')
    return fit_calibration(recipe.calibration, learned.scores(known.X), known.y, known.weights)


def _decision(recipe: Recipe, learned: Learned, dev: Rows | None) -> Decision:
    """The rule that tilth.toml gives, or the one that serves its goal best on the dev rows."""
    if not isinstance(recipe.threshold, str):
        return Decision(recipe.threshold)
    known = _needed(dev, f'threshold = "{recipe.threshold}"')
    scores = learned.scores(known.X)
    return decide(recipe.threshold, scores, known.y, known.weights, values=recipe.values)


def _needed(dev: Rows | None, use: str) -> Rows:
    if dev is None or not len(dev):
        raise TrainingError(
            f"{use} needs dev rows, and there are none",
            where="[train]",
            mend="give the dev part a share of the rows under [split]",
        )
    return dev
