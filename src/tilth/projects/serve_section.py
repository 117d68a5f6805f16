"""[serve] of tilth.toml, what it says of the prediction log, and the bounds of both."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from typing import Literal

import msgspec

from tilth.errors import UsageError
from tilth.projects.task_rules import Misfit
from tilth.tables.event_times import parse_age

__all__ = ["LogSection", "ServeSection", "serve_misfits"]


_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\[\]:_-]+")


class LogSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is kept of the predictions that were answered, and for how long."""

    sample: float = 1.0
    when_full: Literal["stop", "count"] = "stop"
    keep: str | None = None
    roll: str = "10m"
    roll_mb: int = 64
    sink: str | None = None


class ServeSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The prediction server."""

    host: str = "127.0.0.1"
    port: int = 8080
    grpc: bool = True
    grpc_port: int | None = None
    workers: int = 1
    threads: int = 0
    versions: list[str] = []
    projects: list[str] = []
    entity: str | None = None
    explain: bool = False
    unexpected_values: Literal["accept", "reject", "unknown"] = "accept"
    max_rows: int = 10_000
    max_body_mb: int = 32
    max_waiting: int = 1024
    batch_rows: int = 256
    deadline_ms: int = 10_000
    tokens: str | None = None
    tls_certificate: str | None = None
    tls_key: str | None = None
    admin_host: str = "127.0.0.1"
    admin_port: int | None = None
    cors: list[str] = []
    log: LogSection = LogSection()


def serve_misfits(section: ServeSection) -> Iterator[Misfit]:
    """What contradicts itself or is out of range: section, what, what was expected."""
    ports = {"port": section.port, "grpc_port": section.grpc_port, "admin_port": section.admin_port}
    for name, port in ports.items():
        if port is not None and not 0 <= port <= 65535:
            yield "serve", f"{name} is out of range", "0 to 65535"
    for name, least in _LEAST.items():
        if getattr(section, name) < least:
            yield "serve", f"{name} is {getattr(section, name)}", f"{least} or more"
    if (section.tls_certificate is None) is not (section.tls_key is None):
        yield "serve", "tls_certificate and tls_key go together", "both, or none"
    for origin in section.cors:
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            yield "serve", f"cors has '{origin[:100]}'", 'origins such as "https://example.org", or "*"'
    yield from _log_misfits(section.log)


def _log_misfits(log: LogSection) -> Iterator[Misfit]:
    if not 0 <= log.sample <= 1:
        yield "serve.log", f"sample is {log.sample}", "a share between 0 and 1"
    if log.sink is not None and not log.sink.strip():
        yield "serve.log", "sink is empty", "a folder, an address such as s3://bucket/path, or no sink at all"
    if log.roll_mb < 1:
        yield "serve.log", f"roll_mb is {log.roll_mb}", "1 or more"
    for name, text in (("keep", log.keep), ("roll", log.roll)):
        if text is not None and _duration(text) is None:
            yield "serve.log", f"{name} is '{text}'", 'a time such as "10m", "12h" or "90d"'
    roll = _duration(log.roll)
    if roll is not None and roll < datetime.timedelta(seconds=1):
        yield "serve.log", f"roll is '{log.roll}'", "1s or more"


def _duration(text: str) -> datetime.timedelta | None:
    try:
        age = parse_age(text, "it")
    except UsageError:
        return None
    return age if isinstance(age, datetime.timedelta) else None


_LEAST = {
    "workers": 1,
    "threads": 0,
    "max_rows": 1,
    "max_body_mb": 1,
    "max_waiting": 1,
    "batch_rows": 1,
    "deadline_ms": 1,
}
