"""A folder of images or recordings as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.errors import DataError
from tilth.tables.arrow_types import ARROW_TYPES
from tilth.tables.files import SourceFile
from tilth.tables.folder_listing import list_media
from tilth.tables.folder_metadata import folder_metadata
from tilth.tables.media import MediaType
from tilth.tables.table import Table
from tilth.types import ColumnType

__all__ = ["open_media_folder"]

_SPLITS = frozenset(
    ("train", "training", "val", "valid", "validation", "dev", "test", "testing", "eval", "evaluation")
)
_BYTES_AT_ONCE = 1 << 25
_FILES_IN_PART = 4096


def open_media_folder(path: Path) -> Table:
    """A table over a folder of images or recordings, one row a file, sorted by path.

    The columns are `path` (relative to the folder, with forward slashes), `image` or `audio` (the files'
    bytes, read when asked for), then where they apply:

    - `split`, where all files lie in sub-folders named train, test, validation and the like;
    - `label`, the first sub-folder (below that of the split), where all files lie in one, however deep: the
      convention of torchvision's ImageFolder;
    - the columns of `metadata.csv`, `metadata.jsonl` or `metadata.parquet` in the folder or in sub-folders,
      whose column `file_name` holds paths relative to where it lies: the convention of Hugging Face Datasets.
      Its `label` and `split` take the place of those from folders.

    Files are found by their endings, in all sub-folders; hidden ones are left out. Nothing is opened but the
    metadata, which is held in memory.

    Args:
        path: the folder.

    Raises:
        DataError: no images and no recordings, or both; a link or a path in the metadata that leads out of
            the folder; metadata without `file_name` or with two rows about one file; a file of more than
            1 GiB; and when read: a file that is gone or changed.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     for name in ("cat/1.gif", "dog/1.gif"):
        ...         file = Path(folder) / name
        ...         file.parent.mkdir()
        ...         _ = file.write_bytes(b"GIF89a")
        ...     open_media_folder(Path(folder)).to_arrow().to_pylist()
        [{'path': 'cat/1.gif', 'image': b'GIF89a', 'label': 'cat'},
         {'path': 'dog/1.gif', 'image': b'GIF89a', 'label': 'dog'}]
    """
    listing = list_media(path)
    columns: dict[str, ColumnType] = {"path": "string", listing.kind: listing.kind}
    metadata = folder_metadata(listing, reserved=tuple(columns))
    values = {"path": pa.chunked_array([pa.array(listing.paths, pa.string())])}
    for name, texts in _from_folders(listing.paths).items():
        if name not in metadata.columns:
            columns[name] = "string"
            values[name] = pa.chunked_array([pa.array(texts, pa.string())])
    return _Rows(
        path,
        listing.kind,
        columns | metadata.columns,
        pa.table(values | {name: metadata.values.column(name) for name in metadata.columns}).combine_chunks(),
        listing.sizes,
        listing.changed_ns,
        metadata.empty,
        (*listing.notes, *metadata.notes),
    ).table()


def _from_folders(paths: Sequence[str]) -> dict[str, list[str]]:
    """Split and label, as far as the folders that the files lie in tell them."""
    found: dict[str, list[str]] = {}
    folders = [path.split("/")[:-1] for path in paths]
    if all(inside and inside[0].lower() in _SPLITS for inside in folders):
        found["split"] = [inside[0] for inside in folders]
        folders = [inside[1:] for inside in folders]
    if all(folders):
        found["label"] = [inside[0] for inside in folders]
    return found


@dataclass(frozen=True)
class _Rows:
    """Files, and all that is known of them without opening them."""

    root: Path
    kind: MediaType
    columns: dict[str, ColumnType]
    known: pa.Table
    sizes: npt.NDArray[np.int64]
    changed_ns: npt.NDArray[np.int64]
    empty: frozenset[str]
    notes: tuple[str, ...]

    def table(self) -> Table:
        return Table(
            str(self.root),
            self.columns,
            self.read,
            rows=len(self.sizes),
            notes=self.notes,
            empty=self.empty,
            parts=self.parts,
        )

    def parts(self) -> list[Table]:
        """The files, some thousands to a part."""
        return [self.cut(start).table() for start in range(0, len(self.sizes), _FILES_IN_PART)]

    def cut(self, start: int) -> _Rows:
        """Those from `start` on that make a part, without holding the others."""
        rows = np.arange(start, min(start + _FILES_IN_PART, len(self.sizes)))
        return replace(
            self,
            known=self.known.take(pa.array(rows)).combine_chunks(),
            sizes=self.sizes[rows],
            changed_ns=self.changed_ns[rows],
        )

    def read(self, names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        """The reader of the table: files are opened only for the column of their bytes."""
        if self.kind not in names:
            yield from self.known.select(list(names)).to_batches(max_chunksize=size)
            return
        for start, stop in _spans(self.sizes, size):
            known = self.known.slice(start, stop - start)
            contents = pa.array([self.content(row) for row in range(start, stop)], ARROW_TYPES[self.kind])
            arrays = [contents if n == self.kind else known.column(n).combine_chunks() for n in names]
            yield pa.RecordBatch.from_arrays(arrays, list(names))

    def content(self, row: int) -> bytes:
        """The bytes of one file, which must be as it was when it was listed."""
        path = self.root / self.known.column("path")[row].as_py()
        size, changed_ns = int(self.sizes[row]), int(self.changed_ns[row])
        file = SourceFile(path, path.suffix, None, size, changed_ns)
        file.check_unchanged()
        try:
            with path.open("rb") as stream:
                content: bytes = stream.read(size + 1)
        except OSError as error:
            raise DataError(f"the file cannot be read: {error.strerror}", where=str(path)) from error
        if len(content) != size:
            file.check_unchanged()
        return content


def _spans(sizes: npt.NDArray[np.int64], rows: int) -> Iterator[tuple[int, int]]:
    """Where to cut so that no part has more than `rows` files, nor many bytes unless it is one file."""
    ends = np.cumsum(sizes)
    start = 0
    while start < len(sizes):
        before = int(ends[start - 1]) if start else 0
        within = int(np.searchsorted(ends, before + _BYTES_AT_ONCE, side="right"))
        stop = min(max(within, start + 1), start + rows, len(sizes))
        yield start, stop
        start = stop
