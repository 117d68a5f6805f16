"""Alert rules for Prometheus: what is wrong with the server, and the project's live checks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from tilth.checks import Check
from tilth.types import JSONObject, JSONValue

__all__ = ["AlertBounds", "alert_rules"]

Severity = Literal["critical", "warning"]

_ANSWERING = 'endpoint=~"/predict.*|.*/infer|/invocations"'


@dataclass(frozen=True)
class AlertBounds:
    """From where on somebody is told.

    Args:
        error_share: share of requests answered with a status from 500.
        latency_s: what 99 of 100 predicting requests must stay under.
        refused_share: share of requests refused because the server is too busy.
        rejected_share: share of requests refused for what was in them.
        look_h: hours after which `tilth monitor` must have looked again, where there are live checks.
    """

    error_share: float = 0.01
    latency_s: float = 0.5
    refused_share: float = 0.05
    rejected_share: float = 0.2
    look_h: float = 26.0


@dataclass(frozen=True)
class _Rule:
    name: str
    expression: str
    for_: str
    severity: Severity
    summary: str
    description: str
    check: str | None = None

    def to_json(self) -> JSONObject:
        labels: dict[str, JSONValue] = {"severity": self.severity}
        if self.check is not None:
            labels["check"] = self.check
        return {
            "alert": self.name,
            "expr": self.expression,
            "for": self.for_,
            "labels": labels,
            "annotations": {"summary": self.summary, "description": self.description},
        }


def alert_rules(
    project: str,
    checks: Sequence[Check] = (),
    bounds: AlertBounds | None = None,
    *,
    job: str = "tilth",
) -> JSONObject:
    """The groups of a rules file.

    Args:
        project: the project's name, which is its model's.
        checks: its live checks; each has an alert that rings while `tilth monitor` found last that it fails.
        bounds: from where on somebody is told.
        job: the job of the scrape configuration.

    Example:
        >>> (software, data) = alert_rules("census", [Check("rows", "live", low=9)])["groups"]
        >>> data["rules"][0]["expr"]
        'min by (job, model, check) (tilth_check_passed{job="tilth",model="census",check="rows"}) == 0'
    """
    bounds = bounds or AlertBounds()
    groups: list[JSONValue] = [_group(f"tilth-{project}-server", _software(job, bounds))]
    live = [check for check in checks if check.moment == "live"]
    if live:
        groups.append(_group(f"tilth-{project}-checks", _of_checks(job, project, live, bounds)))
    return {"groups": groups}


def _group(name: str, rules: Iterator[_Rule]) -> JSONObject:
    return {"name": name, "rules": [rule.to_json() for rule in rules]}


def _software(job: str, bounds: AlertBounds) -> Iterator[_Rule]:
    yield from _availability(job)
    yield from _answers(job, bounds)
    yield from _logging(job)


def _availability(job: str) -> Iterator[_Rule]:
    of_job = f'{{job="{job}"}}'
    yield _Rule(
        "TilthDown",
        f"up{of_job} == 0",
        "1m",
        "critical",
        "{{ $labels.instance }} does not answer",
        "Prometheus has not reached the prediction server for a minute.",
    )
    yield _Rule(
        "TilthNotReady",
        f"min by (job, instance, model) (tilth_model_ready{of_job}) == 0",
        "2m",
        "critical",
        "{{ $labels.model }} is not ready on {{ $labels.instance }}",
        "The server is there and has no model that answers; its log and /v2/health/ready say why.",
    )
    yield _Rule(
        "TilthModelLoadFailed",
        f"sum by (job, instance, model) (increase(tilth_model_load_failures_total{of_job}[10m])) > 0",
        "0m",
        "warning",
        "a version of {{ $labels.model }} cannot be loaded on {{ $labels.instance }}",
        "The version before goes on answering. The server's log says what is wrong with the new one.",
    )
    yield _Rule(
        "TilthWorkersDying",
        f"sum by (job, instance) (increase(tilth_worker_starts_total{of_job}[15m])) > 2",
        "0m",
        "warning",
        "workers end on {{ $labels.instance }}",
        "Worker processes ended and others took their place. A lack of memory is the usual reason.",
    )
    yield _Rule(
        "TilthFilesRunOut",
        f"process_open_fds{of_job} / (process_max_fds{of_job} * tilth_workers{of_job}) > 0.8",
        "5m",
        "warning",
        "{{ $labels.instance }} has nearly as many open files as it may have",
        "Clients keep too many connections, or the limit of open files (ulimit -n) is too low.",
    )


def _answers(job: str, bounds: AlertBounds) -> Iterator[_Rule]:
    every = f'sum by (job, instance) (rate(tilth_requests_total{{job="{job}"}}[5m]))'
    failed = f'sum by (job, instance) (rate(tilth_requests_total{{job="{job}",status=~"5.."}}[5m]))'
    busy = (
        f'sum by (job, instance) (rate(tilth_refused_total{{job="{job}",'
        'reason=~"too_many_waiting|deadline|unavailable"}[5m]))'
    )
    invalid = f'sum by (job, instance) (rate(tilth_refused_total{{job="{job}",reason="invalid"}}[15m]))'
    times = f'rate(tilth_request_duration_seconds_bucket{{job="{job}",{_ANSWERING}}}[5m])'
    yield _Rule(
        "TilthErrors",
        f"{failed} / {every} > {bounds.error_share:g}",
        "5m",
        "critical",
        "{{ $value | humanizePercentage }} of requests fail on {{ $labels.instance }}",
        "More requests than allowed are answered with a status from 500; the server's log has the reasons.",
    )
    yield _Rule(
        "TilthSlow",
        f"histogram_quantile(0.99, sum by (job, instance, le) ({times})) > {bounds.latency_s:g}",
        "10m",
        "warning",
        "one of 100 requests takes {{ $value | humanizeDuration }} or more on {{ $labels.instance }}",
        f"99 of 100 predicting requests should take less than {bounds.latency_s:g} seconds.",
    )
    yield _Rule(
        "TilthOverloaded",
        f"{busy} / {every} > {bounds.refused_share:g}",
        "5m",
        "warning",
        "{{ $value | humanizePercentage }} of requests are refused on {{ $labels.instance }}",
        "Requests come faster than they can be answered: more workers, or more machines.",
    )
    yield _Rule(
        "TilthManyRejected",
        f"{invalid} / sum by (job, instance) "
        f'(rate(tilth_requests_total{{job="{job}"}}[15m])) > {bounds.rejected_share:g}',
        "15m",
        "warning",
        "{{ $value | humanizePercentage }} of requests are not valid on {{ $labels.instance }}",
        "A client sends what the schema does not allow; tilth_rejected_total names the columns.",
    )


def _logging(job: str) -> Iterator[_Rule]:
    yield _Rule(
        "TilthLogFailing",
        f'sum by (job, instance, model) (increase(tilth_log_failures_total{{job="{job}"}}[10m])) > 0',
        "0m",
        "critical",
        "the prediction log of {{ $labels.model }} cannot be written on {{ $labels.instance }}",
        "Usually the disk is full. Requests are answered 503, or their predictions are lost to the log.",
    )
    yield _Rule(
        "TilthPredictionsLost",
        f'sum by (job, instance, model) (increase(tilth_log_lost_total{{job="{job}"}}[10m])) > 0',
        "0m",
        "critical",
        "{{ $value | humanize }} predictions of {{ $labels.model }} were answered and not logged",
        'when_full = "count" answers without a log. They will be missing in monitoring and retraining.',
    )


def _of_checks(job: str, project: str, checks: Sequence[Check], bounds: AlertBounds) -> Iterator[_Rule]:
    for name, declared in {check.name: check for check in checks}.items():
        series = f'tilth_check_passed{{job="{job}",model={_quoted(project)},check={_quoted(name)}}}'
        yield _Rule(
            "TilthLiveCheckFailed",
            f"min by (job, model, check) ({series}) == 0",
            "0m",
            "warning",
            f"{project}: {_literal(name)} is not {_bound(declared)}",
            "tilth monitor found it at its newest look, and shows what was measured.",
            name,
        )
    looked = f'tilth_monitor_time_seconds{{job="{job}",model={_quoted(project)}}}'
    yield _Rule(
        "TilthNotMonitored",
        f"time() - max by (job, model) ({looked}) > {bounds.look_h * 3600:g}",
        "0m",
        "warning",
        f"{project}: nobody has looked at the live checks for {bounds.look_h:g} hours",
        "Let a scheduler run tilth monitor in the project's folder.",
    )


def _bound(check: Check) -> str:
    low = None if check.low is None else f"at least {check.low:g}"
    high = None if check.high is None else f"at most {check.high:g}"
    return " and ".join(part for part in (low, high) if part)


def _quoted(text: str) -> str:
    """A string of PromQL."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _literal(text: str) -> str:
    """A text within a Go template, which must not be taken for part of it."""
    return text.replace("{{", "{ {")
