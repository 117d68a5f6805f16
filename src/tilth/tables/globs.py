"""Many files as one table: patterns, folders, and what the names of folders say."""

from __future__ import annotations

import fnmatch
import os
import re
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from urllib.parse import unquote

from tilth.errors import DataError, closest
from tilth.tables.files import SourceFile, source_file, suffixes_of

__all__ = [
    "FoundFile",
    "constant_beginning",
    "files_below",
    "find_pattern",
    "holds_any",
    "is_pattern",
    "one_kind",
    "partition",
    "pattern_expression",
]

_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class FoundFile:
    """A file, and the values that the folders on the way to it carry, such as year=2024."""

    file: SourceFile
    values: dict[str, str | None] = field(default_factory=dict)


def is_pattern(path: str) -> bool:
    """Whether a path stands for the files that match it.

    Example:
        >>> is_pattern("data/*.csv"), is_pattern("data/a.csv")
        (True, False)
    """
    return any(mark in path for mark in "*?[")


def constant_beginning(pattern: str) -> str:
    """The folder that all matches are in.

    Example:
        >>> constant_beginning("data/2024/part-*.csv")
        'data/2024'
    """
    parts = pattern.split("/")
    first = next((n for n, part in enumerate(parts) if is_pattern(part)), len(parts) - 1)
    return "/".join(parts[:first]) or ("/" if pattern.startswith("/") else "")


def pattern_expression(pattern: str) -> re.Pattern[str]:
    """The pattern for whole paths: `**` is any number of folders, `*` stays within one name.

    Example:
        >>> bool(pattern_expression("d/**/*.csv").fullmatch("d/e/f/a.csv"))
        True
    """
    words = []
    parts = pattern.split("/")
    for position, part in enumerate(parts):
        last = position == len(parts) - 1
        if part == "**":
            words.append("(?:[^/]+/)*" + ("[^/]+" if last else ""))
            continue
        # Of fnmatch's own pattern only what stands between its marks, and no name crosses a folder.
        inner = fnmatch.translate(part).removeprefix("(?s:").removesuffix(r")\Z")
        hidden = r"(?!\.)" if part[:1] in "*?[" else ""
        words.append(hidden + inner.replace(".*", "[^/]*") + ("" if last else "/"))
    return re.compile("".join(words))


def partition(folders: Sequence[str]) -> dict[str, str | None]:
    """The values in the names of folders.

    Example:
        >>> partition(["sales", "year=2024", "town=Bad%20Ems"])
        {'year': '2024', 'town': 'Bad Ems'}
    """
    values: dict[str, str | None] = {}
    for folder in folders:
        name, mark, value = folder.partition("=")
        if mark and name:
            values[unquote(name)] = None if value == _NO_VALUE else unquote(value)
    return values


def find_pattern(pattern: str) -> list[FoundFile]:
    """The files that match a pattern, in the order of their paths.

    Raises:
        DataError: none does.
    """
    start = Path(constant_beginning(pattern) or ".")
    wanted = pattern_expression(os.path.normpath(pattern))
    deep = None if "**" in pattern else len(Path(pattern).parts) - len(start.parts)
    found = []
    if start.is_dir():
        paths = [path for path in _walk(start, deep) if wanted.fullmatch(str(path))]
        found = [_found(path, start) for path in sorted(paths)]
    if not found:
        raise _nothing(pattern, start)
    return found


def files_below(folder: Path, known: Container[str] | None = None) -> list[FoundFile]:
    """All files in a folder and its folders, in the order of their paths; hidden ones are left out.

    Names that begin with a dot or an underscore are hidden, as engines on clusters have it.

    Args:
        folder: where to look.
        known: endings of the files that will be read; others are not looked at, and may be empty.
    """
    paths = [
        path
        for path in _walk(folder, None)
        if not any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
    ]
    return [_found(path, folder, known) for path in sorted(paths)]


def holds_any(folder: Path, suffixes: Container[str]) -> bool:
    """Whether a folder holds a file with one of these endings, in small letters, that is not hidden."""
    return any(
        path.suffix.lower() in suffixes
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        for path in _walk(folder, None)
    )


def _found(path: Path, start: Path, known: Container[str] | None = None) -> FoundFile:
    suffix, compression = suffixes_of(path)
    unread = known is not None and suffix not in known
    file = SourceFile(path, suffix, compression, 0, 0) if unread else source_file(path)
    return FoundFile(file, partition(path.relative_to(start).parts[:-1]))


def _walk(folder: Path, deep: int | None) -> Iterator[Path]:
    """Files below a folder, through links as well, but never round in a circle."""
    root = Path(os.path.realpath(folder))
    # A link up to a folder that holds this one would make the whole of that a part of this.
    begun = frozenset([str(root), *map(str, root.parents)])
    waiting: list[tuple[Path, int, frozenset[str]]] = [(folder, 1, begun)]
    while waiting:
        current, depth, above = waiting.pop()
        try:
            entries = list(os.scandir(current))
        except OSError as error:
            raise DataError(f"the folder cannot be read: {error.strerror}", where=str(current)) from error
        for entry in entries:
            path = current / entry.name
            if not _is_folder(entry):
                yield path
            elif deep is None or depth < deep:
                real = os.path.realpath(path)
                if real not in above:
                    waiting.append((path, depth + 1, above | {real}))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, of which reading it says so
        return False


def _nothing(pattern: str, start: Path) -> DataError:
    nearest = start
    while not nearest.is_dir() and nearest != nearest.parent:
        nearest = nearest.parent
    names = sorted(entry.name for entry in nearest.iterdir() if not entry.name.startswith("."))
    # What comes next on the way, which is the first that is not there.
    wanted = PurePath(pattern).parts[len(nearest.parts) :]
    near = closest(wanted[0].lstrip("*") if wanted else "", names)
    inside = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    return DataError(
        "no file matches this pattern",
        where=pattern,
        expected=f"files in {nearest}, which holds {inside or 'nothing'}",
        mend=f"did you mean '{nearest / near}'?" if near else "check the pattern; ** stands for any folders",
    )


def one_kind(found: Sequence[FoundFile], known: Sequence[str], where: str) -> list[FoundFile]:
    """The files of a folder that can be read as tables, which must be of one kind.

    Args:
        found: all files.
        known: the endings that can be read.
        where: the folder, for messages.

    Raises:
        DataError: there are none, or of several kinds.
    """
    readable = [item for item in found if item.file.suffix in known]
    kinds = Counter(item.file.suffix for item in readable)
    if len(kinds) == 1:
        return readable
    if not kinds:
        others = Counter(item.file.suffix or "no ending" for item in found)
        raise DataError(
            f"the folder holds no data{': only ' if others else ''}{_counted(others)}",
            where=where,
            expected=f"files ending in {', '.join(known)}",
            mend="unpack the archive first" if ".zip" in others or ".tar" in others else None,
        )
    raise DataError(
        f"the folder holds files of different kinds: {_counted(kinds)}",
        where=where,
        expected="one kind",
        mend=f"name those that are meant: '{where.rstrip('/')}/**/*{kinds.most_common(1)[0][0]}'",
    )


def _counted(endings: Counter[str]) -> str:
    """How many files there are of each ending, the most frequent first."""
    return ", ".join(f"{count} ending in {suffix}" for suffix, count in endings.most_common(10))
