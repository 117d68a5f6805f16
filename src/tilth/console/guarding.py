"""What no page of the console lets through: names that are not ours, and forms that other sites send."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection, MutableMapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["Guard", "is_our_host", "is_same_origin"]

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Stricter ones would take the Origin from the page's own forms.
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


class Guard:
    """Refuses requests that a browser was led to, and says in each answer that nobody else may use it.

    A site that a person visits can make the browser send requests to the machine itself. Those that change
    something come with a foreign Origin and are answered 403. Those that come under a name of that site's
    own which suddenly means this machine (DNS rebinding) are answered 421, because the name is not ours.

    Args:
        app: the application.
        host: the address that the server listens on.
    """

    def __init__(self, app: ASGIApp, host: str = "127.0.0.1") -> None:
        self._app = app
        self._names = frozenset({host.lower(), "localhost", socket.gethostname().lower()})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sealed(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._refusal(scope)
        await (refusal or self._app)(scope, receive, sealed)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if not is_our_host(headers.get("host", ""), self._names):
            return PlainTextResponse("this address is not one of the console's\n", 421)
        if scope["method"] not in ("GET", "HEAD") and not is_same_origin(headers):
            return PlainTextResponse("changes are taken from the console's own pages only\n", 403)
        return None


def is_our_host(host: str, names: Collection[str]) -> bool:
    """Whether a Host header names this server: one of the names, or any address in numbers.

    Only a name can be made to mean another machine, an address in numbers cannot.

    Example:
        >>> ours = {"localhost"}
        >>> [is_our_host(host, ours) for host in ("localhost:8080", "127.0.0.1", "[::1]:80", "evil.example")]
        [True, True, True, False]
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
        if name in names:
            return True
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_same_origin(headers: Headers) -> bool:
    """Whether a request that changes something comes from a page of the server that it is sent to.

    Browsers say so in Origin or, if that is missing, in Sec-Fetch-Site; what says neither is refused.

    Example:
        >>> from starlette.datastructures import Headers
        >>> ours = {"host": "localhost:8080", "origin": "http://localhost:8080"}
        >>> is_same_origin(Headers(ours)), is_same_origin(Headers({**ours, "origin": "http://evil.example"}))
        (True, False)
    """
    origin = headers.get("origin")
    if origin is not None:
        return origin.lower() in {f"{kind}://{headers.get('host', '').lower()}" for kind in ("http", "https")}
    return headers.get("sec-fetch-site") == "same-origin"
