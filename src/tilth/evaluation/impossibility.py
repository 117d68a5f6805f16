"""What cannot be equal in groups with unequal base rates, shown with the numbers of the data at hand."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["false_positive_rate", "impossibility"]


def false_positive_rate(prevalence: float, precision: float, fnr: float) -> float:
    """The false positive rate that base rate, precision and false negative rate leave no choice about.

    FPR = p / (1 - p) x (1 - PPV) / PPV x (1 - FNR): Chouldechova, "Fair prediction with disparate impact: a
    study of bias in recidivism prediction instruments", 2017.

    Args:
        prevalence: the share of positives, p, below 1.
        precision: the share of positives among those said to be, PPV, above 0.
        fnr: the share of positives that are missed.

    Example:
        >>> round(false_positive_rate(86 / 1000, 68 / 77, 18 / 86), 6) == round(9 / 914, 6)
        True
    """
    return prevalence / (1 - prevalence) * (1 - precision) / precision * (1 - fnr)


def impossibility(
    base_rates: Mapping[str, float | None], precision: float | None, fnr: float | None
) -> str | None:
    """A sentence on why precision and both error rates cannot all be equal in these groups.

    With unequal base rates and imperfect predictions no rule evens out precision and both error rates
    (Chouldechova 2017), nor calibration and both (Kleinberg, Mullainathan, Raghavan 2016). The sentence
    gives each group the precision and the false negative rate of all rows, and says what false positive
    rates these leave.

    Args:
        base_rates: the share of positives in each group.
        precision: of all rows.
        fnr: of all rows.

    Returns:
        None where the base rates are equal, the predictions perfect, or a figure undefined.

    Example:
        >>> print(impossibility({"f": 0.65, "m": 0.72}, 0.8, 0.1).partition("would ")[2])
        make the false positive rate 0.4179 and 0.5786. While predictions err, not all three can be equal.
    """
    known = {name: rate for name, rate in base_rates.items() if rate is not None and rate < 1}
    if len(known) < 2 or precision is None or fnr is None or not 0 < precision < 1 or fnr == 1:
        return None
    low, high = min(known, key=lambda name: known[name]), max(known, key=lambda name: known[name])
    if known[low] == known[high]:
        return None
    rates = [false_positive_rate(known[name], precision, fnr) for name in (low, high)]
    shown = [f"{rate:.4g}" if rate <= 1 else f"{rate:.4g}, more than there can be" for rate in rates]
    return (
        f"base rates are unequal ({low} {known[low]:.4g}, {high} {known[high]:.4g}): precision "
        f"{precision:.4g} and false negative rate {fnr:.4g} in both would make the false positive rate "
        f"{shown[0]} and {shown[1]}. "
        "While predictions err, not all three can be equal."
    )
