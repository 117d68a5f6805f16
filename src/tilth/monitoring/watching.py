"""`watch`: one window of served predictions against the reference that the model was accepted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tilth.checks import Check, Verdict
from tilth.monitoring.performance import judge_performance
from tilth.monitoring.report import Monitoring
from tilth.monitoring.window import Reference, Thresholds, Window
from tilth.profiles import Profile
from tilth.schemas import Schema
from tilth.validation import Anomaly, Comparison, compare, validate

__all__ = ["watch"]

_ALWAYS_KNOWN = ("rows", "outcomes")


def watch(
    model: str,
    window: Window,
    reference: Reference,
    schema: Schema,
    checks: Sequence[Check],
    thresholds: Thresholds | None = None,
) -> Monitoring:
    """Judge one window of predictions.

    Performance is judged with its uncertainty: an alarm rings only when the whole 95 % interval lies
    beyond the bound, so that ten unlucky outcomes do not wake anybody.

    Args:
        model: name and version.
        window: what was served and what came of it.
        reference: what to compare with.
        schema: the schema of the inputs in the serving environment.
        checks: the declared checks of the moment "live".
        thresholds: when something is judged, and when it counts.
    """
    thresholds = thresholds or Thresholds()
    inputs, answers = _compare(window, reference, schema, thresholds)
    anomalies = tuple(validate(window.inputs, schema)) if window.inputs.rows else ()
    quantities = _quantities(window, inputs, answers, anomalies)
    verdicts: list[Verdict] = []
    waiting: list[tuple[Check, str]] = []
    for check in checks:
        of_outcomes = check.metric not in quantities
        reason = _too_early(check, window, of_outcomes, thresholds.minimum_rows)
        if reason:
            waiting.append((check, reason))
        elif of_outcomes:
            verdicts.append(judge_performance(check, window.performance, reference.metrics))
        else:
            verdicts.append(check.judge(quantities[check.metric], _baseline(check, reference)))
    return Monitoring(
        model,
        window.inputs.rows,
        window.outcomes,
        inputs,
        answers,
        anomalies,
        window.performance,
        quantities["confidence"],
        tuple(verdicts),
        tuple(waiting),
        window.notes,
        reference.metrics,
    )


def _with_skew_bounds(schema: Schema) -> Schema:
    """Production against training is skew: a column's bound on it counts before that on drift."""
    return replace(schema, columns=tuple(replace(c, drift=c.skew or c.drift) for c in schema.columns))


def _compare(
    window: Window, reference: Reference, schema: Schema, thresholds: Thresholds
) -> tuple[Comparison, Comparison]:
    """Inputs and answers, the false alarms shared among all their columns."""
    columns = len(reference.inputs.columns), len(reference.predictions.columns)
    each = thresholds.significance / max(sum(columns), 1)
    return (
        compare(
            reference.inputs,
            window.inputs,
            _with_skew_bounds(schema),
            threshold=thresholds.drift_threshold,
            significance=each * max(columns[0], 1),
        ),
        compare(
            reference.predictions,
            window.predictions,
            threshold=thresholds.drift_threshold,
            significance=each * max(columns[1], 1),
        ),
    )


def _quantities(
    window: Window, inputs: Comparison, answers: Comparison, anomalies: Sequence[Anomaly]
) -> Mapping[str, float | None]:
    """What is known of a window without any outcome."""
    return {
        "rows": float(window.inputs.rows),
        "outcomes": float(window.outcomes),
        "confidence": _confidence(window.predictions),
        "drifted_columns": float(len(inputs.drifted)),
        "drifted_predictions": float(len(answers.drifted)),
        "anomalies": float(sum(anomaly.severity == "error" for anomaly in anomalies)),
    }


def _too_early(check: Check, window: Window, of_outcomes: bool, minimum_rows: int) -> str | None:
    """Why a check cannot be judged yet, or None."""
    if check.metric in _ALWAYS_KNOWN:
        return None
    known, what = (window.outcomes, "outcomes") if of_outcomes else (window.inputs.rows, "predictions")
    return f"{known} {what} so far, {minimum_rows} needed" if known < minimum_rows else None


def _baseline(check: Check, reference: Reference) -> float | None:
    return _confidence(reference.predictions) if check.metric == "confidence" else None


def _confidence(answers: Profile) -> float | None:
    return answers.columns["confidence"].mean if "confidence" in answers.columns else None
