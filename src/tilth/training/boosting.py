"""Boosted trees: LightGBM and XGBoost, with parameters and stopping rules that repeat bit for bit."""

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

__all__ = [
    "BOOSTING",
    "Estimator",
    "Floats",
    "Labels",
    "check_parameters",
    "first_line",
    "fit_boosting",
    "is_boosting",
    "make_boosting",
    "parameter_names",
]

Floats = npt.NDArray[np.floating]
Labels = npt.NDArray[np.int64] | npt.NDArray[np.float64]

BOOSTING: Mapping[str, tuple[str, str, Mapping[str, object]]] = {
    "lightgbm": (
        "LGBMClassifier",
        "LGBMRegressor",
        {
            "n_estimators": 200,
            "learning_rate": 0.1,
            "deterministic": True,
            "force_row_wise": True,
            "verbose": -1,
        },
    ),
    "xgboost": (
        "XGBClassifier",
        "XGBRegressor",
        {"n_estimators": 200, "learning_rate": 0.1, "verbosity": 0},
    ),
}
"""Short name -> classifier, regressor, and the parameters that differ from the library's own."""

_MEND = "check [train.parameters] in tilth.toml"
_LOG_HEAD = re.compile(r"^\[[\d:]+\] \S+: ")
"""What XGBoost puts before its messages: time, file and line."""

_XGBOOST_OBJECTIVES = {"huber_slope", "quantile_alpha", "tweedie_variance_power"}
"""Parameters that some of its objectives take beside those in its signature."""

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


def make_boosting(name: str, given: Mapping[str, object], task: Task, seed: int) -> Estimator:
    """An estimator of `BOOSTING` that is not fitted yet.

    Raises:
        TrainingError: the library is not installed, or has no such parameter.
    """
    classifier, regressor, usual = BOOSTING[name]
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        raise TrainingError(
            f"{name} is not installed", where="[train] estimator", mend=f"pip install 'tilth[{name}]'"
        ) from error
    kind: Any = getattr(module, regressor if task == "regression" else classifier)
    aliases = _lightgbm_aliases() if name == "lightgbm" else _XGBOOST_OBJECTIVES
    check_parameters(name, given, parameter_names(kind), aliases)
    same = _same_parameter if name == "lightgbm" else lambda parameter: {parameter}
    defaults = {key: value for key, value in usual.items() if not same(key) & set(given)}
    if not {"random_state", "seed", "random_seed"} & set(given):
        defaults["random_state"] = seed
    return cast("Estimator", kind(**defaults, **given))


def is_boosting(estimator: object) -> bool:
    """Whether an estimator is one of LightGBM or XGBoost, which take single precision as it is."""
    return type(estimator).__module__.partition(".")[0] in BOOSTING


def fit_boosting(
    estimator: Any, X: Floats, y: Labels, X_dev: Floats | None, y_dev: Labels | None
) -> Estimator:
    """Fit; stop adding trees when 25 more do not help on the dev rows, if there are at least 50 of these.

    Raises:
        TrainingError: what the library refuses.
    """
    is_lightgbm = type(estimator).__module__.startswith("lightgbm.")
    threads = _same_parameter("num_threads") if is_lightgbm else {"n_jobs"}
    if X.size < _MANY_CELLS and not threads & _given(estimator):
        # Their threads wait for each other by spinning: on a busy machine small data train many times slower.
        estimator.set_params(n_jobs=1)
    dev = _dev_rows(estimator, y, X_dev, y_dev)
    return _fit_lightgbm(estimator, X, y, dev) if is_lightgbm else _fit_xgboost(estimator, X, y, dev)


def _dev_rows(
    estimator: Any, y: Labels, X_dev: Floats | None, y_dev: Labels | None
) -> tuple[Floats, Labels] | None:
    """The dev rows of classes that training has, in an order of their own; None where they are too few."""
    if X_dev is None or y_dev is None:
        return None
    if hasattr(estimator, "predict_proba"):
        known = np.isin(y_dev, np.unique(y))
        X_dev, y_dev = X_dev[known], y_dev[known]
    if len(y_dev) < _LEAST_DEV_ROWS:
        return None
    order = canonical_order(X_dev, y_dev)
    return X_dev[order], y_dev[order]


def _fit_lightgbm(estimator: Any, X: Floats, y: Labels, dev: tuple[Floats, Labels] | None) -> Estimator:
    import lightgbm

    options: dict[str, Any] = {}
    if dev is not None:
        stop = lightgbm.early_stopping(_EARLY_STOPPING_ROUNDS, verbose=False)
        options = {"eval_X": (dev[0],), "eval_y": (dev[1],), "callbacks": [stop]}
    try:
        estimator.fit(X, y, **options)
    except lightgbm.basic.LightGBMError as error:
        raise TrainingError(f"LightGBM cannot be fitted: {first_line(error)}", mend=_MEND) from error
    return cast("Estimator", estimator)


def _fit_xgboost(estimator: Any, X: Floats, y: Labels, dev: tuple[Floats, Labels] | None) -> Estimator:
    import xgboost

    options: dict[str, Any] = {}
    if dev is not None:
        if estimator.get_params().get("early_stopping_rounds") is None:
            estimator.set_params(early_stopping_rounds=_EARLY_STOPPING_ROUNDS)
        options = {"eval_set": [dev], "verbose": False}
    try:
        estimator.fit(X, y, **options)
    except xgboost.core.XGBoostError as error:
        raise TrainingError(
            f"XGBoost cannot be fitted: {_LOG_HEAD.sub('', first_line(error))}", mend=_MEND
        ) from error
    return cast("Estimator", estimator)


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


def _given(estimator: Any) -> set[str]:
    """The names of the parameters that were set."""
    return {name for name, value in estimator.get_params().items() if value is not None}


def parameter_names(kind: Any) -> set[str]:
    """The names of the parameters of an estimator class."""
    if kind.__module__.startswith("xgboost."):
        return set(kind().get_params())  # most stand in the signature of a parent class
    if hasattr(kind, "_get_param_names"):
        return set(kind._get_param_names())
    return set(inspect.signature(kind.__init__).parameters) - {"self"}


def check_parameters(
    name: str, given: Mapping[str, object], known: set[str], aliases: AbstractSet[str] = frozenset()
) -> None:
    """Refuse parameters that an estimator does not have.

    Raises:
        TrainingError: there is one.
    """
    for parameter in given:
        if parameter not in known and parameter not in aliases:
            near = closest(parameter, sorted(known)) or closest(parameter, sorted(aliases))
            raise TrainingError(
                f"{name} has no parameter '{parameter}'",
                where="[train.parameters]",
                expected=None if near else "one of " + ", ".join(sorted(known)[:40]),
                mend=f"did you mean '{near}'?" if near else None,
            )


def first_line(error: Exception) -> str:
    """What an error says, to the end of its first line."""
    return str(error).strip().split("\n")[0]
