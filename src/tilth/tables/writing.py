"""Writing a table to a file, whole or not at all."""

from __future__ import annotations

import gzip
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import IO

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tilth.errors import DataError
from tilth.tables.arrow_types import MEDIA_TYPES
from tilth.tables.memory import table_from_arrow
from tilth.tables.table import Table
from tilth.types import COLUMN_TYPES, SCALAR_TYPES, ColumnType

__all__ = ["write_table"]

_ROWS_AT_ONCE = 131_072
_BYTES_AT_ONCE = 1 << 25


def write_table(table: Table | pa.Table, path: str | Path, *, drafts: Path | None = None) -> None:
    """Write a table; the file's ending says how.

    The file is written beside its place, flushed to disk and then renamed, so that a crash leaves the old
    file or the new one. The same rows in the same order give the same bytes.

    Args:
        table: what to write.
        path: .parquet, .arrow, .csv, .csv.gz, .jsonl or .jsonl.gz. CSV does not tell an empty text from a
            missing one, nor a text of digits from a number, and has no lists; only Parquet and Arrow keep
            everything, images and recordings too.
        drafts: the folder for what is not whole yet, on the same disk; default: that of the file.

    Raises:
        DataError: an ending that is not known, a column that such files have no place for, or a place that
            cannot be written.

    Example:
        >>> import tempfile
        >>> from tilth.tables import open_table
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_table(open_table({"x": [1.0, None], "s": ["a, b", "c"]}), Path(folder, "t.csv"))
        ...     print(Path(folder, "t.csv").read_text())
        x,s
        1.0,"a, b"
        ,c
    """
    path = Path(path)
    source = table if isinstance(table, Table) else table_from_arrow(table)
    zipped = path.suffix.lower() == ".gz"
    ending = (Path(path.stem).suffix if zipped else path.suffix).lower()
    write = _WRITERS.get(ending)
    if write is None or (zipped and ending not in (".csv", ".jsonl")):
        raise DataError(
            f"files ending in '{''.join(path.suffixes[-2:])}' are not written",
            where=str(path),
            expected=".parquet, .arrow, .csv, .csv.gz, .jsonl or .jsonl.gz",
        )
    real = Path(os.path.realpath(path))  # a link stays one, and what it points to is written
    if real.exists() and not real.is_file():
        kind = "a folder" if real.is_dir() else "a pipe or device"
        raise DataError(f"this is {kind}", where=str(path), expected="a file to write")
    waiting = (drafts or real.parent) / f".{real.name}.{os.getpid()}.{secrets.token_hex(4)}"
    try:
        with waiting.open("wb") as file:
            _write(write, source, file, zipped)
            file.flush()
            os.fsync(file.fileno())
        waiting.replace(real)
        _sync_folder(real.parent)
    except OSError as error:
        raise DataError(f"the file cannot be written: {error.strerror or error}", where=str(path)) from error
    finally:
        waiting.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(write: Callable[[Table, IO[bytes]], None], table: Table, file: IO[bytes], zipped: bool) -> None:
    if not zipped:
        write(table, file)
        return
    # No name and no time, so that the same rows give the same bytes.
    with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0, compresslevel=6) as packed:
        write(table, packed)  # type: ignore[arg-type]


def _chunks(table: Table) -> Iterator[pa.Table]:
    """Tables cut by their rows alone, so that batches leave no trace in the file.

    Each has `_ROWS_AT_ONCE` rows, or fewer where lists, images or recordings come to `_BYTES_AT_ONCE`.
    """
    waiting: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in table.batches(_ROWS_AT_ONCE):
        start = 0
        weights = _weights(batch, table.columns)
        while start < batch.num_rows:
            ends = size + np.cumsum(weights[start:])
            fitting = int(np.searchsorted(ends, _BYTES_AT_ONCE, side="right"))
            taken = min(max(fitting, 0 if rows else 1), _ROWS_AT_ONCE - rows)
            if taken:
                part = batch.slice(start, taken)
                waiting.append(part)
                rows, size, start = rows + part.num_rows, int(ends[part.num_rows - 1]), start + part.num_rows
            if start < batch.num_rows or rows == _ROWS_AT_ONCE:
                yield pa.Table.from_batches(waiting).combine_chunks()
                waiting, rows, size = [], 0, 0
    if waiting:
        yield pa.Table.from_batches(waiting).combine_chunks()


def _weights(batch: pa.RecordBatch, columns: Mapping[str, ColumnType]) -> np.ndarray:
    """About how many bytes the lists, images and recordings of each row are."""
    weights = np.zeros(batch.num_rows, np.int64)
    for name, kind in columns.items():
        if kind in SCALAR_TYPES:
            continue
        column = batch.column(name)
        lengths = pc.binary_length(column) if kind in MEDIA_TYPES else pc.list_value_length(column)
        each = 1 if kind in MEDIA_TYPES else 16
        weights += each * lengths.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    return weights


def _refuse(table: Table, kinds: Sequence[ColumnType], form: str, instead: str) -> None:
    """Refuse columns that a form of file has no place for."""
    found = next(((name, kind) for name, kind in table.columns.items() if kind in kinds), None)
    if found is not None:
        raise DataError(
            f"column '{found[0]}' is {found[1]}, and {form} has no place for it",
            where=table.name,
            mend=f"write {instead}, or leave the column out",
        )


def _write_parquet(table: Table, file: IO[bytes]) -> None:
    media = any(kind in MEDIA_TYPES for kind in table.columns.values())
    # No two images are the same, so that looking for repetitions among them only takes time.
    repeated = [name for name, kind in table.columns.items() if kind not in MEDIA_TYPES] if media else True
    with pq.ParquetWriter(
        file, table.schema, compression="zstd", write_page_checksum=True, use_dictionary=repeated
    ) as writer:
        for chunk in _chunks(table):
            writer.write_table(chunk)


def _write_arrow(table: Table, file: IO[bytes]) -> None:
    with pa.ipc.new_file(file, table.schema) as writer:
        for chunk in _chunks(table):
            writer.write_table(chunk)


def _write_csv(table: Table, file: IO[bytes]) -> None:
    lists = [kind for kind in COLUMN_TYPES if kind not in SCALAR_TYPES and kind not in MEDIA_TYPES]
    _refuse(table, lists, "CSV", ".parquet, .arrow or .jsonl")
    _refuse(table, MEDIA_TYPES, "CSV", ".parquet or .arrow")
    header = pa.array(list(table.columns), pa.string())
    file.write(",".join(_quoted(header).to_pylist()).encode() + b"\n")
    for chunk in _chunks(table):
        cells = [_csv_cells(chunk.column(name).combine_chunks()) for name in table.columns]
        # A row of one empty cell would be a blank line, which readers leave out.
        empty = '""' if len(cells) == 1 else ""
        filled = [pc.fill_null(column, empty) for column in cells]
        lines = pc.binary_join_element_wise(*filled, ",") if len(filled) > 1 else filled[0]
        file.write("\n".join(lines.to_pylist()).encode() + b"\n")


def _csv_cells(column: pa.Array) -> pa.Array:
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if pa.types.is_string(column.type):
        return _quoted(column)
    if pa.types.is_timestamp(column.type):
        return _moments(column)
    if not pa.types.is_floating(column.type):
        return column.cast(pa.string())
    texts = column.cast(pa.string())
    whole = pc.match_substring_regex(texts, "^-?[0-9]+$")
    return pc.if_else(whole, pc.binary_join_element_wise(texts, ".0", ""), texts)


def _moments(column: pa.Array) -> pa.Array:
    """Times as ISO 8601, without a fraction of a second where there is none."""
    return pc.replace_substring_regex(pc.strftime(column, "%Y-%m-%dT%H:%M:%S"), r"\.000000$", "")


def _quoted(texts: pa.Array) -> pa.Array:
    """Texts between quotes where a reader would take them apart or trim them."""
    needed = pc.match_substring_regex(texts, r'[",;|\t\r\n]|^[ \t]|[ \t]$|^$')
    doubled = pc.replace_substring(texts, '"', '""')
    return pc.if_else(needed, pc.binary_join_element_wise('"', doubled, '"', ""), texts)


def _write_json_lines(table: Table, file: IO[bytes]) -> None:
    _refuse(table, MEDIA_TYPES, "JSON", ".parquet or .arrow")
    encode = msgspec.json.Encoder().encode
    for chunk in _chunks(table):
        columns = [_json_values(chunk.column(name).combine_chunks()) for name in table.columns]
        lines = (encode(dict(zip(table.columns, row, strict=True))) for row in zip(*columns, strict=True))
        file.write(b"\n".join(lines) + b"\n")


def _json_values(column: pa.Array) -> list[object]:
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if pa.types.is_list(column.type):
        items = iter(_json_values(column.flatten()))
        lengths = pc.list_value_length(column).to_pylist()
        return [None if length is None else list(islice(items, length)) for length in lengths]
    if pa.types.is_timestamp(column.type):
        return list(_moments(column).to_pylist())
    values: list[object] = column.to_pylist()
    if pa.types.is_floating(column.type):
        # JSON has no infinity, but a number beyond double precision is read as one.
        infinite = {float("inf"): msgspec.Raw(b"1e999"), float("-inf"): msgspec.Raw(b"-1e999")}
        return [infinite.get(value, value) if isinstance(value, float) else value for value in values]
    return values


_WRITERS: dict[str, Callable[[Table, IO[bytes]], None]] = {
    ".parquet": _write_parquet,
    ".arrow": _write_arrow,
    ".feather": _write_arrow,
    ".csv": _write_csv,
    ".jsonl": _write_json_lines,
}
