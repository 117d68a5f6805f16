"""The tokens that the prediction server lets in: made once, kept only as digests, in a file of their own."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import os
import re
import secrets
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import msgspec

from tilth.errors import NotFoundError, UsageError, closest

__all__ = ["SCOPES", "Scope", "Token", "Tokens", "create_token", "read_tokens", "revoke_token"]

Scope: TypeAlias = Literal["predict", "feedback", "deploy", "read"]
"""What a caller may do: ask for predictions, send outcomes, change what is served, read about the server."""

SCOPES: tuple[Scope, ...] = get_args(Scope)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SECRET_BYTES = 32
_LONGEST = 200
_MOST_BYTES = 16 * 1024 * 1024
_FORMAT = 1
_NOBODY = hashlib.sha256(b"").hexdigest()


class Token(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is kept of a token.

    Args:
        id: the public part of it, by which it is found.
        name: whose it is.
        sha256: the digest of the whole token in hexadecimal digits; the token itself is nowhere.
        scopes: what it allows.
        created: when it was made.
        expires: from when on it is worth nothing; None for never.
    """

    id: str
    name: str
    sha256: str
    scopes: tuple[Scope, ...]
    created: datetime
    expires: datetime | None = None

    def is_expired(self, now: datetime) -> bool:
        """Whether its time is over.

        Example:
            >>> day = datetime(2026, 1, 1, tzinfo=UTC)
            >>> token = Token(id="a", name="n", sha256="", scopes=("read",), created=day, expires=day)
            >>> token.is_expired(day)
            True
        """
        return self.expires is not None and now >= self.expires


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: int
    tokens: tuple[Token, ...]


@dataclass(frozen=True)
class Tokens:
    """All tokens of a file, ready to be asked.

    Args:
        by_id: each by its public part.

    Example:
        >>> Tokens({}).find(b"tilth_1234567890ab_secret") is None
        True
    """

    by_id: Mapping[str, Token]

    def find(self, presented: bytes) -> Token | None:
        """The token that this text is, expired or not; None where it is none of them.

        The secret part is never compared as such, only digests are, in constant time; a token that does not
        exist takes as long as one that does.

        Args:
            presented: what a client sent.
        """
        if len(presented) > _LONGEST:
            return None
        public = presented.decode("latin-1").split("_", 2)
        found = self.by_id.get(public[1]) if len(public) == 3 else None
        digest = hashlib.sha256(presented).hexdigest()
        is_it = hmac.compare_digest(digest, _NOBODY if found is None else found.sha256)
        return found if is_it else None


def read_tokens(path: Path) -> Tokens:
    """The tokens of a file.

    Raises:
        UsageError: the file is not there, is no file of tokens, or others than its owner may write to it.

    Example:
        >>> read_tokens(Path("nowhere.json"))
        Traceback (most recent call last):
        ...
        tilth.errors.UsageError: there is no file of tokens
          where: nowhere.json
          to mend it: make the first one with: tilth token create NAME --scopes predict
    """
    return Tokens({token.id: token for token in _read(path)})


def create_token(
    path: Path,
    name: str,
    scopes: Iterable[str],
    *,
    expires: timedelta | None = None,
    now: datetime | None = None,
) -> tuple[str, Token]:
    """Make a token and add what is kept of it to the file, which is made where there is none.

    Args:
        path: the file.
        name: whose it is; letters, digits, `.`, `_` and `-`, at most 64.
        scopes: what it allows.
        expires: how long it is worth something; None for ever.
        now: the present moment; for tests.

    Returns:
        The token, which cannot be had again, and what is kept of it.

    Raises:
        UsageError: a name that is taken or is no name, a scope that does not exist, a time that is none, or a
            file that cannot be read or written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     text, token = create_token(Path(folder, "tokens.json"), "web", ["predict"])
        ...     read_tokens(Path(folder, "tokens.json")).find(text.encode()) == token
        True
    """
    if not _NAME.fullmatch(name):
        expected = "1 to 64 letters, digits, '.', '_' or '-', the first a letter or digit"
        raise UsageError(f"'{name[:100]}' is no name for a token", expected=expected)
    now = (now or datetime.now(UTC)).replace(microsecond=0)
    public = secrets.token_hex(6)
    text = f"tilth_{public}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    token = Token(
        id=public,
        name=name,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        scopes=_known(scopes),
        created=now,
        expires=None if expires is None else _later(now, expires),
    )
    with _changing(path):
        present = _read(path) if path.exists() else ()
        if any(each.name == name for each in present):
            raise UsageError(
                f"there is a token called '{name}' already",
                where=str(path),
                mend=f"take another name, or revoke it first: tilth token revoke {name}",
            )
        _write(path, (*present, token))
    return text, token


def revoke_token(path: Path, name: str) -> Token:
    """Take a token out of the file; servers let it in no more within a second.

    Raises:
        NotFoundError: there is none of that name.
        UsageError: a file that cannot be read or written.
    """
    with _changing(path):
        present = _read(path)
        found = next((token for token in present if token.name == name), None)
        if found is None:
            near = closest(name, [token.name for token in present])
            raise NotFoundError(
                f"there is no token called '{name[:100]}'",
                where=str(path),
                mend=f"did you mean '{near}'?" if near else "see: tilth token list",
            )
        _write(path, tuple(token for token in present if token is not found))
    return found


def _known(scopes: Iterable[str]) -> tuple[Scope, ...]:
    asked = set(scopes)
    unknown = sorted(asked - set(SCOPES))
    if unknown or not asked:
        what = f"'{unknown[0][:100]}' is no scope" if unknown else "a token needs a scope"
        raise UsageError(what, expected=f"some of {', '.join(SCOPES)}")
    return tuple(scope for scope in SCOPES if scope in asked)


def _later(now: datetime, by: timedelta) -> datetime:
    if by <= timedelta():
        raise UsageError("a token that has expired is of no use", expected="a time such as 90d")
    try:
        return now + by
    except OverflowError:
        raise UsageError("a token cannot expire that late", expected="a time such as 90d") from None


def _read(path: Path) -> tuple[Token, ...]:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_MOST_BYTES)
    except FileNotFoundError:
        mend = "make the first one with: tilth token create NAME --scopes predict"
        raise UsageError("there is no file of tokens", where=str(path), mend=mend) from None
    except OSError as error:
        raise UsageError(f"the tokens cannot be read: {error.strerror}", where=str(path)) from None
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UsageError("others may write to the file of tokens", where=str(path), mend=f"chmod go-w {path}")
    try:
        found = msgspec.json.decode(content, type=_File)
        _check(found)
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"this is no file of tokens: {error}",
            where=str(path),
            expected="a file that `tilth token create` wrote",
            mend="bring it back as it was, or remove it and make new tokens",
        ) from None
    return found.tokens


def _check(found: _File) -> None:
    if found.format != _FORMAT:
        raise ValueError(f"it has the format {found.format}")
    for token in found.tokens:
        if not re.fullmatch("[0-9a-f]{64}", token.sha256):
            raise ValueError(f"the digest of '{token.name[:100]}' is no SHA-256")
        if any(each is not None and each.tzinfo is None for each in (token.created, token.expires)):
            raise ValueError(f"the times of '{token.name[:100]}' do not say in which zone they are")


@contextlib.contextmanager
def _changing(path: Path) -> Iterator[None]:
    """One process at a time changes the file; readers always find a whole one."""
    if path.is_dir():
        raise UsageError("this is a folder", where=str(path), expected="a file for tokens")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path.with_name(f".{path.name}.lock"), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UsageError(f"the tokens cannot be written: {error.strerror}", where=str(path)) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    except OSError as error:
        raise UsageError(f"the tokens cannot be written: {error.strerror}", where=str(path)) from None
    finally:
        os.close(lock)


def _write(path: Path, tokens: tuple[Token, ...]) -> None:
    real = Path(os.path.realpath(path))
    draft = real.with_name(f".{real.name}.{secrets.token_hex(4)}")
    content = msgspec.json.format(msgspec.json.encode(_File(_FORMAT, tokens)), indent=2)
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content + b"\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(real)
    finally:
        draft.unlink(missing_ok=True)
