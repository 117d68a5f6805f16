"""A training function of a project's own: `train(data, params)` in train.py, as an estimator."""

from __future__ import annotations

import contextlib
import inspect
import os
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from tilth.errors import TilthError, TrainingError, closest
from tilth.features.blocks import Block
from tilth.training.boosting import Watch
from tilth.training.function_errors import code_failed
from tilth.training.function_results import Returned, returned
from tilth.training.local_code import importable, load_file, local_digests
from tilth.training.order import canonical_order
from tilth.training.rows import Floats, Labels, Rows
from tilth.training.training_data import Diary, TrainingData
from tilth.types import NUMBER_TASKS, Task

__all__ = ["FunctionClassifier", "FunctionEstimator", "FunctionRegressor", "make_function"]

_EXPECTED = "def train(data, params): ... return the fitted estimator"


class FunctionEstimator:
    """An estimator whose fitting is a function of the project's own.

    Args:
        file: the file within the project.
        function: the function's name.
        directory: the project's folder.
        parameters: what the function gets as `params`.
        task: what is to be predicted.
        seed: for all that is drawn at random.
        feature_names: the names of the features, where they are known.
        classes: the classes that codes stand for.
        blocks: which features belong together.
    """

    def __init__(
        self,
        file: str,
        function: str,
        directory: Path,
        parameters: Mapping[str, object],
        task: Task,
        seed: int = 0,
        feature_names: Sequence[str] = (),
        classes: Sequence[str | int | bool] = (),
        blocks: Sequence[Block] = (),
    ) -> None:
        self.file = file
        self.function = function
        self.directory = directory
        self.parameters = parameters
        self.task = task
        self.seed = seed
        self.feature_names = feature_names
        self.classes = classes
        self.blocks = blocks
        self.digests = local_digests(file, directory)

    def __sklearn_clone__(self) -> FunctionEstimator:
        given = inspect.signature(FunctionEstimator).parameters
        return type(self)(**{name: getattr(self, name) for name in given})

    def fit(self, X: Floats, y: Labels) -> FunctionEstimator:
        """Learn from rows that all count alike."""
        self.fit_rows(Rows(X, y), None, early_stopping_rounds=0, watch=None)
        return self

    def fit_rows(
        self,
        train: Rows,
        dev: Rows | None,
        *,
        early_stopping_rounds: int,  # noqa: ARG002 - the function decides itself when to stop
        watch: Watch | None,
    ) -> None:
        """Learn from rows, which come in canonical order.

        Raises:
            TrainingError: the function fails, or returns what cannot answer for rows; it says in which line.
        """
        diary = Diary(watch)
        known = dev.take(canonical_order(dev.X, dev.y, dev.weights)) if dev is not None and len(dev) else None
        data = self._data(train, known, diary)
        with self._code_at_hand():
            made = self._called(data, diary)
            self.returned_: Returned = returned(made, data.task, len(self.classes), train, known, self.file)
        self._check_weights(train, diary)
        self.curves_ = diary.curves
        self.n_features_in_ = train.X.shape[1]

    def predict(self, X: Floats) -> npt.NDArray[np.float64]:
        """Numbers (n,) or codes of classes (n,) for features (n, f)."""
        scores = self.returned_.scores(X)
        return scores.argmax(axis=1).astype(np.float64) if self.classes else scores.ravel()

    def _data(self, train: Rows, dev: Rows | None, diary: Diary) -> TrainingData:
        return TrainingData(
            X=train.X,
            y=train.y,
            groups=train.groups,
            X_dev=None if dev is None else dev.X,
            y_dev=None if dev is None else dev.y,
            weights_dev=None if dev is None else dev.weights,
            groups_dev=None if dev is None else dev.groups,
            feature_names=tuple(self.feature_names),
            classes=tuple(self.classes),
            task=self.task,
            seed=self.seed,
            blocks=tuple(self.blocks),
            _weights=train.weights,
            _diary=diary,
        )

    @contextlib.contextmanager
    def _code_at_hand(self) -> Iterator[None]:
        """With the project's modules importable, everything seeded, and prints kept out of our output."""
        folder = Path.cwd()
        try:
            with (
                importable(self.directory, self.digests),
                _seeded(self.seed),
                contextlib.redirect_stdout(sys.stderr),
            ):
                yield
        finally:
            os.chdir(folder)

    def _called(self, data: TrainingData, diary: Diary) -> object:
        """What the function returns."""
        process = os.getpid()
        try:
            function = self._loaded()
            made = function(data, dict(self.parameters))
        except BaseException as error:
            _end_copy(process)
            if error is diary.ended_by or not isinstance(error, (Exception, SystemExit)):
                raise
            if isinstance(error, TilthError) and error.where:
                raise
            raise code_failed(error, self.file, self.directory) from error
        _end_copy(process)
        if diary.ended_by is not None:  # the function went on as if nothing had been said
            raise diary.ended_by
        return made

    def _loaded(self) -> Callable[..., Any]:
        """The function, from the file's present text.

        Raises:
            TrainingError: there is none of that name, or it does not take data and parameters.
        """
        names = vars(load_file(self.file, self.directory, self.digests))
        function = names.get(self.function)
        if not callable(function):
            near = closest(self.function, [name for name, value in names.items() if callable(value)])
            raise TrainingError(
                f"there is no function '{self.function}'",
                where=self.file,
                expected=_EXPECTED,
                mend=f"rename '{near}'?" if near else None,
            )
        try:
            inspect.signature(function).bind(None, None)
        except TypeError as error:
            raise TrainingError(
                f"{self.function}() cannot be called with data and parameters: {error}",
                where=f"{self.file}, {self.function}()",
                expected=_EXPECTED,
            ) from error
        return cast("Callable[..., Any]", function)

    def _check_weights(self, train: Rows, diary: Diary) -> None:
        if train.weights is not None and not diary.asked_for_weights:
            raise TrainingError(
                f"{self.function}() does not look at data.weights, and tilth.toml asks for weights",
                where=self.file,
                expected="a function that gives data.weights to the estimator's fit",
                mend="leave weight, class_weights and history out of [train] if rows shall count alike",
            )


class FunctionClassifier(FunctionEstimator):
    """The same for classes."""

    @property
    def classes_(self) -> npt.NDArray[np.int64]:
        """(classes met,), the codes that the columns of `predict_proba` stand for."""
        return self.returned_.met

    def predict_proba(self, X: Floats) -> npt.NDArray[np.float64]:
        """Probabilities (n, classes met) for features (n, f)."""
        return self.returned_.scores(X)


class FunctionRegressor(FunctionEstimator):
    """The same for numbers."""


def make_function(
    name: str,
    parameters: Mapping[str, object],
    task: Task,
    seed: int,
    directory: Path,
    *,
    feature_names: Sequence[str] = (),
    classes: Sequence[str | int | bool] = (),
    blocks: Sequence[Block] = (),
) -> FunctionEstimator:
    """The estimator that a project's training function makes, not fitted yet. The file is not run here.

    Args:
        name: the file within the project, such as "train.py", or with the function's name if that is not
            `train`, such as "train.py:fit_small".
        parameters: what the function gets as `params`.
        task: what is to be predicted.
        seed: for all that is drawn at random.
        directory: the project's folder.
        feature_names: the names of the features.
        classes: the classes that codes stand for.
        blocks: which features belong together.

    Raises:
        TrainingError: the file is not there.
    """
    file, _, function = name.partition(":")
    kind = FunctionRegressor if task in NUMBER_TASKS else FunctionClassifier
    folder = directory.resolve()
    return kind(file, function or "train", folder, parameters, task, seed, feature_names, classes, blocks)


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """With the generators that everybody shares at a known point; afterwards they go on where they were."""
    plain, legacy = random.getstate(), np.random.get_state()
    torch: Any = sys.modules.get("torch")
    drawn = None if torch is None else torch.random.get_rng_state()
    random.seed(seed)
    np.random.seed(seed % 2**32)
    if torch is not None:
        torch.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(plain)
        np.random.set_state(legacy)
        if drawn is not None:
            torch.random.set_rng_state(drawn)


def _end_copy(process: int) -> None:
    """End a process that a person's code made by forking: it may not go on with our work a second time."""
    if os.getpid() != process:
        os._exit(1)
