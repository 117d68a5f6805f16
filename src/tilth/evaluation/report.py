"""An evaluation as plain text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tilth.evaluation.slice_result import SliceResult
from tilth.metrics import Estimate, LabelEncoding
from tilth.types import Task
from tilth.wording import aligned

__all__ = ["report"]

_CHIEF: Mapping[Task, tuple[str, ...]] = {
    "binary": ("accuracy", "precision", "recall", "f1", "auroc", "log_loss"),
    "multiclass": ("accuracy", "balanced_accuracy", "macro_f1", "log_loss"),
    "regression": ("mae", "rmse", "r2", "mean_error"),
    "multilabel": ("subset_accuracy", "hamming_loss", "micro_f1", "macro_f1", "ranking_average_precision"),
    "ranking": ("ndcg", "ndcg_at_10", "mrr", "mean_average_precision", "precision_at_10"),
}
_MOST_CLASSES = 12


def report(
    encoding: LabelEncoding, slices: Sequence[SliceResult], unlabeled: int = 0, notes: Sequence[str] = ()
) -> str:
    """All metrics of the first slice with intervals, its confusion matrix, the chief metrics of each slice.

    Args:
        encoding: the task and its classes.
        slices: the results, that of all rows first.
        unlabeled: how many rows were left out.
        notes: sentences to show.
    """
    whole = slices[0]
    left_out = f" ({unlabeled:,} rows without a label left out)" if unlabeled else ""
    parts = ["\n".join([f"{encoding.task}, {whole.rows:,} rows{left_out}", *notes])]
    rows = [["metric", "value", "95 % interval"], *map(_row, whole.metrics.items())]
    parts.append("\n".join(aligned(rows)))
    if whole.confusion is not None and len(whole.confusion) <= _MOST_CLASSES:
        parts.append(_confusion(encoding.names, whole.confusion))
    if len(slices) > 1:
        parts.append(_slices(_CHIEF[encoding.task], slices))
    return "\n\n".join(parts)


def _row(item: tuple[str, Estimate]) -> list[str]:
    name, estimate = item
    interval = "" if estimate.low is None else f"{_number(estimate.low)} to {_number(estimate.high)}"
    return [name, _number(estimate.value), interval]


def _confusion(names: Sequence[str], confusion: Sequence[Sequence[int]]) -> str:
    head = ["true \\ predicted", *names]
    body = [[name, *(f"{n:,}" for n in row)] for name, row in zip(names, confusion, strict=True)]
    return "\n".join(aligned([head, *body]))


def _slices(chief: Sequence[str], slices: Sequence[SliceResult]) -> str:
    rows = [
        [result.name, f"{result.rows:,}", *(_number(result.metrics[name].value) for name in chief)]
        for result in slices
    ]
    return "\n".join(aligned([["slice", "rows", *chief], *rows]))


def _number(value: float | None) -> str:
    if value is None:
        return "undefined"
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1e4 or value == 0 else f"{value:.4g}"
