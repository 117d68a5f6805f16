"""Fitting estimators so that the same rows give the same model, and asking fitted ones."""

from __future__ import annotations

from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
import numpy.typing as npt

from tilth.errors import TrainingError
from tilth.training.boosting import Estimator, Watch, first_line, fit_boosting, is_boosting
from tilth.training.rows import Floats, Labels, Rows
from tilth.training.stored import free_bytes

__all__ = ["RowsEstimator", "fit_estimator", "fit_ordered", "fit_rows", "outputs_of"]

_ROWS = 131_072
"""Rows answered at once."""


@runtime_checkable
class RowsEstimator(Estimator, Protocol):
    """An estimator that is fitted on rows with their weights, and watches dev rows, in ways of its own.

    `curves_` of a fitted one is what `curves_of` gives.
    """

    def fit_rows(
        self, train: Rows, dev: Rows | None, *, early_stopping_rounds: int, watch: Watch | None
    ) -> None:
        """Learn from rows, which come in canonical order."""


def fit_estimator(
    estimator: Estimator,
    X: Floats,
    y: Labels,
    *,
    X_dev: Floats | None = None,
    y_dev: Labels | None = None,
) -> Estimator:
    """`fit_rows` for plain arrays: features (n, f) and labels (n,), the same of rows not learned from."""
    dev = None if X_dev is None or y_dev is None else Rows(X_dev, y_dev)
    return fit_rows(estimator, Rows(X, y), dev)


def fit_rows(
    estimator: Estimator,
    train: Rows,
    dev: Rows | None = None,
    *,
    early_stopping_rounds: int = 25,
    watch: Watch | None = None,
) -> Estimator:
    """A fitted copy of an estimator, the same bit for bit for the same rows in any order.

    LightGBM and XGBoost stop adding trees when so many more do not help on the dev rows, if there are at
    least 50 of these.

    Args:
        estimator: what `make_estimator` gave.
        train: the rows to learn from.
        dev: rows that are not learned from.
        early_stopping_rounds: how many iterations may pass without a better dev score; 0: any number.
        watch: is told the metrics after each iteration, where the estimator tells them.

    Raises:
        TrainingError: no rows, no features, only one class, or what the estimator itself refuses.
    """
    _check_training_rows(estimator, train.X, train.y)
    ordered = train.take(train.order())
    return fit_ordered(estimator, ordered, dev, early_stopping_rounds=early_stopping_rounds, watch=watch)


def fit_ordered(
    estimator: Estimator,
    ordered: Rows,
    dev: Rows | None = None,
    *,
    early_stopping_rounds: int = 25,
    watch: Watch | None = None,
) -> Estimator:
    """`fit_rows` on rows that are in canonical order.

    Raises:
        TrainingError: what the estimator itself refuses.
    """
    from sklearn.base import clone

    fresh = clone(estimator)
    try:
        with _one_thread():
            if is_boosting(fresh):
                return fit_boosting(
                    fresh, ordered, dev, early_stopping_rounds=early_stopping_rounds, watch=watch
                )
            if isinstance(fresh, RowsEstimator):
                fresh.fit_rows(ordered, dev, early_stopping_rounds=early_stopping_rounds, watch=watch)
                return fresh
            _check_room(fresh, ordered)
            # Double precision for what computes with features: single upsets the solvers of linear models.
            fresh.fit(ordered.X.astype(np.float64), ordered.y, **_weighted(fresh, ordered))
            return cast("Estimator", fresh)
    except (ValueError, TypeError) as error:
        hint = "fill missing values in features.py, or use lightgbm, which takes them"
        raise TrainingError(
            f"{type(estimator).__name__} cannot be fitted: {first_line(error)}",
            mend=hint if "NaN" in str(error) else "check [train.parameters] in tilth.toml",
        ) from error


def outputs_of(estimator: Estimator, features: Floats, classes: int) -> npt.NDArray[np.float64]:
    """What a fitted estimator says of rows.

    Args:
        estimator: fitted on codes 0 to classes - 1, or on numbers.
        features: (n, f) float32.
        classes: how many there are; 0 for regression.

    Returns:
        Probabilities (n, classes), 0 for classes that it has not met; or numbers (n, 1).
    """
    found = np.zeros((len(features), classes or 1))
    with _one_thread():
        for start in range(0, len(features), _ROWS):
            piece = features[start : start + _ROWS]
            X = piece if is_boosting(estimator) else piece.astype(np.float64)
            rows = found[start : start + _ROWS]
            if classes:
                met = cast("Any", estimator)
                rows[:, np.asarray(met.classes_, np.int64)] = met.predict_proba(X)
            else:
                rows[:] = np.asarray(estimator.predict(X), np.float64).reshape(-1, 1)
    return found


def _check_room(estimator: Estimator, rows: Rows) -> None:
    """Refuse what would not fit into memory, where features are so many that they lie in a file.

    Raises:
        TrainingError: there is not twice the room that the features take in double precision.
    """
    if not isinstance(rows.X, np.memmap):
        return
    needed, free = 16 * rows.X.size, free_bytes()
    if needed > free:
        raise TrainingError(
            f"{type(estimator).__name__} needs all {len(rows):,} x {rows.X.shape[1]} features in memory: "
            f"about {needed / 1e9:.0f} GB, and {free / 1e9:.0f} GB are free",
            where="[train] estimator",
            mend="choose lightgbm, which reads them from a file, or learn from fewer rows",
        )


def _weighted(estimator: Estimator, rows: Rows) -> dict[str, Any]:
    """How weights are given to an estimator.

    Raises:
        TrainingError: it does not take them.
    """
    if rows.weights is None:
        return {}
    from sklearn.utils.validation import has_fit_parameter

    if not has_fit_parameter(estimator, "sample_weight"):
        raise TrainingError(
            f"{type(estimator).__name__} does not take weights",
            where="[train]",
            expected="an estimator whose fit has sample_weight, such as lightgbm",
            mend="leave weight, class_weights and history out, or choose another estimator",
        )
    return {"sample_weight": rows.weights}


def _check_training_rows(estimator: Estimator, X: Floats, y: Labels) -> None:
    if X.ndim != 2 or X.shape[0] != len(y):
        raise TrainingError("features and labels differ in length", expected="one label for each row")
    if not X.shape[0] or not X.shape[1]:
        what = "rows" if not X.shape[0] else "features"
        raise TrainingError(f"there are no {what} to learn from")
    if hasattr(estimator, "predict_proba") and len(np.unique(y)) < 2:
        several = y.ndim > 1
        raise TrainingError(
            "all training rows have the same labels" if several else "all training rows have the same class",
            expected="some rows with a label and some without" if several else "two classes at least",
            mend="check the label column and the split",
        )


def _one_thread() -> Any:
    """Linear algebra on one thread: sums over several differ with their number in the last digits."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # it ships no types

    return threadpool_limits(limits=1, user_api="blas")
