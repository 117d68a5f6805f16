"""Estimators with the mistakes that people make, for tests of the sanity checks."""

from __future__ import annotations

from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression

TRUTH: dict[float, int] = {}
"""The label of a row by its first feature: what a look-up in a file would give."""


class _Odd(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # it ships no types
    """A logistic regression for the subclasses to spoil."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        X, y = self.spoiled(X, y)
        self.classes_ = np.unique(y)
        self.model_ = LogisticRegression().fit(X, y)
        return self

    def spoiled(self, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return X, y

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        return np.asarray(self.model_.predict_proba(X))

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])


class Shuffled(_Odd):
    """It sorts the features and forgets the labels."""

    def spoiled(self, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return X, np.random.default_rng(1).permutation(y)


class UpsideDown(_Odd):
    """It answers with the columns of the classes exchanged."""

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        return super().predict_proba(X)[:, ::-1]


class Undefined(_Odd):
    """Its loss has gone astray."""

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        return super().predict_proba(X) * np.nan


class Knowing(_Odd):
    """It looks the labels up instead of taking those that it is given; it learns both."""

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        learned = super().predict_proba(X)
        known = np.array([TRUTH.get(float(value), 0) for value in X[:, 0]])
        return (learned + 3 * np.column_stack([1 - known, known])) / 4
