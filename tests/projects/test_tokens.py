"""Tokens: shown once, kept as digests, found in constant time, and never half-written."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tilth.errors import NotFoundError, UsageError
from tilth.projects.tokens import create_token, read_tokens, revoke_token

LISTED = (
    b'{"format":1,"tokens":[{"id":"a","name":"x","sha256":"%s","scopes":["read"],'
    b'"created":"2026-01-01T00:00:00%s"}]}'
)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_token_is_found_and_its_text_is_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "tokens.json"
    text, token = create_token(path, "web", ["read", "predict"], expires=timedelta(days=90), now=NOW)
    assert token.scopes == ("predict", "read")
    assert token.expires == NOW + timedelta(days=90)
    assert not token.is_expired(NOW + timedelta(days=89))
    assert token.is_expired(NOW + timedelta(days=90))
    assert read_tokens(path).find(text.encode()) == token
    assert text.split("_", 2)[2] not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_like_a_token_is_none(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    text, _ = create_token(path, "web", ["predict"])
    tokens = read_tokens(path)
    for other in (text[:-1], text + "x", text.upper(), text[6:], "", "_", "__", "x" * 10_000, f" {text}"):
        assert tokens.find(other.encode()) is None
    assert tokens.find(b"\xff\x00_\xff_") is None


def test_a_name_is_taken_once_and_free_again_when_revoked(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    first, _ = create_token(path, "web", ["predict"])
    with pytest.raises(UsageError, match="there is a token called 'web' already"):
        create_token(path, "web", ["read"])
    revoke_token(path, "web")
    assert read_tokens(path).find(first.encode()) is None
    second, _ = create_token(path, "web", ["read"])
    assert second != first
    with pytest.raises(NotFoundError, match="there is no token called 'wep'") as caught:
        revoke_token(path, "wep")
    assert caught.value.mend == "did you mean 'web'?"


@pytest.mark.parametrize("name", ["", "a b", "../x", "-x", "x" * 65, "a\n"])
def test_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="is no name for a token"):
        create_token(tmp_path / "tokens.json", name, ["predict"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("scopes", "expires", "words"),
    [
        (["all"], None, "'all' is no scope"),
        ([], None, "a token needs a scope"),
        (["read"], timedelta(), "a token that has expired is of no use"),
        (["read"], timedelta(days=4_000_000), "a token cannot expire that late"),
    ],
)
def test_impossible_tokens(tmp_path: Path, scopes: list[str], expires: timedelta | None, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        create_token(tmp_path / "tokens.json", "web", scopes, expires=expires)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff" * 100,
        b"[" * 100_000,
        b'{"format":2,"tokens":[]}',
        b'{"format":1,"tokens":[{"name":"x"}]}',
        LISTED % (b"00", b"Z"),
        LISTED % (b"0" * 64, b""),
    ],
)
def test_other_files_are_no_tokens_and_are_left_as_they_are(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "tokens.json"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="this is no file of tokens"):
        read_tokens(path)
    with pytest.raises(UsageError, match="this is no file of tokens"):
        create_token(path, "web", ["predict"])
    assert path.read_bytes() == content


def test_a_file_that_others_may_change_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    create_token(path, "web", ["predict"])
    path.chmod(0o620)
    with pytest.raises(UsageError, match="others may write"):
        read_tokens(path)
    path.chmod(0o444)
    read_tokens(path)


def test_a_folder_is_no_file_of_tokens(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="this is a folder"):
        create_token(tmp_path, "web", ["predict"])


def test_processes_that_make_tokens_at_once_lose_none(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    code = (
        "import sys; from pathlib import Path; from tilth.projects.tokens import create_token\n"
        "for n in range(10): create_token(Path(sys.argv[1]), f'{sys.argv[2]}-{n}', ['read'])"
    )
    makers = [
        subprocess.Popen([sys.executable, "-c", code, str(path), str(n)], env={**os.environ})
        for n in range(3)
    ]
    assert [maker.wait(timeout=60) for maker in makers] == [0, 0, 0]
    names = {token.name for token in read_tokens(path).by_id.values()}
    assert names == {f"{n}-{k}" for n in range(3) for k in range(10)}
    assert {each.name for each in tmp_path.iterdir()} == {"tokens.json", ".tokens.json.lock"}
