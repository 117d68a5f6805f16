"""An evaluation as plain text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tilth.evaluation.differences import change_text
from tilth.evaluation.slice_result import SliceResult
from tilth.metrics import Estimate, LabelEncoding
from tilth.types import Task
from tilth.wording import aligned, number_text

__all__ = ["report"]

_CHIEF: Mapping[Task, tuple[str, ...]] = {
    "binary": ("accuracy", "precision", "recall", "f1", "auroc", "log_loss"),
    "multiclass": ("accuracy", "balanced_accuracy", "macro_f1", "log_loss"),
    "regression": ("mae", "rmse", "r2", "mean_error"),
    "multilabel": ("subset_accuracy", "hamming_loss", "micro_f1", "macro_f1", "ranking_average_precision"),
    "ranking": ("ndcg", "ndcg_at_10", "mrr", "mean_average_precision", "precision_at_10"),
}
_MOST_CLASSES = 12
_OF_GROUPS = frozenset({"gap", "ratio"})


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
    rows = [["metric", "value", "95 % interval"], *map(_row, _of_rows(whole.metrics))]
    parts.append("\n".join(aligned(rows)))
    if whole.confusion is not None and len(whole.confusion) <= _MOST_CLASSES:
        parts.append(_confusion(encoding.names, whole.confusion))
    if len(slices) > 1:
        own = [name for name in whole.metrics if name.startswith("custom.")]
        parts.append(_slices([*_CHIEF[encoding.task], *own], slices))
    return "\n\n".join(parts)


def _of_rows(metrics: Mapping[str, Estimate]) -> list[tuple[str, Estimate]]:
    """The metrics but those of groups, which have a table of their own."""
    return [item for item in metrics.items() if item[0].partition(".")[0] not in _OF_GROUPS]


def _row(item: tuple[str, Estimate]) -> list[str]:
    name, estimate = item
    interval = "" if estimate.low is None else f"{number_text(estimate.low)} to {number_text(estimate.high)}"
    return [name, number_text(estimate.value), interval]


def _confusion(names: Sequence[str], confusion: Sequence[Sequence[int]]) -> str:
    head = ["true \\ predicted", *names]
    body = [[name, *(f"{n:,}" for n in row)] for name, row in zip(names, confusion, strict=True)]
    return "\n".join(aligned([head, *body]))


def _slices(chief: Sequence[str], slices: Sequence[SliceResult]) -> str:
    rows = [
        [
            f"{result.name} (small)" if result.small else result.name,
            f"{result.rows:,}",
            *(number_text(result.metrics[name].value) for name in chief),
            _change(result.difference.get(chief[0])),
        ]
        for result in slices
    ]
    lines = aligned([["slice", "rows", *chief, f"{chief[0]} less all rows'"], *rows])
    if any(result.small for result in slices):
        lines.append("(small): so few rows that the figures say little")
    return "\n".join(lines)


def _change(difference: Estimate | None) -> str:
    if difference is None or difference.value is None:
        return ""
    return change_text(difference)
