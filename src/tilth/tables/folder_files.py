"""The files that the table of a folder of images or recordings is made of."""

from __future__ import annotations

from pathlib import Path

from tilth.tables.folder_listing import MEDIA_SUFFIXES, list_media
from tilth.tables.globs import holds_any

__all__ = ["media_files"]


def media_files(folder: Path) -> list[Path] | None:
    """The images or recordings of a folder and the metadata on them, sorted; None where it holds neither.

    Raises:
        DataError: a folder of media that cannot be opened as a table, see `open_media_folder`.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     _ = Path(folder, "1.gif").write_bytes(b"GIF89a")
        ...     _ = Path(folder, "notes.txt").write_text("not part of it")
        ...     [path.name for path in media_files(Path(folder)) or ()]
        ['1.gif']
    """
    if not folder.is_dir() or not holds_any(folder, MEDIA_SUFFIXES):
        return None
    listing = list_media(folder)
    return [folder / path for path in sorted([*listing.paths, *listing.metadata])]
