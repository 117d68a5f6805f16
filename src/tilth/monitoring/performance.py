"""Judging what came of the predictions, with its uncertainty."""

from __future__ import annotations

from collections.abc import Mapping

from tilth.checks import Check, Verdict
from tilth.metrics import UNDEFINED, Estimate

__all__ = ["judge_performance", "performance_in_words", "with_error_rate"]

_SHOWN = (
    *("error_rate", "f1", "macro_f1", "auroc", "mae", "rmse", "r2"),
    *("subset_accuracy", "hamming_loss", "micro_f1", "ndcg_at_10", "mrr"),
)


def with_error_rate(metrics: Mapping[str, Estimate]) -> dict[str, Estimate]:
    """The metrics with `error_rate`, one minus the accuracy, where there is an accuracy.

    Example:
        >>> print(with_error_rate({"accuracy": Estimate(0.75)})["error_rate"])
        0.25
    """
    found = dict(metrics)
    if "accuracy" in found:
        found["error_rate"] = found["accuracy"].scaled(-1, 1)
    return found


def performance_in_words(now: Mapping[str, Estimate], before: Mapping[str, Estimate]) -> list[str]:
    """The chief metrics of what was served, each beside its value on the test part.

    Example:
        >>> performance_in_words({"f1": Estimate(0.8)}, {"f1": Estimate(0.9)})
        ['f1 0.8000, on the test part 0.9000']
    """
    now, before = with_error_rate(now), with_error_rate(before)
    return [
        f"{name} {_shown(now[name])}, on the test part {_shown(before.get(name, UNDEFINED))}"
        for name in _SHOWN
        if name in now
    ]


def _shown(estimate: Estimate) -> str:
    return "undefined" if estimate.value is None else f"{estimate.value:.4f}"


def judge_performance(
    check: Check, performance: Mapping[str, Estimate] | None, reference: Mapping[str, Estimate]
) -> Verdict:
    """The verdict on a metric: it fails only when the whole 95 % interval lies beyond a bound.

    Args:
        check: of the moment "live".
        performance: the metrics of what was served; None while no outcome is known.
        reference: the metrics on the test part.

    Example:
        >>> check = Check("error_rate", "live", high=0.05, baseline="test")
        >>> now, before = {"accuracy": Estimate(0.82, 0.733, 0.883)}, {"accuracy": Estimate(0.887)}
        >>> print(judge_performance(check, now, before).reason)
        0.180 (95 % interval 0.117 to 0.267), 0.113 on the test part, at most 0.05 more
    """
    found = _estimate(performance or {}, check.metric)
    baseline = _estimate(reference, check.metric).value if check.baseline else None
    verdict = check.judge(found.value, baseline)
    if verdict.reason == "undefined" or found.low is None or found.high is None:
        return verdict
    shift = baseline or 0.0
    too_low = check.low is not None and found.high - shift < check.low
    too_high = check.high is not None and found.low - shift > check.high
    return Verdict(check, found.value, baseline, not (too_low or too_high), _reason(check, found, baseline))


def _estimate(metrics: Mapping[str, Estimate], metric: str) -> Estimate:
    """A metric with its interval."""
    return with_error_rate(metrics).get(metric, UNDEFINED)


def _reason(check: Check, found: Estimate, baseline: float | None) -> str:
    """The value, how sure it is, what it is compared with, and what is allowed."""
    parts = [f"{found.value:.3f} (95 % interval {found.low:.3f} to {found.high:.3f})"]
    if baseline is not None:
        parts.append(f"{baseline:.3f} on the test part")
    bounds = ((check.low, "at least"), (check.high, "at most"))
    allowed = [_allowed(words, bound, baseline) for bound, words in bounds if bound is not None]
    return ", ".join([*parts, " and ".join(allowed)])


def _allowed(words: str, bound: float, baseline: float | None) -> str:
    """A bound in words; one on a difference never with a minus sign.

    Example:
        >>> _allowed("at least", -0.05, 0.8), _allowed("at most", 0.3, None)
        ('at most 0.05 less', 'at most 0.3')
    """
    if baseline is None:
        return f"{words} {bound:g}"
    if bound == 0:
        return "no less" if words == "at least" else "no more"
    if bound > 0:
        return f"{words} {bound:g} more"
    turned = "at most" if words == "at least" else "at least"
    return f"{turned} {-bound:g} less"
