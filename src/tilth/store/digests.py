"""Digests of bytes: the names of artifacts."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from tilth.errors import UsageError

__all__ = ["check_digest", "digest_of_bytes", "digest_of_file"]

_DIGEST = re.compile(r"[0-9a-f]{64}")


def digest_of_bytes(data: bytes) -> str:
    """The sha256 of bytes, in hex.

    Example:
        >>> digest_of_bytes(b"")[:12]
        'e3b0c44298fc'
    """
    return hashlib.sha256(data).hexdigest()


def digest_of_file(path: Path) -> str:
    """The sha256 of a file's bytes, in hex; memory stays small whatever its size."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_digest(digest: str) -> None:
    """Accept the sha256 in hex and nothing else, since digests become paths.

    Raises:
        UsageError: anything else.
    """
    if not _DIGEST.fullmatch(digest):
        raise UsageError(f"'{digest[:80]}' is not a digest", expected="64 lower-case hex digits (sha256)")
