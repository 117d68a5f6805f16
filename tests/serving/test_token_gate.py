"""Who is let in to what: tokens, scopes, their file while it changes, and wrong tokens without end."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from example_server import ROW, income_model, income_schema
from serving_clients import Client

from tilth.errors import UsageError
from tilth.projects.tokens import Tokens, create_token, read_tokens, revoke_token
from tilth.serving import create_app, fixed_model
from tilth.serving.answers import Refusal
from tilth.serving.gate import FailedTokens, TokenGate
from tilth.serving.request import Request
from tilth.tables import FeedbackLog, PredictionLog, read_predictions

Make = Callable[..., str]


class Watch:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tokens.json"


@pytest.fixture
def guarded(path: Path, tmp_path: Path) -> Iterator[tuple[Client, dict[str, str]]]:
    """A server in process with a token for each scope, by its scope."""
    texts = {s: create_token(path, s, [s])[0] for s in ("predict", "feedback", "deploy", "read")}
    directory = tmp_path / "predictions"
    logs = PredictionLog(directory), FeedbackLog(directory)
    app = create_app(fixed_model(income_model()), *logs, income_schema(), gate=TokenGate(path))
    client = Client(app, directory, logs)
    yield client, texts
    client.close()


def bearer(text: str) -> dict[str, str]:
    return {"authorization": f"Bearer {text}"}


ROUTES = [
    ("POST", "/predict", "predict"),
    ("POST", "/predict/income", "predict"),
    ("POST", "/predict/income/versions/1", "predict"),
    ("POST", "/invocations", "predict"),
    ("POST", "/v2/models/income/infer", "predict"),
    ("POST", "/v2/models/income/versions/1/infer", "predict"),
    ("POST", "/feedback", "feedback"),
    ("POST", "/v2/repository/index", "read"),
    ("POST", "/v2/repository/models/income/load", "deploy"),
    ("POST", "/v2/repository/models/income/unload", "deploy"),
    ("GET", "/version", "read"),
    ("GET", "/v2", "read"),
    ("GET", "/v2/models", "read"),
    ("GET", "/v2/models/income", "read"),
    ("GET", "/v2/models/income/versions/1", "read"),
    ("GET", "/metrics", "read"),
    ("GET", "/openapi.json", "read"),
    ("GET", "/", "read"),
]
OPEN = [
    "/v2/health/live",
    "/v2/health/ready",
    "/ping",
    "/health",
    "/v2/models/income/ready",
    "/v2/models/income/versions/1/ready",
]


def call(client: Client, method: str, path: str, headers: dict[str, str]) -> int:
    async def send() -> int:
        answer = await client._http.request(method, path, headers=headers, content=b"{}")
        if answer.status_code == 401:
            assert answer.headers["www-authenticate"].startswith('Bearer realm="tilth"')
        if answer.status_code == 403:
            assert f'error="insufficient_scope", scope="{needed(path)}"' in answer.headers["www-authenticate"]
        return answer.status_code

    return client.run(send())


def needed(path: str) -> str:
    return next(scope for _, each, scope in ROUTES if each == path)


def test_every_route_needs_its_scope_and_no_other(guarded: tuple[Client, dict[str, str]]) -> None:
    client, texts = guarded
    listed = {tuple(each.split(" ", 1)) for each in client.run(_endpoints(client, texts["read"]))}
    named = {path.replace("/income", "/{model}").replace("/1", "/{version}") for _, path, _ in ROUTES}
    named |= {path.replace("/income", "/{model}").replace("/1", "/{version}") for path in OPEN}
    assert {path.replace("{name}", "{model}") for _, path in listed} == named
    for method, path, scope in ROUTES:
        assert call(client, method, path, {}) == 401, path
        assert call(client, method, path, bearer("tilth_0123456789ab_x")) in (401, 429), path
        for other, text in texts.items():
            status = call(client, method, path, bearer(text))
            if other == scope:
                assert status not in (401, 403, 429, 500), (path, other, status)
            else:
                assert status == 403, (path, other, status)


async def _endpoints(client: Client, text: str) -> list[str]:
    answer = await client._http.get("/", headers=bearer(text))
    found: list[str] = answer.json()["endpoints"]
    return found


def test_health_is_open(guarded: tuple[Client, dict[str, str]]) -> None:
    client, _ = guarded
    for path in OPEN:
        assert client.get(path).status_code == 200, path


def test_nothing_is_predicted_or_logged_without_a_token(guarded: tuple[Client, dict[str, str]]) -> None:
    client, texts = guarded
    assert client.post("/predict", ROW).status_code == 401
    assert client.post("/predict", ROW, headers=bearer(texts["predict"])).status_code == 200
    assert len(read_predictions(client.directory)) == 1


@pytest.mark.parametrize(
    "said",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic {}",
        "Token {}",
        "{}",
        "Bearer x{}",
        "Bearer {}x",
        "Bearer {} {}",
        "Bearer\t{}",
    ],
)
def test_other_ways_of_saying_it(guarded: tuple[Client, dict[str, str]], said: str) -> None:
    client, texts = guarded
    text = texts["predict"]
    header = {"authorization": said.replace("{}", text)}
    answer = client.post("/predict", ROW, headers=header)
    assert answer.status_code == 401
    assert text not in answer.text


def test_the_word_bearer_may_be_written_in_any_case(guarded: tuple[Client, dict[str, str]]) -> None:
    client, texts = guarded
    header = {"authorization": f"BEARER  {texts['predict']} "}
    assert client.post("/predict", ROW, headers=header).status_code == 200


def asked(gate: TokenGate, text: str, address: str = "192.0.2.1") -> int:
    headers = {b"authorization": b"Bearer " + text.encode()}
    try:
        gate(Request(headers, scope={"client": (address, 1)}), "predict")
    except Refusal as refusal:
        return refusal.status
    return 200


def test_the_file_is_followed_within_a_second(path: Path) -> None:
    first, _ = create_token(path, "first", ["predict"])
    watch = Watch()
    gate = TokenGate(path, clock=watch)
    second, _ = create_token(path, "second", ["predict"])
    revoke_token(path, "first")
    assert (asked(gate, first), asked(gate, second)) == (200, 401)
    watch.now += 1.0
    assert (asked(gate, first), asked(gate, second)) == (401, 200)


def test_a_damaged_file_lets_nobody_in_until_it_is_mended(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text, _ = create_token(path, "web", ["predict"])
    whole = path.read_bytes()
    watch = Watch()
    gate = TokenGate(path, clock=watch)
    for damage in (lambda: path.write_bytes(b"{"), path.unlink):
        damage()
        watch.now += 1.0
        assert asked(gate, text) == 401
    assert [record.message.split(":")[0] for record in caplog.records] == ["nobody is let in"] * 2
    path.write_bytes(whole)
    watch.now += 1.0
    assert asked(gate, text) == 200


def test_a_mode_that_was_mended_is_noticed_without_a_new_file(path: Path) -> None:
    text, _ = create_token(path, "web", ["predict"])
    watch = Watch()
    gate = TokenGate(path, clock=watch)
    for mode, status in ((0o666, 401), (0o600, 200)):
        path.chmod(mode)
        watch.now += 1.0
        assert asked(gate, text) == status


def test_a_file_that_could_not_be_read_for_a_moment_is_read_again(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    text, _ = create_token(path, "web", ["predict"])
    watch = Watch()
    gate = TokenGate(path, clock=watch)
    create_token(path, "another", ["predict"])
    with monkeypatch.context() as full:
        full.setattr(Path, "open", _no_handles)
        for _ in range(3):
            watch.now += 1.0
            assert asked(gate, text) == 401
    assert len(caplog.records) == 1
    watch.now += 1.0
    assert asked(gate, text) == 200


def _no_handles(*_arguments: object, **_options: object) -> None:
    raise OSError(errno.EMFILE, "Too many open files")


def test_a_token_revoked_while_the_server_starts_is_let_in_no_longer(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, _ = create_token(path, "web", ["predict"])

    def read_and_revoke(file: Path) -> Tokens:
        found = read_tokens(file)
        revoke_token(file, "web")
        return found

    watch = Watch()
    with monkeypatch.context() as starting:
        starting.setattr("tilth.serving.gate.read_tokens", read_and_revoke)
        gate = TokenGate(path, clock=watch)
    watch.now += 1.0
    assert asked(gate, text) == 401


def test_an_expired_token_is_worth_nothing(path: Path) -> None:
    past = datetime.now(UTC) - timedelta(hours=2)
    text, _ = create_token(path, "web", ["predict"], expires=timedelta(hours=1), now=past)
    assert asked(TokenGate(path), text) == 401


def test_a_server_does_not_start_without_its_tokens(path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file of tokens"):
        TokenGate(path)


def test_wrong_tokens_without_end_are_told_to_wait_and_right_ones_are_not(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text, _ = create_token(path, "web", ["predict"])
    watch = Watch()
    gate = TokenGate(path, clock=watch)
    assert [asked(gate, "wrong") for _ in range(32)] == [401] * 30 + [429] * 2
    assert asked(gate, "wrong", "192.0.2.2") == 401
    assert asked(gate, text) == 200
    assert [record.message for record in caplog.records] == ["30 requests with a wrong token from 192.0.2.1"]
    watch.now += 60.0
    assert asked(gate, "wrong") == 401


def test_many_addresses_take_bounded_memory() -> None:
    failed = FailedTokens(addresses=100)
    for n in range(10_000):
        assert failed.wait_s(str(n), 0.0) == 0.0
    assert len(failed._seen) == 100
