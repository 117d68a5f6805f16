"""Sanity checks: what to try in seconds before a training that takes hours."""

from __future__ import annotations

import warnings

import numpy as np

from tilth.training.findings import Finding
from tilth.training.learning import Recipe, estimator_of
from tilth.training.memorizing import memorizes
from tilth.training.rows import Rows
from tilth.training.shuffling import shuffled_labels

__all__ = ["check_recipe"]


def check_recipe(recipe: Recipe, train: Rows, dev: Rows) -> list[Finding]:
    """Whether a recipe learns what it is given, and only that.

    It must learn one example of each of two labels, then a handful, by heart; its loss must fall; and with
    shuffled labels it must be at chance. The first check that fails makes the later ones meaningless.

    Args:
        recipe: how the model is made.
        train: rows to learn from; few of them are used.
        dev: rows that are not learned from.

    Raises:
        TrainingError: no such estimator or parameter, or what a training function of one's own raises.

    Example:
        >>> from tilth.metrics import LabelEncoding
        >>> random = np.random.default_rng(0)
        >>> X = random.normal(size=(300, 3)).astype(np.float32)
        >>> rows = Rows(X, (X[:, 0] > 0).astype(np.int64))
        >>> recipe = Recipe(LabelEncoding("binary", ("no", "yes")), "sklearn.naive_bayes.GaussianNB")
        >>> [(found.check, found.outcome) for found in check_recipe(recipe, rows, rows)][:2]
        [('one_example', 'passed'), ('handful', 'passed')]
    """
    estimator_of(recipe)  # one that cannot be made is no estimator that few rows are too few for
    with warnings.catch_warnings(), np.errstate(over="ignore", invalid="ignore"):
        # What libraries say of few rows, copies and shuffled labels would be taken for news of the training.
        warnings.simplefilter("ignore")
        found = memorizes(recipe, train)
        if any(finding.outcome == "failed" for finding in found):
            return found
        return [*found, shuffled_labels(recipe, train, dev)]
