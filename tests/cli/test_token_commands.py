"""tilth token create, list and revoke."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from project_factory import make_project
from tilth.projects.tokens import read_tokens

Ask = Callable[..., tuple[int, str, str]]


def guarded(folder: Path) -> Path:
    toml = make_project(folder).directory / "tilth.toml"
    text = toml.read_text()
    assert text.count("[serve]\n") == 1
    toml.write_text(text.replace("[serve]\n", '[serve]\ntokens = "tokens.json"\n'))
    return folder / "tokens.json"


def test_a_token_is_printed_once(tmp_path: Path, ask: Ask) -> None:
    path = guarded(tmp_path)
    status, out, err = ask(
        "token", "create", "web", "--scopes", "predict,feedback", "--expires", "90d", "--dir", tmp_path
    )
    assert status == 0, err
    token = read_tokens(path).find(out.strip().encode())
    assert token is not None
    assert (token.name, token.scopes) == ("web", ("predict", "feedback"))
    assert "this is shown once" in err
    assert out.strip() not in err
    status, out, err = ask("token", "list", "--dir", tmp_path)
    assert status == 0
    assert out.startswith("web  predict, feedback  until ")
    status, out, err = ask("token", "revoke", "web", "--dir", tmp_path)
    assert (status, "the token 'web' is revoked" in err) == (0, True)
    assert ask("token", "list", "--dir", tmp_path)[1] == "no tokens\n"


def test_as_json(tmp_path: Path, ask: Ask) -> None:
    guarded(tmp_path)
    made = json.loads(ask("token", "create", "a", "--scopes", "read", "--json", "--dir", tmp_path)[1])
    assert (made["name"], made["scopes"], made["expires"]) == ("a", ["read"], None)
    (listed,) = json.loads(ask("token", "list", "--json", "--dir", tmp_path)[1])
    assert listed == {name: value for name, value in made.items() if name != "token"}
    assert json.loads(ask("token", "revoke", "a", "--json", "--dir", tmp_path)[1]) == listed


def test_mistakes_say_what_to_do(tmp_path: Path, ask: Ask) -> None:
    make_project(tmp_path)
    status, _, err = ask("token", "create", "web", "--scopes", "predict", "--dir", tmp_path)
    assert (status, 'tokens = "tokens.json" under [serve]' in err) == (2, True)
    other = tmp_path / "other"
    other.mkdir()
    guarded(other)
    for arguments, words in (
        (("create", "web", "--scopes", "all"), "some of predict, feedback, deploy, read"),
        (("create", "web", "--scopes", "read", "--expires", "soon"), "a time such as 90d"),
        (("create", "web", "--scopes", "read", "--expires", "5"), "a time such as 90d"),
        (("revoke", "web"), "there is no file of tokens"),
    ):
        status, out, err = ask("token", *arguments, "--dir", other)
        assert (status, out) == (2, ""), arguments
        assert words in err, (arguments, err)
