"""What a score does at every threshold: ROC, precision against recall, the counts, and calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tilth.metrics import Estimate, f1_score
from tilth.metrics.calibration import CalibrationBin
from tilth.metrics.thresholds import ThresholdCounts
from tilth.pipelines.line_charts import Chart
from tilth.pipelines.unit_charts import UnitLine, UnitPoint, unit_chart
from tilth.profiles.page_figures import figure

__all__ = ["Curves", "Threshold", "curves_of"]

_MOST_THRESHOLDS = 11

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Threshold:
    """The confusion at one threshold, in words.

    Args:
        threshold: what a score must exceed to count as positive.
        counts: true negatives, false positives, false negatives, true positives.
        figures: precision, recall, false positive rate and F1.
    """

    threshold: str
    counts: tuple[str, ...]
    figures: tuple[str, ...]


@dataclass(frozen=True)
class Curves:
    """The drawings of a score.

    Args:
        charts: ROC, precision against recall.
        thresholds: a few of the thresholds.
        calibration: said against happened; None where the scores are no probabilities.
    """

    charts: tuple[Chart, ...]
    thresholds: tuple[Threshold, ...]
    calibration: Chart | None


def curves_of(slice_: Document) -> Curves | None:
    """The drawings of a score; None where nothing is known of one.

    Args:
        slice_: all rows of an evaluation, as JSON values, with "thresholds" and "calibration" where there
            are scores.

    Example:
        >>> counts = ((0.9, 0, 2), (0.5, 9, 8))
        >>> at = [{"threshold": t, "tn": 90 - f, "fp": f, "fn": 10 - p, "tp": p} for t, f, p in counts]
        >>> found = curves_of({"thresholds": at, "metrics": {}})
        >>> [chart.title for chart in found.charts], found.thresholds[1].figures
        (['ROC', 'Precision and recall'], ('0.4706', '0.8', '0.1', '0.5926'))
    """
    points = sorted(
        map(ThresholdCounts.from_json, slice_.get("thresholds") or []), key=lambda at: -at.threshold
    )
    bins = [CalibrationBin.from_json(each) for each in slice_.get("calibration") or []]
    metrics = {name: Estimate.from_json(found) for name, found in slice_["metrics"].items()}
    drawn = (_roc(metrics, points), _precision_recall(metrics, points))
    charts = tuple(each for each in drawn if each is not None)
    calibration = _calibration(metrics, bins)
    if not charts and calibration is None:
        return None
    return Curves(charts, tuple(map(_threshold, _few(points))), calibration)


def _roc(metrics: Mapping[str, Estimate], points: Sequence[ThresholdCounts]) -> Chart | None:
    found = [UnitPoint(0.0, 0.0, "nothing is said to be positive")]
    for at in points:
        if at.recall is None or at.fpr is None:
            return None
        said = f"{_at(at)}: recall {figure(at.recall)}, false positive rate {figure(at.fpr)}"
        found.append(UnitPoint(at.fpr, at.recall, said))
    if not points:
        return None
    found.append(UnitPoint(1.0, 1.0, "all is said to be positive"))
    lines = [UnitLine(_named(metrics, "auroc"), "a", found), *_decided(metrics, "fpr", "recall")]
    return unit_chart("ROC", lines, diagonal=True)


def _precision_recall(metrics: Mapping[str, Estimate], points: Sequence[ThresholdCounts]) -> Chart | None:
    found = [
        UnitPoint(
            at.recall,
            at.precision,
            f"{_at(at)}: precision {figure(at.precision)}, recall {figure(at.recall)}",
        )
        for at in points
        if at.recall is not None and at.precision is not None
    ]
    if not found:
        return None
    first = points[0]
    positive = first.tp + first.fn
    lines = [
        UnitLine(_named(metrics, "average_precision"), "a", found),
        *_decided(metrics, "recall", "precision"),
    ]
    return unit_chart("Precision and recall", lines, level=positive / (positive + first.fp + first.tn))


def _decided(metrics: Mapping[str, Estimate], across: str, upward: str) -> list[UnitLine]:
    """Where the predictions that were made stand."""
    x, y = (metrics.get(name, Estimate(None)).value for name in (across, upward))
    if x is None or y is None:
        return []
    said = f"as predicted: {upward} {figure(y)}, {across} {figure(x)}"
    return [UnitLine("as predicted", "b", [UnitPoint(x, y, said)], joined=False, dotted=True)]


def _named(metrics: Mapping[str, Estimate], metric: str) -> str:
    """The area under the curve, with its interval."""
    found = metrics.get(metric, Estimate(None))
    if found.value is None:
        return ""
    around = "" if found.low is None else f" ({_end(found.low)} to {_end(found.high)})"
    return f"{metric} {figure(found.value)}{around}"


def _end(value: float | None) -> str:
    """An end of an interval, to three digits: what is uncertain needs no more."""
    return "" if value is None else figure(float(f"{value:.3g}"))


def _calibration(metrics: Mapping[str, Estimate], bins: Sequence[CalibrationBin]) -> Chart | None:
    """What was said against what happened, a dot for each bin."""
    found = []
    for each in bins:
        share = each.positive
        if share.value is None:
            continue
        around = "" if share.low is None else f" ({_end(share.low)} to {_end(share.high)})"
        said = f"{each.rows:,} rows, said {figure(each.mean_score)}, positive {figure(share.value)}{around}"
        found.append(UnitPoint(each.mean_score, share.value, said, share.low, share.high))
    line = UnitLine(_named(metrics, "calibration_error"), "a", found, joined=False, dotted=True)
    return unit_chart("Calibration", [line], diagonal=True, whole=False)


def _few(points: Sequence[ThresholdCounts]) -> list[ThresholdCounts]:
    """Some of the thresholds, evenly over them."""
    if len(points) <= _MOST_THRESHOLDS:
        return list(points)
    last = _MOST_THRESHOLDS - 1
    return [points[round(at * (len(points) - 1) / last)] for at in range(_MOST_THRESHOLDS)]


def _at(point: ThresholdCounts) -> str:
    return f"above {figure(point.threshold)}"


def _threshold(at: ThresholdCounts) -> Threshold:
    figures = (at.precision, at.recall, at.fpr, f1_score(at.precision, at.recall))
    return Threshold(
        figure(at.threshold),
        tuple(figure(float(count)) for count in (at.tn, at.fp, at.fn, at.tp)),
        tuple("undefined" if value is None else figure(value) for value in figures),
    )
