"""What [serve] of tilth.toml says about security, as the server takes it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from pathlib import Path

from tilth.projects.serve_section import ServeSection
from tilth.serving.gate import TokenGate
from tilth.serving.tls import TlsFiles

__all__ = ["exposures", "gate_of", "tls_of"]


def gate_of(section: ServeSection, directory: Path) -> TokenGate | None:
    """What lets requests in; None where everybody may do everything.

    Args:
        section: of tilth.toml.
        directory: of the project, to which the file's path is relative.

    Raises:
        UsageError: the file is not there, or is no file of tokens.

    Example:
        >>> gate_of(ServeSection(), Path()) is None
        True
    """
    return None if section.tokens is None else TokenGate(directory / section.tokens)


def tls_of(section: ServeSection, directory: Path) -> TlsFiles | None:
    """Certificate and key; None where the server speaks without TLS.

    Args:
        section: of tilth.toml.
        directory: of the project, to which the paths are relative.
    """
    if section.tls_certificate is None or section.tls_key is None:
        return None
    return TlsFiles(directory / section.tls_certificate, directory / section.tls_key)


def exposures(section: ServeSection, host: str) -> Iterator[str]:
    """What others on the network could do, in words; nothing where only this machine is listened to.

    Args:
        section: of tilth.toml.
        host: the address that is listened on.

    Example:
        >>> next(exposures(ServeSection(admin_port=1), "0.0.0.0"))
        'anybody who reaches 0.0.0.0 may ask for predictions: [serve] tokens asks who'
        >>> list(exposures(ServeSection(), "127.0.0.1"))
        []
    """
    if not _is_here(host) and section.tokens is None:
        deploys = section.admin_port is None or not _is_here(section.admin_host)
        what = " and change what is served" if deploys else ""
        yield f"anybody who reaches {host} may ask for predictions{what}: [serve] tokens asks who"
    elif not _is_here(host) and section.tls_certificate is None:
        yield f"tokens travel to {host} in the clear: name [serve] tls_certificate, or let a proxy speak TLS"
    if section.admin_port is not None and not _is_here(section.admin_host) and section.tokens is None:
        yield f"anybody who reaches {section.admin_host} may manage the server: [serve] tokens asks who"


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
