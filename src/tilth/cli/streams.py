"""Standard output and error, and files, written so that nothing is half done or lost.

A reader that has seen enough and goes away (`tilth ... | head`) ends the output, and nothing else: the
command goes on, and its exit status says how it ended. This module loads nothing, so `tilth --help` is quick.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from pathlib import Path
from typing import TextIO

from tilth.errors import DataError

__all__ = ["discard", "put", "say", "visible", "write_whole"]

_CONTROLS = {n: f"\\x{n:02x}" for n in (*range(32), *range(127, 160)) if n not in (9, 10)}


def visible(text: str) -> str:
    r"""The text as a terminal may have it: a name in the data must not move its cursor or change its colors.

    Example:
        >>> print(visible("\x1b[31mred"))
        \x1b[31mred
    """
    return text.translate(_CONTROLS)


def say(text: str) -> None:
    """A sentence for people, on standard error."""
    put(sys.stderr, visible(text))


def put(stream: TextIO | None, text: str) -> None:
    """Write lines at once, so that nothing is left for the interpreter to fail at when it ends.

    Raises:
        OSError: the disk is full; not that the reader is gone.
    """
    if stream is None:  # closed by whoever started the command
        return
    try:
        stream.write(f"{text}\n")
        stream.flush()
    except BrokenPipeError:
        discard(stream)
    except OSError:
        discard(stream)
        raise


def discard(stream: TextIO) -> None:
    """Let all that is still written to a stream go nowhere."""
    with contextlib.suppress(OSError, ValueError):  # a stream without a file of its own
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def write_whole(path: Path, text: str) -> None:
    """Write a whole file or none, whoever else writes it at the same time.

    A link is followed; a pipe or device, such as /dev/stdout, is written to as it is.

    Raises:
        DataError: the file cannot be written.
    """
    try:
        real = Path(os.path.realpath(path))
        if real.exists() and not real.is_file():
            with path.open("w", encoding="utf-8") as file:
                file.write(text)
        else:
            _replace(real, text)
    except BrokenPipeError:
        return
    except OSError as error:
        raise DataError(f"the file cannot be written: {error.strerror or error}", where=str(path)) from error


def _replace(path: Path, text: str) -> None:
    waiting = path.with_name(f".{path.name[:200]}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with waiting.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        waiting.replace(path)
    finally:
        waiting.unlink(missing_ok=True)
