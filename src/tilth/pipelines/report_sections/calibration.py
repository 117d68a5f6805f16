"""Whether a model is right as often as it says, and whether its numbers are neither too high nor too low."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tilth.evaluation import ScoredRows
from tilth.metrics import BinaryStatistics, Estimate
from tilth.metrics.intervals import mean
from tilth.pipelines.line_charts import Chart, Line, chart
from tilth.pipelines.report_sections.mistakes import probabilities_of
from tilth.pipelines.unit_charts import UnitLine, UnitPoint, unit_chart
from tilth.profiles.page_figures import share

__all__ = ["Calibration", "calibration_of"]

_BINS = 10


@dataclass(frozen=True)
class Calibration:
    """What was said against what is true, drawn.

    Args:
        chart: the drawing.
        below: what goes from left to right.
        words: what it shows, in a sentence.
        kind: "unit" where both go from 0 to 1.
    """

    chart: Chart
    below: str
    words: str
    kind: str = ""


def calibration_of(rows: ScoredRows) -> Calibration | None:
    """What was said against what is true, in bins; None where nothing can be said of it.

    Of several classes how sure the model is of its answer, against how often that is right (Guo et al. 2017,
    On calibration of modern neural networks). Of numbers the predictions in bins of as many rows, against the
    mean label there. That of two classes is in the evaluation itself.

    Example:
        >>> from tilth.evaluation import Scored
        >>> data = {"y": [1.5, 2.5, 3.0, 4.0], "said": [1.0, 2.0, 3.0, 5.0]}
        >>> calibration_of(Scored.of(data, label="y", prediction="said").rows()).chart.title
        'mean label'
    """
    if rows.encoding.task == "multiclass":
        return _of_confidence(rows)
    return _of_numbers(rows) if rows.encoding.task == "regression" else None


def _of_confidence(rows: ScoredRows) -> Calibration | None:
    scores = probabilities_of(rows)
    if scores is None or not len(rows):
        return None
    said = rows.answered.predictions.astype(np.int64)
    statistics = BinaryStatistics()
    sure = np.asarray(scores[np.arange(len(said)), said], np.float64)
    statistics.update(rows.answered.truth == said, scores=sure, weights=rows.weights)
    points = [
        UnitPoint(
            each.mean_score,
            each.positive.value,
            f"{each.rows:,} rows, {share(each.mean_score, 1)} sure, {share(each.positive.value, 1)} right",
            each.positive.low,
            each.positive.high,
        )
        for each in statistics.calibration(_BINS)
        if each.positive.value is not None
    ]
    line = UnitLine("", "a", points, joined=False, dotted=True)
    drawn = unit_chart("share that is right", [line], diagonal=True)
    words = "How sure the model is of its answer, and how often that is right; on the dashed line as often"
    return None if drawn is None else Calibration(drawn, "how sure", words, "unit")


def _of_numbers(rows: ScoredRows) -> Calibration | None:
    said = np.asarray(rows.answered.predictions, np.float64)
    truth = np.asarray(rows.answered.truth, np.float64)
    if not len(said):
        return None
    edges = np.unique(np.quantile(said, np.linspace(0, 1, _BINS + 1)[1:-1], method="inverted_cdf"))
    bins = np.searchsorted(edges, said, side="left")
    found = [_bin(said[bins == each], truth[bins == each]) for each in np.unique(bins)]
    lines = [
        Line("true", "a", found),
        Line("said", "b", [(at, Estimate(at)) for at, _ in found]),
    ]
    drawn = chart("mean label", lines, unit="said")
    words = (
        f"Rows in {len(found)} bins by what was said; where the lines part, numbers are too high or too low"
    )
    return None if drawn is None else Calibration(drawn, "mean prediction of the bin", words)


def _bin(said: npt.NDArray[np.float64], truth: npt.NDArray[np.float64]) -> tuple[float, Estimate]:
    """The mean prediction, and the mean label with its interval."""
    return float(np.sort(said).mean()), mean(
        float(np.sort(truth).mean()), float(np.sort(truth).var()), len(truth)
    )
