"""Files in object stores: s3://, gs://, az://, through Arrow's file systems."""

from __future__ import annotations

import io
import re
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple, cast

import pyarrow as pa

from tilth.errors import DataError
from tilth.tables.files import SourceFile, suffixes_of
from tilth.tables.globs import FoundFile, constant_beginning, is_pattern, partition, pattern_expression

__all__ = ["RemoteFile", "find_remote", "has_folder", "is_remote", "put_file", "shown"]

_SCHEMES = {"s3": "s3", "gs": "gs", "gcs": "gs", "az": "abfs", "abfs": "abfs", "abfss": "abfss"}
_ADDRESS = re.compile(
    r"(?P<scheme>[a-z0-9]+)://(?P<host>[^/]*)/?(?P<path>.*?)(?P<query>\?\w+=.*)?", re.DOTALL
)
_MEND = {
    "s3": "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT_URL",
    "gs": "check GOOGLE_APPLICATION_CREDENTIALS; gs://anonymous@bucket/... reads what is public",
    "abfs": "check AZURE_STORAGE_ACCOUNT and the credentials in the environment, or run az login",
}


@dataclass(frozen=True)
class RemoteFile(SourceFile):
    """An object as it was when it was opened."""

    address: str = ""
    key: str = ""
    filesystem: Any = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The address as people wrote it, without a password."""
        return self.address

    def open_input(self) -> pa.NativeFile:
        """The bytes, at any place."""
        return self.filesystem.open_input_file(self.key)

    def open(self) -> IO[bytes]:
        """The bytes from the first on."""
        return cast(IO[bytes], io.BufferedReader(self.open_input(), 1 << 20))

    def check_unchanged(self) -> None:
        """Refuse to read an object that is not the one that was opened."""
        with _said_of(self.address):
            now = self.filesystem.get_file_info(self.key)
        if (now.size, now.mtime_ns or 0) != (self.size, self.changed_ns):
            raise DataError(
                "the file changed while it was being used",
                where=self.name,
                mend="wait until it is written completely, then start again",
            )


def is_remote(place: str) -> bool:
    """Whether this is an address in an object store.

    Example:
        >>> is_remote("s3://bucket/a.csv"), is_remote("a.csv")
        (True, False)
    """
    return place.partition("://")[0] in _SCHEMES and "://" in place


def shown(address: str) -> str:
    """An address without the password in it.

    Example:
        >>> shown("s3://key:secret@bucket/a.csv")
        's3://key@bucket/a.csv'
    """
    place, mark, question = address.partition("?")
    return re.sub(r"^([a-z0-9+]+://[^/:@]*):.*@", r"\1@", place) + mark + question


def find_remote(place: str, known: Container[str] | None = None) -> list[FoundFile]:
    """The files that an address names: one object, those of a pattern, or all below a prefix.

    Args:
        place: the address.
        known: endings of the files that will be read; of several, others may be empty.

    Raises:
        DataError: there are none, or the store cannot be reached.
    """
    with _said_of(place):
        store = _Store.at(place)
        found = _matching(store.filesystem, store.base, store.path)
    if not found:
        kind = "no file matches this pattern" if is_pattern(store.path) else "no such file or folder"
        mend = "check the address, and that the credentials may list the folder"
        raise DataError(kind, where=shown(place), mend=mend)
    files = [FoundFile(_file(store, info), values) for info, values in found]
    for item in files:
        if not item.file.size and (len(files) == 1 or known is None or item.file.suffix in known):
            raise DataError("the file is empty", where=item.file.name, expected="at least a header line")
    return files


def has_folder(place: str, name: str) -> bool:
    """Whether an address is that of a folder which holds a folder of this name.

    Raises:
        DataError: the store cannot be reached.
    """
    if is_pattern(place):
        return False
    with _said_of(place):
        from pyarrow import fs

        store = _Store.at(place)
        info = store.filesystem.get_file_info("/".join(filter(None, (store.base, store.path, name))))
        return bool(info.type == fs.FileType.Directory)


def put_file(path: Path, address: str) -> None:
    """Bring a file to an address in an object store, whole or not at all.

    Raises:
        DataError: the store cannot be written.
    """
    with _said_of(address, "written"):
        store = _Store.at(address)
        key = "/".join(filter(None, (store.base, store.path)))
        with path.open("rb") as source, store.filesystem.open_output_stream(key) as target:
            while block := source.read(1 << 22):
                target.write(block)


class _Store(NamedTuple):
    """A file system, what all paths in it begin with, the address of that, and the path asked for."""

    filesystem: Any
    base: str
    root: str
    path: str

    @staticmethod
    def at(place: str) -> _Store:
        from pyarrow import fs

        match = _ADDRESS.fullmatch(place)
        if match is None or not match["host"]:
            raise DataError(
                "this is not an address", where=shown(place), expected="such as s3://bucket/data.csv"
            )
        known = f"{_SCHEMES[match['scheme']]}://{match['host']}{match['query'] or ''}"
        filesystem, base = fs.FileSystem.from_uri(known)
        root = shown(f"{match['scheme']}://{match['host']}")
        return _Store(filesystem, base.rstrip("/"), root, match["path"].strip("/"))


def _matching(filesystem: Any, base: str, path: str) -> list[tuple[Any, dict[str, str | None]]]:
    """The objects, each with what the folders on the way to it say."""
    from pyarrow import fs

    if is_pattern(path):
        start = constant_beginning(path)
        wanted = pattern_expression(path)
        folder = "/".join(part for part in (base, start) if part)
    else:
        start, wanted, folder = path, None, "/".join(part for part in (base, path) if part)
        info = filesystem.get_file_info(folder)
        if info.type == fs.FileType.File:
            return [(info, {})]
        if info.type == fs.FileType.NotFound:
            return []
    listed = filesystem.get_file_info(fs.FileSelector(folder, allow_not_found=True, recursive=True))
    found = []
    for info in sorted(listed, key=lambda info: str(info.path)):
        key = info.path.removeprefix(base).lstrip("/")
        below = PurePosixPath(key.removeprefix(start).lstrip("/"))
        hidden = any(part.startswith((".", "_")) for part in below.parts)
        fits = wanted.fullmatch(key) is not None if wanted is not None else not hidden
        if info.type == fs.FileType.File and fits:
            found.append((info, partition(below.parts[:-1])))
    return found


def _file(store: _Store, info: Any) -> RemoteFile:
    address = f"{store.root}/{info.path.removeprefix(store.base).lstrip('/')}"
    path = Path(PurePosixPath(info.path).name)
    suffix, compression = suffixes_of(path)
    return RemoteFile(
        path, suffix, compression, info.size, info.mtime_ns or 0, address, info.path, store.filesystem
    )


@contextmanager
def _said_of(place: str, done: str = "read") -> Iterator[None]:
    """Turn what a store says into our own words."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        scheme = _SCHEMES.get(place.partition("://")[0], "")
        # An address that cannot be understood is repeated as it is.
        said = re.sub(r"://\S*@", "://", str(error).splitlines()[0])[:300]
        found = DataError(
            f"the store cannot be {done}: {said}",
            where=shown(place),
            mend=_MEND.get("abfs" if scheme.startswith("abfs") else scheme),
        )
        raise found from (None if "@" in place else error)
