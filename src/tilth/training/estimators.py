"""Estimators: found by name, given their parameters, and fitted so that the same rows give the same model."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
import numpy.typing as npt

from tilth.errors import TrainingError, closest
from tilth.training.order import canonical_order
from tilth.types import Task

__all__ = ["Estimator", "fit_estimator", "make_estimator", "outputs_of"]

Floats = npt.NDArray[np.floating]
Labels = npt.NDArray[np.int64] | npt.NDArray[np.float64]

_LIGHTGBM: Mapping[str, object] = {
    "n_estimators": 200,
    "learning_rate": 0.1,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}
_EARLY_STOPPING_ROUNDS = 25
_LEAST_DEV_ROWS = 50
_MANY_CELLS = 50_000_000


@runtime_checkable
class Estimator(Protocol):
    """What scikit-learn calls an estimator; classifiers have `predict_proba` too."""

    def fit(self, X: Any, y: Any) -> Any:
        """Learn from rows."""

    def predict(self, X: Any) -> Any:
        """Answer for rows."""


def make_estimator(
    name: str, parameters: Mapping[str, object] | None = None, *, task: Task, seed: int = 0
) -> Estimator:
    """An estimator that is not fitted yet.

    Args:
        name: "lightgbm", or the dotted path of a scikit-learn compatible class, such as
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
    if name == "lightgbm":
        return _make_lightgbm(given, task, seed)
    kind = _find_class(name)
    known = _parameter_names(kind)
    _check_parameters(name, given, known)
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

    LightGBM stops adding trees when 25 more do not help on the dev rows, if there are at least 50 of these.

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
            if _is_lightgbm(fresh):
                return _fit_lightgbm(fresh, X[order], y[order], X_dev, y_dev)
            # Double precision for what computes with features: single upsets the solvers of linear models.
            fresh.fit(X[order].astype(np.float64), y[order])
            return cast("Estimator", fresh)
    except (ValueError, TypeError) as error:
        hint = "fill missing values in features.py, or use lightgbm, which takes them"
        raise TrainingError(
            f"{type(estimator).__name__} cannot be fitted: {_first_line(error)}",
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
    X = features if _is_lightgbm(estimator) else features.astype(np.float64)
    with _one_thread():
        if not classes:
            return np.asarray(estimator.predict(X), np.float64).reshape(-1, 1)
        wide = np.zeros((len(features), classes))
        met = cast("Any", estimator)
        wide[:, np.asarray(met.classes_, np.int64)] = met.predict_proba(X)
        return wide


def _make_lightgbm(given: dict[str, object], task: Task, seed: int) -> Estimator:
    import lightgbm

    kind: Any = lightgbm.LGBMRegressor if task == "regression" else lightgbm.LGBMClassifier
    _check_parameters("lightgbm", given, _parameter_names(kind), _lightgbm_aliases())
    if not {"random_state", "seed", "random_seed"} & set(given):
        given["random_state"] = seed
    defaults = {key: value for key, value in _LIGHTGBM.items() if not _same_parameter(key) & set(given)}
    return cast("Estimator", kind(**defaults, **given))


def _same_parameter(name: str) -> set[str]:
    """All names that LightGBM has for a parameter."""
    table = _lightgbm_alias_table()
    return next((names for names in table if name in names), {name})


def _lightgbm_aliases() -> set[str]:
    return {name for names in _lightgbm_alias_table() for name in names}


def _lightgbm_alias_table() -> list[set[str]]:
    # LightGBM only warns of names that it does not know, so its own table of names is asked.
    from lightgbm.basic import _ConfigAliases

    return [{name, *names} for name, names in _ConfigAliases._get_all_param_aliases().items()]


def _is_lightgbm(estimator: object) -> bool:
    return type(estimator).__module__.startswith("lightgbm.")


def _fit_lightgbm(
    estimator: Any, X: Floats, y: Labels, X_dev: Floats | None, y_dev: Labels | None
) -> Estimator:
    import lightgbm

    if X.size < _MANY_CELLS and not _same_parameter("num_threads") & _given(estimator):
        # Its threads wait for each other by spinning: on a busy machine small data train many times slower.
        estimator.set_params(n_jobs=1)
    options: dict[str, Any] = {}
    if X_dev is not None and y_dev is not None:
        if hasattr(estimator, "predict_proba"):
            known = np.isin(y_dev, np.unique(y))
            X_dev, y_dev = X_dev[known], y_dev[known]
        if len(y_dev) >= _LEAST_DEV_ROWS:
            order = canonical_order(X_dev, y_dev)
            stop = lightgbm.early_stopping(_EARLY_STOPPING_ROUNDS, verbose=False)
            options = {"eval_X": (X_dev[order],), "eval_y": (y_dev[order],), "callbacks": [stop]}
    try:
        estimator.fit(X, y, **options)
    except lightgbm.basic.LightGBMError as error:
        raise TrainingError(
            f"LightGBM cannot be fitted: {_first_line(error)}", mend="check [train.parameters] in tilth.toml"
        ) from error
    return cast("Estimator", estimator)


def _given(estimator: Any) -> set[str]:
    """The names of the parameters that were set."""
    return {name for name, value in estimator.get_params().items() if value is not None}


def _find_class(name: str) -> Any:
    module_name, _, class_name = name.rpartition(".")
    expected = '"lightgbm", or a dotted path such as "sklearn.linear_model.LogisticRegression"'
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


def _parameter_names(kind: Any) -> set[str]:
    if hasattr(kind, "_get_param_names"):
        return set(kind._get_param_names())
    return set(inspect.signature(kind.__init__).parameters) - {"self"}


def _check_parameters(
    name: str, given: Mapping[str, object], known: set[str], aliases: AbstractSet[str] = frozenset()
) -> None:
    for parameter in given:
        if parameter not in known and parameter not in aliases:
            near = closest(parameter, sorted(known)) or closest(parameter, sorted(aliases))
            raise TrainingError(
                f"{name} has no parameter '{parameter}'",
                where="[train.parameters]",
                expected=None if near else "one of " + ", ".join(sorted(known)[:40]),
                mend=f"did you mean '{near}'?" if near else None,
            )


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


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
