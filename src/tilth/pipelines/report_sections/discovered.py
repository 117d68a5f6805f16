"""The slices that a search found where a model is worse than elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tilth.metrics import Estimate
from tilth.pipelines.line_charts import whisker_axis, whiskers
from tilth.pipelines.report_sections.figures import Cell, Row, estimate_cell
from tilth.profiles.page_figures import figure, label, share

__all__ = ["Discovered", "discovered_of"]

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Discovered:
    """What a search for bad slices found.

    Args:
        rows: the slices.
        how: what was searched, in a sentence.
        notes: what else is to be known.
    """

    rows: tuple[Row, ...]
    how: str
    notes: tuple[str, ...]


def discovered_of(evaluation: Document) -> Discovered | None:
    """The slices found; None where none were sought.

    Args:
        evaluation: as JSON values, with "discovered" and perhaps "discovery".

    Example:
        >>> half = {"value": 0.5, "low": 0.4, "high": 0.6}
        >>> slices = [{"expression": "age < 30", "measure": "error_rate", "rows": 90, "value": half,
        ...            "rest": half, "share_of_errors": 0.3, "p": 0.002, "excess": 36.0}]
        >>> [cell.value for cell in discovered_of({"discovered": slices}).rows[0].cells]
        ['90', 'error rate', '0.5', '0.5', '30.0%', '+36', '0.002']
    """
    slices = evaluation.get("discovered")
    if slices is None:
        return None
    by_measure: dict[str, list[Estimate]] = {}
    for each in slices:
        found = by_measure.setdefault(str(each["measure"]), [])
        found += [Estimate.from_json(each[name]) for name in ("value", "rest")]
    axes = {measure: whisker_axis(found) for measure, found in by_measure.items()}
    how = evaluation.get("discovery") or {}
    return Discovered(
        tuple(_row(each, axes) for each in slices), _how(how), tuple(map(str, how.get("notes") or ()))
    )


def _row(found: Document, axes: Mapping[str, Any]) -> Row:
    value, rest = (Estimate.from_json(found[name]) for name in ("value", "rest"))
    axis = axes[str(found["measure"])]
    p, excess = float(found["p"]), float(found.get("excess") or 0.0)
    return Row(
        label(str(found["expression"]), 160).text,
        [
            Cell(f"{found['rows']:,}", sort=found["rows"]),
            Cell(str(found["measure"]).replace("_", " ")),
            estimate_cell(value, whiskers(value, axis)),
            estimate_cell(rest, whiskers(rest, axis, "n")),
            Cell(share(float(found["share_of_errors"]), 1.0), sort=float(found["share_of_errors"])),
            Cell(f"{'+' if excess > 0 else ''}{figure(round(excess, 1) + 0.0)}", sort=excess),
            Cell(f"{p:.1g}" if p >= 1e-9 else "< 1e-9", sort=p),
        ],
    )


def _how(found: Document) -> str:
    if not found:
        return ""
    said = f"{found.get('tried', 0):,} slices of {len(found.get('columns') or ()):,} columns were tried"
    searched, rows = found.get("searched", 0), found.get("rows", 0)
    said += f" on {searched:,} rows" if searched == rows else f" on {searched:,} of {rows:,} rows"
    return (
        f"{said}; where all are alike, any is found in {found.get('level', 0.05):.0%} of the searches at most"
    )
