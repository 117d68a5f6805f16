"""Answers as bytes, the errors that become answers, and how a request's body is read."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from tilth.errors import RequestError
from tilth.types import JSONObject

if TYPE_CHECKING:
    from starlette.types import Receive, Scope

__all__ = [
    "Answer",
    "ClientGone",
    "Refusal",
    "decode",
    "json_answer",
    "read_body",
    "refuse_encoded",
    "refused",
    "told",
]

Headers = tuple[tuple[bytes, bytes], ...]

_encode = msgspec.json.Encoder().encode
_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


class Answer(NamedTuple):
    """What is sent back."""

    status: int
    body: bytes
    content_type: bytes = b"application/json"
    headers: Headers = ()


class Refusal(Exception):  # noqa: N818 - the way an answer other than 200 leaves the work that finds it
    """A request that is answered with a status of its own.

    Args:
        status: of HTTP.
        error: what is wrong, for the client.
        headers: sent with it.
        reason: one word for counting; default: the usual one of the status.

    Example:
        >>> Refusal(413, "too large").reason, Refusal(503, "not ready", reason="not_ready").reason
        ('too_large', 'not_ready')
    """

    def __init__(self, status: int, error: str, *, headers: Headers = (), reason: str | None = None) -> None:
        self.status = status
        self.error = error
        self.headers = headers
        self.reason = reason or _REASONS.get(status, "other")
        super().__init__(error)

    def answer(self) -> Answer:
        """The refusal as it is sent."""
        return Answer(self.status, _encode({"error": self.error}), headers=self.headers)


_REASONS = {
    400: "invalid",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    406: "not_acceptable",
    408: "slow_client",
    413: "too_large",
    415: "media_type",
    429: "too_many_waiting",
    503: "unavailable",
    504: "deadline",
}


def json_answer(content: object, status: int = 200) -> Answer:
    """An answer of JSON.

    Example:
        >>> json_answer({"live": True}).body
        b'{"live":true}'
    """
    return Answer(status, _encode(content))


def refused(error: RequestError) -> Answer:
    """Status 400 with what was wrong, the column, what came, what was expected, and the row.

    Example:
        >>> refused(RequestError("too many rows", got="9 rows", expected="at most 5")).body
        b'{"error":"too many rows","got":"9 rows","expected":"at most 5"}'
    """
    return json_answer(told(error), 400)


def told(error: RequestError) -> JSONObject:
    """What was wrong as JSON values.

    Example:
        >>> told(RequestError("too many rows", got="9 rows"))
        {'error': 'too many rows', 'got': '9 rows'}
    """
    parts: JSONObject = {
        "error": error.what,
        "column": error.column,
        "got": error.got,
        "expected": error.expected,
        "row": error.row,
    }
    return {name: value for name, value in parts.items() if value is not None}


def decode(body: bytes, decoder: msgspec.json.Decoder[Any] = _decoder) -> Any:
    """The JSON value of a body.

    Raises:
        RequestError: not JSON, or not of the decoder's shape; NaN and Infinity are not JSON.

    Example:
        >>> decode(b'{"age": NaN}')
        Traceback (most recent call last):
        ...
        tilth.errors.RequestError: the request is not JSON: JSON is malformed: invalid character (byte 8)...
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise RequestError(f"the request does not have the right shape: {error}") from None
    except (ValueError, RecursionError) as error:
        raise RequestError(
            f"the request is not JSON: {_reason(body, error)}", expected="a JSON document in UTF-8"
        ) from None


def _reason(body: bytes, error: ValueError | RecursionError) -> str:
    if not body:
        return "the body is empty"
    if body[:2] == b"\x1f\x8b":
        return "the body is compressed"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeError):
        return "it is not UTF-8"
    hint = ""
    if b"NaN" in body or b"Infinity" in body:
        hint = "; NaN and Infinity do not exist in JSON, write null for a missing value"
    return f"{error}{hint}"


class ClientGone(Exception):  # noqa: N818 - nobody is left to be told
    """The client hung up before its request was complete."""


def refuse_encoded(encoding: bytes) -> None:
    """Refuse a body that is compressed: what it becomes could not be bounded before it is unpacked.

    Raises:
        Refusal: 415 for any encoding but "identity".

    Example:
        >>> refuse_encoded(b"identity")
    """
    if encoding.strip().lower() not in (b"", b"identity"):
        shown = encoding[:50].decode("latin-1")
        raise Refusal(415, f"the body has the Content-Encoding '{shown}'; send it without compression")


async def read_body(scope: Scope, receive: Receive, max_bytes: int, timeout_s: float) -> bytes:
    """The whole body of a request.

    Raises:
        Refusal: 413 larger than allowed; 408 not sent in time.
        ClientGone: hung up before the end.
    """
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value[:20]) > max_bytes:
            raise _too_large(max_bytes)
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    body: bytes = message.get("body", b"")
    if message.get("more_body", False):
        try:
            async with asyncio.timeout(timeout_s):
                body = await _read_on(body, receive, max_bytes)
        except TimeoutError:
            raise Refusal(408, f"the request did not arrive within {timeout_s:g} seconds") from None
    if len(body) > max_bytes:
        raise _too_large(max_bytes)
    return body


async def _read_on(body: bytes, receive: Receive, max_bytes: int) -> bytes:
    parts = [body]
    size = len(body)
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > max_bytes:
            raise _too_large(max_bytes)
        more = message.get("more_body", False)
    return b"".join(parts)


def _too_large(max_bytes: int) -> Refusal:
    return Refusal(413, f"the request is larger than {max_bytes} bytes; send fewer rows at once")
