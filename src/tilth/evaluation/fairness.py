"""Fairness: how the groups of protected attributes fare, and how far they are apart.

Everything follows from an evaluation that is sliced by the attributes, so it is the same for the predictions
of anyone, now or from a record.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tilth.evaluation.attributes import Attribute, Gap, Group, attribute_name
from tilth.evaluation.fairness_report import attribute_lines
from tilth.evaluation.gaps import least_ratio, widest_gap
from tilth.evaluation.impossibility import impossibility
from tilth.evaluation.result import Evaluation
from tilth.evaluation.slice_result import SliceResult
from tilth.metrics import UNDEFINED, Estimate
from tilth.metrics.intervals import mean
from tilth.types import JSONObject, Task

__all__ = [
    "Attribute",
    "Fairness",
    "Gap",
    "Group",
    "attribute_name",
    "fairness_of",
    "gap_families",
    "is_gap",
    "with_figures",
]

_RATES = ("prevalence", "positive_rate", "fpr", "fnr", "precision", "accuracy")
_FIGURES: Mapping[Task, tuple[str, ...]] = {
    "binary": (*_RATES, "calibration"),
    "multiclass": ("accuracy", "balanced_accuracy"),
    "regression": ("mean_error", "mae", "mean_label", "mean_prediction"),
    "multilabel": ("subset_accuracy", "hamming_loss", "micro_precision", "micro_recall"),
    "ranking": ("ndcg", "ndcg_at_10", "mrr"),
}
_BY_CLASS: Mapping[Task, tuple[str, ...]] = {
    "multiclass": ("recall", "precision", "prevalence"),
    "multilabel": ("recall", "precision", "prevalence"),
}
_UNBOUNDED = frozenset({"mean_error", "mae", "mean_label", "mean_prediction", "calibration"})
"""Differences of these can be greater than 1, or their values less than 0: they have gaps and no ratios."""

_Z = 1.959963984540054


@dataclass(frozen=True)
class Fairness:
    """How the groups of protected attributes fare.

    Args:
        attributes: each with its groups and gaps.
        minimum_rows: a group with fewer rows takes no part in gaps.

    Example:
        >>> from tilth.evaluation import evaluate
        >>> data = {"y": [1, 0, 1, 0], "said": [1, 1, 1, 0], "sex": list("ffmm")}
        >>> found = evaluate(data, label="y", prediction="said", slices=[["sex"]])
        >>> fairness_of(found, [["sex"]], minimum_rows=1).metrics()["gap.positive_rate.sex"].value
        0.5
    """

    attributes: tuple[Attribute, ...]
    minimum_rows: int

    def metrics(self) -> dict[str, Estimate]:
        """Gaps and ratios by the names under which checks bound them, such as "gap.fpr.sex"."""
        found = {}
        for each in self.attributes:
            for gap in each.gaps:
                found[f"gap.{gap.metric}.{each.name}"] = gap.gap
                if gap.ratio is not None:
                    found[f"ratio.{gap.metric}.{each.name}"] = gap.ratio
        return found

    def to_json(self) -> JSONObject:
        """The figures as JSON values; undefined numbers are null."""
        return {
            "minimum_rows": self.minimum_rows,
            "attributes": [each.to_json() for each in self.attributes],
        }

    def report(self) -> str:
        """The figures for people: a table of groups and one of gaps for each attribute."""
        return "\n\n".join("\n".join(attribute_lines(each, self.minimum_rows)) for each in self.attributes)


def fairness_of(
    evaluation: Evaluation, attributes: Sequence[Sequence[str]], minimum_rows: int = 30
) -> Fairness:
    """How the groups of protected attributes fare in an evaluation that has slices by them.

    A gap is over the groups with enough rows. It is undefined where one of them does not define the metric,
    so that nobody is left out in silence.

    Args:
        evaluation: of any model.
        attributes: for each what its groups are made by, as in the evaluation's slices.
        minimum_rows: a group with fewer labeled rows is shown, and takes no part in gaps.
    """
    found = []
    for columns in attributes:
        wanted = tuple(columns)
        slices = [result for result in evaluation.slices if result.slice and tuple(result.slice) == wanted]
        groups = tuple(_group(evaluation.task, result, minimum_rows) for result in slices)
        names = _names(evaluation)
        gaps = tuple(_gap(name, groups, minimum_rows) for name in names)
        judged = [group for group in groups if not group.small]
        fact = None
        if evaluation.task == "binary":
            whole = evaluation.slices[0].metrics
            rates = {", ".join(group.slice.values()): group.metrics["prevalence"].value for group in judged}
            ppv, fnr = (whole.get(name, UNDEFINED).value for name in ("precision", "fnr"))
            fact = impossibility(rates, ppv, fnr)
        found.append(Attribute(wanted, groups, gaps, fact))
    return Fairness(tuple(found), minimum_rows)


def with_figures(evaluation: Evaluation, figures: Mapping[str, Estimate]) -> Evaluation:
    """The evaluation with further metrics of all rows, such as gaps, that checks look up by name."""
    whole, *others = evaluation.slices
    return replace(evaluation, slices=(replace(whole, metrics={**whole.metrics, **figures}), *others))


def gap_families(task: Task) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The metrics of a task that have gaps, and those that have one for each class."""
    return _FIGURES[task], _BY_CLASS.get(task, ())


def is_gap(metric: str, task: Task, attributes: Sequence[Sequence[str]]) -> bool:
    """Whether `Fairness.metrics` of these attributes gives a metric of this name, as far as is known before.

    Example:
        >>> is_gap("gap.fpr.sex", "binary", [["sex"]]), is_gap("gap.fpr.race", "binary", [["sex"]])
        (True, False)
        >>> is_gap("gap.recall.cat.sex", "multiclass", [["sex"]])
        True
        >>> is_gap("ratio.mean_error.sex", "regression", [["sex"]])
        False
    """
    kind, _, rest = metric.partition(".")
    if kind not in ("gap", "ratio"):
        return False
    names, families = gap_families(task)
    for columns in attributes:
        figure = rest.removesuffix(f".{attribute_name(columns)}")
        family, dot, of_class = figure.partition(".")
        known = figure in names or bool(dot and of_class and family in families)
        if figure != rest and known and (kind == "gap" or figure not in _UNBOUNDED):
            return True
    return False


def _names(evaluation: Evaluation) -> list[str]:
    names, families = gap_families(evaluation.task)
    of_classes = [f"{family}.{name}" for family in families for name in evaluation.encoding.names]
    return [*names, *of_classes]


def _group(task: Task, result: SliceResult, minimum_rows: int) -> Group:
    names, families = gap_families(task)
    figures = {
        name: found
        for name, found in result.metrics.items()
        if name in names or ("." in name and name.partition(".")[0] in families)
    }
    if task == "binary":
        figures["calibration"] = _calibration(result)
    return Group(result.slice, result.rows, result.rows < minimum_rows, figures)


def _calibration(result: SliceResult) -> Estimate:
    """The mean score minus the share of positives: above 0, the group is thought more likely than it is."""
    brier, said, share = (result.metrics[name] for name in ("brier", "mean_prediction", "prevalence"))
    if brier.value is None or said.value is None or share.value is None:
        return UNDEFINED
    value = said.value - share.value
    return mean(value, max(0.0, brier.value - value**2), _effective_rows(share))


def _effective_rows(proportion: Estimate) -> float:
    """How many rows a Wilson interval is of: u = z^2 / n solves half^2 (1 + u)^2 = p (1 - p) u + u^2 / 4."""
    if proportion.value is None or proportion.low is None or proportion.high is None:
        return 0.0
    half = (proportion.high - proportion.low) / 2
    a, c = half**2 - 0.25, half**2
    b = 2 * half**2 - proportion.value * (1 - proportion.value)
    if a >= 0:
        return 0.0
    return _Z**2 / ((-b - math.sqrt(b**2 - 4 * a * c)) / (2 * a))


def _gap(name: str, groups: Sequence[Group], minimum_rows: int) -> Gap:
    judged = [group for group in groups if not group.small]
    has_ratio = name not in _UNBOUNDED
    lacking = [g.name for g in judged if g.metrics.get(name, UNDEFINED).value is None]
    if len(judged) < 2:
        reason = f"fewer than two groups have {minimum_rows:,} rows"
    elif lacking:
        reason = f"undefined for {', '.join(lacking[:3])}" + (", ..." if len(lacking) > 3 else "")
    else:
        ordered = sorted(judged, key=lambda group: group.metrics[name].value or 0.0)
        figures = [group.metrics[name] for group in judged]
        ends = (0.0, 1.0) if has_ratio else (None, None)
        return Gap(
            name,
            widest_gap(figures, least=ends[0], most=ends[1]),
            least_ratio(figures) if has_ratio else None,
            ordered[-1].slice,
            ordered[0].slice,
        )
    return Gap(name, UNDEFINED, UNDEFINED if has_ratio else None, reason=reason)
