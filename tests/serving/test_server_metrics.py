"""GET /metrics."""

from __future__ import annotations

from example_server import ROW
from prometheus_client.parser import text_string_to_metric_families
from serving_clients import Client


def samples(client: Client) -> dict[tuple[str, tuple[str, ...]], float]:
    text = client.get("/metrics").text
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


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
    assert found["tilth_predictions_total", ("income", "1")] == 3
    assert found["tilth_rejected_total", ("age",)] == 1
    assert found["tilth_unexpected_values_total", ("job",)] == 1
    assert found["tilth_feedback_total", ()] == 1
    assert found["tilth_model_info", ("income", "1")] == 1
    assert found["tilth_request_seconds_count", ("/predict",)] == 5
    assert found["process_resident_memory_bytes", ()] > 0


def test_no_label_value_comes_from_a_client(client: Client) -> None:
    for number in range(50):
        client.post("/predict", {**ROW, f"column {number}": 1})
        client.post(f"/v2/models/model{number}/infer", {"inputs": []})
        client.get(f"/path{number}")
    text = client.get("/metrics").text
    assert "column 7" not in text
    assert "model7" not in text
    assert "path7" not in text
