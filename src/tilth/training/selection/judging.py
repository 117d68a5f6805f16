"""The metrics of one model on the rows that it was not chosen and not trained on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from tilth.metrics import BinaryStatistics, LabelEncoding, MulticlassStatistics, RegressionStatistics
from tilth.types import Task

__all__ = ["METRICS", "auroc_of", "judged"]

Floats = npt.NDArray[np.float64]

METRICS: Mapping[Task, tuple[str, ...]] = {
    "binary": ("accuracy", "auroc", "precision", "recall", "f1"),
    "multiclass": ("accuracy", "auroc", "precision", "recall", "f1"),
    "regression": ("r2", "rmse", "mae"),
}
"""What is measured, for each task. With several classes AUROC is the mean over the classes that occur of each
against the rest; precision, recall and F1 are their means."""


def judged(
    outputs: Floats, labels: npt.NDArray[np.number], encoding: LabelEncoding
) -> dict[str, float | None]:
    """The metrics by name; None where they are undefined.

    Args:
        outputs: probabilities (n, classes), or numbers (n, 1).
        labels: (n,), codes of classes or numbers.
        encoding: the task and its classes.
    """
    if encoding.task == "regression":
        numbers = RegressionStatistics()
        numbers.update(labels.astype(np.float64), outputs[:, 0])
        found = numbers.metrics()
        return {name: found[name].value for name in METRICS["regression"]}
    codes = labels.astype(np.int64)
    if encoding.task == "binary":
        two = BinaryStatistics()
        two.update(codes == 1, scores=outputs[:, 1])
        found = two.metrics()
        return {name: found[name].value for name in METRICS["binary"]}
    several = MulticlassStatistics(encoding.names)
    several.update(codes, outputs.argmax(axis=1))
    found = several.metrics()
    return {
        "accuracy": found["accuracy"].value,
        "auroc": auroc_of(outputs, codes),
        **{name: found[f"macro_{name}"].value for name in ("precision", "recall", "f1")},
    }


def auroc_of(outputs: Floats, codes: npt.NDArray[np.int64]) -> float | None:
    """The mean AUROC of each class that occurs against the rest; None where there are not two."""
    values = []
    for code in np.unique(codes):
        one = BinaryStatistics()
        one.update(codes == code, scores=outputs[:, code])
        values.append(one.metrics()["auroc"].value)
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
