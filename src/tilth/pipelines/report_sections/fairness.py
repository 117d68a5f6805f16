"""How the groups of protected attributes fare: a table and the gaps for each, and what cannot be equal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tilth.metrics import Estimate
from tilth.pipelines.line_charts import whisker_axis, whiskers
from tilth.pipelines.report_sections.figures import Cell, Row, estimate_cell
from tilth.pipelines.report_sections.slices import slice_title
from tilth.profiles.page_figures import label

__all__ = ["Groups", "fairness_of"]

_MOST_METRICS = 8
_MOST_GROUPS = 60
_TITLES = {
    "prevalence": "base rate",
    "positive_rate": "selected",
    "fpr": "false positive rate",
    "fnr": "false negative rate",
    "calibration": "score minus share",
}

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Groups:
    """The groups of one protected attribute, or of a crossing.

    Args:
        name: of the attribute.
        metrics: what the columns are called.
        rows: the groups.
        gaps: for each metric how far apart they are, and which.
        fact: what cannot be equal; "" where there is nothing to say.
        left_out: how many groups are not shown.
    """

    name: str
    metrics: tuple[str, ...]
    rows: tuple[Row, ...]
    gaps: tuple[Row, ...]
    fact: str
    left_out: int


def fairness_of(found: Document | None) -> tuple[Groups, ...]:
    """The protected attributes of an evaluation.

    Args:
        found: "fairness" of an evaluation, as JSON values; None where no attribute is protected.

    Example:
        >>> half = {"value": 0.5, "low": None, "high": None}
        >>> groups = [{"slice": {"sex": s}, "rows": 40, "metrics": {"fpr": half}} for s in "fm"]
        >>> gaps = {"fpr": {"gap": half, "ratio": None, "greatest": {"sex": "f"}, "least": {"sex": "m"}}}
        >>> sex = {"attribute": "sex", "groups": groups, "gaps": gaps, "fact": None}
        >>> (made,) = fairness_of({"attributes": [sex]})
        >>> made.metrics, made.gaps[0].cells[1].value, made.gaps[0].cells[3].value
        (('false positive rate',), '0.5', 'sex=f')
    """
    return tuple(_groups(each) for each in (found or {}).get("attributes") or ())


def _groups(attribute: Document) -> Groups:
    gaps = attribute.get("gaps") or {}
    names = list(gaps)[:_MOST_METRICS]
    groups = attribute["groups"][:_MOST_GROUPS]
    axes = {name: whisker_axis([_estimate(group["metrics"], name) for group in groups]) for name in names}
    rows = tuple(
        Row(
            slice_title(group["slice"]),
            [
                Cell(f"{group['rows']:,}", sort=group["rows"]),
                *(
                    estimate_cell(estimate, whiskers(estimate, axes[name]))
                    for name in names
                    for estimate in [_estimate(group["metrics"], name)]
                ),
            ],
            "small" if group.get("small") else "",
        )
        for group in groups
    )
    return Groups(
        label(str(attribute["attribute"]), 120).text,
        tuple(_title(name) for name in names),
        rows,
        tuple(_gap(name, gaps[name]) for name in gaps),
        str(attribute.get("fact") or ""),
        len(attribute["groups"]) - len(groups),
    )


def _gap(name: str, gap: Document) -> Row:
    reason = gap.get("reason")
    if reason:
        return Row(_title(name), [Cell("", str(reason))])
    least, greatest = (slice_title(gap.get(end) or {}) for end in ("least", "greatest"))
    apart, ratio = (Estimate.from_json(gap.get(kind) or {}) for kind in ("gap", "ratio"))
    both = Cell("") if gap.get("ratio") is None else estimate_cell(ratio)
    low = apart.low
    return Row(
        _title(name),
        [Cell(""), estimate_cell(apart), both, Cell(greatest), Cell(least)],
        "apart" if low is not None and low > 0 else "",
    )


def _title(name: str) -> str:
    return _TITLES.get(name, label(name, 60).text)


def _estimate(metrics: Document, name: str) -> Estimate:
    return Estimate.from_json(metrics.get(name) or {})
