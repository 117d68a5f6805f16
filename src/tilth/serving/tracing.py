"""Spans for OpenTelemetry, where the environment asks for them; without that nothing of it is loaded.

One span for each request, kept together with the caller's by the header `traceparent`, and one for each run
of a graph over a batch, linked to the requests in it. What they say is the route, the status, the model, its
version and how many rows: nothing of what was sent or answered.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from opentelemetry.trace import Link, Span
    from opentelemetry.trace import Tracer as OpenTelemetryTracer

__all__ = ["BatchSpan", "RequestSpan", "Tracer", "trace_id_of", "tracer_from_environment"]

_log = logging.getLogger("tilth.serving")

_LAST_SPANS_S = 3.0
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")


def trace_id_of(headers: Mapping[bytes, bytes]) -> str | None:
    """The trace that a request belongs to, by its header `traceparent` (https://www.w3.org/TR/trace-context/).

    Example:
        >>> trace_id_of({b"traceparent": b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
        '0af7651916cd43dd8448eb211c80319c'
        >>> trace_id_of({b"traceparent": b"00-00000000000000000000000000000000-b7ad6b7169203331-01"})
    """
    said = headers.get(b"traceparent")
    if said is None:
        return None
    found = _TRACEPARENT.fullmatch(said)
    if found is None or said[:2] == b"ff" or not found[1].strip(b"0") or not found[2].strip(b"0"):
        return None
    return found[1].decode()


class RequestSpan:
    """The span of one request, open until `end`."""

    __slots__ = ("_span", "trace_id", "tracer")

    def __init__(self, span: Span, tracer: Tracer) -> None:
        self._span = span
        self.tracer = tracer
        self.trace_id = format(span.get_span_context().trace_id, "032x")

    @property
    def span(self) -> Span:
        """OpenTelemetry's own."""
        return self._span

    def served(self, model: str, version: int, role: str, rows: int) -> None:
        """Say what answered; nothing where the request is over, since its deadline came first."""
        if self._span.is_recording():
            self._span.set_attributes(
                {"tilth.model": model, "tilth.version": version, "tilth.role": role, "tilth.rows": rows}
            )

    def end(self, status: int | None, failure: str | None = None) -> None:
        """Close it with the status of the answer; None where nobody waited for one."""
        from opentelemetry.trace import Status, StatusCode

        if status is not None:
            self._span.set_attribute("http.response.status_code", status)
            if status >= 500:
                self._span.set_attribute("error.type", failure or str(status))
                self._span.set_status(Status(StatusCode.ERROR))
        else:
            self._span.set_attribute("error.type", "client_gone")
        self._span.end()


class BatchSpan:
    """The span of one run of a graph, open until `end`."""

    __slots__ = ("_span",)

    def __init__(self, span: Span) -> None:
        self._span = span

    def end(self, failure: str | None = None) -> None:
        """Close it; with the kind of error where it failed."""
        from opentelemetry.trace import Status, StatusCode

        if failure is not None:
            self._span.set_attribute("error.type", failure)
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()


class _Provider(Protocol):
    def get_tracer(self, instrumenting_module_name: str) -> OpenTelemetryTracer: ...

    def shutdown(self) -> None: ...


class Tracer:
    """Makes the spans of a server.

    Args:
        provider: OpenTelemetry's, with where the spans go.
    """

    def __init__(self, provider: _Provider) -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = provider
        self._tracer = provider.get_tracer("tilth.serving")
        self._propagator = TraceContextTextMapPropagator()

    def request(self, method: str, route: str, headers: Mapping[bytes, bytes]) -> RequestSpan:
        """Open the span of a request, within the caller's trace where there is one.

        Args:
            method: such as "POST".
            route: with names in braces where paths differ.
            headers: by their names in lower case.
        """
        from opentelemetry.trace import SpanKind

        carrier = {
            name: headers[name.encode()].decode("latin-1")
            for name in ("traceparent", "tracestate")
            if name.encode() in headers
        }
        attributes = {"http.request.method": method, "http.route": route}
        span = self._tracer.start_span(
            f"{method} {route}",
            self._propagator.extract(carrier),
            SpanKind.SERVER,
            attributes,
        )
        return RequestSpan(span, self)

    def batch(self, requests: Sequence[RequestSpan], model: str, version: int, rows: int) -> BatchSpan:
        """Open the span of a run of a graph: a child of its first request, with links to the others."""
        from opentelemetry.trace import Link, set_span_in_context

        links: list[Link] = [Link(each.span.get_span_context()) for each in requests[1:]]
        attributes: dict[str, Any] = {
            "tilth.model": model,
            "tilth.version": version,
            "tilth.rows": rows,
            "tilth.requests": len(requests),
        }
        parent = set_span_in_context(requests[0].span) if requests else None
        return BatchSpan(self._tracer.start_span("predict batch", parent, attributes=attributes, links=links))

    def close(self) -> None:
        """Send what has not been sent yet; after this no span goes anywhere.

        A collector that does not answer holds up the end of the server for at most a few seconds.
        """
        ending = threading.Thread(target=self._provider.shutdown, name="tilth-last-spans", daemon=True)
        ending.start()
        ending.join(_LAST_SPANS_S)


def tracer_from_environment(environment: Mapping[str, str] | None = None) -> Tracer | None:
    """The tracer that OpenTelemetry's environment variables ask for, or None.

    There is one when OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is set,
    OTEL_SDK_DISABLED is not "true" and OTEL_TRACES_EXPORTER not "none". Spans are sent as protobuf over HTTP,
    in the background. The other variables (OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER,
    OTEL_EXPORTER_OTLP_HEADERS, ...) mean what they mean everywhere. Make it in the worker, after a fork.

    Example:
        >>> tracer_from_environment({}) is None
        True
    """
    source = os.environ if environment is None else environment
    wanted = any(source.get(name) for name in _ENDPOINTS)
    if not wanted or source.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    if source.get("OTEL_TRACES_EXPORTER", "otlp") == "none":
        return None
    protocol = source.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or source.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    if protocol not in (None, "", "http/protobuf"):
        _log.warning("traces are sent as http/protobuf, not as %s", protocol[:50])
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        _log.warning("no traces: OpenTelemetry is not installed; pip install 'tilth[opentelemetry]'")
        return None
    named = source.get("OTEL_SERVICE_NAME") or "service.name=" in source.get("OTEL_RESOURCE_ATTRIBUTES", "")
    resource = Resource.create({} if named else {"service.name": "tilth"})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracer(provider)


_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
