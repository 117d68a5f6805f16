"""TrainingData: what a training function learns from, and where it tells how it goes on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tilth.errors import TrainingError
from tilth.features.blocks import Block
from tilth.training.boosting import Watch
from tilth.training.rows import Floats, Labels
from tilth.types import Task

__all__ = ["Diary", "TrainingData"]

_PARTS = ("train", "dev")


@dataclass
class Diary:
    """What a training function tells while it runs."""

    watch: Watch | None = None
    curves: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    asked_for_weights: bool = False
    last: int = -1
    ended_by: BaseException | None = None

    def note(self, iteration: int, metrics: Mapping[str, float]) -> None:
        """Keep the metrics of an iteration and tell who watches; what that raises ends the training."""
        known = {self._name(name): self._number(iteration, name, value) for name, value in metrics.items()}
        if iteration <= self.last:
            raise TrainingError(
                f"report({iteration}, ...) came after report({self.last}, ...)", expected="growing numbers"
            )
        self.last = iteration
        for (part, metric), value in known.items():
            self.curves.setdefault(part, {}).setdefault(metric, []).append(value)
        if self.watch is None:
            return
        try:
            self.watch(iteration, {f"{part}.{metric}": value for (part, metric), value in known.items()})
        except BaseException as error:
            self.ended_by = error
            raise

    @staticmethod
    def _name(name: str) -> tuple[str, str]:
        part, _, metric = name.partition("_")
        if part not in _PARTS or not metric:
            raise TrainingError(
                f"report() was given '{name}'", expected="names such as train_loss and dev_loss"
            )
        return part, metric

    @staticmethod
    def _number(iteration: int, name: str, value: object) -> float:
        try:
            item = getattr(value, "item", None)  # a tensor that is differentiated warns of `float`
            number = float(value if item is None else item())  # type: ignore[arg-type] # others are refused
        except (TypeError, ValueError) as error:
            raise TrainingError(
                f"report() was given {name} = {value!r} in iteration {iteration}", expected="a number"
            ) from error
        if not math.isfinite(number):
            raise TrainingError(
                f"{name} is {number} in iteration {iteration}: the training has diverged",
                mend="try a lower learning rate; fill missing values in features.py",
            )
        return number


@dataclass(frozen=True)
class TrainingData:
    """What a training function learns from.

    All arrays are its own: what it writes into them nobody else sees.

    Args:
        X: (n, f) float32, the features; missing numbers are NaN.
        y: (n,), codes of the classes from 0, or numbers; for several labels (n, classes), 0 or 1.
        groups: (n,), for ranking: rows of one number are ranked together; else None.
        X_dev: (m, f), rows that are not learned from; None where there are none.
        y_dev: their labels.
        weights_dev: (m,), how much each counts; None: all alike.
        groups_dev: (m,).
        feature_names: (f,), the features' names; empty where they are not known.
        classes: the classes that the codes stand for, in order; empty for numbers.
        task: what is to be predicted.
        seed: for what is drawn at random; `random`, NumPy and PyTorch are seeded with it already.
        blocks: which features are an image, frames or tokens.
    """

    X: Floats
    y: Labels
    groups: npt.NDArray[np.int64] | None
    X_dev: Floats | None
    y_dev: Labels | None
    weights_dev: npt.NDArray[np.float64] | None
    groups_dev: npt.NDArray[np.int64] | None
    feature_names: tuple[str, ...]
    classes: tuple[str | int | bool, ...]
    task: Task
    seed: int
    blocks: tuple[Block, ...]
    _weights: npt.NDArray[np.float64] | None
    _diary: Diary

    @property
    def weights(self) -> npt.NDArray[np.float64] | None:
        """(n,), how much each row counts, 0 or more; None: all alike."""
        self._diary.asked_for_weights = True
        return self._weights

    def report(self, iteration: int, **metrics: float) -> None:
        """Tell how the training goes on: what is drawn as a curve, and lets a search end what is hopeless.

        Args:
            iteration: its number, greater than the last one.
            metrics: numbers whose names begin with "train_" or "dev_", such as `dev_loss=0.31`.

        Raises:
            TrainingError: a name or value that is none.
        """
        self._diary.note(iteration, metrics)
