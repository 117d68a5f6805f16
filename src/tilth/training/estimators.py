"""Estimators: found by name and given their parameters."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from tilth.errors import TrainingError, closest
from tilth.features.blocks import Block
from tilth.training.boosting import (
    BOOSTING,
    Estimator,
    check_parameters,
    make_boosting,
    parameter_names,
)
from tilth.training.ranking import is_ranker
from tilth.types import NUMBER_TASKS, Task

__all__ = ["FUNCTION", "Estimator", "make_estimator"]

FUNCTION = re.compile(r"[\w./-]+\.py(:[A-Za-z_]\w*)?")
"""A file with a training function, and the function's name if it is not `train`."""


def make_estimator(
    name: str,
    parameters: Mapping[str, object] | None = None,
    *,
    task: Task,
    seed: int = 0,
    blocks: Sequence[Block] = (),
    directory: Path | None = None,
    feature_names: Sequence[str] = (),
    classes: Sequence[str | int | bool] = (),
) -> Estimator:
    """An estimator that is not fitted yet.

    Args:
        name: "lightgbm", "xgboost", "network", the dotted path of a scikit-learn compatible class, such as
            "sklearn.linear_model.LogisticRegression", or a file with a training function, such as "train.py".
        parameters: its parameters by name; lists become tuples where scikit-learn wants them.
        task: what it shall predict; each of several labels has an estimator of its own, unless a network or a
            training function learns them together.
        seed: for all that it draws at random; a `random_state` among the parameters wins.
        blocks: which features belong together, for networks.
        directory: where a file is looked for; default: the working directory.
        feature_names: the features' names, for a training function.
        classes: what the codes stand for, for a training function.

    Raises:
        TrainingError: no such module, class or parameter, or a class of the wrong kind.

    Example:
        >>> make_estimator("sklearn.linear_model.Ridge", {"alpha": 2.0}, task="regression")
        Ridge(alpha=2.0, random_state=0)
    """
    given = dict(parameters or {})
    if task == "multilabel" and name != "network" and not FUNCTION.fullmatch(name):
        from tilth.training.per_label import PerLabel

        return PerLabel(make_estimator(name, given, task="binary", seed=seed))
    if name in BOOSTING:
        return make_boosting(name, given, task, seed)
    if name == "network":
        from tilth.training.networks import make_network

        return make_network(given, task, seed, blocks)
    if FUNCTION.fullmatch(name):
        from tilth.training.functions import make_function

        return make_function(
            name,
            given,
            task,
            seed,
            directory or Path(),
            feature_names=feature_names,
            classes=classes,
            blocks=blocks,
        )
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


def _find_class(name: str) -> Any:
    module_name, _, class_name = name.rpartition(".")
    expected = (
        '"lightgbm", "xgboost", "network", a dotted path such as "sklearn.linear_model.LogisticRegression", '
        'or a file with a training function such as "train.py"'
    )
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", module_name):
        near = closest(name, [*BOOSTING, "network"])
        mend = f"did you mean '{near}'?" if near else None
        raise TrainingError(f"no estimator '{name}'", where="[train] estimator", expected=expected, mend=mend)
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

    is_number = task in NUMBER_TASKS
    wanted = "a regressor" if is_number else "a classifier"
    wrong = is_classifier(made) if is_number else is_regressor(made)
    if wrong:
        raise TrainingError(
            f"'{name}' is not {wanted}",
            where="[train] estimator",
            expected=f"{wanted}, since the task is {task}",
        )
    if is_ranker(made) and task != "ranking":
        raise TrainingError(
            f"'{name}' ranks rows within groups",
            where="[train] estimator",
            expected=f"{wanted}, since the task is {task}",
        )
    if not is_number and not hasattr(made, "predict_proba"):
        raise TrainingError(
            f"'{name}' gives no probabilities",
            where="[train] estimator",
            expected="a classifier with predict_proba",
            mend='such as "sklearn.linear_model.LogisticRegression" or "lightgbm"',
        )
