"""The gate: lets in requests whose bearer token allows what they ask for."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from tilth.errors import UsageError
from tilth.projects.tokens import Token, Tokens, read_tokens
from tilth.serving.answers import Refusal
from tilth.serving.endpoint import Permission
from tilth.serving.request import Request

__all__ = ["FailedTokens", "TokenGate"]

_log = logging.getLogger("tilth.serving")

_LOOKED_AT_S = 1.0
_REALM = b'Bearer realm="tilth"'

_Stamp = tuple[int, int, int]


class FailedTokens:
    """Counts the wrong tokens that an address sends, and says when they are too many.

    Only wrong tokens are counted and refused: nobody can shut out others behind the same address, and a
    secret of 256 bits is not found by trying. The bound keeps a broken client from filling the log, and
    tells it when to come again. Memory is bounded too.

    Args:
        allowed: how many an address may send in a window.
        window_s: how long a window is.
        addresses: how many addresses are remembered.

    Example:
        >>> failed = FailedTokens(allowed=2, window_s=60)
        >>> [failed.wait_s("192.0.2.1", now) for now in (0.0, 1.0, 2.0, 61.0)]
        [0.0, 0.0, 58.0, 0.0]
    """

    def __init__(self, allowed: int = 30, window_s: float = 60.0, addresses: int = 4096) -> None:
        self._allowed = allowed
        self._window_s = window_s
        self._addresses = addresses
        self._seen: dict[str, tuple[float, int]] = {}

    def wait_s(self, address: str, now: float) -> float:
        """Note a wrong token; how long the address should wait before the next, 0 where it need not.

        Args:
            address: of the client.
            now: on any clock, in seconds.
        """
        began, count = self._seen.pop(address, (now, 0))
        if now - began >= self._window_s:
            began, count = now, 0
        if len(self._seen) >= self._addresses:
            del self._seen[next(iter(self._seen))]  # the one that has been quiet longest
        self._seen[address] = (began, count + 1)
        if count + 1 == self._allowed:
            _log.warning("%d requests with a wrong token from %s", count + 1, address)
        return 0.0 if count < self._allowed else began + self._window_s - now


class TokenGate:
    """Lets in requests by the tokens of a file, and follows the file when it changes.

    The file is looked at once a second at most, so a token that was revoked is let in no longer than that.
    Where it cannot be read any more nobody is let in, and the log says why.

    Args:
        path: the file that `tilth token create` writes.
        clock: for tests.

    Raises:
        UsageError: the file is not there, or is no file of tokens.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._stamp: _Stamp | None = _stamp(path)  # before it is read: what changes meanwhile is read again
        self._tokens = read_tokens(path)
        self._problem: str | None = None
        self._looked = clock()
        self._looking = threading.Lock()
        self._failed = FailedTokens()

    def __call__(self, request: Request, permission: Permission) -> None:
        """Let a request in.

        Raises:
            Refusal: 401 without a token that is known and not expired, 403 where the token does not allow
                this, 429 after too many wrong ones.
        """
        now = self._clock()
        if now - self._looked >= _LOOKED_AT_S:
            self._follow(now)
        said = request.headers.get(b"authorization")
        if said is None:
            raise _unknown("this needs a token: Authorization: Bearer TOKEN", _REALM)
        token = self._tokens.find(said[7:].strip()) if said[:7].lower() == b"bearer " else None
        if token is None or token.is_expired(datetime.now(UTC)):
            raise self._wrong(request, token, now)
        if permission not in token.scopes:
            raise Refusal(
                403,
                f"the token '{token.name}' does not allow this; it needs the scope '{permission}'",
                headers=(
                    (
                        b"www-authenticate",
                        b'%s, error="insufficient_scope", scope="%s"' % (_REALM, permission.encode()),
                    ),
                ),
            )

    def _wrong(self, request: Request, token: Token | None, now: float) -> Refusal:
        client = (request.scope or {}).get("client")
        wait_s = self._failed.wait_s(client[0] if client else "gRPC", now)
        if wait_s > 0:
            return Refusal(
                429,
                "too many requests with a wrong token",
                headers=((b"retry-after", b"%d" % (int(wait_s) + 1)),),
                reason="unauthenticated",
            )
        what = "the token is not known" if token is None else f"the token '{token.name}' has expired"
        return _unknown(what, _REALM + b', error="invalid_token"')

    def _follow(self, now: float) -> None:
        """Read the file again where it is another one than before."""
        if not self._looking.acquire(blocking=False):
            return  # another thread is at it
        try:
            self._looked = now
            stamp = _stamp(self._path)
            if stamp == self._stamp and self._problem is None:
                return
            try:
                self._tokens, problem = read_tokens(self._path), None
            except UsageError as error:  # tried again at every look: it may pass without a change of the file
                self._tokens, problem = Tokens({}), error.what
            if problem is not None and problem != self._problem:
                _log.error("nobody is let in: %s (%s)", problem, self._path.name)
            self._stamp, self._problem = stamp, problem
        finally:
            self._looking.release()


def _unknown(what: str, challenge: bytes) -> Refusal:
    """Status 401 with what RFC 6750 wants to stand in WWW-Authenticate."""
    return Refusal(401, what, headers=((b"www-authenticate", challenge),))


def _stamp(path: Path) -> _Stamp | None:
    """What changes when a file does; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_ctime_ns, found.st_size  # which changes with its mode as well
