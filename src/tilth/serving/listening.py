"""The sockets that a server listens on."""

from __future__ import annotations

import socket
import sys

from tilth.errors import UsageError

__all__ = ["listen", "reserve"]

_BACKLOG = 2048


def listen(host: str, port: int, workers: int = 1) -> list[socket.socket]:
    """A listening socket for each worker, all on one port.

    On Linux the system spreads connections evenly over the sockets. They stay open with whoever holds them,
    so that connections to a worker that died wait for the one that takes its place. Elsewhere all workers
    share one socket.

    Args:
        host: an address of this machine.
        port: 0 takes a free one.
        workers: how many sockets.

    Raises:
        UsageError: the address cannot be listened on.

    Example:
        >>> first, second = listen("127.0.0.1", 0, workers=2)
        >>> first.getsockname() == second.getsockname()
        True
        >>> first.close(), second.close()
        (None, None)
    """
    if workers == 1 or not sys.platform.startswith("linux"):
        alone = _listen(host, port)
        return [alone, *(alone.dup() for _ in range(workers - 1))]
    # Several servers may share a port in this way; a first look without it finds those that have it already.
    alone = _bind(host, port)
    port = alone.getsockname()[1]
    alone.close()
    return [_listen(host, port, shared=True) for _ in range(workers)]


def reserve(host: str, port: int) -> socket.socket:
    """A socket that keeps a port for others that share it, and takes no connections itself.

    Raises:
        UsageError: the address cannot be listened on.
    """
    alone = _bind(host, port)
    port = alone.getsockname()[1]
    alone.close()
    return _bind(host, port, shared=True)


def _listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    listener = _bind(host, port, shared=shared)
    try:
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise _cannot(host, port, error) from None
    return listener


def _bind(host: str, port: int, *, shared: bool = False) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family=family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise _cannot(host, port, error) from None
    return listener


def _cannot(host: str, port: int, error: OSError | OverflowError) -> UsageError:
    why = error.strerror if isinstance(error, OSError) else str(error)
    return UsageError(
        f"cannot listen on {host}:{port}: {why}",
        expected="an address of this machine and a free port",
        mend="choose another port, or stop what uses this one",
    )
