"""Estimators: found by name, given their parameters, and fitted so that the same rows give the same model."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
import numpy.typing as npt

from tilth.errors import TrainingError, closest
from tilth.features.blocks import Block
from tilth.training.boosting import (
    BOOSTING,
    Estimator,
    Watch,
    check_parameters,
    first_line,
    fit_boosting,
    is_boosting,
    make_boosting,
    parameter_names,
)
from tilth.training.order import canonical_order
from tilth.training.rows import Floats, Labels, Rows
from tilth.types import Task

__all__ = [
    "FUNCTION",
    "Estimator",
    "RowsEstimator",
    "fit_estimator",
    "fit_rows",
    "make_estimator",
    "outputs_of",
]

FUNCTION = re.compile(r"[\w./-]+\.py(:[A-Za-z_]\w*)?")
"""A file with a training function, and the function's name if it is not `train`."""


@runtime_checkable
class RowsEstimator(Estimator, Protocol):
    """An estimator that is fitted on rows with their weights, and watches dev rows, in ways of its own.

    `curves_` of a fitted one is what `curves_of` gives.
    """

    def fit_rows(
        self, train: Rows, dev: Rows | None, *, early_stopping_rounds: int, watch: Watch | None
    ) -> None:
        """Learn from rows, which come in canonical order."""


def make_estimator(
    name: str,
    parameters: Mapping[str, object] | None = None,
    *,
    task: Task,
    seed: int = 0,
    blocks: Sequence[Block] = (),
    directory: Path | None = None,
) -> Estimator:
    """An estimator that is not fitted yet.

    Args:
        name: "lightgbm", "xgboost", "network", the dotted path of a scikit-learn compatible class, such as
            "sklearn.linear_model.LogisticRegression", or a file with a training function, such as "train.py".
        parameters: its parameters by name; lists become tuples where scikit-learn wants them.
        task: what it shall predict.
        seed: for all that it draws at random; a `random_state` among the parameters wins.
        blocks: which features belong together, for networks.
        directory: where a file is looked for; default: the working directory.

    Raises:
        TrainingError: no such module, class or parameter, or a class of the wrong kind.

    Example:
        >>> make_estimator("sklearn.linear_model.Ridge", {"alpha": 2.0}, task="regression")
        Ridge(alpha=2.0, random_state=0)
    """
    given = dict(parameters or {})
    if name in BOOSTING:
        return make_boosting(name, given, task, seed)
    if name == "network":
        from tilth.training.networks import make_network

        return make_network(given, task, seed, blocks)
    if FUNCTION.fullmatch(name):
        from tilth.training.functions import make_function

        return make_function(name, given, task, seed, directory or Path())
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
    from sklearn.base import clone

    _check_training_rows(estimator, train.X, train.y)
    ordered = train.take(canonical_order(train.X, train.y, train.weights))
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
    expected = (
        '"lightgbm", "xgboost", "network", a dotted path such as "sklearn.linear_model.LogisticRegression", '
        'or a file with a training function such as "train.py"'
    )
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
        raise TrainingError(
            "all training rows have the same class",
            expected="two classes at least",
            mend="check the label column and the split",
        )


def _one_thread() -> Any:
    """Linear algebra on one thread: sums over several differ with their number in the last digits."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # it ships no types

    return threadpool_limits(limits=1, user_api="blas")
