"""`tilth monitor export`: files that Prometheus and Grafana accept."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from project_factory import hurried_project
from tilth.checks import Check
from tilth.serving.alert_rules import AlertBounds, alert_rules
from tilth.serving.dashboard import dashboard
from tilth.serving.metric_table import METRICS
from tilth.serving.yaml_text import yaml_text

Ask = Callable[..., tuple[int, str, str]]
NAME = re.compile(r"\b(?:tilth|process)_[a-z_]+\b")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hurried_project(tmp_path_factory.mktemp("exported"), rows=60).directory


def promtool(*arguments: str | Path, given: str | None = None) -> subprocess.CompletedProcess[str]:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not here")
    return subprocess.run([found, *map(str, arguments)], input=given, capture_output=True, text=True)


def metrics_in(expression: str) -> set[str]:
    """The metrics that an expression asks for, without what is in quotes and what histograms add."""
    names = NAME.findall(re.sub(r'"[^"]*"', "", expression))
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in names}


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def test_prometheus_accepts_all_of_it(ask: Ask, project: Path, tmp_path: Path) -> None:
    there = tmp_path / "a" / "watching"
    status, out, err = ask("monitor", "export", there, "--dir", project)
    assert (status, out) == (0, "")
    assert f"written into {there}" in err
    assert sorted(path.name for path in there.iterdir()) == ["alerts.yml", "dashboard.json", "prometheus.yml"]
    checked = promtool("check", "config", there / "prometheus.yml")
    assert checked.returncode == 0, checked.stderr
    assert "16 rules found" in checked.stdout


def test_monitor_alone_is_what_it_was(ask: Ask, project: Path) -> None:
    status, out, err = ask("monitor", "--dir", project)
    assert (status, out) == (2, "")
    assert "has no champion" in err


def test_json_names_the_files(ask: Ask, project: Path, tmp_path: Path) -> None:
    status, out, _ = ask("monitor", "export", tmp_path / "w", "--dir", project, "--json")
    assert status == 0
    assert [Path(path).name for path in json.loads(out)["files"]] == [
        "prometheus.yml",
        "alerts.yml",
        "dashboard.json",
    ]


def test_targets_interval_and_token_are_as_asked_for(ask: Ask, project: Path, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("x")
    given = ("--target", "10.0.0.7:8080", "--target", "[::1]:81", "--interval", "30", "--token-file", token)
    assert ask("monitor", "export", tmp_path, "--dir", project, *given, "--latency-ms", "50")[0] == 0
    text = (tmp_path / "prometheus.yml").read_text()
    assert '- "10.0.0.7:8080"\n          - "[::1]:81"' in text
    assert 'scrape_interval: "30s"' in text
    assert f"credentials_file: {token}" in text.replace('"', "")
    assert "[5m]))) > 0.05" in (tmp_path / "alerts.yml").read_text()
    assert promtool("check", "config", tmp_path / "prometheus.yml").returncode == 0


def test_what_it_wrote_is_replaced_and_nothing_else(ask: Ask, project: Path, tmp_path: Path) -> None:
    assert ask("monitor", "export", tmp_path, "--dir", project)[0] == 0
    assert ask("monitor", "export", tmp_path, "--dir", project, "--interval", "60")[0] == 0
    assert 'scrape_interval: "60s"' in (tmp_path / "prometheus.yml").read_text()
    (tmp_path / "alerts.yml").write_text("groups: []  # mine\n")
    status, out, err = ask("monitor", "export", tmp_path, "--dir", project, "--interval", "90")
    assert (status, out) == (2, "")
    assert "this command did not write" in err
    assert (tmp_path / "alerts.yml").read_text() == "groups: []  # mine\n"
    assert 'scrape_interval: "60s"' in (tmp_path / "prometheus.yml").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--target", "localhost"), "no address of a server"),
        (("--target", "http://localhost:80"), "no address of a server"),
        (("--target", "localhost:70000"), "no address of a server"),
        (("--interval", "0"), "the interval is 0 s"),
        (("--latency-ms", "0"), "the latency is 0 ms"),
        (("--latency-ms", "nan"), "the latency is nan ms"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    ask: Ask, project: Path, tmp_path: Path, arguments: tuple[str, str], words: str
) -> None:
    status, out, err = ask("monitor", "export", tmp_path / "w", "--dir", project, *arguments)
    assert (status, out) == (2, "")
    assert words in err
    assert not (tmp_path / "w").exists()


def test_a_file_is_no_folder(ask: Ask, project: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    status, _, err = ask("monitor", "export", tmp_path / "file", "--dir", project)
    assert status == 2
    assert "this is no folder" in err


def test_the_dashboard_shows_every_metric_with_its_unit() -> None:
    board: Any = dashboard("census")
    shown = {name for panel in panels(board) for t in panel["targets"] for name in metrics_in(t["expr"])}
    assert shown == set(METRICS)
    units = {panel["title"]: panel["fieldConfig"]["defaults"]["unit"] for panel in panels(board)}
    assert units["Request duration seconds"] == "s"
    assert units["Requests"] == "reqps"
    assert units["Process resident memory bytes"] == "bytes"
    assert units["Errors"] == "percentunit"


def test_the_dashboard_can_be_imported() -> None:
    """It has what Grafana asks of a dashboard: a title, a schema version, panels with places and sources."""
    board: Any = json.loads(json.dumps(dashboard("a name that is much longer than what a uid may be" * 3)))
    assert board["schemaVersion"] >= 30
    assert len(board["uid"]) <= 40
    assert "id" not in board
    assert [variable["name"] for variable in board["templating"]["list"]] == ["datasource", "job", "model"]
    numbers = [panel["id"] for panel in board["panels"]]
    assert len(set(numbers)) == len(numbers)
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken
        taken |= cells
    assert all(p["datasource"]["uid"] == "${datasource}" for p in panels(board))


def test_every_query_of_the_dashboard_is_promql(tmp_path: Path) -> None:
    """As rules, since promtool reads those."""
    board: Any = dashboard("census")
    expressions = [target["expr"] for panel in panels(board) for target in panel["targets"]]
    rules: Any = [
        {"record": f"checked:query_{number}", "expr": text.replace("$__rate_interval", "5m")}
        for number, text in enumerate(expressions)
    ]
    path = tmp_path / "queries.yml"
    path.write_text(yaml_text({"groups": [{"name": "queries", "rules": rules}]}))
    checked = promtool("check", "rules", path)
    assert checked.returncode == 0, checked.stderr


def test_alerts_ask_for_metrics_that_there_are() -> None:
    groups: Any = alert_rules("census", [Check("error_rate", "live", high=0.1)])["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert {name for rule in rules for name in metrics_in(rule["expr"])} <= set(METRICS)
    assert all(rule["labels"]["severity"] in ("critical", "warning") for rule in rules)
    assert all(rule["annotations"]["summary"] for rule in rules)


TESTED = """
rule_files: [alerts.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - series: 'tilth_requests_total{job="tilth",instance="a",endpoint="/predict",status="200"}'
        values: "0+90x30"
      - series: 'tilth_requests_total{job="tilth",instance="a",endpoint="/predict",status="500"}'
        values: "0+10x30"
      - series: 'tilth_model_ready{job="tilth",instance="a",model="census"}'
        values: "1x10 0x20"
      - series: 'tilth_log_failures_total{job="tilth",instance="a",model="census"}'
        values: "0x25 1x5"
      - series: 'tilth_check_passed{job="tilth",instance="a",model="census",check="error_rate minus test"}'
        values: "1x5 0x25"
      - series: 'tilth_check_passed{job="tilth",instance="a",model="other",check="error_rate minus test"}'
        values: "0x30"
    alert_rule_test:
      - eval_time: 12m
        alertname: TilthErrors
        exp_alerts:
          - exp_labels: {severity: critical, job: tilth, instance: a}
            exp_annotations:
              summary: "10% of requests fail on a"
              description: "DESCRIPTION of TilthErrors"
      - {eval_time: 12m, alertname: TilthNotReady, exp_alerts: []}
      - eval_time: 14m
        alertname: TilthNotReady
        exp_alerts:
          - exp_labels: {severity: critical, job: tilth, instance: a, model: census}
            exp_annotations:
              summary: "census is not ready on a"
              description: "DESCRIPTION of TilthNotReady"
      - {eval_time: 20m, alertname: TilthLogFailing, exp_alerts: []}
      - eval_time: 28m
        alertname: TilthLogFailing
        exp_alerts:
          - exp_labels: {severity: critical, job: tilth, instance: a, model: census}
            exp_annotations:
              summary: "the prediction log of census cannot be written on a"
              description: "DESCRIPTION of TilthLogFailing"
      - {eval_time: 4m, alertname: TilthLiveCheckFailed, exp_alerts: []}
      - eval_time: 10m
        alertname: TilthLiveCheckFailed
        exp_alerts:
          - exp_labels: {severity: warning, job: tilth, model: census, check: "error_rate minus test"}
            exp_annotations:
              summary: "census: error_rate minus test is not at most 0.05"
              description: "DESCRIPTION of TilthLiveCheckFailed"
      - {eval_time: 10m, alertname: TilthOverloaded, exp_alerts: []}
"""


def test_alerts_ring_when_they_should_and_not_otherwise(tmp_path: Path) -> None:
    check = Check("error_rate", "live", high=0.05, baseline="test")
    rules: Any = alert_rules("census", [check], AlertBounds())
    (tmp_path / "alerts.yml").write_text(yaml_text(rules))
    expected = TESTED
    for rule in (rule for group in rules["groups"] for rule in group["rules"]):
        expected = expected.replace(f"DESCRIPTION of {rule['alert']}", rule["annotations"]["description"])
    (tmp_path / "test.yml").write_text(expected)
    tested = promtool("test", "rules", tmp_path / "test.yml")
    assert tested.returncode == 0, tested.stdout + tested.stderr


ODD = 'quote " back\\slash {{ $labels.x }} ä \n end'


def test_odd_names_do_no_harm(tmp_path: Path) -> None:
    rules = alert_rules("a.b-c", [Check("error_rate", "live", high=1.0, slice={"sex": ODD})])
    (tmp_path / "alerts.yml").write_text(yaml_text(rules))
    checked = promtool("check", "rules", tmp_path / "alerts.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_latency_that_the_project_demands_is_the_bound(ask: Ask, tmp_path: Path) -> None:
    folder = hurried_project(tmp_path, rows=60).directory
    toml = folder / "tilth.toml"
    toml.write_text(toml.read_text() + "\n[deployment]\nlatency_p99_ms = 80\n")
    assert ask("monitor", "export", folder / "watching", "--dir", folder)[0] == 0
    assert "[5m]))) > 0.08" in (folder / "watching" / "alerts.yml").read_text()


def test_a_server_of_its_own_port_for_management_is_asked_there(ask: Ask, tmp_path: Path) -> None:
    folder = hurried_project(tmp_path, rows=60).directory
    toml = folder / "tilth.toml"
    text = re.sub(r"^\[serve\]\n(?:\w+ = .*\n)*", "", toml.read_text(), flags=re.MULTILINE)
    serve = '\n[serve]\nhost = "0.0.0.0"\nadmin_host = "::"\nadmin_port = 9100\ntokens = "tokens.json"\n'
    toml.write_text(text + serve)
    status, _, err = ask("monitor", "export", folder / "watching", "--dir", folder)
    assert status == 0
    assert '- "[::1]:9100"' in (folder / "watching" / "prometheus.yml").read_text()
    assert "--token-file" in err
