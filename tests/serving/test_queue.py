"""The queue: its bound, its deadlines, and slow graphs in a thread."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
import time
from collections.abc import Mapping
from typing import Any

import httpx
import numpy as np
import pytest
from example_server import ROW, income_model
from serving_clients import Client, MakeClient

from tilth.serving import ModelSource, ServedModel
from tilth.tables import read_predictions


class HeldGraph:
    """A graph that takes as long as it is held, once it is armed."""

    def __init__(self, model: ServedModel) -> None:
        self._graph = model.graph
        self.inputs = model.graph.inputs
        self.sizes: list[int] = []
        self.threads: list[str] = []
        self.seconds = 0.0
        self.free = threading.Event()
        self.free.set()

    def run(self, columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        self.sizes.append(len(columns["age"]))
        self.threads.append(threading.current_thread().name)
        time.sleep(self.seconds)
        assert self.free.wait(30)
        return self._graph.run(columns)


def held() -> tuple[HeldGraph, ModelSource]:
    model = income_model()
    graph = HeldGraph(model)
    served = dataclasses.replace(model, graph=graph)
    return graph, ModelSource(lambda: ("income", 1), lambda _name, _version: served)


def slowed(graph: HeldGraph, client: Client) -> None:
    """Let the server find out that the graph is slow."""
    graph.seconds = 0.02
    assert client.post("/predict", ROW).status_code == 200
    graph.seconds = 0.0
    graph.sizes.clear()
    graph.threads.clear()


async def send(client: Client, count: int, headers: dict[str, str] | None = None) -> list[httpx.Response]:
    transport = httpx.ASGITransport(client.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://server") as http:
        asked = (http.post("/predict", json={**ROW, "age": 20 + n}, headers=headers) for n in range(count))
        return list(await asyncio.gather(*asked))


async def until(holds: Any) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.002)


def test_more_than_may_wait_are_refused_and_the_others_answered(make_client: MakeClient) -> None:
    client = make_client(max_waiting=5)
    answers = client.run(send(client, 12))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) == 7
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    assert refused[0].json() == {"error": "too many requests are waiting; try again"}
    answered = {a.json()["prediction_id"] for a in answers if a.status_code == 200}
    assert answered == {prediction.id for prediction in read_predictions(client.directory)}
    assert len(answered) == 5
    assert 'tilth_refused_total{reason="too_many_waiting"} 7.0' in client.get("/metrics").text
    assert client.post("/predict", ROW).status_code == 200


def test_a_request_whose_time_is_over_is_not_predicted(make_client: MakeClient) -> None:
    client = make_client()
    late = client.post("/predict", ROW, headers={"x-request-timeout-ms": "0"})
    assert (late.status_code, late.headers["retry-after"]) == (503, "1")
    assert "deadline" in late.json()["error"]
    large = client.post("/predict", [ROW] * 1_000, headers={"x-request-timeout-ms": "0"})
    assert large.status_code == 503
    assert read_predictions(client.directory) == []
    assert 'tilth_refused_total{reason="deadline"} 2.0' in client.get("/metrics").text


def test_the_owner_sets_the_longest_deadline(make_client: MakeClient) -> None:
    client = make_client(deadline_s=0.0)
    assert client.post("/predict", ROW, headers={"x-request-timeout-ms": "60000"}).status_code == 503


def test_a_timeout_that_is_no_number_is_told(make_client: MakeClient) -> None:
    refused = make_client().post("/predict", ROW, headers={"x-request-timeout-ms": "-1"})
    assert refused.status_code == 400
    assert "X-Request-Timeout-Ms" in refused.json()["error"]


def test_a_slow_graph_gathers_its_next_batch_meanwhile(make_client: MakeClient) -> None:
    graph, source = held()
    client = make_client(source)
    slowed(graph, client)

    async def work() -> tuple[list[httpx.Response], int, float]:
        graph.free.clear()
        first = asyncio.create_task(send(client, 1))
        await until(lambda: graph.sizes)
        rest = asyncio.create_task(send(client, 7))
        metrics = await send_get(client, "/metrics")  # the loop is free meanwhile
        await asyncio.sleep(0.05)
        graph.free.set()
        return [*(await first), *(await rest)], metrics, 0.0

    answers, metrics, _ = client.run(work())
    assert metrics == 200
    assert [answer.status_code for answer in answers] == [200] * 8
    assert graph.sizes == [1, 7]
    assert graph.threads[0].startswith("tilth-batch")
    logged = {p.id: p.inputs["age"] for p in read_predictions(client.directory)}
    assert [logged[answer.json()["prediction_id"]] for answer in answers[1:]] == [20 + n for n in range(7)]


async def send_get(client: Client, path: str) -> int:
    transport = httpx.ASGITransport(client.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://server") as http:
        return (await http.get(path)).status_code


def test_deadlines_hold_while_a_batch_is_at_work(make_client: MakeClient) -> None:
    graph, source = held()
    client = make_client(source)
    slowed(graph, client)

    async def work() -> tuple[list[httpx.Response], list[httpx.Response]]:
        graph.free.clear()
        first = asyncio.create_task(send(client, 1))
        await until(lambda: graph.sizes)
        late = await send(client, 3, {"x-request-timeout-ms": "30"})  # answered although the graph is held
        graph.free.set()
        return await first, late

    first, late = client.run(work())
    assert first[0].status_code == 200
    assert [answer.status_code for answer in late] == [503] * 3
    assert graph.sizes == [1]
    assert len(read_predictions(client.directory)) == 2


def test_a_graph_that_has_become_quick_runs_on_the_loop_again(make_client: MakeClient) -> None:
    graph, source = held()
    client = make_client(source)
    slowed(graph, client)
    for _ in range(50):
        client.post("/predict", ROW)
        if graph.threads[-1] == threading.current_thread().name:
            break
    assert graph.threads[0] != graph.threads[-1] == threading.current_thread().name


def test_all_batch_sizes_are_warm_before_the_first_request(make_client: MakeClient) -> None:
    graph, source = held()
    make_client(source, batch_rows=64)
    assert graph.sizes[-7:] == [1, 2, 4, 8, 16, 32, 64]


def test_a_slow_graph_is_not_warmed_up_for_minutes(make_client: MakeClient) -> None:
    graph, source = held()
    graph.seconds = 0.3
    make_client(source, batch_rows=4096)
    assert len(graph.sizes) < 6


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_share_of_the_requests_is_logged(make_client: MakeClient, share: float) -> None:
    client = make_client(sample=share)
    ids = [answer.json()["prediction_id"] for answer in client.run(send(client, 200))]
    logged = {prediction.id: prediction.inputs["age"] for prediction in read_predictions(client.directory)}
    assert set(logged) == {each for each in ids if each is not None}
    assert [20 + n for n, each in enumerate(ids) if each is not None] == sorted(logged.values())
    assert share * 200 * 0.6 <= len(logged) <= share * 200 * 1.4


def test_a_full_disk_stops_or_counts(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for when_full, status in (("stop", 503), ("count", 200)):
        client = make_client(when_full=when_full)
        assert client.post("/predict", ROW).json()["prediction_id"]
        with monkeypatch.context() as patched:
            patched.setattr("os.write", full)
            answers = [client.post("/predict", [ROW, ROW]) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [status] * 3
        counts = client.get("/metrics").text
        assert 'tilth_log_failures_total{model="income"} 3.0' in counts
        if when_full == "stop":
            assert answers[0].headers["retry-after"] == "5"
        else:
            found = [each["prediction_id"] for each in answers[0].json()["predictions"]]
            assert found == [None, None]
            assert 'tilth_log_lost_total{model="income"} 6.0' in counts
            said = [line for line in caplog.messages if "not logged" in line]
            assert len(said) == 1
        assert client.post("/predict", ROW).json()["prediction_id"]
        assert len(read_predictions(client.directory)) == 2


def full(_file: int, _data: bytes) -> int:
    raise OSError(28, "No space left on device")


def test_a_model_is_taken_out_of_service_and_put_back(make_client: MakeClient) -> None:
    client = make_client()
    repository = "/v2/repository/models/income"
    assert client.post(f"{repository}/unload").status_code == 200
    refused = client.post("/predict", ROW)
    assert (refused.status_code, refused.json()["error"]) == (503, "income was taken out of service")
    assert client.get("/v2/models/income/ready").status_code == 503
    (listed,) = client.post("/v2/repository/index").json()
    assert (listed["state"], listed["reason"]) == ("UNAVAILABLE", "taken out of service")
    client.wait(0.2)
    assert client.get("/v2/health/ready").status_code == 503
    assert client.post(f"{repository}/load").status_code == 200
    assert client.post("/predict", ROW).status_code == 200
    assert client.post("/v2/repository/models/other/unload").status_code == 404
