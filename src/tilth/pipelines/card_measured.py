"""The sections of a model card on what was measured: metrics, calibration, slices, groups, musts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tilth.evaluation import Evaluation, SliceResult
from tilth.evaluation.discovered import DiscoveredSlice, Discovery
from tilth.metrics import CHIEF_METRIC, UNDEFINED, Estimate
from tilth.pipelines.card_parts import CardTable, Plot, Section
from tilth.profiles.page_figures import figure, share

__all__ = ["measured_sections"]

_MOST_SLICES = 100
_MOST_DISCOVERED = 10
_OF_TASK: Mapping[str, Sequence[str]] = {
    "binary": ("auroc", "accuracy", "precision", "recall", "f1", "specificity", "log_loss", "brier"),
    "multiclass": ("accuracy", "balanced_accuracy", "macro_f1", "log_loss"),
    "regression": ("r2", "rmse", "mae", "mean_error"),
    "multilabel": ("micro_f1", "macro_f1", "subset_accuracy", "hamming_loss"),
    "ranking": ("ndcg_at_10", "mrr", "ndcg"),
}
"""What a card shows of each task, as far as it is measured; the evaluation has more."""


def measured_sections(document: Mapping[str, Any]) -> Iterator[Section]:
    """The sections on what an evaluation document says; what it does not hold is left out.

    Args:
        document: of the step that evaluates: "test", "dev", "train", "baselines", and what belongs to them.
    """
    test = Evaluation.from_json(document["test"])
    yield _metrics(test, document)
    yield _calibration(test.slices[0])
    yield _slices(test)
    yield _discovered(Discovery.from_json(document).found)
    yield _fairness(document.get("fairness") or {})
    yield _obligations(test)


def _metrics(test: Evaluation, document: Mapping[str, Any]) -> Section:
    parts = {"test": test}
    for name in ("dev", "train"):
        if document.get(name):
            parts[name] = Evaluation.from_json(document[name])
    there = test.slices[0].metrics
    names = [name for name in _OF_TASK[test.task] if name in there]
    names += [name for name in there if name.startswith("custom.")]
    rows = [[name, *(_said(_estimate(found, name)) for found in parts.values())] for name in names]
    rows.insert(0, ["rows", *(f"{found.rows:,}" for found in parts.values())])
    return Section(
        "Metrics",
        ["Each value with its 95 % confidence interval. Nothing was learned from, or chosen on, test rows."],
        tables=[CardTable(["metric", *parts], rows), *_by_class(test), *_baselines(test, document)],
    )


def _by_class(test: Evaluation) -> Iterator[CardTable]:
    metrics = test.slices[0].metrics
    families = [name for name in ("precision", "recall", "f1") if f"{name}.{_first(test)}" in metrics]
    if not families:
        return
    names = test.encoding.names
    rows = [[name, *(_said(metrics[f"{family}.{name}"]) for family in families)] for name in names]
    drawn = [metrics[f"{families[-1]}.{name}"] for name in names]
    yield CardTable(["class", *families], rows, drawn, "By class, on the test part")


def _first(test: Evaluation) -> str:
    return test.encoding.names[0] if test.encoding.classes else ""


def _baselines(test: Evaluation, document: Mapping[str, Any]) -> Iterator[CardTable]:
    metric = CHIEF_METRIC[test.task]
    found = {"this model": test}
    found |= {name: Evaluation.from_json(each) for name, each in document.get("baselines", {}).items()}
    estimates = {name: _estimate(each, metric) for name, each in found.items()}
    known = {name: each for name, each in estimates.items() if each.value is not None}
    if len(known) > 1:
        rows = [[name, _rows(found[name], test), _said(each)] for name, each in known.items()]
        yield CardTable(
            ["", "rows", metric], rows, [*known.values()], "Against its baselines, on the test part"
        )


def _rows(found: Evaluation, test: Evaluation) -> str:
    if not found.rows:
        return "as declared"
    return f"{found.rows:,}" + ("" if found.rows == test.rows else " of them")


def _calibration(whole: SliceResult) -> Section:
    bins = [each for each in whole.calibration if each.positive.value is not None]
    if len(bins) < 2:
        return Section("Calibration")
    rows = [[figure(each.mean_score), _said(each.positive), f"{each.rows:,}"] for each in bins]
    header = ["probability given", "share positive", "rows"]
    return Section(
        "Calibration",
        ["Of rows that are given a probability, the share that is positive should be that probability."],
        tables=[CardTable(header, rows, [each.positive for each in bins])],
        plots=[
            Plot(
                "share positive",
                "probability given",
                [(each.mean_score, each.positive) for each in bins],
                [(each.mean_score, Estimate(each.mean_score)) for each in bins],
            )
        ],
    )


def _slices(test: Evaluation) -> Section:
    own = test.slices[1:]
    if not own:
        return Section("Slices")
    chief, further = _chosen(test)
    shown = own[:_MOST_SLICES]

    def line(result: SliceResult) -> list[str]:
        difference = result.difference.get(chief)
        apart = "" if difference is None else _said(difference, "+.3g")
        figures = [_said(result.metrics.get(name, UNDEFINED)) for name in further]
        return [
            result.name + (" (small)" if result.small else ""),
            f"{result.rows:,}",
            _said(result.metrics.get(chief, UNDEFINED)),
            apart,
            *figures,
        ]

    results = [test.slices[0], *shown]
    left = len(own) - len(shown)
    small = any(each.small for each in shown)
    return Section(
        "Slices",
        ["Slices marked as small have so few rows that their figures say little."] if small else [],
        tables=[
            CardTable(
                ["slice", "rows", chief, "against all rows", *further],
                [line(each) for each in results],
                [each.metrics.get(chief, UNDEFINED) for each in results],
            )
        ],
        points=[f"{left} more slices are not shown"] if left else [],
    )


def _chosen(test: Evaluation) -> tuple[str, list[str]]:
    """The chief metric, and two that slices are looked at for."""
    chief = CHIEF_METRIC[test.task]
    more = [name for name in _OF_TASK[test.task] if name != chief and name in test.slices[0].metrics]
    wanted = ["recall", "precision"] if test.task == "binary" else more[:2]
    return chief, [name for name in wanted if name in more]


def _discovered(found: Sequence[DiscoveredSlice]) -> Section:
    rows = [
        [
            each.expression,
            f"{each.rows:,}",
            each.measure.replace("_", " "),
            _said(each.value),
            _said(each.rest),
            share(each.share_of_errors, 1),
        ]
        for each in found[:_MOST_DISCOVERED]
    ]
    header = ["rows where", "how many", "what is worse", "there", "elsewhere", "share of all errors"]
    return Section(
        "Where it does worst",
        ["Found on the dev part; the chance that any of them is an accident is 5 % at most."] if rows else [],
        tables=[CardTable(header, rows)] if rows else [],
    )


def _fairness(found: Mapping[str, Any]) -> Section:
    attributes = found.get("attributes", [])
    tables = [table for each in attributes for table in (_groups(each), _gaps(each))]
    facts = [str(each["fact"]) for each in attributes if each.get("fact")]
    return Section("Fairness", tables=tables, points=facts)


def _groups(attribute: Mapping[str, Any]) -> CardTable:
    names = list(dict.fromkeys(name for group in attribute["groups"] for name in group["metrics"]))
    rows = [
        [
            _group(group["slice"]) + (" (small)" if group["small"] else ""),
            f"{group['rows']:,}",
            *(_said(_read(group["metrics"].get(name))) for name in names),
        ]
        for group in attribute["groups"]
    ]
    return CardTable([str(attribute["attribute"]), "rows", *names], rows)


def _gaps(attribute: Mapping[str, Any]) -> CardTable:
    rows = [
        [
            metric,
            _said(_read(gap["gap"])) if gap["reason"] is None else str(gap["reason"]),
            _said(_read(gap["ratio"])) if gap["ratio"] else "",
            _group(gap["greatest"]),
            _group(gap["least"]),
        ]
        for metric, gap in attribute["gaps"].items()
    ]
    header = [
        f"apart by {attribute['attribute']}",
        "greatest - least",
        "least / greatest",
        "greatest",
        "least",
    ]
    return CardTable(header, rows)


def _group(found: Any) -> str:
    return ", ".join(map(str, found.values())) if isinstance(found, Mapping) else ""


def _obligations(test: Evaluation) -> Section:
    metrics = test.slices[0].metrics
    rows = [
        [name.partition(".")[2], what, _said(metrics[name])]
        for prefix, what in (("must_pass.", "share that is right"), ("never.", "rows that hold a word"))
        for name in metrics
        if name.startswith(prefix)
    ]
    return Section(
        "Must pass, must never be said",
        tables=[CardTable(["set or list", "what is measured", "value"], rows)] if rows else [],
    )


def _read(found: Any) -> Estimate:
    return Estimate.from_json(found) if isinstance(found, Mapping) else UNDEFINED


def _estimate(found: Evaluation, name: str) -> Estimate:
    return found.slices[0].metrics.get(name, UNDEFINED)


def _said(estimate: Estimate, spelled: str = ".4g") -> str:
    if estimate.value is None:
        return "undefined"
    if estimate.low is None or estimate.high is None:
        return format(estimate.value, spelled)
    return f"{estimate.value:{spelled}} [{estimate.low:.3g}, {estimate.high:.3g}]"
