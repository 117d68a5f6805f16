"""The sections of a report on answers, shared by the page of a run and that of anyone's scored file.

Each has a file here that makes values from an evaluation's JSON (or from rows with answers), and a template
of the same name that draws them. What an evaluation does not have is None, and its section is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tilth.evaluation import Comparison, Evaluation
from tilth.metrics import CHIEF_METRIC, PAIRED_METRICS, LabelEncoding
from tilth.pipelines.report_sections.calibration import Calibration
from tilth.pipelines.report_sections.confusion import confusion_of
from tilth.pipelines.report_sections.curves import curves_of
from tilth.pipelines.report_sections.discovered import discovered_of
from tilth.pipelines.report_sections.fairness import fairness_of
from tilth.pipelines.report_sections.mistakes import Mistakes
from tilth.pipelines.report_sections.obligations import obligations_of
from tilth.pipelines.report_sections.slices import slices_of
from tilth.pipelines.report_sections.versus import Versus, versus_of

__all__ = ["Looked", "metric_names", "sections"]

_OF_SLICES = 4
_BESIDE = ("discovered", "discovery", "fairness", "must_pass", "never")

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Looked:
    """What only the rows themselves show.

    Args:
        mistakes: the worst; None where they cannot be shown.
        versus: against another model; None where there is none to hold it against.
        calibration: of several classes or of numbers; that of two classes is in the evaluation.
        lacks: why something is not there, in sentences.
    """

    mistakes: Mistakes | None = None
    versus: Versus | None = None
    calibration: Calibration | None = None
    lacks: tuple[str, ...] = ()


def sections(
    evaluation: Document, looked: Looked, *, beside: Document | None = None, names: list[str], on: str = ""
) -> dict[str, object]:
    """What the templates of the sections are given.

    Args:
        evaluation: as JSON values.
        looked: what only the rows show.
        beside: a document that holds more of it at its top: of a run, where the search for slices, fairness
            and obligations stand beside the evaluation.
        names: the metrics that are told, the first before the others.
        on: of which part the evaluation is, in words.
    """
    whole = evaluation["slices"][0]
    more = {key: (beside or {})[key] for key in _BESIDE if key in (beside or {})}
    everything = {**evaluation, **more}
    encoding = LabelEncoding.from_json(dict(evaluation))
    versus = looked.versus
    if versus is None and everything.get("against"):
        versus = versus_of(Comparison.from_json(everything["against"]), names)
    return {
        "confusion": confusion_of(encoding.names, whole.get("confusion")),
        "curves": curves_of(whole),
        "calibration": looked.calibration,
        "sliced": slices_of(evaluation, names[:_OF_SLICES]),
        "discovered": discovered_of(everything),
        "discovered_on": "dev" if "discovered" in more else on,
        "fairness": fairness_of(everything.get("fairness")),
        "obligations": obligations_of(everything),
        "mistakes": looked.mistakes,
        "versus": versus,
        "lacks": looked.lacks,
        "part": on,
    }


def metric_names(found: Evaluation, first: tuple[str, ...] = ()) -> list[str]:
    """The metrics that a page tells: some first, then the usual ones, but no more than fit.

    Example:
        >>> from tilth.evaluation import evaluate
        >>> metric_names(evaluate({"y": [1.5, 2.5], "p": [1.0, 3.0]}, label="y", prediction="p"))[:3]
        ['r2', 'mae', 'rmse']
    """
    there = found.slices[0].metrics
    usual = (*first, CHIEF_METRIC[found.task], *PAIRED_METRICS)
    return [name for name in dict.fromkeys(usual) if name in there]
