"""One window of served predictions, compared with the reference that the model was accepted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tilth.checks import Check, Verdict
from tilth.metrics import UNDEFINED, Estimate
from tilth.profiles import Profile
from tilth.schemas import Schema
from tilth.types import JSONObject
from tilth.validation import Anomaly, Comparison, compare, validate

__all__ = ["Monitoring", "Reference", "watch"]

PREDICTION_COLUMNS = ("prediction", "confidence")


@dataclass(frozen=True)
class Reference:
    """What a model version was accepted on.

    Args:
        inputs: the profile of the raw input columns that it learned from.
        predictions: the profile of its answers on held-out rows: `prediction` and, for classes, `confidence`.
        metrics: its metrics on the test part, by name.
    """

    inputs: Profile
    predictions: Profile
    metrics: Mapping[str, Estimate]


@dataclass(frozen=True)
class Monitoring:
    """What one window shows.

    Args:
        model: name and version, such as "census@3".
        rows: how many predictions were looked at.
        outcomes: for how many of them the outcome is known.
        inputs: the comparison of the input columns.
        predictions: the comparison of the answers.
        anomalies: where the inputs do not hold to the schema.
        performance: metrics on the rows with known outcomes; None while there are none.
        verdicts: what the declared checks say; those in `waiting` could not be judged yet.
        waiting: the checks whose quantity cannot be known yet, with the reason.
    """

    model: str
    rows: int
    outcomes: int
    inputs: Comparison
    predictions: Comparison
    anomalies: tuple[Anomaly, ...]
    performance: Mapping[str, Estimate] | None
    confidence: float | None
    verdicts: tuple[Verdict, ...]
    waiting: tuple[tuple[Check, str], ...]

    @property
    def alarms(self) -> tuple[Verdict, ...]:
        """The checks that do not hold."""
        return tuple(verdict for verdict in self.verdicts if not verdict.passed)

    def to_json(self) -> JSONObject:
        """The window as JSON values."""
        return {
            "model": self.model,
            "rows": self.rows,
            "outcomes": self.outcomes,
            "confidence": self.confidence,
            "drifted": list(self.inputs.drifted),
            "inputs": self.inputs.to_json(),
            "predictions": self.predictions.to_json(),
            "anomalies": [anomaly.to_json() for anomaly in self.anomalies],
            "performance": None
            if self.performance is None
            else {name: estimate.to_json() for name, estimate in self.performance.items()},
            "alarms": [verdict.to_json() for verdict in self.alarms],
            "checks": [verdict.to_json() for verdict in self.verdicts],
            "waiting": [{"check": check.name, "reason": reason} for check, reason in self.waiting],
        }

    def report(self) -> str:
        """The window for people: what rings first, then what was seen."""
        share = f" ({self.outcomes / self.rows:.0%})" if self.rows else ""
        lines = [f"{self.model}: {self.rows:,} predictions, {self.outcomes:,} with outcomes{share}"]
        lines += [f"  ALARM    {verdict.check.name} {verdict.reason}" for verdict in self.alarms]
        lines += [f"  drifted  {name}: {self.inputs.columns[name].reason}" for name in self.inputs.drifted]
        lines += [
            f"  drifted  {name} of the model: {self.predictions.columns[name].reason}"
            for name in self.predictions.drifted
        ]
        lines += [f"  {anomaly.severity:<7}  {anomaly.message}" for anomaly in self.anomalies]
        lines += [f"  holds    {v.check.name} {v.reason}" for v in self.verdicts if v.passed]
        lines += [f"  waiting  {check.name}: {reason}" for check, reason in self.waiting]
        if not self.alarms:
            lines.append("quiet" if self.verdicts else "nothing to judge yet")
        return "\n".join(lines)


def watch(
    model: str,
    inputs: Profile,
    predictions: Profile,
    performance: Mapping[str, Estimate] | None,
    outcomes: int,
    reference: Reference,
    schema: Schema,
    checks: Sequence[Check],
    *,
    minimum_rows: int = 30,
    drift_threshold: float = 0.1,
    significance: float = 0.01,
) -> Monitoring:
    """Judge one window of predictions.

    Args:
        model: name and version.
        inputs: the profile of the served input columns.
        predictions: the profile of the answers, columns as in `Reference.predictions`.
        performance: metrics on the rows whose outcome is known; None while there are none.
        outcomes: how many rows that are.
        reference: what to compare with.
        schema: the schema of the inputs in the serving environment.
        checks: the declared checks of the moment "live".
        minimum_rows: fewer predictions (for drift) or outcomes (for performance) are not judged.
        drift_threshold: the effect from which a column counts as drifted; see `tilth.validation.compare`.
        significance: the false alarm rate of one window over all columns.

    Performance is judged with its uncertainty: an alarm rings only when the whole 95 % interval lies
    beyond the bound, so that ten unlucky outcomes do not wake anybody.
    """
    input_comparison = compare(
        reference.inputs, inputs, schema, threshold=drift_threshold, significance=significance
    )
    answer_comparison = compare(
        reference.predictions, predictions, threshold=drift_threshold, significance=significance
    )
    anomalies = tuple(validate(inputs, schema)) if inputs.rows else ()
    errors = [anomaly for anomaly in anomalies if anomaly.severity == "error"]
    confidence = predictions.columns["confidence"].mean if "confidence" in predictions.columns else None
    counts: dict[str, float | None] = {
        "rows": float(inputs.rows),
        "outcomes": float(outcomes),
        "confidence": confidence,
        "drifted_columns": float(len(input_comparison.drifted)),
        "drifted_predictions": float(len(answer_comparison.drifted)),
        "anomalies": float(len(errors)),
    }
    verdicts: list[Verdict] = []
    waiting: list[tuple[Check, str]] = []
    for check in checks:
        reason = _too_early(check, counts, inputs.rows, outcomes, minimum_rows)
        if reason:
            waiting.append((check, reason))
        elif check.metric in counts:
            verdicts.append(check.judge(counts[check.metric], _baseline(check, reference)))
        else:
            verdicts.append(_judge_performance(check, performance, reference))
    return Monitoring(
        model,
        inputs.rows,
        outcomes,
        input_comparison,
        answer_comparison,
        anomalies,
        performance,
        confidence,
        tuple(verdicts),
        tuple(waiting),
    )


def _too_early(
    check: Check, counts: Mapping[str, float | None], rows: int, outcomes: int, minimum_rows: int
) -> str | None:
    """Why a check cannot be judged yet, or None."""
    if check.metric in {"rows", "outcomes"}:
        return None
    known = rows if check.metric in counts else outcomes
    what = "predictions" if check.metric in counts else "outcomes"
    if known < minimum_rows:
        return f"{known} {what} so far, {minimum_rows} needed"
    return None


def _baseline(check: Check, reference: Reference) -> float | None:
    if check.metric == "confidence" and "confidence" in reference.predictions.columns:
        return reference.predictions.columns["confidence"].mean
    return None


def _estimate(metrics: Mapping[str, Estimate], metric: str) -> Estimate:
    """A metric with its interval; `error_rate` is one minus the accuracy."""
    if metric == "error_rate":
        accuracy = metrics.get("accuracy", UNDEFINED)
        if accuracy.value is None or accuracy.low is None or accuracy.high is None:
            return UNDEFINED
        return Estimate(1 - accuracy.value, 1 - accuracy.high, 1 - accuracy.low)
    return metrics.get(metric, UNDEFINED)


def _judge_performance(
    check: Check, performance: Mapping[str, Estimate] | None, reference: Reference
) -> Verdict:
    """Judge with the end of the interval that is kindest to the model."""
    if performance is None:
        return check.judge(None)
    found = _estimate(performance, check.metric)
    baseline = _estimate(reference.metrics, check.metric).value if check.baseline else None
    kindest = found.high if check.low is not None else found.low
    verdict = check.judge(kindest if kindest is not None else found.value, baseline)
    return Verdict(check, found.value, baseline, verdict.passed, _with_interval(verdict.reason, found))


def _with_interval(reason: str, found: Estimate) -> str:
    if found.value is None or found.low is None or found.high is None:
        return reason
    return f"{reason} (now {found.value:.3f}, 95 % interval {found.low:.3f} to {found.high:.3f})"
