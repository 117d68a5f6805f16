"""GET /metrics."""

from __future__ import annotations

import datetime
import shutil
import subprocess
from pathlib import Path

import pytest
from example_server import ROW, income_model
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as open_metrics_families,
)
from prometheus_client.parser import text_string_to_metric_families
from serving_clients import Client, MakeClient

from project_factory import hurried_project
from tilth.checks import Check
from tilth.errors import DataError
from tilth.serving import ModelSource, champion_source
from tilth.serving.metric_table import METRICS
from tilth.tables import PredictionLog

Key = tuple[str, tuple[str, ...]]


def parsed(text: str) -> dict[Key, float]:
    """Samples by name and the values of their labels, in the order of the labels' names."""
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def samples(client: Client) -> dict[Key, float]:
    return parsed(client.get("/metrics").text)


def test_requests_predictions_and_refusals_are_counted(client: Client) -> None:
    identity = client.post("/predict", ROW).json()["prediction_id"]
    client.post("/predict", [ROW, {**ROW, "job": "Pilot"}])
    client.post("/predict", {**ROW, "age": "x"})
    client.post("/predict", {**ROW, "made up by a client": 1})
    client.post("/predict", body=b"{")
    client.post("/feedback", {"prediction_id": identity, "label": ">50K"})
    client.get("/nowhere")
    found = samples(client)
    assert found["tilth_requests_total", ("/predict", "200")] == 2
    assert found["tilth_requests_total", ("/predict", "400")] == 3
    assert found["tilth_requests_total", ("other", "404")] == 1
    assert found["tilth_refused_total", ("invalid",)] == 3
    assert found["tilth_predictions_total", ("income", "live", "1")] == 3
    assert found["tilth_rejected_total", ("age", "income")] == 1
    assert found["tilth_unexpected_values_total", ("job", "income")] == 1
    assert found["tilth_feedback_total", ("income",)] == 1
    assert found["tilth_model_info", ("income", "live", "1")] == 1
    assert found["tilth_model_ready", ("income",)] == 1
    assert found["tilth_request_duration_seconds_count", ("/predict",)] == 5
    assert found["tilth_prediction_duration_seconds_count", ("income", "live", "1")] == 2
    assert found["tilth_queue_wait_seconds_count", ("income", "live", "1")] == 2
    assert found["tilth_batch_rows_count", ("income", "1")] == 2
    assert found["tilth_batch_rows_sum", ("income", "1")] == 3
    assert found["tilth_batch_rows_bucket", ("1.0", "income", "1")] == 1
    assert found["tilth_batch_rows_bucket", ("2.0", "income", "1")] == 2
    assert found["tilth_graph_duration_seconds_sum", ("income", "1")] > 0
    assert found["process_resident_memory_bytes", ()] > 0
    assert found["process_cpu_seconds_total", ()] > 0
    assert found["tilth_workers", ()] == found["tilth_worker_starts_total", ()] == 1


def test_the_time_before_the_predictions_is_part_of_the_whole(client: Client) -> None:
    for _ in range(5):
        client.post("/predict", ROW)
    found = samples(client)
    whole = found["tilth_request_duration_seconds_sum", ("/predict",)]
    parts = found["tilth_prediction_duration_seconds_sum", ("income", "live", "1")]
    waits = found["tilth_queue_wait_seconds_sum", ("income", "live", "1")]
    assert 0 <= waits < parts < whole


def test_the_scrape_itself_is_the_only_request_in_flight(client: Client) -> None:
    client.post("/predict", ROW)
    client.post("/predict", body=b"{")
    client.get("/nowhere")
    assert samples(client)["tilth_requests_in_flight", ()] == 1


def test_no_label_value_comes_from_a_client(client: Client) -> None:
    for number in range(50):
        client.post("/predict", {**ROW, f"column {number}": 1})
        client.post(f"/v2/models/model{number}/infer", {"inputs": []})
        client.get(f"/path{number}")
    text = client.get("/metrics").text
    assert "column 7" not in text
    assert "model7" not in text
    assert "path7" not in text


def test_versions_side_by_side_are_counted_apart_and_go_when_they_are_not_served(
    make_client: MakeClient,
) -> None:
    served: list[tuple[int, tuple[int, ...]]] = [(1, (2,))]
    source = ModelSource(
        lambda: ("income", served[0][0]),
        lambda _name, version: income_model(version),
        lambda: served[0][1],
        "income",
    )
    client = make_client(source, poll_interval_s=0.01)
    client.post("/predict", ROW)
    client.post("/predict/income/versions/2", [ROW, ROW])
    found = samples(client)
    assert found["tilth_predictions_total", ("income", "live", "1")] == 1
    assert found["tilth_predictions_total", ("income", "live", "2")] == 2
    assert found["tilth_model_info", ("income", "beside", "2")] == 1
    served[0] = (3, ())
    while client.post("/predict", ROW).json()["version"] != 3:
        client.wait(0.02)
    client.wait(0.05)
    info = [labels for name, labels in samples(client) if name == "tilth_model_info"]
    assert info == [("income", "live", "3")]


def test_a_version_that_cannot_be_loaded_is_counted_from_0(make_client: MakeClient) -> None:
    wanted = [1]

    def load(_name: str, version: int) -> object:
        if version == 2:
            raise DataError("the file is gone")
        return income_model(version)

    source = ModelSource(lambda: ("income", wanted[0]), load, name="income")  # type: ignore[arg-type]
    client = make_client(source, poll_interval_s=0.01)
    assert samples(client)["tilth_model_load_failures_total", ("income",)] == 0
    wanted[0] = 2
    client.wait(0.1)
    found = samples(client)
    assert found["tilth_model_load_failures_total", ("income",)] == 1
    assert found["tilth_model_ready", ("income",)] == 1


def test_a_log_that_cannot_be_written_is_counted(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_self: PredictionLog, _predictions: object) -> list[str]:
        raise DataError("no space is left")

    before = samples(client)
    assert before["tilth_log_failures_total", ("income",)] == 0
    monkeypatch.setattr(PredictionLog, "append", full)
    assert client.post("/predict", ROW).status_code == 503
    found = samples(client)
    assert found["tilth_log_failures_total", ("income",)] == 1
    assert found["tilth_refused_total", ("log",)] == 1
    assert ("tilth_predictions_total", ("income", "live", "1")) not in found


def test_the_newest_look_at_the_live_checks_is_told(make_client: MakeClient) -> None:
    moment = datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC)
    drifted, unknown = Check("drifted_columns", "live", high=0), Check("confidence", "live", low=0.5)
    looks = [([drifted.judge(2.0), unknown.judge(None)], moment)]
    model = income_model()
    source = ModelSource(
        lambda: ("income", 1), lambda _name, _version: model, name="income", look=lambda: looks[0]
    )
    client = make_client(source, poll_interval_s=0.01, look_interval_s=0.01)
    found = samples(client)
    assert found["tilth_check_passed", ("drifted_columns", "income")] == 0
    assert found["tilth_check_value", ("drifted_columns", "income")] == 2
    assert found["tilth_check_passed", ("confidence", "income")] == 0
    assert ("tilth_check_value", ("confidence", "income")) not in found
    assert found["tilth_monitor_time_seconds", ("income",)] == moment.timestamp()
    looks[0] = ([drifted.judge(0.0)], moment)
    client.wait(0.1)
    found = samples(client)
    assert found["tilth_check_passed", ("drifted_columns", "income")] == 1
    assert ("tilth_check_passed", ("confidence", "income")) not in found


def test_what_is_told_is_in_the_table_and_promtool_finds_nothing_to_say(client: Client) -> None:
    client.post("/predict", ROW)
    client.post("/predict", {**ROW, "age": "x"})
    text = client.get("/metrics").text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    for name, metric in METRICS.items():
        family = families.get(name.removesuffix("_total"))
        if family is not None:
            assert (family.type, family.documentation) == (metric.kind, metric.help)
    assert set(families) <= {name.removesuffix("_total") for name in METRICS}
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not here")
    said = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True)
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


def test_who_accepts_open_metrics_gets_them(client: Client) -> None:
    client.post("/predict", ROW)
    accept = {"accept": "application/openmetrics-text; version=1.0.0"}
    answer = client.run(client._http.get("/metrics", headers=accept))
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    counted = {
        sample.name: sample.value
        for family in open_metrics_families(answer.text)
        for sample in family.samples
    }
    assert counted["tilth_predictions_total"] == 1


def test_every_metric_is_documented() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "metrics-of-the-server.md"
    text = page.read_text(encoding="utf-8")
    assert [name for name in METRICS if f"`{name}`" not in text] == []


def test_the_newest_look_is_that_of_the_project(tmp_path: Path) -> None:
    project = hurried_project(tmp_path, rows=60)
    failed = Check("drifted_columns", "live", high=0).judge(2.0)
    passed = Check("drifted_columns", "live", high=0).judge(0.0)
    with project.store() as store:
        source = champion_source(project, store, project.artifacts())
        assert source.look() is None
        runs = [
            store.begin_run("monitor", {"project": name}) for name in (project.name, project.name, "another")
        ]
        for run, verdicts in zip(runs, ([passed], [failed], [passed]), strict=True):
            store.log_verdicts(run, verdicts)
            store.end_run(run, "complete")
        broken = store.begin_run("monitor", {"project": project.name})
        store.end_run(broken, "failed")
        look = source.look()
    assert look is not None
    assert [str(verdict) for verdict in look[0]] == [str(failed)]
    assert look[1] == runs[1].started


def test_who_hangs_up_is_not_in_flight_for_ever(client: Client) -> None:
    async def gone() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def send(_message: object) -> None:
        raise AssertionError("nobody is there to be answered")

    scope = {"type": "http", "method": "POST", "path": "/predict", "headers": [], "root_path": ""}
    client.run(client.app(scope, gone, send))  # type: ignore[arg-type]
    found = samples(client)
    assert found["tilth_requests_in_flight", ()] == 1
    assert ("tilth_requests_total", ("/predict", "200")) not in found
