"""Fixtures: a server in process, spoken to as ASGI, and one as a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from example_server import income_model, income_schema
from serving_clients import Client, MakeClient, ServerProcess

from tilth.schemas import Schema
from tilth.serving import ModelSource, ServingSettings, create_app, fixed_model
from tilth.tables import FeedbackLog, PredictionLog


@pytest.fixture
def make_client(tmp_path: Path) -> Iterator[MakeClient]:
    """A factory of clients; closes them afterwards."""
    clients: list[Client] = []

    def make(source: ModelSource | None = None, schema: Schema | None = None, **settings: Any) -> Client:
        directory = tmp_path / f"predictions{len(clients)}"
        logs = PredictionLog(directory), FeedbackLog(directory)
        app = create_app(
            source or fixed_model(income_model()),
            *logs,
            schema or income_schema(),
            settings=ServingSettings(**settings),
        )
        clients.append(Client(app, directory, logs))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(make_client: MakeClient) -> Client:
    """The income model, served with the default settings."""
    return make_client()


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """A factory of server processes; ends them afterwards."""
    servers: list[ServerProcess] = []

    def start(*arguments: str) -> ServerProcess:
        servers.append(ServerProcess(tmp_path / "predictions", *arguments))
        return servers[-1]

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.process.kill()
            server.process.communicate()
        for stream in (server.process.stdout, server.process.stderr):
            assert stream is not None
            stream.close()
