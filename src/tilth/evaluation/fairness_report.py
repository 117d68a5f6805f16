"""Fairness as plain text."""

from __future__ import annotations

from collections.abc import Sequence

from tilth.evaluation.attributes import Attribute, Gap
from tilth.metrics import UNDEFINED
from tilth.wording import aligned, number_text

__all__ = ["attribute_lines"]

_TITLES = {"prevalence": "base rate", "positive_rate": "selected"}
_MOST_SHOWN = 8


def attribute_lines(attribute: Attribute, minimum_rows: int) -> list[str]:
    """A table of the groups of an attribute, what is surely unequal, and what cannot be equal.

    Args:
        attribute: with its groups and gaps.
        minimum_rows: a group with fewer rows takes no part in gaps.
    """
    names = [gap.metric for gap in attribute.gaps][:_MOST_SHOWN]
    head = [f"by {' x '.join(attribute.columns)}", "rows", *(_TITLES.get(name, name) for name in names)]
    body = [
        [
            ", ".join(group.slice.values()) + (" (small)" if group.small else ""),
            f"{group.rows:,}",
            *(number_text(group.metrics.get(name, UNDEFINED).value) for name in names),
        ]
        for group in attribute.groups
    ]
    shown = [gap.gap for gap in attribute.gaps[:_MOST_SHOWN]]
    gaps = [["gap", "", *(number_text(gap.value) for gap in shown)]]
    if any(gap.low is not None for gap in shown):
        gaps.append(["at least", "", *(_end(gap.low) for gap in shown)])
        gaps.append(["at most", "", *(_end(gap.high) for gap in shown)])
    lines = [*aligned([head, *body, *gaps]), *(_in_words(gap) for gap in attribute.gaps if gap.gap.low)]
    lines += _reasons(attribute.gaps)
    if any(group.small for group in attribute.groups):
        lines.append(f"small: fewer than {minimum_rows:,} rows, and no part of the gaps")
    return [*lines, *([attribute.fact] if attribute.fact else [])]


def _reasons(gaps: Sequence[Gap]) -> list[str]:
    """Why there are no gaps, each reason once."""
    named: dict[str, list[str]] = {}
    for gap in gaps:
        if gap.reason is not None:
            named.setdefault(gap.reason, []).append(_TITLES.get(gap.metric, gap.metric))
    return [
        f"no gap in {', '.join(names) if len(names) < len(gaps) else 'anything'}: {reason}"
        for reason, names in named.items()
    ]


def _in_words(gap: Gap) -> str:
    """A gap that is surely there."""
    assert gap.greatest is not None
    assert gap.least is not None
    most, least = (", ".join(group.values()) for group in (gap.greatest, gap.least))
    ratio = "" if gap.ratio is None else f", ratio {gap.ratio}"
    return f"{_TITLES.get(gap.metric, gap.metric)}: most in {most}, least in {least}, gap {gap.gap}{ratio}"


def _end(value: float | None) -> str:
    return "" if value is None else number_text(value)
