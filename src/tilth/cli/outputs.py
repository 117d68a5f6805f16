"""Where commands write: looked at before any work, so that nothing that is read is destroyed."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from tilth.errors import UsageError

__all__ = ["check_outputs", "project_files"]


def check_outputs(outputs: Sequence[Path | None], inputs: Sequence[str | Path | None]) -> None:
    """Refuse to write where it cannot be done, or over what is read.

    Args:
        outputs: the files that a command is asked to write; None where it is not.
        inputs: the files, folders, patterns and addresses that it reads.

    Raises:
        UsageError: no such folder, a folder, an address, a file that is read, or one named twice.
    """
    named = [path for path in outputs if path is not None]
    read = [source for source in inputs if source is not None]
    for position, path in enumerate(named):
        _check_place(path)
        if any(_same(path, other) for other in named[:position]):
            raise UsageError("two results are to be written to one file", where=str(path))
        if path.is_file() and any(_holds(source, path) for source in read):
            raise UsageError(
                "this is what is read: writing there would destroy it",
                where=str(path),
                expected="another file for the result",
            )


def project_files(folder: Path) -> list[str | Path]:
    """What a project is made of, its sources and the texts that people write; nothing where there is none."""
    from tilth.projects import Project

    if not (folder / "tilth.toml").is_file():
        return []
    project = Project.load(folder)
    written = [path for suffix in ("toml", "py") for path in sorted(project.directory.glob(f"*.{suffix}"))]
    return [*(project.directory / source for source in project.configuration.data.sources), *written]


def _check_place(path: Path) -> None:
    if path.is_dir():
        raise UsageError("this is a folder", where=str(path), expected="a file to write")
    if path.parent.is_dir():
        _check_permission(path)
        return
    if path.parts[0].endswith(":"):
        raise UsageError(
            "results are written to files on this machine",
            where=str(path),
            mend="write it to a file, then copy that to the store",
        )
    kind = "is no folder" if path.parent.exists() else "is not there"
    raise UsageError(f"the folder '{path.parent}' {kind}", where=str(path), mend="make the folder first")


def _check_permission(path: Path) -> None:
    """Whether a file can be put into the folder; a device is not replaced, so its folder does not matter."""
    real = Path(os.path.realpath(path))
    if (not real.exists() or real.is_file()) and not os.access(real.parent, os.W_OK | os.X_OK):
        raise UsageError(f"nothing may be written in the folder '{real.parent}'", where=str(path))


def _same(path: Path, other: Path) -> bool:
    return os.path.realpath(path) == os.path.realpath(other)


def _holds(source: str | Path, path: Path) -> bool:
    """Whether a file is, or is among, what a source names."""
    real = Path(os.path.realpath(path))
    return any(real == place or place in real.parents for place in _places(str(source)))


def _places(source: str) -> Iterator[Path]:
    """The files and folders that a source names on this machine."""
    bare = source.removeprefix("sqlite:///").partition("?")[0]
    for name in dict.fromkeys((source, bare)):
        found = [name] if os.path.lexists(name) else glob.glob(name, recursive=True)  # noqa: PTH207 - patterns from the root too
        yield from (Path(os.path.realpath(place)) for place in found)
