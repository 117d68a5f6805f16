"""ArtifactStore: the bytes of artifacts, each under its own digest."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tilth.errors import StoreError, UsageError
from tilth.store.digests import check_digest, digest_of_file
from tilth.store.processes import has_ended, mark_of_process

__all__ = ["ArtifactStore", "Stored"]

_DRAFTS = "drafts"
_SUFFIX = re.compile(r"(\.[A-Za-z0-9_-]{1,16}){0,3}")
_OWNER = re.compile(r"\.?([0-9a-f]{8}-\d+-\d*)-[0-9a-f]{16}")
"""How the name of a draft begins: which process made it. A file in the making beside it begins with a dot."""
_DAY_S = 86_400.0


class Stored(NamedTuple):
    """The digest (sha256 in hex) and size in bytes of what was put into the store."""

    digest: str
    size: int


class ArtifactStore:
    """A folder of files named by what is in them: `ab/abcdef....parquet`.

    A file appears whole or not at all, and is on disk when the method that put it there returns. Equal bytes
    are kept once. Files are read-only. What a crash leaves behind lies in `drafts/`.

    Args:
        root: the folder; made when first needed.

    Raises:
        UsageError: a URL; only folders can hold artifacts so far.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     artifacts = ArtifactStore(Path(folder))
        ...     digest, size = artifacts.put_bytes(b"hello", ".txt")
        ...     print(digest[:12], size, artifacts.verify(digest, ".txt").read_bytes())
        2cf24dba5fb0 5 b'hello'
    """

    def __init__(self, root: str | Path) -> None:
        if "://" in str(root):
            raise UsageError(
                "artifacts are kept in a folder",
                where=str(root),
                expected="a path",
                mend="mend TILTH_ARTIFACTS",
            )
        self.root = Path(root).expanduser()

    def put_bytes(self, data: bytes, suffix: str = "") -> Stored:
        """Keep bytes.

        Args:
            data: the bytes.
            suffix: of the kept file's name, such as ".onnx".

        Raises:
            StoreError: the disk is full, or the folder may not be written.
        """
        draft = self.draft(suffix)
        with self._turning(draft):
            draft.write_bytes(data)
            return self._keep(draft)

    def put_file(self, path: str | Path, suffix: str | None = None) -> Stored:
        """Keep a copy of a file.

        Args:
            path: the file.
            suffix: of the kept file's name; default: that of `path`, ".csv.gz" counting as one.

        Raises:
            StoreError: it cannot be read, the disk is full, or the folder may not be written.
        """
        source = Path(path)
        draft = self.draft(_suffix_of(source) if suffix is None else suffix)
        with self._turning(draft):
            shutil.copyfile(source, draft)
            return self._keep(draft)

    def draft(self, suffix: str = "") -> Path:
        """A path of its own on the disk of the store, to write a large file to before `put_draft`."""
        _check_suffix(suffix)
        folder = self.root / _DRAFTS
        with _in_words(folder):
            folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{mark_of_process()}-{secrets.token_hex(8)}{suffix}"

    def put_draft(self, draft: Path) -> Stored:
        """Keep a file that was written to a path of `draft`, without copying it; the draft is gone then.

        Raises:
            UsageError: not a path that `draft` gave.
            StoreError: it was not written, the disk is full, or the folder may not be written.
        """
        if draft.parent != self.root / _DRAFTS:
            raise UsageError(f"{draft} is not a draft of this store", mend="use put_file, which copies")
        with self._turning(draft):
            return self._keep(draft)

    def path(self, digest: str, suffix: str = "") -> Path:
        """Where the bytes of that digest are kept, or would be.

        Raises:
            UsageError: not a digest or suffix.
        """
        check_digest(digest)
        _check_suffix(suffix)
        return self.root / digest[:2] / (digest + suffix)

    def holds(self, digest: str, suffix: str = "", size: int | None = None) -> bool:
        """Whether there is such a file, of that size in bytes; its content is not read."""
        try:
            found = self.path(digest, suffix).stat().st_size
        except OSError:
            return False
        return size is None or found == size

    def verify(self, digest: str, suffix: str = "") -> Path:
        """The path of the bytes of that digest, after they have been read and found to be intact.

        Raises:
            StoreError: they are missing or damaged.
        """
        path = self.path(digest, suffix)
        if not path.is_file():
            raise _spoiled(path, "missing")
        with _in_words(path):
            found = digest_of_file(path)
        if found != digest:
            raise _spoiled(path, "damaged")
        return path

    def read_bytes(self, digest: str, suffix: str = "") -> bytes:
        """The bytes of that digest, found to be intact.

        Raises:
            StoreError: they are missing or damaged.
        """
        return self.verify(digest, suffix).read_bytes()

    def digests(self) -> Iterator[str]:
        """The digests of all that is kept, in order."""
        for path in sorted(self.root.glob("[0-9a-f][0-9a-f]/*")):
            yield path.name[:64]

    def clean(self, older_than_s: float = _DAY_S) -> int:
        """Remove what crashes left behind; say how many files.

        That is the drafts of processes that have ended on this host, and all that are older than that many
        seconds, since of another host's nothing else can be known. Drafts in the making are left alone.
        """
        removed = 0
        for path in (self.root / _DRAFTS).glob("*"):
            with contextlib.suppress(OSError):  # another process may clean too; what cannot be removed stays
                if _is_orphan(path) or time.time() - path.stat().st_mtime >= older_than_s:
                    path.unlink()
                    removed += 1
        return removed

    @contextlib.contextmanager
    def _turning(self, draft: Path) -> Iterator[None]:
        with _in_words(draft):
            try:
                yield
            finally:
                draft.unlink(missing_ok=True)

    def _keep(self, draft: Path) -> Stored:
        stored = Stored(digest_of_file(draft), draft.stat().st_size)
        _, dot, suffix = draft.name.partition(".")
        target = self.path(stored.digest, dot + suffix)
        if not self._is_intact(target, stored):
            _settle(draft, target)
        return stored

    def _is_intact(self, target: Path, stored: Stored) -> bool:
        """Whether the bytes are there already; where they are damaged, putting them again mends them."""
        if not self.holds(stored.digest, target.name[64:], stored.size):
            return False
        return digest_of_file(target) == stored.digest


def _is_orphan(draft: Path) -> bool:
    """Whether the process that was writing it has certainly ended."""
    owner = _OWNER.match(draft.name)
    return owner is not None and has_ended(owner.group(1))


def _settle(draft: Path, target: Path) -> None:
    """Give a draft its name, so that after a crash or power cut it is there whole or not at all."""
    is_new_folder = not target.parent.exists()
    target.parent.mkdir(exist_ok=True)
    _flush(draft)
    draft.chmod(0o444)
    draft.replace(target)
    _flush(target.parent)
    if is_new_folder:
        _flush(target.parent.parent)


def _flush(path: Path) -> None:
    """Have a file's bytes, or a folder's list of names, written to the disk."""
    if os.name == "nt" and path.is_dir():  # Windows cannot, and need not
        return
    handle = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _suffix_of(path: Path) -> str:
    suffixes = path.suffixes[-2:] if path.suffix in (".gz", ".zst", ".bz2", ".xz") else path.suffixes[-1:]
    suffix = "".join(suffixes)
    return suffix if _SUFFIX.fullmatch(suffix) else ""


def _check_suffix(suffix: str) -> None:
    if not _SUFFIX.fullmatch(suffix):
        raise UsageError(f"'{suffix[:80]}' is not the suffix of a file", expected="something like .parquet")


def _spoiled(path: Path, how: str) -> StoreError:
    return StoreError(
        f"the artifact {path.name[:12]} is {how}",
        where=str(path),
        mend="run the step that made it again: `tilth lineage` of the digest names it",
    )


@contextlib.contextmanager
def _in_words(where: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"an artifact cannot be kept or read: {error.strerror or error}",
            where=str(error.filename or where),
        ) from error
