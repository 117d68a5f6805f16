"""OpenTelemetry: spans of requests and batches, and the trace id in the prediction log."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from example_server import ROW, income_model, income_schema
from serving_clients import Client

from tilth.errors import GraphError
from tilth.serving import create_app, fixed_model
from tilth.serving.scoring import Scorer
from tilth.serving.tracing import Tracer, trace_id_of, tracer_from_environment
from tilth.tables import FeedbackLog, PredictionLog, read_predictions

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}


class Traced:
    """A client of a traced server, with the spans that it made."""

    def __init__(self, directory: Path) -> None:
        sdk = pytest.importorskip("opentelemetry.sdk.trace")
        export = pytest.importorskip("opentelemetry.sdk.trace.export")
        memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
        self._exporter = memory.InMemorySpanExporter()
        provider = sdk.TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(export.SimpleSpanProcessor(self._exporter))
        self.tracer = Tracer(provider)
        logs = PredictionLog(directory), FeedbackLog(directory)
        app = create_app(fixed_model(income_model()), *logs, income_schema(), tracer=self.tracer)
        self.client = Client(app, directory, logs)

    def spans(self, name: str) -> list[Any]:
        return [span for span in self._exporter.get_finished_spans() if span.name == name]


@pytest.fixture
def traced(tmp_path: Path) -> Iterator[Traced]:
    made = Traced(tmp_path / "predictions")
    yield made
    made.client.close()
    made.tracer.close()


def test_a_request_is_a_span_in_the_callers_trace(traced: Traced) -> None:
    answer = traced.client.post("/predict", [ROW, ROW], headers=PARENT)
    (span,) = traced.spans("POST /predict")
    assert format(span.context.trace_id, "032x") == TRACE
    assert format(span.parent.span_id, "016x") == "b7ad6b7169203331"
    assert span.kind.name == "SERVER"
    assert dict(span.attributes) == {
        "http.request.method": "POST",
        "http.route": "/predict",
        "http.response.status_code": 200,
        "tilth.model": "income",
        "tilth.version": 1,
        "tilth.role": "live",
        "tilth.rows": 2,
    }
    (batch,) = traced.spans("predict batch")
    assert batch.parent.span_id == span.context.span_id
    assert batch.links == ()
    assert [p.trace_id for p in read_predictions(traced.client.directory)] == [TRACE, TRACE]
    assert answer.status_code == 200


def test_requests_of_one_batch_are_linked_to_it(traced: Traced) -> None:
    async def ask() -> None:
        http = traced.client._http
        await asyncio.gather(*(http.post("/predict", json=ROW) for _ in range(5)))

    traced.client.run(ask())
    requests, batches = traced.spans("POST /predict"), traced.spans("predict batch")
    assert len(requests) == 5
    assert sum(batch.attributes["tilth.requests"] for batch in batches) == 5
    reached = [batch.parent.span_id for batch in batches]
    reached += [link.context.span_id for batch in batches for link in batch.links]
    assert sorted(reached) == sorted(span.context.span_id for span in requests)


def test_what_comes_after_the_answer_is_not_told(traced: Traced, caplog: pytest.LogCaptureFixture) -> None:
    span = traced.tracer.request("POST", "/predict", {})
    span.end(503)
    span.served("income", 1, "live", 1)
    (found,) = traced.spans("POST /predict")
    assert "tilth.model" not in found.attributes
    assert caplog.records == []


def test_a_trace_begins_here_where_the_caller_has_none(traced: Traced) -> None:
    traced.client.post("/predict", ROW)
    (span,) = traced.spans("POST /predict")
    assert span.parent is None
    (prediction,) = read_predictions(traced.client.directory)
    assert prediction.trace_id == format(span.context.trace_id, "032x")


def test_failures_are_marked_and_nothing_that_was_sent_is_told(
    traced: Traced, monkeypatch: pytest.MonkeyPatch
) -> None:
    traced.client.post("/predict", {**ROW, "age": "secret-value"})
    traced.client.get("/v2/models/secret-model?key=secret-query")

    def fail(_self: Scorer, _requests: object) -> list[object]:
        raise GraphError("secret-reason")

    monkeypatch.setattr(Scorer, "score", fail)
    assert traced.client.post("/predict", {**ROW, "note": "secret-note"}).status_code == 500
    refused, failed = traced.spans("POST /predict")
    assert refused.attributes["http.response.status_code"] == 400
    assert refused.status.status_code.name == "UNSET"
    assert failed.attributes["error.type"] == "500"
    assert failed.status.status_code.name == "ERROR"
    (batch,) = traced.spans("predict batch")
    assert batch.attributes["error.type"] == "GraphError"
    every = [*traced.spans("GET /v2/models/{model}"), refused, failed, batch]
    assert len(every) == 4
    assert "secret" not in "".join(span.to_json() for span in every)


def test_the_callers_trace_is_logged_without_opentelemetry_too(client: Client) -> None:
    client.post("/predict", ROW, headers=PARENT)
    client.post("/predict", ROW, headers={"traceparent": "00-xyz"})
    assert [p.trace_id for p in read_predictions(client.directory)] == [TRACE, None]


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01",
        TRACE.encode(),
        f"ff-{TRACE}-b7ad6b7169203331-01".encode(),
        f"00-{TRACE.upper()}-b7ad6b7169203331-01".encode(),
        f"00-{TRACE}-{'0' * 16}-01".encode(),
        f"00-{TRACE}-b7ad6b7169203331-01\n".encode(),
    ],
)
def test_what_is_no_trace_is_ignored(said: bytes) -> None:
    assert trace_id_of({b"traceparent": said}) is None


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_SERVICE_NAME": "x"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_without_an_endpoint_there_is_no_tracer(environment: dict[str, str]) -> None:
    assert tracer_from_environment(environment) is None


def test_where_it_is_not_installed_the_log_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    assert tracer_from_environment(environment) is None
    assert "pip install 'tilth[opentelemetry]'" in caplog.text


def test_nothing_of_opentelemetry_is_imported_where_nobody_asks() -> None:
    code = "import sys, tilth.serving; sys.exit(any(m.startswith('opentelemetry') for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


class Collector(BaseHTTPRequestHandler):
    """Takes spans as an OpenTelemetry collector does."""

    received: list[tuple[str, bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.received.append((self.path, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


def test_a_collector_that_is_away_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    ended, waited = threading.Event(), threading.Event()

    class Away:
        def get_tracer(self, _name: str) -> Any:
            return None

        def shutdown(self) -> None:
            ended.wait(60)
            waited.set()

    pytest.importorskip("opentelemetry.trace")
    monkeypatch.setattr("tilth.serving.tracing._LAST_SPANS_S", 0.01)
    Tracer(Away()).close()
    assert not waited.is_set()
    ended.set()
    assert waited.wait(60)


def test_probes_and_scrapes_are_no_spans(traced: Traced) -> None:
    for path in ("/metrics", "/v2/health/live", "/v2/health/ready", "/v2/models/income/ready", "/v2"):
        assert traced.client.get(path).status_code == 200
    assert [span.name for span in traced._exporter.get_finished_spans()] == ["GET /v2"]


def test_spans_reach_a_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    Collector.received = []
    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
            tracer = tracer_from_environment()
            assert tracer is not None
            tracer.request("POST", "/predict", {}).end(200)
            tracer.close()
        finally:
            server.shutdown()
            thread.join()
    ((path, body),) = Collector.received
    assert path == "/v1/traces"
    (resource,) = ExportTraceServiceRequest.FromString(body).resource_spans
    attributes = {each.key: each.value.string_value for each in resource.resource.attributes}
    assert attributes["service.name"] == "tilth"
    assert resource.scope_spans[0].spans[0].name == "POST /predict"
