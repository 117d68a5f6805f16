"""Mergeable statistics of predictions, the metrics that follow from them, and their confidence intervals.

Statistics count rows per distinct score, so that merging two of them is exact and the metrics do not depend
on the order of rows or the size of batches. What is undefined is None, never 0 and never NaN.
"""

from __future__ import annotations

from tilth.metrics.binary import BinaryStatistics
from tilth.metrics.calibration import CalibrationBin
from tilth.metrics.confusion import ConfusionMatrix, f1_score
from tilth.metrics.custom import CustomMetric, CustomStatistics
from tilth.metrics.custom_counts import (
    BinaryCounts,
    ClassCounts,
    Counts,
    GroupCounts,
    LabelCounts,
    NumberCounts,
    RankedRows,
)
from tilth.metrics.estimate import CHIEF_METRIC, UNDEFINED, Estimate
from tilth.metrics.intervals import LEVEL
from tilth.metrics.label_encoding import LabelEncoding
from tilth.metrics.label_lists import guess_separator, label_lists
from tilth.metrics.label_values import LabelValue, find_class, label_text
from tilth.metrics.multiclass import MulticlassStatistics
from tilth.metrics.multilabel import MultilabelStatistics
from tilth.metrics.paired import PAIRED_METRICS, Answered, measured, paired_difference
from tilth.metrics.perfect import direction, improvement, perfect
from tilth.metrics.ranking_statistics import RankingStatistics
from tilth.metrics.regression import RegressionStatistics
from tilth.metrics.thresholds import ThresholdCounts

__all__ = [
    "CHIEF_METRIC",
    "LEVEL",
    "PAIRED_METRICS",
    "UNDEFINED",
    "Answered",
    "BinaryCounts",
    "BinaryStatistics",
    "CalibrationBin",
    "ClassCounts",
    "ConfusionMatrix",
    "Counts",
    "CustomMetric",
    "CustomStatistics",
    "Estimate",
    "GroupCounts",
    "LabelCounts",
    "LabelEncoding",
    "LabelValue",
    "MulticlassStatistics",
    "MultilabelStatistics",
    "NumberCounts",
    "RankedRows",
    "RankingStatistics",
    "RegressionStatistics",
    "ThresholdCounts",
    "direction",
    "f1_score",
    "find_class",
    "guess_separator",
    "improvement",
    "label_lists",
    "label_text",
    "measured",
    "paired_difference",
    "perfect",
]
