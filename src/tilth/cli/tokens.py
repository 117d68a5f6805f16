"""Commands on the tokens of the prediction server: token create, token list, token revoke."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tilth.cli.inputs import Json
from tilth.cli.output import people, print_json, print_text
from tilth.cli.project import Directory
from tilth.errors import ProjectError, UsageError

if TYPE_CHECKING:
    from tilth.projects.tokens import Token
    from tilth.types import JSONObject, JSONValue

__all__ = ["create", "list_tokens", "revoke"]


def create(
    name: str,
    *,
    scopes: Annotated[list[str], Parameter(negative="")],
    expires: str | None = None,
    dir: Directory = Path(),  # noqa: A002
    json: Json = False,
) -> int:
    """Make a token and print it, this once; the file that [serve] tokens names keeps only its digest.

    Args:
        name: Whose it is.
        scopes: What it allows, with commas between: predict, feedback, deploy, read.
        expires: How long it is worth something, such as 90d or 12h; default: for ever.
    """
    from tilth.projects.tokens import create_token

    wanted = [part.strip() for given in scopes for part in given.split(",") if part.strip()]
    path = _file(dir)
    text, token = create_token(path, name, wanted, expires=_duration(expires))
    if json:
        print_json({**_document(token), "token": text})
        return 0
    print_text(text)
    people().print(f"this is shown once; {path} keeps only its digest", markup=False)
    people().print(f"  {_words(token)}", markup=False)
    return 0


def list_tokens(*, dir: Directory = Path(), json: Json = False) -> int:  # noqa: A002
    """The tokens: whose they are, what they allow, until when; never the tokens themselves."""
    from tilth.projects.tokens import read_tokens

    path = _file(dir)
    tokens = list(read_tokens(path).by_id.values()) if path.exists() else []
    if json:
        documents: list[JSONValue] = [_document(token) for token in tokens]
        print_json(documents)
    else:
        print_text("\n".join(_words(token) for token in tokens) or "no tokens")
    return 0


def revoke(name: str, *, dir: Directory = Path(), json: Json = False) -> int:  # noqa: A002
    """Take a token out of the file; servers let it in no more within a second.

    Args:
        name: Whose it is.
    """
    from tilth.projects.tokens import revoke_token

    token = revoke_token(_file(dir), name)
    if json:
        print_json(_document(token))
    else:
        people().print(f"the token '{token.name}' is revoked", markup=False)
    return 0


def _file(dir: Path) -> Path:  # noqa: A002
    from tilth.projects import Project

    project = Project.load(dir)
    said = project.configuration.serve.tokens
    if said is None:
        raise ProjectError(
            "this project's server asks for no tokens",
            where="tilth.toml",
            mend='name a file for them: tokens = "tokens.json" under [serve]',
        )
    return project.directory / said


def _duration(said: str | None) -> timedelta | None:
    from tilth.tables.event_times import parse_age

    if said is None:
        return None
    expected = "a time such as 90d, 12h or 8w"
    try:
        age = parse_age(said, "--expires")
    except UsageError as error:
        raise UsageError(f"--expires is '{said}'", expected=expected) from error
    if not isinstance(age, timedelta):
        raise UsageError(f"--expires is '{said}'", expected=expected)
    return age


def _document(token: Token) -> JSONObject:
    return {
        "name": token.name,
        "id": token.id,
        "scopes": list(token.scopes),
        "created": token.created.isoformat(),
        "expires": None if token.expires is None else token.expires.isoformat(),
        "expired": token.is_expired(datetime.now(UTC)),
    }


def _words(token: Token) -> str:
    if token.expires is None:
        until = "for ever"
    else:
        is_over = token.is_expired(datetime.now(UTC))
        until = f"{'expired' if is_over else 'until'} {token.expires:%Y-%m-%d %H:%M} UTC"
    return f"{token.name}  {', '.join(token.scopes)}  {until}  ({token.id})"
