"""The page of an evaluation: of anyone's scored file, or of a registered model on a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from tilth.evaluation import Evaluation
from tilth.metrics import Estimate
from tilth.pipelines.line_charts import whisker_axis, whiskers
from tilth.pipelines.report_sections import Looked, metric_names, sections
from tilth.pipelines.report_sections.figures import Row, estimate_cell
from tilth.profiles.page_base import render
from tilth.profiles.page_figures import label
from tilth.types import JSONObject

__all__ = ["evaluation_page"]

_ROOM = "tilth.pipelines"
_MOST_CARDS = 4
_MOST_METRICS = 400


def evaluation_page(
    document: JSONObject, *, title: str, looked: Looked | None = None, facts: Mapping[str, str] | None = None
) -> str:
    """The page as HTML text: no network, no other file; the same arguments give the same text.

    Args:
        document: the evaluation as JSON values, with what else is known of it: "discovered", "fairness",
            "must_pass", "never".
        title: of the page.
        looked: what only the rows show.
        facts: name -> value, such as the file.

    Example:
        >>> from tilth.evaluation import evaluate
        >>> rows = {"y": ["no", "yes", "yes"], "said": ["no", "no", "yes"]}
        >>> found = evaluate(rows, label="y", prediction="said")
        >>> text = evaluation_page(found.to_json(), title="mine")
        >>> "<title>mine</title>" in text, "id=confusion" in text, "id=curves" in text
        (True, True, False)
    """
    found = Evaluation.from_json(document)
    names = metric_names(found)
    return render(
        "evaluation.html.jinja",
        room=_ROOM,
        styles=["run.css"],
        script="run.js",
        title=label(title, 120).text,
        facts=[(name, label(value, 200).text) for name, value in _facts(found, facts or {}).items()],
        notes=[label(note, 600).text for note in found.notes],
        cards=_cards(found, names),
        metrics=_metrics(found),
        left_out=max(0, len(found.slices[0].metrics) - _MOST_METRICS),
        **sections(cast("Mapping[str, Any]", document), looked or Looked(), names=names),
    )


def _facts(found: Evaluation, facts: Mapping[str, str]) -> dict[str, str]:
    told = {"task": found.task, "rows": f"{found.rows:,}"}
    told |= {"without a label, left out": f"{found.unlabeled:,}"} if found.unlabeled else {}
    told |= {"positive class": str(found.positive)} if found.positive is not None else {}
    return {**told, **facts}


def _cards(found: Evaluation, names: Sequence[str]) -> list[Row]:
    """The first metrics."""
    metrics = found.slices[0].metrics
    return [Row(name, [estimate_cell(metrics[name])]) for name in names[:_MOST_CARDS]]


def _metrics(found: Evaluation) -> list[Row]:
    """All metrics; those whose interval lies between 0 and 1 are drawn there."""
    axis = whisker_axis([Estimate(0.0), Estimate(1.0)])
    rows = []
    for name, each in list(found.slices[0].metrics.items())[:_MOST_METRICS]:
        ends = (each.value, each.low, each.high)
        inside = all(end is not None and 0 <= end <= 1 for end in ends)
        drawn = whiskers(each, axis) if inside else None
        cell = estimate_cell(each) if drawn is None else estimate_cell(each, drawn)
        rows.append(Row(label(name, 80).text, [cell]))
    return rows
