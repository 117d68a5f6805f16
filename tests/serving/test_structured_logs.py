"""What the server's log says of requests, and what it keeps to itself."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator

import pytest
from example_server import ROW
from serving_clients import Client, MakeClient

from tilth.errors import DataError, GraphError, UsageError
from tilth.serving.scoring import Scorer
from tilth.serving.structured_logs import (
    JsonFormatter,
    LogFormat,
    TextFormatter,
    configure_logs,
    request_id_of,
)
from tilth.tables import PredictionLog

TRACE = "0af7651916cd43dd8448eb211c80319c"


Configure = Callable[[LogFormat], io.StringIO]


@pytest.fixture
def configure() -> Iterator[Configure]:
    """Log lines in a form, as the stream that they go to; put back afterwards."""
    undone: list[Callable[[], None]] = []
    httpx = logging.getLogger("httpx")
    before = httpx.level
    # The client in the tests has lines of its own.
    httpx.setLevel(logging.WARNING)

    def sent(style: LogFormat) -> io.StringIO:
        stream = io.StringIO()
        undone.append(configure_logs(style, stream))
        return stream

    yield sent
    for undo in undone:
        undo()
    httpx.setLevel(before)


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(_self: Scorer, _requests: object) -> list[object]:
        raise error

    monkeypatch.setattr(Scorer, "score", fail)


def test_an_error_is_one_line_of_json_without_what_was_sent(
    client: Client, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = configure("json")
    failing(monkeypatch, KeyError("a secret of the row"))
    headers = {"x-request-id": "order-7", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
    answer = client.post("/predict", {**ROW, "note": "another secret"}, headers=headers)
    assert answer.status_code == 500
    assert answer.json()["request_id"] == answer.headers["x-request-id"] == "order-7"
    (line,) = [json.loads(each) for each in stream.getvalue().splitlines() if '"error"' in each]
    assert line["level"] == "error"
    assert line["message"] == "/predict failed"
    assert (line["request_id"], line["trace_id"], line["error"]) == ("order-7", TRACE, "KeyError")
    assert line["where"][-1].startswith("tests/serving/test_structured_logs.py:")
    assert line["where"][-1].endswith(" fail")
    assert "secret" not in stream.getvalue() + answer.text


def test_the_same_for_people(client: Client, configure: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = configure("text")
    failing(monkeypatch, GraphError("the graph wants a column"))
    made_up = client.post("/predict", ROW).json()["request_id"]
    assert f"ERROR /predict failed [request_id={made_up}]\n  GraphError: the graph wants a column\n" in (
        stream.getvalue()
    )
    assert "Traceback" not in stream.getvalue()


def test_a_log_that_is_full_is_told_with_the_request(
    client: Client, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: PredictionLog, _predictions: object) -> list[str]:
        raise DataError("no space is left")

    stream = configure("json")
    monkeypatch.setattr(PredictionLog, "append", full)
    client.post("/predict", ROW, headers={"x-request-id": "order-8"})
    (line,) = [json.loads(each) for each in stream.getvalue().splitlines() if "order-8" in each]
    assert line["message"] == "/predict: no space is left"


def test_there_is_no_line_for_a_request_unless_asked_for(
    make_client: MakeClient, configure: Configure
) -> None:
    stream = configure("json")
    make_client().post("/predict", ROW)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["message"] for line in lines] == ["income version 1 answers from now on"]
    client = make_client(access_log=True)
    answer = client.post(
        "/predict?key=secret", {**ROW, "note": "secret"}, headers={"x-request-id": "order-9"}
    )
    (line,) = [json.loads(each) for each in stream.getvalue().splitlines() if "order-9" in each]
    assert {name: line[name] for name in ("message", "method", "endpoint", "status")} == {
        "message": "answered",
        "method": "POST",
        "endpoint": "/predict",
        "status": answer.status_code,
    }
    assert 0 < line["seconds"] < 60
    assert "secret" not in stream.getvalue()


@pytest.mark.parametrize("said", [b"", b"two words", b"a\nb", b"x" * 129, "ä".encode()])
def test_a_name_that_is_no_short_word_is_replaced(said: bytes) -> None:
    made = request_id_of({b"x-request-id": said})
    assert len(made) == 16
    assert made != request_id_of({b"x-request-id": said})


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()], ids=["json", "text"])
def test_a_record_is_one_line_whatever_is_in_it(formatter: logging.Formatter) -> None:
    record = logging.LogRecord("tilth", logging.INFO, "x.py", 1, "%s", ('quote " and \\',), None)
    assert len(formatter.format(record).splitlines()) == 1


def test_another_form_is_refused() -> None:
    with pytest.raises(UsageError, match="the log format 'xml' is not known"):
        configure_logs("xml")  # type: ignore[arg-type]


def test_it_is_undone() -> None:
    root = logging.getLogger()
    before = list(root.handlers), root.level, logging.getLogger("alembic").level
    undo = configure_logs("json", io.StringIO())
    assert len(root.handlers) == len(before[0]) + 1
    undo()
    assert (list(root.handlers), root.level, logging.getLogger("alembic").level) == before
