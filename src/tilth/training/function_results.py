"""What a training function returned, checked to answer for rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tilth.errors import TilthError, TrainingError
from tilth.training.boosting import is_boosting
from tilth.training.onnx_models import OnnxModel
from tilth.training.rows import Floats, Rows
from tilth.training.torch_modules import TorchModule, is_torch_module
from tilth.types import NUMBER_TASKS, Task

__all__ = ["Returned", "returned"]

_SAMPLE = 512
_ALONE = 4
_SUM_TOLERANCE = 1e-3
_ALONE_TOLERANCE = 1e-4
_EXPECTED = (
    "a fitted estimator with predict (and predict_proba for classes), a torch.nn.Module, or ONNX bytes"
)


class _Answering(Protocol):
    def scores(self, X: Floats) -> npt.NDArray[np.float64]: ...


@dataclass(frozen=True)
class Returned:
    """What answers for rows, and how.

    Args:
        estimator: what the export turns into nodes.
        met: (classes met,), the codes that the columns of the scores stand for.
        answering: gives scores.
    """

    estimator: object
    met: npt.NDArray[np.int64]
    answering: _Answering

    def scores(self, X: Floats) -> npt.NDArray[np.float64]:
        """Probabilities (n, classes met), or numbers (n, 1), for features (n, f)."""
        return self.answering.scores(X)


def returned(made: object, task: Task, classes: int, train: Rows, dev: Rows | None, file: str) -> Returned:
    """Check what a training function returned.

    Args:
        made: what it returned.
        task: what is to be predicted.
        classes: how many classes there are.
        train: the rows that it learned from.
        dev: the rows beside these.
        file: its file, for messages.

    Raises:
        TrainingError: it does not answer for rows as the task wants.
    """
    known = classes or (0 if task in NUMBER_TASKS else _classes(train))
    try:
        found = _adapted(made, task, known, train)
        for rows in (train, dev):
            if rows is not None and len(rows):
                _check_answers(found, task, rows.X[:_SAMPLE])
    except TilthError as error:
        error.where = error.where or f"what {file} returned"
        raise
    except Exception as error:  # the code is a person's own and may raise anything
        raise TrainingError(
            f"what {file} returned cannot answer for rows: {type(error).__name__}: {error}",
            where=type(made).__name__,
            expected=_EXPECTED,
        ) from error
    return found


def _classes(train: Rows) -> int:
    return int(train.y.shape[1] if train.y.ndim == 2 else train.y.max() + 1)


def _adapted(made: object, task: Task, classes: int, train: Rows) -> Returned:
    width = train.X.shape[1]
    met = np.arange(classes)
    if isinstance(made, bytes):
        model = OnnxModel(made)
        raw = model.raw(train.X[:2])
        model.link = _link_of_answers(task, raw.shape[1], classes)
        return Returned(model, met, model)
    if is_torch_module(made):
        module = TorchModule(made, width)
        link = _link_of_raw(task, module.raw(train.X[:_SAMPLE]), classes)
        model = OnnxModel(module.to_onnx(), link, "the module's graph")
        return Returned(model, met, _Module(module, model))
    _check_estimator(made, task, width)
    if not classes:
        return Returned(made, met, _Numbers(made))
    return Returned(made, _codes(made, classes), _Probabilities(made))


def _link_of_answers(task: Task, columns: int, classes: int) -> str:
    """What the output of a model that gives answers still lacks."""
    if task == "binary" and columns == 1:
        return "odds"
    _check_columns(columns, classes or 1)
    return "identity"


def _link_of_raw(task: Task, raw: npt.NDArray[np.float64], classes: int) -> str:
    """The same for raw scores."""
    if not classes:
        _check_columns(raw.shape[1], 1)
        return "identity"
    sums = raw.sum(axis=1)
    if raw.shape[1] > 1 and raw.min() >= 0 and np.allclose(sums, 1.0, atol=1e-4) and task != "multilabel":
        raise TrainingError(
            "the module gives probabilities",
            expected="raw scores (logits), as torch.nn.CrossEntropyLoss takes them",
            mend="leave its last softmax out",
        )
    if task == "binary" and raw.shape[1] == 1:
        return "logistic"
    _check_columns(raw.shape[1], classes)
    return "sigmoid" if task == "multilabel" else "softmax"


def _check_columns(columns: int, wanted: int) -> None:
    if columns != wanted:
        raise TrainingError(f"it gives {columns} columns", expected=f"{wanted}, one for each class or number")


@dataclass(frozen=True)
class _Numbers:
    estimator: Any

    def scores(self, X: Floats) -> npt.NDArray[np.float64]:
        return np.asarray(self.estimator.predict(_taken(self.estimator, X)), np.float64).reshape(-1, 1)


@dataclass(frozen=True)
class _Probabilities:
    estimator: Any

    def scores(self, X: Floats) -> npt.NDArray[np.float64]:
        found = self.estimator.predict_proba(_taken(self.estimator, X))
        if isinstance(found, list):  # of several labels, scikit-learn gives two columns for each
            return np.column_stack([np.asarray(columns, np.float64)[:, -1] for columns in found])
        return np.asarray(found, np.float64)


@dataclass(frozen=True)
class _Module:
    """The module itself, so that its graph can be compared with it."""

    module: TorchModule
    model: OnnxModel

    def scores(self, X: Floats) -> npt.NDArray[np.float64]:
        return self.model.linked(self.module.raw(X))


def _taken(estimator: object, X: Floats) -> Floats:
    """Boosted trees take single precision as it is; all else computes in double, as its graph does."""
    return X if is_boosting(estimator) else X.astype(np.float64)


def _check_estimator(made: Any, task: Task, width: int) -> None:
    if made is None:
        raise TrainingError("it is None: there is no return statement", expected=_EXPECTED)
    if isinstance(made, type):
        raise TrainingError(f"it is the class {made.__name__}", expected="a fitted one of it")
    wanted = ["predict"] if task in NUMBER_TASKS else ["predict", "predict_proba"]
    lacking = [name for name in wanted if not callable(getattr(made, name, None))]
    if lacking:
        raise TrainingError(f"a {type(made).__name__} has no {lacking[0]}", expected=_EXPECTED)
    takes = getattr(made, "n_features_in_", width)
    if takes != width:
        raise TrainingError(
            f"it takes {takes} features, and there are {width}",
            expected="an estimator of all features: put a selection into a pipeline with it",
        )


def _codes(made: Any, classes: int) -> npt.NDArray[np.int64]:
    """The codes that the columns of an estimator's probabilities stand for."""
    if not hasattr(made, "classes_"):
        raise TrainingError(f"a {type(made).__name__} has no classes_", expected=_EXPECTED)
    told = made.classes_
    if isinstance(told, list):
        return np.arange(classes)
    codes = np.asarray(told)
    if codes.dtype.kind not in "iufb" or not np.isin(codes, np.arange(classes)).all():
        raise TrainingError(
            f"its classes are {', '.join(map(str, codes[:5].tolist()))}",
            expected=f"codes from 0 to {classes - 1}",
            mend="fit it on data.y as it is",
        )
    return codes.astype(np.int64)


def _check_answers(found: Returned, task: Task, X: Floats) -> None:
    """Scores must be finite, probabilities where classes are, and a row's own."""
    scores = found.scores(X)
    if scores.ndim != 2 or len(scores) != len(X):
        raise TrainingError(f"it answers {scores.shape} for {len(X)} rows", expected="an answer for each row")
    if not np.isfinite(scores).all():
        rows = int((~np.isfinite(scores)).any(axis=1).sum())
        raise TrainingError(
            f"it answers NaN or infinity for {rows} of {len(X)} rows",
            mend="fill missing values in features.py; try a lower learning rate",
        )
    if task not in NUMBER_TASKS:
        _check_probabilities(scores, len(found.met), sums=task != "multilabel")
    alone = np.concatenate([found.scores(X[at : at + 1]) for at in range(min(_ALONE, len(X)))])
    together = scores[: len(alone)]
    if np.max(np.abs(alone - together) / np.maximum(1.0, np.abs(together)), initial=0.0) > _ALONE_TOLERANCE:
        raise TrainingError(
            "its answer for a row depends on the rows beside it",
            expected="answers that are a row's own: a server asks for one row at a time",
        )


def _check_probabilities(scores: npt.NDArray[np.float64], columns: int, *, sums: bool) -> None:
    if scores.shape[1] != columns:
        raise TrainingError(f"it gives {scores.shape[1]} columns of probabilities", expected=f"{columns}")
    if scores.min(initial=0.0) < -_SUM_TOLERANCE or scores.max(initial=0.0) > 1 + _SUM_TOLERANCE:
        raise TrainingError(
            f"its probabilities reach from {scores.min():.3g} to {scores.max():.3g}", expected="0 to 1"
        )
    if sums and np.max(np.abs(scores.sum(axis=1) - 1.0), initial=0.0) > _SUM_TOLERANCE:
        raise TrainingError(
            "its probabilities of a row do not add up to 1",
            expected="one probability for each class, together 1",
        )
