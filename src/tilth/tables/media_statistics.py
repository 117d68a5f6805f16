"""The statistics of images and recordings as ordinary columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from tilth.tables.arrow_types import ARROW_TYPES
from tilth.tables.audio import AudioStatistics, audio_statistics
from tilth.tables.images import ImageStatistics, image_statistics
from tilth.tables.media_cells import ROWS_AT_ONCE, map_cells
from tilth.tables.table import Table
from tilth.types import ColumnType

__all__ = ["AUDIO_STATISTICS", "IMAGE_STATISTICS", "statistic_columns", "with_media_statistics"]

IMAGE_STATISTICS: dict[str, ColumnType] = {
    "readable": "bool",
    "format": "string",
    "width": "int",
    "height": "int",
    "channels": "int",
    "brightness": "float",
    "contrast": "float",
    "sharpness": "float",
}
"""What is added for a column of images, each as `column.name`."""

AUDIO_STATISTICS: dict[str, ColumnType] = {
    "readable": "bool",
    "format": "string",
    "duration": "float",
    "sample_rate": "int",
    "channels": "int",
    "volume": "float",
    "silence": "float",
    "clipping": "float",
}
"""What is added for a column of recordings, each as `column.name`."""

_ADDED: dict[ColumnType, dict[str, ColumnType]] = {"image": IMAGE_STATISTICS, "audio": AUDIO_STATISTICS}
_FUNCTIONS: dict[ColumnType, Callable[[bytes | None], ImageStatistics | AudioStatistics | None]] = {
    "image": image_statistics,
    "audio": audio_statistics,
}

_BYTES_AT_ONCE = 1 << 25


@dataclass(frozen=True)
class _Statistic:
    """One column that is added."""

    media: str
    field: str
    type: ColumnType


def with_media_statistics(table: Table) -> Table:
    """The table with the statistics of its images and recordings, each column after that which it describes.

    For a column `photo` of images there are `photo.readable`, `.format`, `.width`, `.height`, `.channels`,
    `.brightness`, `.contrast` and `.sharpness`; for a column `clip` of recordings `clip.readable`, `.format`,
    `.duration`, `.sample_rate`, `.channels`, `.volume`, `.silence` and `.clipping`: see `ImageStatistics` and
    `AudioStatistics` for units and ranges. All are missing where the cell is; all but `readable` where it
    cannot be read.

    Nothing is decoded before one of these columns is read, then once for all of them, a few rows at a time on
    all cores. A column that has such a name already stays as it is, with a note.

    Example:
        >>> from io import BytesIO
        >>> from PIL import Image
        >>> from tilth.tables import open_table
        >>> file = BytesIO()
        >>> Image.new("L", (4, 3), 51).save(file, "PNG")
        >>> table = with_media_statistics(open_table({"photo": [file.getvalue(), b"GIF89a"]}))
        >>> table.select(["photo.readable", "photo.width", "photo.brightness"]).to_arrow().to_pylist()
        [{'photo.readable': True, 'photo.width': 4, 'photo.brightness': 0.2},
         {'photo.readable': False, 'photo.width': None, 'photo.brightness': None}]
    """
    added = _added(table.columns)
    kept = [name for name in added if name in table.columns]
    new = {name: statistic for name, statistic in added.items() if name not in table.columns}
    if not new:
        return table
    columns: dict[str, ColumnType] = {}
    for name, kind in table.columns.items():
        columns[name] = kind
        columns.update({each: found.type for each, found in new.items() if found.media == name})

    def read(names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        wanted = {name: new[name] for name in names if name in new}
        there = [name for name in names if name not in new]
        if not wanted:
            yield from table.select(there).batches(size)
            return
        needed = list(dict.fromkeys([*there, *(found.media for found in wanted.values())]))

        few = table.select(needed).batches(min(size, ROWS_AT_ONCE))
        yield from _joined((_decoded(batch, names, wanted, table.columns) for batch in few), size)

    return Table(
        table.name,
        columns,
        read,
        rows=table._rows,
        notes=[*table.notes, *(f"column '{name}' was there already and is kept" for name in kept)],
        empty=table.empty,
        parts=lambda: [with_media_statistics(part) for part in table.parts()],
        is_untyped=table.is_untyped,
    )


def statistic_columns(columns: Mapping[str, ColumnType]) -> list[str]:
    """The names of the columns that `with_media_statistics` adds to such columns, there or not.

    Example:
        >>> statistic_columns({"age": "int", "photo": "image"})[:2]
        ['photo.readable', 'photo.format']
    """
    return list(_added(columns))


def _added(columns: Mapping[str, ColumnType]) -> dict[str, _Statistic]:
    return {
        f"{name}.{field}": _Statistic(name, field, added)
        for name, kind in columns.items()
        for field, added in _ADDED.get(kind, {}).items()
    }


def _decoded(
    batch: pa.RecordBatch,
    names: Sequence[str],
    wanted: Mapping[str, _Statistic],
    columns: Mapping[str, ColumnType],
) -> pa.RecordBatch:
    """A batch of the columns `names`, of which those in `wanted` are found out from the bytes."""
    results = {
        media: map_cells(_FUNCTIONS[columns[media]], batch.column(media))
        for media in {found.media for found in wanted.values()}
    }
    arrays = [
        _array(results[wanted[name].media], wanted[name]) if name in wanted else batch.column(name)
        for name in names
    ]
    return pa.RecordBatch.from_arrays(arrays, list(names))


def _array(results: Sequence[ImageStatistics | AudioStatistics | None], statistic: _Statistic) -> pa.Array:
    values = [None if result is None else getattr(result, statistic.field) for result in results]
    return pa.array(values, ARROW_TYPES[statistic.type])


def _joined(batches: Iterator[pa.RecordBatch], size: int) -> Iterator[pa.RecordBatch]:
    """Small batches put together to at most `size` rows, or until they hold many bytes."""
    waiting: list[pa.RecordBatch] = []
    rows = held = 0
    for batch in batches:
        if waiting and (rows + batch.num_rows > size or held + batch.nbytes > _BYTES_AT_ONCE):
            yield pa.concat_batches(waiting)
            waiting, rows, held = [], 0, 0
        waiting.append(batch)
        rows, held = rows + batch.num_rows, held + batch.nbytes
    if waiting:
        yield pa.concat_batches(waiting)
