"""The slices of an evaluation, those first that cost most: their excess of errors over the whole."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tilth.metrics import Estimate
from tilth.pipelines.line_charts import whisker_axis, whiskers
from tilth.pipelines.report_sections.figures import Cell, Row, estimate_cell
from tilth.profiles.page_figures import figure, label

__all__ = ["HARM", "Sliced", "harm", "slice_title", "slices_of"]

_MOST_SLICES = 300
_FEW_ROWS = 30
_RANGED = re.compile(r"(?:ranges|quantiles)\((.+?),[^()]*\)$")

HARM: Mapping[str, tuple[str, float, str, str]] = {
    "binary": ("accuracy", -1.0, "errors too many", "share of errors"),
    "multiclass": ("accuracy", -1.0, "errors too many", "share of errors"),
    "multilabel": ("subset_accuracy", -1.0, "errors too many", "share of rows with an error"),
    "regression": ("mae", 1.0, "absolute error too much", "mean absolute error"),
    "ranking": ("ndcg_at_10", -1.0, "NDCG at 10 lost", "what is missing to an NDCG of 1"),
}
"""By task: the metric by which harm is told, its sign, what the harm is called, and what it comes from."""

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Sliced:
    """The table of slices.

    Args:
        harm: what the column of harm is called.
        rate: what it comes from: the share of errors.
        metrics: the metrics of the other columns.
        rows: all rows first, then the slices by harm, the greatest first.
        left_out: how many slices are not shown.
        small: how many of those shown are small.
    """

    harm: str
    rate: str
    metrics: tuple[str, ...]
    rows: tuple[Row, ...]
    left_out: int
    small: int


def slices_of(evaluation: Document, metrics: Sequence[str]) -> Sliced | None:
    """The slices of an evaluation; None where there are none.

    Args:
        evaluation: as JSON values.
        metrics: the columns, the first one drawn.
    """
    whole, *slices = evaluation["slices"]
    if not slices:
        return None
    _, _, title, rate = HARM[evaluation["task"]]
    told = [(each, harm(each, whole, evaluation["task"])) for each in slices]
    told.sort(key=lambda pair: -(pair[1].value if pair[1].value is not None else float("-inf")))
    kept = told[:_MOST_SLICES]
    first = metrics[0]
    axis = whisker_axis([_estimate(each, first) for each in (whole, *(each for each, _ in kept))])
    harms = whisker_axis([Estimate(0.0), *(found for _, found in kept)])

    def row(each: Document, found: Estimate | None) -> Row:
        shown = [_estimate(each, name) for name in metrics]
        cells = [Cell(f"{each['rows']:,}", sort=each["rows"])]
        cells += [Cell("") if found is None else _excess(found, whiskers(found, harms, "b"))]
        cells += [estimate_cell(shown[0], whiskers(shown[0], axis)), *map(estimate_cell, shown[1:])]
        return Row(slice_title(each["slice"]), cells, "small" if _is_small(each) else "")

    rows = (row(whole, None), *(row(each, found) for each, found in kept))
    small = sum(bool(each.mark) for each in rows[1:])
    return Sliced(title, rate, tuple(metrics), rows, len(told) - len(kept), small)


def harm(slice_: Document, whole: Document, task: str) -> Estimate:
    """How many errors more a slice has than it would with the rate of all rows: (rate - whole rate) x rows.

    The interval is that of the difference to the whole where the evaluation has it, or else that of the
    slice's own rate.

    Args:
        slice_: of an evaluation, as JSON values.
        whole: all rows of it.
        task: what is predicted; of numbers the harm is a sum of absolute errors.

    Example:
        >>> whole = {"rows": 100, "metrics": {"accuracy": {"value": 0.9}}}
        >>> harm({"rows": 20, "metrics": {"accuracy": {"value": 0.7}}}, whole, "binary").value.__round__(6)
        4.0
    """
    metric, sign, *_ = HARM[task]
    mine, all_rows = _estimate(slice_, metric), _estimate(whole, metric)
    if mine.value is None or all_rows.value is None:
        return Estimate(None)
    rows = float(slice_["rows"])
    difference = (slice_.get("difference") or {}).get(metric)
    if difference is not None and difference.get("value") is not None:
        return Estimate.from_json(difference).scaled(sign * rows)
    return mine.scaled(sign * rows, -sign * rows * all_rows.value)


def slice_title(slice_: Mapping[str, str]) -> str:
    """A slice in words, cut where it is too long; an expression that holds is named by itself.

    Example:
        >>> slice_title({"sex": "f", "age > 60": "true", "ranges(hours, 20, 40)": "[20, 40)"})
        'sex=f, age > 60, hours [20, 40)'
    """
    return label(", ".join(_key(*item) for item in slice_.items()) or "all rows", 120).text


def _key(key: str, value: str) -> str:
    ranged = _RANGED.match(key)
    if ranged is not None:
        return f"{ranged[1]} {value}"
    return key if value == "true" and not key.isidentifier() else f"{key}={value}"


def _is_small(slice_: Document) -> bool:
    return bool(slice_.get("small", slice_["rows"] < _FEW_ROWS))


def _estimate(slice_: Document, metric: str) -> Estimate:
    return Estimate.from_json(slice_["metrics"].get(metric) or {})


def _excess(found: Estimate, drawn: Any) -> Cell:
    if found.value is None:
        return Cell("undefined")
    around = "" if found.low is None or found.high is None else f"{_round(found.low)} to {_round(found.high)}"
    return Cell(_round(found.value), around, drawn, found.value)


def _round(value: float) -> str:
    """A number of errors with a sign, to a tenth."""
    sign = "+" if value > 0 else ""
    return f"{sign}{figure(round(value, 1) + 0.0)}"
