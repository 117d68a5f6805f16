"""Boosted trees: LightGBM and XGBoost, with parameters and stopping rules that repeat bit for bit."""

from __future__ import annotations

import functools
import importlib
import inspect
import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Protocol, TypeAlias, cast, runtime_checkable

import numpy as np

from tilth.errors import TrainingError, closest
from tilth.training.ranking import (
    RANKERS,
    group_numbers,
    group_sizes,
    group_weights,
    is_ranker,
    ranker_rows,
    ranks_pointwise,
)
from tilth.training.rows import Floats, Labels, Rows
from tilth.types import NUMBER_TASKS, Task

__all__ = [
    "BOOSTING",
    "LEAST_DEV_ROWS",
    "Estimator",
    "Floats",
    "Labels",
    "Watch",
    "check_parameters",
    "curves_of",
    "first_line",
    "fit_boosting",
    "is_boosting",
    "make_boosting",
    "parameter_names",
    "same_parameter",
]

Watch: TypeAlias = "Callable[[int, Mapping[str, float]], None]"
"""Told after each iteration its number from 0 and the metrics ("dev.auc"); what it raises ends it."""

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

_XGBOOST_PARTS = {"validation_0": "train", "validation_1": "dev"}
"""The parts as XGBoost names them."""

LEAST_DEV_ROWS = 50
"""With fewer dev rows, trees are added to the last."""

_EVALUATED_AT = 10
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
    if task == "ranking" and not ranks_pointwise(given):
        ranker, more = RANKERS[name]
        regressor, usual = ranker, {**usual, **more}
    kind: Any = getattr(module, regressor if task in NUMBER_TASKS else classifier)
    aliases = _lightgbm_aliases() if name == "lightgbm" else _XGBOOST_OBJECTIVES
    check_parameters(name, given, parameter_names(kind), aliases)
    same = same_parameter if name == "lightgbm" else lambda parameter: {parameter}
    defaults = {key: value for key, value in usual.items() if not same(key) & set(given)}
    if not {"random_state", "seed", "random_seed"} & set(given):
        defaults["random_state"] = seed
    return cast("Estimator", kind(**defaults, **given))


def is_boosting(estimator: object) -> bool:
    """Whether an estimator is one of LightGBM or XGBoost, which take single precision as it is."""
    return type(estimator).__module__.partition(".")[0] in BOOSTING


def fit_boosting(
    estimator: Any, train: Rows, dev: Rows | None, *, early_stopping_rounds: int, watch: Watch | None = None
) -> Estimator:
    """Fit; stop adding trees when so many more do not help on the dev rows, if these are at least 50.

    Raises:
        TrainingError: what the library refuses.
    """
    is_lightgbm = type(estimator).__module__.startswith("lightgbm.")
    threads = same_parameter("num_threads") if is_lightgbm else {"n_jobs"}
    if train.X.size < _MANY_CELLS and not threads & _given(estimator):
        # Their threads wait for each other by spinning: on a busy machine small data train many times slower.
        estimator.set_params(n_jobs=1)
    known = _dev_rows(estimator, train, dev)
    fit = _fit_lightgbm if is_lightgbm else _fit_xgboost
    return fit(estimator, train, known, early_stopping_rounds, watch)


def curves_of(estimator: object) -> dict[str, dict[str, list[float]]]:
    """How a fitting went on: part ("train", "dev") -> metric -> its value after each iteration.

    Empty for estimators that do not tell.
    """
    told: Any = getattr(estimator, "curves_", None) or getattr(estimator, "evals_result_", None) or {}
    return {
        _XGBOOST_PARTS.get(part, part): {
            _metric_name(metric): [float(v) for v in values] for metric, values in found.items()
        }
        for part, found in told.items()
    }


def _dev_rows(estimator: Any, train: Rows, dev: Rows | None) -> Rows | None:
    """The dev rows of classes that training has, in an order of their own; None where they are too few."""
    if dev is None:
        return None
    if hasattr(estimator, "predict_proba"):
        dev = dev.take(np.isin(dev.y, np.unique(train.y)))
    return dev.take(dev.order()) if len(dev) >= LEAST_DEV_ROWS else None


def _as_encoded(train: Rows, estimator: object, y: Labels) -> Labels:
    """Codes as LightGBM numbers the classes that it meets: it does so itself only for training rows."""
    if not hasattr(estimator, "predict_proba"):
        return y
    met = np.unique(train.y)
    return y if np.array_equal(met, np.arange(len(met))) else np.searchsorted(met, y).astype(np.int64)


def _metric_name(name: str) -> str:
    """A library's name for a metric, without what other systems do not take in names: "ndcg@10"."""
    return name.replace("@", "_at_")


def _fit_lightgbm(
    estimator: Any, train: Rows, dev: Rows | None, rounds: int, watch: Watch | None
) -> Estimator:
    import lightgbm

    ranks = is_ranker(estimator)
    options: dict[str, Any] = {"group": group_sizes(ranker_rows(estimator, train))} if ranks else {}
    if dev is not None and ranks:
        sizes = [options["group"], group_sizes(ranker_rows(estimator, dev))]
        options |= {"eval_group": sizes, "eval_at": [_EVALUATED_AT]}
    if dev is not None:
        options |= {
            "eval_X": (train.X, dev.X),
            "eval_y": (_as_encoded(train, estimator, train.y), _as_encoded(train, estimator, dev.y)),
            "eval_names": ["train", "dev"],
            "eval_sample_weight": None if dev.weights is None else [train.weights, dev.weights],
            "callbacks": [
                *([_tell_lightgbm(watch)] if watch is not None else []),
                *([lightgbm.early_stopping(rounds, verbose=False)] if rounds else []),
            ],
        }
    try:
        estimator.fit(train.X, train.y, sample_weight=train.weights, **options)
    except lightgbm.basic.LightGBMError as error:
        raise TrainingError(f"LightGBM cannot be fitted: {first_line(error)}", mend=_MEND) from error
    return cast("Estimator", estimator)


def _fit_xgboost(
    estimator: Any, train: Rows, dev: Rows | None, rounds: int, watch: Watch | None
) -> Estimator:
    import xgboost

    ranks = is_ranker(estimator)
    groups = ranker_rows(estimator, train) if ranks else None
    own = train.weights if groups is None else group_weights(train, groups)
    options: dict[str, Any] = {} if groups is None else {"qid": group_numbers(groups)}
    callbacks = estimator.get_params().get("callbacks")
    if dev is not None:
        if rounds and estimator.get_params().get("early_stopping_rounds") is None:
            estimator.set_params(early_stopping_rounds=rounds)
        of_dev = dev.weights
        if ranks:
            known = ranker_rows(estimator, dev)
            of_dev = group_weights(dev, known)
            options["eval_qid"] = [options["qid"], group_numbers(known)]
        weights = None if of_dev is None else [own, of_dev]
        options |= {
            "eval_set": [(train.X, train.y), (dev.X, dev.y)],
            "sample_weight_eval_set": weights,
            "verbose": False,
        }
        if watch is not None:
            estimator.set_params(callbacks=[*(callbacks or []), _xgboost_callback(watch)])
    try:
        estimator.fit(train.X, train.y, sample_weight=own, **options)
        estimator.set_params(callbacks=callbacks)  # who watched is no part of what was learned
    except xgboost.core.XGBoostError as error:
        raise TrainingError(
            f"XGBoost cannot be fitted: {_LOG_HEAD.sub('', first_line(error))}", mend=_MEND
        ) from error
    return cast("Estimator", estimator)


def _tell_lightgbm(watch: Watch) -> Callable[[Any], None]:
    """What LightGBM calls after each iteration."""

    def tell(env: Any) -> None:
        told = {
            f"{part}.{_metric_name(metric)}": float(value)
            for part, metric, value, *_ in env.evaluation_result_list
        }
        watch(env.iteration - env.begin_iteration, told)

    return tell


def _xgboost_callback(watch: Watch) -> Any:
    """What XGBoost calls after each iteration."""
    from xgboost.callback import TrainingCallback

    class Telling(TrainingCallback):
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ARG002
            known = ((_XGBOOST_PARTS.get(part, part), found) for part, found in evals_log.items())
            told = {
                f"{part}.{_metric_name(name)}": float(v[-1]) for part, f in known for name, v in f.items()
            }
            watch(epoch, told)
            return False

    return Telling()


def same_parameter(name: str) -> set[str]:
    """All names that LightGBM has for a parameter."""
    return next((set(names) for names in _lightgbm_alias_table() if name in names), {name})


def _lightgbm_aliases() -> set[str]:
    return {name for names in _lightgbm_alias_table() for name in names}


@functools.cache
def _lightgbm_alias_table() -> tuple[frozenset[str], ...]:
    # LightGBM only warns of names that it does not know, so its own table of names is asked.
    from lightgbm.basic import _ConfigAliases

    table = _ConfigAliases._get_all_param_aliases()
    return tuple(frozenset({name, *names}) for name, names in table.items())


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
