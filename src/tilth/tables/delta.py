"""Delta tables; deltalake is the extra tilth[delta]."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tilth.errors import DataError
from tilth.tables.arrow_types import column_types
from tilth.tables.normal_form import normalize
from tilth.tables.read_options import ReadOptions
from tilth.tables.remote import is_remote, shown
from tilth.tables.struct_columns import Spread
from tilth.tables.table import Table

__all__ = ["append_once", "open_delta"]


def open_delta(place: str, options: ReadOptions, version: int | None = None) -> Table:
    """A table over one version of a Delta table, in the order of its files' names.

    Args:
        place: the folder that holds `_delta_log`, or its address in an object store.
        options: how to read it.
        version: 0 or more; None for the newest.

    Raises:
        DataError: no such version, a damaged log, or a feature of Delta that cannot be read.
    """
    where = shown(place) if version is None else f"{shown(place)}?version={version}"
    with _said_of(where):
        source = _opened(place, version)
        dataset = source.to_pyarrow_dataset()
        # From here on, a newer version changes nothing.
        fixed = source.version()
    spread = Spread(dataset.schema)
    kept = options.kept(spread.schema.names, where)
    schema = pa.schema([spread.schema.field(name) for name in kept])

    def batches(wanted: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        with _said_of(where):
            data = _opened(place, fixed).to_pyarrow_dataset()
            for fragment in sorted(data.get_fragments(), key=lambda fragment: str(fragment.path)):
                columns = spread.tops(list(wanted))
                yield from fragment.to_batches(
                    schema=data.schema, columns=columns, batch_size=size, batch_readahead=2
                )

    def peek(name: str) -> Iterable[pa.Array]:
        return (spread.pick(batch, name) for batch in batches([name], 64))

    columns, empty = column_types(schema, where, peek=peek, chosen=options.types)

    def read(names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        for batch in batches(names, size):
            if batch.num_rows:
                picked = {name: spread.pick(batch, name) for name in names}
                arrays = [normalize(a, columns[n], column=n, where=where) for n, a in picked.items()]
                yield pa.RecordBatch.from_arrays(arrays, list(names))

    with _said_of(where):
        rows = dataset.count_rows()
    return Table(where, columns, read, rows=rows, empty=empty)


def append_once(place: str, path: Path, name: str) -> None:
    """Append the rows of a Parquet file to a Delta table, unless a file of that name was appended before.

    Args:
        place: the table's folder, or its address in an object store; made where there is none.
        path: the file.
        name: what it is known by in the table's log (an application transaction of the Delta protocol).

    Raises:
        DataError: the table cannot be written.
    """
    deltalake = _driver(shown(place))
    options = _storage_options() if is_remote(place) else None
    with _said_of(shown(place), "written"):
        exists = deltalake.DeltaTable.is_deltatable(place, storage_options=options)
        if exists:
            table = deltalake.DeltaTable(place, storage_options=options)
            if table.transaction_version(name) is not None:
                return
        mark = deltalake.CommitProperties(app_transactions=[deltalake.Transaction(name, 1)])
        deltalake.write_deltalake(
            place,
            pq.read_table(path).replace_schema_metadata(),
            mode="append",
            schema_mode="merge",
            storage_options=options,
            commit_properties=mark,
        )


def _opened(place: str, version: int | None) -> Any:
    deltalake = _driver(shown(place))
    options = _storage_options() if is_remote(place) else None
    table = deltalake.DeltaTable(place, storage_options=options)
    newest = table.version()
    if version is None or version == newest:
        return table
    if not 0 <= version < newest:
        raise DataError(f"no version {version}", where=shown(place), expected=f"0 to {newest}")
    return deltalake.DeltaTable(place, version=version, storage_options=options)


def _storage_options() -> dict[str, str] | None:
    """The driver finds credentials in the environment, but takes no address without TLS unasked."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    return {"AWS_ALLOW_HTTP": "true"} if endpoint.startswith("http://") else None


@contextmanager
def _said_of(where: str, done: str = "read") -> Iterator[None]:
    """Turn what the driver says into our own words."""
    errors = _driver(where).exceptions
    try:
        yield
    except (errors.DeltaError, errors.DeltaProtocolError, pa.ArrowException, OSError) as error:
        said = str(error).splitlines()[0][:400] if str(error) else type(error).__name__
        raise DataError(
            f"the Delta table cannot be {done}: {said}",
            where=where,
            mend="if it has deletion vectors or renamed columns, write it again without, or as Parquet",
        ) from error


def _driver(where: str) -> Any:
    try:
        import deltalake
        import deltalake.exceptions
    except ImportError as error:
        raise DataError(
            "reading a Delta table needs deltalake, which is not installed",
            where=where,
            mend="pip install 'tilth[delta]'",
        ) from error
    return deltalake
