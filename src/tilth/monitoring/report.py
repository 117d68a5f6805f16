"""What one window shows, for people and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tilth.checks import Check, Verdict
from tilth.metrics import Estimate
from tilth.monitoring.performance import performance_in_words, with_error_rate
from tilth.types import JSONObject
from tilth.validation import Anomaly, Comparison

__all__ = ["Monitoring"]


@dataclass(frozen=True)
class Monitoring:
    """What one window shows.

    Args:
        model: name and version, such as "census@3".
        rows: how many predictions were looked at.
        outcomes: how many predictions with a known outcome were judged; these may be older.
        inputs: the comparison of the input columns.
        predictions: the comparison of the answers.
        anomalies: where the inputs do not hold to the schema.
        performance: metrics on the rows with known outcomes; None while there are none.
        confidence: the mean probability of what was predicted; None for a regression.
        verdicts: what the declared checks say; those in `waiting` could not be judged yet.
        waiting: the checks whose quantity cannot be known yet, with the reason.
        notes: what was left out, in sentences for people.
        on_test: the metrics on the test part, to be read beside `performance`.
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
    notes: tuple[str, ...] = ()
    on_test: Mapping[str, Estimate] = field(default_factory=dict)

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
            else {name: found.to_json() for name, found in with_error_rate(self.performance).items()},
            "alarms": [verdict.to_json() for verdict in self.alarms],
            "checks": [verdict.to_json() for verdict in self.verdicts],
            "waiting": [{"check": check.name, "reason": reason} for check, reason in self.waiting],
            "notes": list(self.notes),
        }

    def report(self) -> str:
        """The window for people: what rings first, then what was seen."""
        lines = [f"{self.model}: {self.rows:,} predictions, {self.outcomes:,} outcomes"]
        lines += [f"  ALARM    {verdict.check.name} {verdict.reason}" for verdict in self.alarms]
        lines += [f"  drifted  {name}: {self.inputs.columns[name].reason}" for name in self.inputs.drifted]
        lines += [
            f"  drifted  {name} of the model: {self.predictions.columns[name].reason}"
            for name in self.predictions.drifted
        ]
        lines += [f"  {anomaly.severity:<7}  {anomaly.message}" for anomaly in self.anomalies]
        lines += [f"  holds    {v.check.name} {v.reason}" for v in self.verdicts if v.passed]
        if self.confidence is not None:
            lines.append(f"  seen     confidence {self.confidence:.4f}")
        lines += [f"  seen     {told}" for told in performance_in_words(self.performance or {}, self.on_test)]
        lines += [f"  waiting  {check.name}: {reason}" for check, reason in self.waiting]
        lines += [f"  note     {note}" for note in self.notes]
        if not self.alarms:
            lines.append("quiet" if self.verdicts else "nothing to judge yet")
        return "\n".join(lines)
