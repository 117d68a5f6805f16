"""A Grafana dashboard of the server's metrics.

The JSON is that of Grafana's dashboard model (https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/
view-dashboard-json-model/), of a schema version that Grafana 10 and later read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from tilth.serving.metric_table import METRICS, Metric
from tilth.types import JSONObject, JSONValue

__all__ = ["dashboard"]

_SCHEMA = 39
_COLUMNS = 24
_SOURCE: JSONObject = {"type": "prometheus", "uid": "${datasource}"}

_UNITS = {
    "requests": "short",
    "rows": "short",
    "seconds": "s",
    "bytes": "bytes",
    "files": "short",
    "values": "short",
    "flag": "none",
    "time": "s",
    "count": "short",
}
_RATES = {"requests": "reqps", "rows": "suffix: rows/s", "seconds": "suffix: cores", "values": "suffix: /s"}

_ROWS: dict[str, tuple[str, ...]] = {
    "Requests": ("tilth_requests_", "tilth_request_duration", "tilth_refused", "tilth_rejected"),
    "Predictions": ("tilth_prediction", "tilth_queue", "tilth_graph", "tilth_batch"),
    "Data and models": ("tilth_unexpected", "tilth_feedback", "tilth_lookup", "tilth_model"),
    "The prediction log": ("tilth_log",),
    "What tilth monitor saw": ("tilth_check", "tilth_monitor"),
    "Processes": ("tilth_worker", "tilth_build", "process_"),
}
"""The rows of the dashboard, and how the names of the metrics in them begin."""


@dataclass(frozen=True)
class _Query:
    expression: str
    legend: str


@dataclass(frozen=True)
class _Panel:
    title: str
    text: str
    unit: str
    queries: tuple[_Query, ...]
    kind: str = "timeseries"
    width: int = 8
    height: int = 8


def dashboard(project: str) -> JSONObject:
    """The dashboard of a project, to be imported into Grafana.

    It asks for a Prometheus data source, and has variables for the job and the model. Each metric of the
    server has a panel: of counters the rate, of histograms the percentiles 50, 90 and 99.

    Args:
        project: the project's name.

    Example:
        >>> board = dashboard("census")
        >>> board["title"], board["schemaVersion"], len(board["panels"]) > len(METRICS)
        ('Tilth: census', 39, True)
    """
    return {
        "title": f"Tilth: {project}",
        "uid": "tilth-" + hashlib.sha256(project.encode()).hexdigest()[:12],
        "tags": ["tilth"],
        "description": "Made by tilth monitor export.",
        "schemaVersion": _SCHEMA,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": []},
        "templating": {"list": [_source_variable(), *_label_variables()]},
        "panels": list(_placed()),
    }


def _source_variable() -> JSONObject:
    return {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
        "current": {},
        "hide": 0,
        "refresh": 1,
    }


def _label_variables() -> Iterator[JSONObject]:
    asked = {
        "job": "label_values(tilth_build_info, job)",
        "model": 'label_values(tilth_model_info{job=~"$job"}, model)',
    }
    for name, query in asked.items():
        yield {
            "name": name,
            "label": name.capitalize(),
            "type": "query",
            "datasource": _SOURCE,
            "definition": query,
            "query": {"query": query, "refId": name},
            "refresh": 2,
            "includeAll": True,
            "multi": True,
            "allValue": ".*",
            "current": {"text": "All", "value": "$__all"},
            "hide": 0,
            "sort": 1,
        }


def _placed() -> Iterator[JSONObject]:
    """All panels with their numbers and places, from left to right and downwards."""
    number, top = 1, 0
    rows = [("Now", list(_summary()))]
    rows += [
        (title, [_panel(metric) for metric in METRICS.values() if metric.name.startswith(names)])
        for title, names in _ROWS.items()
    ]
    for title, panels in rows:
        place: JSONObject = {"x": 0, "y": top, "w": _COLUMNS, "h": 1}
        yield {
            "id": number,
            "type": "row",
            "title": title,
            "collapsed": False,
            "gridPos": place,
            "panels": [],
        }
        number, top, left = number + 1, top + 1, 0
        for panel in panels:
            if left + panel.width > _COLUMNS:
                left, top = 0, top + panel.height
            yield _drawn(panel, number, {"x": left, "y": top, "w": panel.width, "h": panel.height})
            number, left = number + 1, left + panel.width
        top += panels[-1].height


def _drawn(panel: _Panel, number: int, place: JSONObject) -> JSONObject:
    targets: list[JSONValue] = [
        {
            "refId": chr(ord("A") + position),
            "datasource": _SOURCE,
            "expr": query.expression,
            "legendFormat": query.legend,
            "range": True,
            "instant": False,
        }
        for position, query in enumerate(panel.queries)
    ]
    drawn: JSONObject = {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.text,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "targets": targets,
    }
    if panel.kind == "stat":
        drawn["options"] = {"reduceOptions": {"calcs": ["lastNotNull"]}, "textMode": "auto"}
    else:
        drawn["options"] = {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True}}
    return drawn


def _summary() -> Iterator[_Panel]:
    """The few numbers to look at first."""
    all_requests = 'sum(rate(tilth_requests_total{job=~"$job"}[$__rate_interval]))'
    errors = 'sum(rate(tilth_requests_total{job=~"$job",status=~"5.."}[$__rate_interval]))'
    slowest = (
        "histogram_quantile(0.99, sum by (le) "
        '(rate(tilth_prediction_duration_seconds_bucket{job=~"$job",model=~"$model"}[$__rate_interval])))'
    )
    ready = 'min(tilth_model_ready{job=~"$job",model=~"$model"})'
    failing = 'count(tilth_check_passed{job=~"$job",model=~"$model"} == 0) or vector(0)'
    shown = (
        ("Ready", "1 while every model answers in every worker.", "none", ready),
        ("Requests a second", "All requests that were answered.", "reqps", all_requests),
        (
            "Errors",
            "Share of requests answered with a status from 500.",
            "percentunit",
            f"({errors} or vector(0)) / {all_requests}",
        ),
        ("Slowest percent", "99 of 100 predictions are faster than this.", "s", slowest),
        ("Live checks that failed", "When tilth monitor last looked.", "short", failing),
        ("Workers", "Worker processes that are alive.", "short", 'sum(tilth_workers{job=~"$job"})'),
    )
    for title, text, unit, expression in shown:
        yield _Panel(title, text, unit, (_Query(expression, title),), "stat", 4, 4)


def _panel(metric: Metric) -> _Panel:
    """How a metric is shown by its kind."""
    title = metric.name.removeprefix("tilth_").removesuffix("_total").replace("_", " ")
    title = title[0].upper() + title[1:]
    chosen = '{job=~"$job"' + (',model=~"$model"' if "model" in metric.labels else "") + "}"
    by = f" by ({', '.join(metric.labels)})" if metric.labels else ""
    legend = " ".join("{{" + label + "}}" for label in metric.labels) or title
    if metric.kind == "counter":
        query = _Query(f"sum{by} (rate({metric.name}{chosen}[$__rate_interval]))", legend)
        return _Panel(title, metric.help, _RATES.get(metric.unit, "suffix: /s"), (query,))
    if metric.kind == "histogram":
        inner = f"sum by ({', '.join(('le', *metric.labels))}) "
        inner += f"(rate({metric.name}_bucket{chosen}[$__rate_interval]))"
        queries = tuple(
            _Query(f"histogram_quantile({share}, {inner})", f"p{share * 100:.0f} {legend}")
            for share in (0.5, 0.9, 0.99)
        )
        return _Panel(title, metric.help, _UNITS[metric.unit], queries)
    expression = f"{metric.merge}{by} ({metric.name}{chosen})"
    if metric.unit == "time":
        expression, title = f"time() - {expression}", f"{title.removesuffix(' seconds')}: how long ago"
    return _Panel(title, metric.help, _UNITS[metric.unit], (_Query(expression, legend),))
