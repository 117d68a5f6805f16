"""How the server's log lines look: for people, or one JSON object a line.

Lines name the request and the trace that they are about, never what was sent or answered. Of an error that
was not foreseen they tell the kind and where it happened, not its message, which could quote a value.
"""

from __future__ import annotations

import datetime
import logging
import re
import secrets
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, get_args

import msgspec

from tilth.errors import RequestError, TilthError, UsageError

__all__ = ["JsonFormatter", "LogFormat", "TextFormatter", "configure_logs", "request_id_of"]

LogFormat = Literal["text", "json"]
_ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")
_FIELDS = ("request_id", "trace_id", "endpoint", "method", "status", "seconds")
_encode = msgspec.json.Encoder().encode


def request_id_of(headers: Mapping[bytes, bytes]) -> str:
    """What the caller named the request in X-Request-Id, where that is a short word; else a new name.

    Example:
        >>> request_id_of({b"x-request-id": b"order-7"})
        'order-7'
        >>> len(request_id_of({b"x-request-id": b"two words"}))
        16
    """
    said = headers.get(b"x-request-id", b"")
    return said.decode() if _REQUEST_ID.fullmatch(said) else secrets.token_hex(8)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, pid, and what the line is about.

    Example:
        >>> record = logging.LogRecord("tilth", logging.ERROR, "x.py", 1, "it %s", ("failed",), None)
        >>> record.created, record.request_id = 0.0, "order-7"
        >>> line = msgspec.json.decode(JsonFormatter().format(record))
        >>> line["time"], line["level"], line["message"], line["request_id"]
        ('1970-01-01T00:00:00.000Z', 'error', 'it failed', 'order-7')
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        line: dict[str, object] = {
            "time": _time(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "pid": record.process,
        }
        line |= {name: getattr(record, name) for name in _FIELDS if getattr(record, name, None) is not None}
        if record.exc_info and record.exc_info[0]:
            line["error"] = _kind(record.exc_info)
            line["where"] = _where(record.exc_info)
        return _encode(line).decode()


class TextFormatter(logging.Formatter):
    """A line for people: time, level, message, in brackets what it is about; below, where an error happened.

    Example:
        >>> record = logging.LogRecord("tilth", logging.ERROR, "x.py", 1, "it failed", (), None)
        >>> record.created, record.request_id = 0.0, "order-7"
        >>> TextFormatter().format(record)
        '1970-01-01T00:00:00.000Z ERROR it failed [request_id=order-7]'
    """

    def format(self, record: logging.LogRecord) -> str:
        """The lines of a record."""
        about = [f"{n}={getattr(record, n)}" for n in _FIELDS if getattr(record, n, None) is not None]
        line = f"{_time(record.created)} {record.levelname} {record.getMessage()}"
        line += f" [{' '.join(about)}]" if about else ""
        if record.exc_info and record.exc_info[0]:
            line += "".join(f"\n  {part}" for part in (_kind(record.exc_info), *_where(record.exc_info)))
        return line


def configure_logs(style: LogFormat = "text", stream: IO[str] | None = None) -> Callable[[], None]:
    """Send the log lines of this process to a stream (default: standard error), in that form.

    Returns:
        What undoes it.

    Raises:
        UsageError: a form that does not exist.
    """
    if style not in get_args(LogFormat):
        raise UsageError(f"the log format '{style}' is not known", expected="text or json")
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    root, alembic = logging.getLogger(), logging.getLogger("alembic")
    levels = {logger: logger.level for logger in (root, alembic)}
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    alembic.setLevel(logging.WARNING)

    def undo() -> None:
        root.removeHandler(handler)
        for logger, level in levels.items():
            logger.setLevel(level)

    return undo


def _time(seconds: float) -> str:
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _kind(found: _ExceptionInfo) -> str:
    """The kind of an error; the words of those that are written with care come along."""
    kind, error, _ = found
    name = "" if kind is None else kind.__name__
    has_words = isinstance(error, TilthError) and not isinstance(error, RequestError)
    return f"{name}: {error.what}" if has_words and isinstance(error, TilthError) else name


def _where(found: _ExceptionInfo) -> list[str]:
    """The places that an error came through, the deepest last."""
    frames = traceback.extract_tb(found[2])
    return [f"{'/'.join(Path(f.filename).parts[-3:])}:{f.lineno} {f.name}" for f in frames]
