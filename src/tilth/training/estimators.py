"""Estimators: found by name, given their parameters, and fitted so that the same rows give the same model."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from tilth.errors import TrainingError, closest
from tilth.training.boosting import (
    BOOSTING,
    Estimator,
    Floats,
    Labels,
    check_parameters,
    first_line,
    fit_boosting,
    is_boosting,
    make_boosting,
    parameter_names,
)
from tilth.training.order import canonical_order
from tilth.types import Task

__all__ = ["Estimator", "fit_estimator", "make_estimator", "outputs_of"]


def make_estimator(
    name: str, parameters: Mapping[str, object] | None = None, *, task: Task, seed: int = 0
) -> Estimator:
    """An estimator that is not fitted yet.

    Args:
        name: "lightgbm", "xgboost", or the dotted path of a scikit-learn compatible class, such as
            "sklearn.linear_model.LogisticRegression".
        parameters: its parameters by name; lists become tuples where scikit-learn wants them.
        task: what it shall predict.
        seed: for all that it draws at random; a `random_state` among the parameters wins.

    Raises:
        TrainingError: no such module, class or parameter, or a class of the wrong kind.

    Example:
        >>> make_estimator("sklearn.linear_model.Ridge", {"alpha": 2.0}, task="regression")
        Ridge(alpha=2.0, random_state=0)
    """
    given = dict(parameters or {})
    if name in BOOSTING:
        return make_boosting(name, given, task, seed)
    kind = _find_class(name)
    known = parameter_names(kind)
    check_parameters(name, given, known)
    if "random_state" in known:
        given.setdefault("random_state", seed)
    try:
        made = kind(**given)
    except (TypeError, ValueError) as error:
        raise TrainingError(f"{name} refuses its parameters: {error}", where="[train.parameters]") from error
    _check_kind(name, made, task)
    return cast("Estimator", made)


def fit_estimator(
    estimator: Estimator,
    X: Floats,
    y: Labels,
    *,
    X_dev: Floats | None = None,
    y_dev: Labels | None = None,
) -> Estimator:
    """A fitted copy of an estimator, the same bit for bit for the same rows in any order.

    LightGBM and XGBoost stop adding trees when 25 more do not help on the dev rows, if there are at least 50
    of these.

    Args:
        estimator: what `make_estimator` gave.
        X: (n, f) float32, the features.
        y: (n,), codes of classes or numbers.
        X_dev: rows that are not learned from.
        y_dev: their labels.

    Raises:
        TrainingError: no rows, no features, only one class, or what the estimator itself refuses.
    """
    from sklearn.base import clone

    _check_training_rows(estimator, X, y)
    order = canonical_order(X, y)
    fresh = clone(estimator)
    try:
        with _one_thread():
            if is_boosting(fresh):
                return fit_boosting(fresh, X[order], y[order], X_dev, y_dev)
            # Double precision for what computes with features: single upsets the solvers of linear models.
            fresh.fit(X[order].astype(np.float64), y[order])
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
    X = features if is_boosting(estimator) else features.astype(np.float64)
    with _one_thread():
        if not classes:
            return np.asarray(estimator.predict(X), np.float64).reshape(-1, 1)
        wide = np.zeros((len(features), classes))
        met = cast("Any", estimator)
        wide[:, np.asarray(met.classes_, np.int64)] = met.predict_proba(X)
        return wide


def _find_class(name: str) -> Any:
    module_name, _, class_name = name.rpartition(".")
    expected = '"lightgbm", "xgboost", or a dotted path such as "sklearn.linear_model.LogisticRegression"'
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", module_name):
        raise TrainingError(f"no estimator '{name}'", where="[train] estimator", expected=expected)
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise TrainingError(
            f"no estimator '{name}': {error}",
            where="[train] estimator",
            expected=expected,
            mend=f"install the package '{module_name.split('.')[0]}', or correct the path",
        ) from error
    classes = {key: value for key, value in vars(module).items() if inspect.isclass(value)}
    if class_name not in classes:
        near = closest(class_name, classes)
        raise TrainingError(
            f"the module '{module_name}' has no class '{class_name}'",
            where="[train] estimator",
            mend=f"did you mean '{module_name}.{near}'?" if near else None,
        )
    kind = classes[class_name]
    if not (hasattr(kind, "fit") and hasattr(kind, "predict")):
        raise TrainingError(
            f"'{name}' is not an estimator",
            where="[train] estimator",
            expected="a class with fit and predict",
        )
    return kind


def _check_kind(name: str, made: object, task: Task) -> None:
    from sklearn.base import is_classifier, is_regressor

    wanted = "a regressor" if task == "regression" else "a classifier"
    wrong = is_classifier(made) if task == "regression" else is_regressor(made)
    if wrong:
        raise TrainingError(
            f"'{name}' is not {wanted}",
            where="[train] estimator",
            expected=f"{wanted}, since the task is {task}",
        )
    if task != "regression" and not hasattr(made, "predict_proba"):
        raise TrainingError(
            f"'{name}' gives no probabilities",
            where="[train] estimator",
            expected="a classifier with predict_proba",
            mend='such as "sklearn.linear_model.LogisticRegression" or "lightgbm"',
        )


def _check_training_rows(estimator: Estimator, X: Floats, y: Labels) -> None:
    if X.ndim != 2 or X.shape[0] != len(y):
        raise TrainingError("features and labels differ in length", expected="one label for each row")
    if not X.shape[0] or not X.shape[1]:
        what = "rows" if not X.shape[0] else "features"
        raise TrainingError(f"there are no {what} to learn from")
    if hasattr(estimator, "predict_proba") and len(np.unique(y)) < 2:
        raise TrainingError(
            "all training rows have the same class",
            expected="two classes at least",
            mend="check the label column and the split",
        )


def _one_thread() -> Any:
    """Linear algebra on one thread: sums over several differ with their number in the last digits."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # it ships no types

    return threadpool_limits(limits=1, user_api="blas")
