"""What a faultless model reaches, and which way of a metric is better."""

from __future__ import annotations

__all__ = ["direction", "improvement", "perfect"]

_ZERO = frozenset(
    {
        "brier",
        "calibration_error",
        "fdr",
        "fnr",
        "for_",
        "fpr",
        "hamming_loss",
        "log_loss",
        "lr_minus",
        "mae",
        "mape_percent",
        "mean_error",
        "median_absolute_error",
        "mse",
        "msle",
        "never",
        "p90_absolute_error",
        "rmse",
    }
)
_NEITHER = frozenset(
    {
        "calibration_ratio",
        "custom",
        "gap",
        "mean_label",
        "mean_prediction",
        "odds_ratio",
        "lr_plus",
        "positive_rate",
        "prevalence",
        "ratio",
    }
)
"""Without a value that is best, or without a finite one."""


def perfect(metric: str) -> float | None:
    """The value of a metric where every answer is right: 1, or 0 for errors; None where there is none.

    Example:
        >>> perfect("auroc"), perfect("log_loss"), perfect("recall.cat"), perfect("prevalence")
        (1.0, 0.0, 1.0, None)
    """
    family = metric.partition(".")[0]
    return None if family in _NEITHER else 0.0 if family in _ZERO else 1.0


def direction(metric: str) -> int:
    """1 where more of a metric is better, -1 where less is.

    Raises:
        ValueError: a metric that no value is best of.

    Example:
        >>> direction("auroc"), direction("rmse")
        (1, -1)
    """
    best = perfect(metric)
    if best is None:
        raise ValueError(f"no value of {metric} is best")
    return 1 if best else -1


def improvement(metric: str, before: float, after: float) -> float:
    """How much nearer to perfect a metric has come; negative where it is farther away.

    Raises:
        ValueError: a metric that no value is best of.

    Example:
        >>> improvement("recall", 0.5, 0.75), improvement("rmse", 2.0, 3.0)
        (0.25, -1.0)
    """
    best = perfect(metric)
    if best is None:
        raise ValueError(f"no value of {metric} is best")
    return abs(best - before) - abs(best - after)
