"""What watches a server, as files: a scrape configuration, alert rules, a dashboard."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from tilth.errors import UsageError
from tilth.projects import Project
from tilth.serving.alert_rules import AlertBounds, alert_rules
from tilth.serving.dashboard import dashboard
from tilth.serving.yaml_text import yaml_text
from tilth.types import JSONObject, JSONValue

__all__ = ["MADE_BY", "monitor_files"]

MADE_BY = "Made by tilth monitor export"
"""What each of the files says of itself, so that no other is overwritten."""

JOB = "tilth"
_TARGET = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")


def monitor_files(
    project: Project,
    targets: Sequence[str] = (),
    *,
    bounds: AlertBounds | None = None,
    interval_s: int = 15,
    token_file: str | None = None,
) -> dict[str, str]:
    """The names of the files and what is in them.

    `prometheus.yml` scrapes the servers and loads `alerts.yml`, the rules for the software and for the
    project's live checks; `dashboard.json` is imported into Grafana.

    Args:
        project: the project.
        targets: the servers, "host:port"; default: the one that tilth.toml names, its port for management
            where there is one.
        bounds: from where on somebody is told.
        interval_s: how often Prometheus asks.
        token_file: the file with a token of the scope "read", as Prometheus sees it; None for a server
            without tokens.

    Raises:
        UsageError: a target that is no host and port; an interval that is not positive.
    """
    if interval_s < 1:
        raise UsageError(f"the interval is {interval_s} s", expected="1 or more seconds")
    name, checks = project.name, project.configuration.checks_at("live")
    scraping = _scraping(project, [_target(each) for each in targets], interval_s, token_file)
    rules = alert_rules(name, checks, bounds, job=JOB)
    return {
        "prometheus.yml": f"# {MADE_BY}: prometheus --config.file=prometheus.yml\n{yaml_text(scraping)}",
        "alerts.yml": f"# {MADE_BY}: promtool check rules alerts.yml\n{yaml_text(rules)}",
        "dashboard.json": json.dumps(dashboard(name), indent=2, allow_nan=False) + "\n",
    }


def _scraping(
    project: Project, targets: Sequence[str], interval_s: int, token_file: str | None
) -> JSONObject:
    section = project.configuration.serve
    static: JSONObject = {
        "targets": list(targets) or [_own_address(project)],
        "labels": {"project": project.name},
    }
    job: JSONObject = {"job_name": JOB, "metrics_path": "/metrics", "static_configs": [static]}
    if section.tls_certificate is not None:
        job["scheme"] = "https"
    if token_file is not None:
        job["authorization"] = {"type": "Bearer", "credentials_file": token_file}
    interval = f"{interval_s}s"
    jobs: list[JSONValue] = [job]
    return {
        "global": {"scrape_interval": interval, "evaluation_interval": interval},
        "rule_files": ["alerts.yml"],
        "scrape_configs": jobs,
    }


def _own_address(project: Project) -> str:
    section = project.configuration.serve
    host, port = section.host, section.port
    if section.admin_port is not None:
        host, port = section.admin_host, section.admin_port
    # What listens everywhere is reached here.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - it is asked for, not listened on
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _target(text: str) -> str:
    found = _TARGET.fullmatch(text)
    if found is None or not 0 < int(found[2]) < 65536:
        raise UsageError(
            f"'{text[:200]}' is no address of a server", expected="host:port, such as 10.0.0.7:8080"
        )
    return text
