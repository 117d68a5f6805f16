"""Calls over gRPC whose message does not come: nothing is kept for those who may not ask, or for ever."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from example_server import income_model, income_schema

from tilth.projects.tokens import create_token
from tilth.serving import GrpcAddress, ServingSettings, create_app, fixed_model
from tilth.serving.gate import TokenGate
from tilth.tables import FeedbackLog, PredictionLog

Told = tuple[str, str]
METHOD = "/inference.GRPCInferenceService/ModelInfer"


@pytest.fixture
def stall(tmp_path: Path) -> Iterator[Callable[[bool], Told]]:
    """Begins a call, with a token or without, and sends nothing: the status and its words."""
    text, _ = create_token(tmp_path / "tokens.json", "web", ["predict"])
    logs = PredictionLog(tmp_path / "p"), FeedbackLog(tmp_path / "p")

    def begun(with_token: bool) -> Told:
        return asyncio.run(_served(tmp_path, logs, (("authorization", f"Bearer {text}"),) * with_token))

    yield begun
    for log in logs:
        log.close()


async def _served(folder: Path, logs: Any, metadata: Any) -> Told:
    address = GrpcAddress("127.0.0.1", 0)
    app = create_app(
        fixed_model(income_model()),
        *logs,
        income_schema(),
        settings=ServingSettings(body_timeout_s=0.3),
        gate=TokenGate(folder / "tokens.json"),
        grpc=address,
    )
    async with app.router.lifespan_context(app):
        return await _stalled(address.port, metadata)


async def _stalled(port: int, metadata: Any) -> Told:
    import grpc

    gone = threading.Event()

    def nothing() -> Iterator[bytes]:
        gone.wait(30)
        yield from ()

    def call() -> Told:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            try:
                channel.stream_unary(METHOD)(nothing(), metadata=metadata, timeout=15)
            except grpc.RpcError as error:
                return error.code().name, error.details()
            finally:
                gone.set()
        return "OK", ""

    return await asyncio.to_thread(call)


def test_who_has_no_token_is_told_before_the_message(stall: Callable[[bool], Told]) -> None:
    assert stall(False) == ("UNAUTHENTICATED", "this needs a token: Authorization: Bearer TOKEN")


def test_a_message_that_does_not_come_is_not_waited_for(stall: Callable[[bool], Told]) -> None:
    assert stall(True) == ("DEADLINE_EXCEEDED", "the message did not come within 0.3 s")
