"""The state of a project's code as git knows it: the commit, and what differs from it."""

from __future__ import annotations

import contextlib
import fnmatch
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO

from tilth.pipelines.environment import without_credentials
from tilth.types import JSONObject

__all__ = ["CodeState", "code_state"]

LARGEST_DIFF = 1_000_000
"""Bytes of a diff that are kept; the files after that are named, and their changes left out."""

_PATIENCE_S = 20.0
_MOST_NAMES = 50
_PIECE = 65_536
_SECRET_NAMES = (
    ".env", ".env.*", "*.env", ".netrc", ".npmrc", ".pypirc", ".htpasswd", "*.pem", "*.key", "*.p12", "*.pfx",
    "*.jks", "*.keystore", "*.kdbx", "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "*credential*",
    "*secret*", "*password*", "service-account*.json", "service_account*.json",
)  # fmt: skip
_SECRET_TEXT = re.compile(
    rb"-----BEGIN [A-Z ]*PRIVATE KEY-----"
    rb"|\b(AKIA|ASIA)[0-9A-Z]{16}\b"
    rb"|\bgh[pousr]_[0-9A-Za-z]{36}|\bgithub_pat_[0-9A-Za-z_]{40}|\bglpat-[0-9A-Za-z_-]{20}"
    rb"|\bxox[abprs]-[0-9A-Za-z-]{10}|\bsk-[0-9A-Za-z_-]{20}|\bAIza[0-9A-Za-z_-]{35}"
    rb"|://[^/\s:@'\"]+:[^/\s@'\"]+@"
    rb"|(password|passwd|secret|token|api_?key|access_?key)\w*['\"]?\s*[:=]\s*['\"][0-9A-Za-z+/_=.~!@#$%^&*-]{8,}['\"]",
    re.IGNORECASE,
)
_LOCATING = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_COMMON_DIR",
    "GIT_PREFIX",
)
"""What a hook of another repository would lead git astray with."""


@dataclass(frozen=True)
class CodeState:
    """The code of a project when a run began.

    Args:
        commit: the commit that is checked out; None where there is none.
        branch: the branch; None where none is checked out.
        remote: the URL of `origin`, without credentials; None where there is none.
        dirty: whether tracked files differ from the commit.
        changed: the tracked files that differ, at most 50; paths are those within the repository.
        withheld: those whose changes are not kept, since they may hold secrets or are too long.
        untracked: files of the project's folder that git neither tracks nor ignores, at most 50.
        note: what keeps the commit from telling the code; None where nothing does.
        diff: what differs, for `git apply`; not part of the JSON.
    """

    commit: str | None = None
    branch: str | None = None
    remote: str | None = None
    dirty: bool = False
    changed: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    untracked: tuple[str, ...] = ()
    note: str | None = None
    diff: bytes = b""

    @property
    def summary(self) -> str:
        """The state in a few words, such as "1f0c2ab on main, 2 files changed"."""
        if self.commit is None:
            return self.note or "no commit"
        where = f" on {self.branch}" if self.branch else ""
        count = len(self.changed)
        changes = f", {count} file{'' if count == 1 else 's'} changed" if self.dirty else ""
        return f"{self.commit[:7]}{where}{changes}"

    def to_json(self) -> JSONObject:
        """The state as JSON values, without the diff."""
        document = asdict(self)
        del document["diff"]
        return {name: list(value) if isinstance(value, tuple) else value for name, value in document.items()}

    @classmethod
    def from_json(cls, document: JSONObject) -> CodeState:
        """What `to_json` gave."""
        given = {name: tuple(v) if isinstance(v, list) else v for name, v in document.items()}
        return cls(**given)  # type: ignore[arg-type]


def code_state(folder: Path, *, largest_diff: int = LARGEST_DIFF) -> CodeState:
    """The state of the code of the git working tree that a folder lies in.

    Only what git tracks is looked at; of other files only the names. Nothing is written, not even git's own
    index. Where there is no git, or no repository, the note says so; it is never an error.

    Args:
        folder: the project's folder.
        largest_diff: bytes of the diff that are kept.
    """
    try:
        return _state(folder, largest_diff)
    except FileNotFoundError:
        return CodeState(note="git is not installed")
    except subprocess.TimeoutExpired:
        return CodeState(note=f"git did not answer within {_PATIENCE_S:.0f} seconds")
    except OSError as error:
        return CodeState(note=f"git cannot be asked: {error.strerror or error}")
    except _GitError as error:
        said = "not in a git working tree" if "not a git repository" in str(error) else str(error)
        return CodeState(note=said)


class _GitError(Exception):
    """Git answered with an error."""


def _state(folder: Path, largest_diff: int) -> CodeState:
    top = Path(os.fsdecode(_Git(folder)("rev-parse", "--show-toplevel").rstrip(b"\n")))
    # Comparing with the working tree, git refreshes its index; ours is a copy, so that nothing is written.
    with tempfile.TemporaryDirectory() as scratch:
        index = Path(scratch, "index")
        own = top / os.fsdecode(_Git(top)("rev-parse", "--git-path", "index").rstrip(b"\n"))
        if own.exists():
            # With its time: files as new as the index are compared by content, not by size and time.
            shutil.copy2(own, index)
        return _looked_at(_Git(top, index), folder.resolve(), largest_diff)


def _looked_at(git: _Git, folder: Path, largest_diff: int) -> CodeState:
    place = folder.relative_to(git.folder.resolve())
    here = place.as_posix() if place.parts else ""
    commit = git.optional("rev-parse", "--verify", "--quiet", "HEAD")
    remote = git.optional("config", "--get", "remote.origin.url")
    others = git("ls-files", "-z", "--others", "--exclude-standard", "--", f":(literal,top){here}")
    known = CodeState(
        commit=commit,
        branch=git.optional("symbolic-ref", "--quiet", "--short", "HEAD"),
        remote=without_credentials(remote) if remote else None,
        untracked=_names(others)[0],
    )
    if commit is None:
        return replace(known, note="nothing has been committed yet")
    changed, are_all = _names(git("diff", "HEAD", "--name-only", "-z", "--no-renames"))
    diff, withheld = _diff(git, changed, largest_diff)
    note = None
    if not git("ls-files", "-z", "--", f":(literal,top){PurePosixPath(here, 'tilth.toml')}"):
        note = "tilth.toml is not tracked by git, so the commit does not tell what it says"
    elif not are_all:
        note = f"more than {_MOST_NAMES} files differ from the commit; the changes of the others are not kept"
    return replace(known, dirty=bool(changed), changed=changed, withheld=withheld, diff=diff, note=note)


def _names(listed: bytes) -> tuple[tuple[str, ...], bool]:
    """The first names of a list, and whether they are all."""
    found = [os.fsdecode(name) for name in listed.split(b"\0") if name]
    shown = sorted(name.encode(errors="replace").decode() for name in found)
    return tuple(shown[:_MOST_NAMES]), len(found) <= _MOST_NAMES


def _diff(git: _Git, changed: Sequence[str], largest: int) -> tuple[bytes, tuple[str, ...]]:
    """The changes of files in the form of `git apply`, and the names of those that are left out."""
    kept: list[bytes] = []
    withheld: list[str] = []
    room = largest
    for name in changed:
        if _sounds_secret(name):
            withheld.append(name)
            continue
        command = ("diff", "HEAD", "--binary", "--no-renames", "--no-color", "--no-ext-diff", "--no-textconv")
        text = git.at_most(room, *command, "--", f":(literal,top){name}")
        if text is None or _SECRET_TEXT.search(text):
            withheld.append(name)
        else:
            kept.append(text)
            room -= len(text)
    return b"".join(kept), tuple(withheld)


def _sounds_secret(name: str) -> bool:
    """Whether a file's name says that it holds a secret.

    Example:
        >>> _sounds_secret("deploy/.env"), _sounds_secret("secrets/a.toml"), _sounds_secret("src/model.py")
        (True, True, False)
    """
    parts = PurePosixPath(name.lower()).parts
    return any(fnmatch.fnmatchcase(part, pattern) for part in parts for pattern in _SECRET_NAMES)


class _Git:
    """Asks git in a folder; it writes nothing, asks nobody and starts no programs of its own.

    Args:
        folder: where.
        index: the index to use instead of the repository's.
    """

    def __init__(self, folder: Path, index: Path | None = None) -> None:
        self.folder = folder
        outside = {name: value for name, value in os.environ.items() if name not in _LOCATING}
        own = {} if index is None else {"GIT_INDEX_FILE": str(index)}
        settings = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
        self._environment = {**outside, **settings, **own}

    def __call__(self, *arguments: str) -> bytes:
        """What git prints."""
        found = self.at_most(sys.maxsize - 1, *arguments)
        assert found is not None
        return found

    def optional(self, *arguments: str) -> str | None:
        """What git prints, or None where it finds nothing."""
        try:
            return os.fsdecode(self(*arguments)).strip() or None
        except _GitError:
            return None

    def at_most(self, most: int, *arguments: str) -> bytes | None:
        """What git prints; None if that is more bytes than `most`, which are never held in memory."""
        command = ["git", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false", *arguments]
        with tempfile.TemporaryFile() as complaint:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaint,
            )
            with process, _killed_after(_PATIENCE_S, process):
                found = _read(process.stdout, most + 1)
                if len(found) > most:
                    process.kill()
                    return None
                status = process.wait()
            if status != 0:
                complaint.seek(0)
                lines = complaint.read(10_000).decode(errors="replace").strip().splitlines()
                raise _GitError((lines or [f"git ended with status {status}"])[0].removeprefix("fatal: "))
        return found


def _read(stream: IO[bytes] | None, most: int) -> bytes:
    assert stream is not None
    found = bytearray()
    while len(found) < most and (piece := stream.read(min(_PIECE, most - len(found)))):
        found += piece
    return bytes(found)


@contextlib.contextmanager
def _killed_after(seconds: float, process: subprocess.Popen[bytes]) -> Iterator[None]:
    """A process that has not ended by then is killed, and that is an error."""
    late = threading.Event()

    def kill() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(seconds, kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    if late.is_set():
        raise subprocess.TimeoutExpired("git", seconds)
