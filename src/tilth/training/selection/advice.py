"""The recommendation that follows from the figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tilth.errors import counted
from tilth.training.selection.choosing import ALL
from tilth.training.selection.figures import Figure
from tilth.training.selection.leaks import LEAST_ROWS, NEARLY_ONE, Leak
from tilth.training.selection.result import MethodResult, Recommendation

__all__ = ["recommend"]

Values = Sequence[float | None]

_NAMED = 5


def recommend(
    methods: Sequence[MethodResult],
    values: Mapping[str, Values],
    metric: str,
    share: float,
    leaks: Sequence[Leak] = (),
    rows: int = 0,
) -> Recommendation:
    """The fewest columns that do as well as the best, by the one-standard-error rule.

    As well: the mean of the metric is below the best mean by no more than one standard error of the
    difference, which is taken fold by fold. Of as many columns the better ones.

    Args:
        methods: the lines of the table, that of all columns first.
        values: the metric of each method in each fold.
        metric: its name; larger is better.
        share: test rows / training rows.
        leaks: columns that alone tell the label.
        rows: how many rows were looked at.
    """
    known = [each for each in methods if each.metrics[metric].value is not None and each.columns]
    whole = methods[0]
    if not known:
        return Recommendation(
            ALL, whole.columns, (), f"Keep all columns: {metric} is undefined, so nothing can be compared."
        )
    best = max(known, key=lambda each: (each.metrics[metric].value or 0.0, -len(each.columns)))
    good = [each for each in known if _is_as_good(values[each.method], values[best.method], share)]
    chosen = min(good, key=lambda each: (len(each.columns), -(each.metrics[metric].value or 0.0)))
    drop = tuple(name for name in whole.columns if name not in set(chosen.columns))
    sentence = _sentence(chosen, whole, best, metric)
    if leaks:
        names = ", ".join(f"'{leak.column}'" for leak in leaks)
        sentence = (
            f"First make sure that {names} may be known: the label can be told from that alone. {sentence}"
        )
    elif rows >= LEAST_ROWS and (chosen.metrics[_sure(chosen)].value or 0.0) >= NEARLY_ONE:
        sentence = f"{_too_good(chosen)} {sentence}"
    return Recommendation(chosen.method if drop else ALL, chosen.columns, drop, sentence)


def _sure(line: MethodResult) -> str:
    """The metric that is almost 1 only where the label is as good as known."""
    return "r2" if "r2" in line.metrics else "accuracy"


def _too_good(chosen: MethodResult) -> str:
    names = [f"'{name}'" for name in chosen.columns[:_NAMED]]
    more = len(chosen.columns) - len(names)
    listed = ", ".join([*names, *([f"{more} more"] if more else [])])
    metric = _sure(chosen)
    return (
        f"{metric} {chosen.metrics[metric]} is too good to be true of most data: first make sure that "
        f"{listed} are known before the label, and that it is not computed from them."
    )


def _is_as_good(values: Values, best: Values, share: float) -> bool:
    pairs = [(a, b) for a, b in zip(values, best, strict=True)]
    lost = Figure.of([None if a is None or b is None else b - a for a, b in pairs], share)
    return lost.value is not None and lost.value <= (lost.standard_error or 0.0)


def _sentence(chosen: MethodResult, whole: MethodResult, best: MethodResult, metric: str) -> str:
    everything = whole.metrics[metric]
    if len(chosen.columns) >= len(whole.columns):
        if len(whole.columns) == 1:
            return f"There is one column only, nothing to choose from: {metric} {everything}."
        return (
            f"Keep all {counted(len(whole.columns), 'column')}: {metric} {everything}, and no method does as "
            "well with fewer, to one standard error."
        )
    difference = chosen.differences[metric]
    reason = (
        "no method does better"
        if chosen is best
        else f"the fewest within one standard error of the best, {best.method} with "
        f"{counted(len(best.columns), 'column')} and {best.metrics[metric]}"
    )
    return (
        f"Keep the {counted(len(chosen.columns), 'column')} of {chosen.method}, out of {len(whole.columns)}: "
        f"{metric} {chosen.metrics[metric]} against {everything} with all (difference "
        f"{_signed(difference)}); {reason}."
    )


def _signed(figure: Figure) -> str:
    if figure.value is None or figure.standard_error is None:
        return str(figure)
    return f"{figure.value:+.4f} ± {figure.standard_error:.4f}"
