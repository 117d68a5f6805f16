"""A request as the work of a route sees it, whichever protocol brought it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from tilth.errors import RequestError
from tilth.serving.tracing import RequestSpan, trace_id_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Scope

__all__ = ["Request"]

_TIMEOUT = b"x-request-timeout-ms"


class Request:
    """One request: its headers, its body, and until when its answer is of use.

    Args:
        headers: by their names in lower case.
        body: all of it; empty until it was read.
        started: when it came, on the clock of `time.perf_counter`.
        timeout_s: how long an answer is waited for, unless the header X-Request-Timeout-Ms asks for less.
        scope: the ASGI scope; None where another protocol brought it.
        span: its span, where requests are traced; else the trace that the caller named is noted.

    Raises:
        RequestError: a timeout that is no number of milliseconds.

    Example:
        >>> request = Request({b"content-type": b"text/CSV; header=present"}, started=5.0, timeout_s=2.0)
        >>> request.content_type, request.deadline
        ('text/csv', 7.0)
    """

    __slots__ = ("body", "deadline", "headers", "scope", "span", "started", "trace_id")

    def __init__(
        self,
        headers: Mapping[bytes, bytes],
        body: bytes = b"",
        *,
        started: float | None = None,
        timeout_s: float = 10.0,
        scope: Scope | None = None,
        span: RequestSpan | None = None,
    ) -> None:
        self.headers = headers
        self.body = body
        self.started = time.perf_counter() if started is None else started
        self.scope = scope
        self.span = span
        self.trace_id: str | None = None
        if span is not None:
            self.trace_id = span.trace_id
        elif b"traceparent" in headers:
            self.trace_id = trace_id_of(headers)
        asked = headers.get(_TIMEOUT)
        self.deadline = self.started + (timeout_s if asked is None else min(timeout_s, _seconds(asked)))

    @property
    def content_type(self) -> str:
        """The media type of the body in lower case, without its parameters; empty where none is said."""
        said = self.headers.get(b"content-type", b"").decode("latin-1")
        return said.partition(";")[0].strip().lower()

    @property
    def path_params(self) -> Mapping[str, str]:
        """What stands in the path for the names in braces of the route."""
        found: Mapping[str, str] = (self.scope or {}).get("path_params", {})
        return found

    @property
    def query(self) -> dict[str, str]:
        """The query of the URL; of a name that comes several times the last value."""
        text = bytes((self.scope or {}).get("query_string", b"")).decode("latin-1")
        try:
            return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=100))
        except ValueError:
            raise RequestError("the query of the URL has too many parts", expected="at most 100") from None


def _seconds(asked: bytes) -> float:
    if not asked.isdigit() or len(asked) > 9:
        raise RequestError(
            "the header X-Request-Timeout-Ms is no number of milliseconds",
            got=asked[:50].decode("latin-1"),
            expected="a whole number of milliseconds",
        )
    return int(asked) / 1000
