"""Writing a table to a file, whole or not at all."""

from __future__ import annotations

import gzip
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tilth.errors import DataError
from tilth.tables.memory import table_from_arrow
from tilth.tables.table import Table

__all__ = ["write_table"]

_ROWS_AT_ONCE = 131_072


def write_table(table: Table | pa.Table, path: str | Path) -> None:
    """Write a table; the file's ending says how.

    The file is written beside its place, flushed to disk and then renamed, so that a crash leaves the old
    file or the new one. The same rows in the same order give the same bytes.

    Args:
        table: what to write.
        path: .parquet, .arrow, .csv, .csv.gz, .jsonl or .jsonl.gz. CSV does not tell an empty text from a
            missing one, nor a text of digits from a number; Parquet and Arrow keep everything.

    Raises:
        DataError: an ending that is not known, or a place that cannot be written.

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
    waiting = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with waiting.open("wb") as file:
            _write(write, source, file, zipped)
            file.flush()
            os.fsync(file.fileno())
        waiting.replace(path)
        _sync_folder(path.parent)
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
    """Tables of exactly so many rows, so that batches leave no trace in the file."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in table.batches(_ROWS_AT_ONCE):
        waiting.append(batch)
        rows += batch.num_rows
        while rows >= _ROWS_AT_ONCE:
            whole = pa.Table.from_batches(waiting)
            yield whole.slice(0, _ROWS_AT_ONCE).combine_chunks()
            waiting = whole.slice(_ROWS_AT_ONCE).to_batches()
            rows -= _ROWS_AT_ONCE
    if rows:
        yield pa.Table.from_batches(waiting).combine_chunks()


def _write_parquet(table: Table, file: IO[bytes]) -> None:
    with pq.ParquetWriter(file, table.schema, compression="zstd", write_page_checksum=True) as writer:
        for chunk in _chunks(table):
            writer.write_table(chunk)


def _write_arrow(table: Table, file: IO[bytes]) -> None:
    with pa.ipc.new_file(file, table.schema) as writer:
        for chunk in _chunks(table):
            writer.write_table(chunk)


def _write_csv(table: Table, file: IO[bytes]) -> None:
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
    encode = msgspec.json.Encoder().encode
    for chunk in _chunks(table):
        columns = [_json_values(chunk.column(name).combine_chunks()) for name in table.columns]
        lines = (encode(dict(zip(table.columns, row, strict=True))) for row in zip(*columns, strict=True))
        file.write(b"\n".join(lines) + b"\n")


def _json_values(column: pa.Array) -> list[object]:
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
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
