"""Learner: the estimator that columns are judged with, fitted on some of the features."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tilth.errors import TrainingError
from tilth.training.estimators import make_estimator
from tilth.training.fitting import fit_estimator, outputs_of
from tilth.training.selection.logistic import fit_logistic, sigmoid
from tilth.training.selection.training import Standard
from tilth.types import Task

__all__ = ["LINEAR", "Fitted", "Learner", "losses", "quick"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Labels = npt.NDArray[np.number]

LINEAR = "linear"
"""The name of the usual estimator: logistic regression for classes, ridge regression for numbers."""

_NEWTON_FEATURES = 300


class Fitted(Protocol):
    """An estimator that has learned from some features."""

    def outputs(self, X: Floats) -> Floats:
        """Probabilities (m, classes), or numbers (m, 1), for all features (m, f)."""

    def weights(self) -> Floats | None:
        """(k,), what each feature counts: squares of coefficients, or importances; None without."""


@dataclass(frozen=True)
class _Linear:
    """Sums of features at mean 0 and deviation 1.

    Args:
        features: (k,), which of the f features it takes.
        standard: how they are brought to scale.
        constants: (t,).
        coefficients: (t, k); t is 1 for regression and two classes, otherwise a row for each class met.
        met: the codes of the classes met; none for regression.
        classes: how many there are; 0 for regression.
    """

    features: Integers
    standard: Standard
    constants: Floats
    coefficients: Floats
    met: Integers
    classes: int

    def outputs(self, X: Floats) -> Floats:
        sums = self.standard.apply(X[:, self.features]) @ self.coefficients.T + self.constants
        if not self.classes:
            return sums
        found = np.zeros((len(X), self.classes))
        if sums.shape[1] == 1:
            above = sigmoid(sums[:, 0])
            found[:, self.met[0]], found[:, self.met[1]] = 1 - above, above
            return found
        powers = np.exp(sums - sums.max(axis=1, keepdims=True))
        found[:, self.met] = powers / powers.sum(axis=1, keepdims=True)
        return found

    def weights(self) -> Floats:
        return np.asarray((self.coefficients**2).sum(axis=0))


@dataclass(frozen=True)
class _Other:
    """Any other estimator, which takes the features as they are."""

    estimator: Any
    features: Integers
    classes: int

    def outputs(self, X: Floats) -> Floats:
        return outputs_of(self.estimator, X[:, self.features], self.classes)

    def weights(self) -> Floats | None:
        coefficients = getattr(self.estimator, "coef_", None)
        if coefficients is not None:
            return np.asarray((np.atleast_2d(np.asarray(coefficients, np.float64)) ** 2).sum(axis=0))
        importances = getattr(self.estimator, "feature_importances_", None)
        return None if importances is None else np.asarray(importances, np.float64)


class Learner:
    """Fits one kind of estimator.

    Args:
        name: "linear", or what `make_estimator` takes.
        task: what is predicted.
        classes: how many there are; 0 for regression.
        seed: for all that it draws.

    Raises:
        TrainingError: no such estimator, or one of the wrong kind.
    """

    def __init__(self, name: str, task: Task, classes: int, seed: int) -> None:
        self.name = name
        self.task = task
        self.classes = classes
        self.seed = seed
        # How often trees split on a feature says little: on noise with many values they split a lot.
        given = {"importance_type": "gain"} if name == "lightgbm" else {}
        self._given = None if name == LINEAR else make_estimator(name, given, task=task, seed=seed)

    @property
    def is_linear(self) -> bool:
        """Whether it is the usual one."""
        return self._given is None

    @property
    def title(self) -> str:
        """Its name for people."""
        if not self.is_linear:
            return self.name
        return "ridge regression" if self.task == "regression" else "logistic regression"

    def fit(self, X: Floats, labels: Labels, features: Integers) -> Fitted:
        """Learn from rows.

        Args:
            X: (n, f), NaN where missing, the rows in an order that depends on their contents only.
            labels: (n,), codes of classes or numbers.
            features: (k,), which of the f to take.

        Raises:
            TrainingError: the estimator cannot be fitted.
        """
        taken = X[:, features]
        codes, numbers = labels.astype(np.int64), labels.astype(np.float64)
        learned = numbers if self.task == "regression" else codes
        if self._given is not None:
            return _Other(fit_estimator(self._given, taken, learned), features, self.classes)
        standard = Standard.of(taken)
        return self._linear(standard.apply(taken), learned, features, standard)

    def _linear(self, Z: Floats, labels: Any, features: Integers, standard: Standard) -> _Linear:
        from sklearn.linear_model import LogisticRegression, Ridge

        met = np.unique(labels) if self.classes else np.empty(0, np.int64)
        if len(met) == 2 and len(features) <= _NEWTON_FEATURES:
            weights = fit_logistic(Z, (labels == met[1]).astype(np.float64))
            return _Linear(features, standard, weights[:1], weights[None, 1:], met, self.classes)
        if len(met) == 1:
            raise TrainingError(
                "all training rows have the same class",
                expected="two classes at least",
                mend="give more data",
            )
        made: Any = LogisticRegression(max_iter=300) if self.classes else Ridge(solver="cholesky")
        made.fit(Z, labels)
        coefficients = np.atleast_2d(np.asarray(made.coef_, np.float64))
        return _Linear(features, standard, np.atleast_1d(made.intercept_), coefficients, met, self.classes)


def losses(outputs: Floats, labels: Labels, task: Task) -> Floats:
    """The loss of each row, (n,): the squared error, for classes that of all probabilities (Brier 1950).

    Args:
        outputs: probabilities (n, classes), or numbers (n, 1).
        labels: (n,), codes of classes or numbers.
        task: what is predicted.
    """
    if task == "regression":
        return np.square(outputs[:, 0] - labels.astype(np.float64))
    wanted = labels.astype(np.int64)[:, None] == np.arange(outputs.shape[1])
    return np.asarray(((outputs - wanted) ** 2).sum(axis=1))


@contextmanager
def quick() -> Iterator[None]:
    """Very many small fits: on one thread, and without scikit-learn looking at each argument again."""
    import sklearn
    from scipy.linalg import LinAlgWarning
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # it ships no types

    with (
        threadpool_limits(limits=1, user_api="blas"),
        sklearn.config_context(assume_finite=True, skip_parameter_validation=True),
        warnings.catch_warnings(),
    ):
        # What is found in so many steps is compared; that more would find a little more is no news.
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", LinAlgWarning)
        yield
