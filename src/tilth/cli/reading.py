"""What one command has read so far: notes are told once, and rows kept aside of one file outlive the next."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from tilth.errors import DataError

__all__ = ["Reading"]


class Reading:
    """What a command has told and kept aside.

    `Reading.begin()` forgets it: one process may carry out several commands.
    """

    _told: ClassVar[set[tuple[str, str]]] = set()
    _kept: ClassVar[set[tuple[Path, str]]] = set()

    @classmethod
    def begin(cls) -> None:
        """A command begins."""
        cls._told.clear()
        cls._kept.clear()

    @classmethod
    def tell(cls, name: str, notes: Sequence[str]) -> None:
        """Tell people what was assumed of the data of a name, once."""
        from tilth.cli.output import people

        several = any(other != name for other, _ in cls._told)
        for note in notes:
            if (name, note) not in cls._told:
                cls._told.add((name, note))
                people().print(f"note: {f'{name}: ' if several else ''}{note}", markup=False)

    @classmethod
    @contextmanager
    def keeping(cls, path: Path, places: Sequence[str]) -> Iterator[Path]:
        """Where rows that cannot be read go for now, and from where they are added to `path`.

        Each DATA is opened by itself and writes a file of such rows; those of several are put together, and
        those of one that is opened again, alone or with others, are not put there twice.

        Args:
            path: the file that was asked for.
            places: the DATA.
        """
        before = {kept for where, kept in cls._kept if where == path}
        if not before:
            yield path
            cls._kept.update((path, place) for place in places)
            return
        piece = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            yield piece
            if not before.issuperset(places):
                _add(piece, path)
                cls._kept.update((path, place) for place in places)
        finally:
            piece.unlink(missing_ok=True)


def _add(piece: Path, path: Path) -> None:
    """The rows of one file after those of another, all or none."""
    import shutil

    whole = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with whole.open("wb") as out:
            with path.open("rb") as first:
                shutil.copyfileobj(first, out)
            with piece.open("rb") as more:
                more.readline()  # the header
                shutil.copyfileobj(more, out)
        whole.replace(path)
    except OSError as error:
        raise DataError(f"the file cannot be written: {error.strerror or error}", where=str(path)) from error
    finally:
        whole.unlink(missing_ok=True)
