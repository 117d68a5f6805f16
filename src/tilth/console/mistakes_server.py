"""The page of mistakes behind a server, until it is told to stop."""

from __future__ import annotations

import getpass
import ipaddress
import logging
from collections.abc import Callable

from tilth.console.desk import Desk
from tilth.console.mistakes_page import create_mistakes_page
from tilth.pipelines.errors import Mistakes
from tilth.serving import ServingSettings, serve

__all__ = ["serve_mistakes"]

_SETTINGS = ServingSettings(shutdown_timeout_s=3)


def serve_mistakes(
    mistakes: Mistakes,
    *,
    title: str,
    host: str = "127.0.0.1",
    port: int = 0,
    started: Callable[[str, int], None] | None = None,
) -> None:
    """Serve the page on which mistakes are looked at and tagged; returns after SIGTERM or SIGINT.

    Whoever reaches the address sees the rows and can tag them: the default is this machine alone.

    Args:
        mistakes: the rows and the tags; the caller closes it afterwards.
        title: of the page.
        host: the address to listen on.
        port: the port; 0 takes a free one.
        started: told the host and the port once the page answers.

    Raises:
        UsageError: the address cannot be listened on.
    """
    logging.getLogger("alembic").setLevel(logging.WARNING)
    app = create_mistakes_page(Desk(mistakes, title), host=host, suggested=_user() if _is_local(host) else "")
    serve(app, host, port, settings=_SETTINGS, started=started)


def _is_local(host: str) -> bool:
    """Whether only this machine can be meant, so that whoever comes is most likely who started the server."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _user() -> str:
    """The name of the account; "" where it has none, as in some containers."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
