"""open_table: a table from whatever the data is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import ColumnNotFoundError, DataError, UsageError, closest
from tilth.tables.columnar_files import open_arrow, open_parquet
from tilth.tables.concatenation import concat_tables, wider_type
from tilth.tables.csv_files import open_csv
from tilth.tables.files import SourceFile, source_file
from tilth.tables.json_lines import open_json_lines
from tilth.tables.memory import is_rows, table_from_columns, table_from_frame, table_from_rows
from tilth.tables.table import Table
from tilth.tables.text_types import convert_cells, first_misfit
from tilth.types import COLUMN_TYPES, ColumnType

__all__ = ["CSV_SUFFIXES", "open_table"]

CSV_SUFFIXES = (".csv", ".tsv", ".txt", ".data")
_READERS = {".parquet": open_parquet, ".arrow": open_arrow, ".feather": open_arrow}
_JSON_SUFFIXES = (".jsonl", ".ndjson")
_EXPECTED = ".csv, .tsv, .txt, .data, .jsonl, .ndjson (each also .gz), .parquet, .arrow or .feather"


def open_table(
    data: object, *, missing: Sequence[str] = (), types: Mapping[str, ColumnType] | None = None
) -> Table:
    """A table over data of any kind.

    Args:
        data: a path (CSV, Parquet, JSON lines, Arrow), an Arrow table or reader, a data frame of Polars,
            pandas or any library with the Arrow C interface, columns ({name: values}), rows
            ([{name: value}]), a Table, or a list of paths: files with the same columns, one below the other.
        missing: texts that mean missing, beside the empty cell.
        types: types of columns that shall not be found out, such as {"zip": "string"}.

    Raises:
        DataError: it cannot be read as asked; the message says file, line and column.
        ColumnNotFoundError: a type for a column that is not there.

    Example:
        >>> open_table({"age": [39, None], "job": ["cook", "?"]}, missing=["?"]).to_arrow().to_pylist()
        [{'age': 39, 'job': 'cook'}, {'age': None, 'job': None}]
    """
    forced = _known_types(types or {})
    if isinstance(missing, str):
        missing = [missing]
    if isinstance(data, (list, tuple)) and data and all(isinstance(item, (str, Path)) for item in data):
        return _open_files([source_file(Path(item)) for item in data], missing, forced)
    if isinstance(data, (str, Path)):
        return _open_files([source_file(Path(data))], missing, forced)
    return _adjusted(_from_memory(data), missing, forced)


def _known_types(types: Mapping[str, ColumnType]) -> dict[str, ColumnType]:
    for name, kind in types.items():
        if kind not in COLUMN_TYPES:
            near = closest(kind, COLUMN_TYPES)
            raise UsageError(
                f"type {kind!r} is not known",
                where=f"column '{name}'",
                expected=f"one of {', '.join(COLUMN_TYPES)}",
                mend=f"did you mean '{near}'?" if near else None,
            )
    return dict(types)


def _from_memory(data: object) -> Table:
    if isinstance(data, Table):
        return data
    if isinstance(data, Mapping):
        return table_from_columns(data)
    if is_rows(data):
        return table_from_rows(data)  # type: ignore[arg-type]
    table = table_from_frame(data)
    if table is None:
        raise DataError(
            f"a {type(data).__name__} is not a table",
            expected="a path, a data frame, an Arrow table, {name: values} or [{name: value}]",
        )
    return table


def _open_files(
    files: Sequence[SourceFile], missing: Sequence[str], types: Mapping[str, ColumnType]
) -> Table:
    tables = [_open_file(file, missing, types) for file in files]
    for table in tables[1:]:
        _check_columns(tables[0], table)
    widened = {
        name: kind for name in tables[0].columns if (kind := _text_type(name, tables, files)) is not None
    }
    if widened:
        tables = [
            _open_file(file, missing, {**types, **widened})
            if any(table.columns[name] != kind for name, kind in widened.items())
            else table
            for file, table in zip(files, tables, strict=True)
        ]
    return concat_tables(tables)


def _text_type(name: str, tables: Sequence[Table], files: Sequence[SourceFile]) -> ColumnType | None:
    """string, where CSV files of one delivery disagree on a column so that only text holds all."""
    kinds = [table.columns[name] for table in tables if name not in table.empty]
    if len(set(kinds)) < 2 or any(file.suffix not in CSV_SUFFIXES for file in files):
        return None
    return None if all(wider_type(kinds[0], kind) for kind in kinds) else "string"


def _check_columns(first: Table, other: Table) -> None:
    lacking = [name for name in first.columns if name not in other.columns]
    extra = [name for name in other.columns if name not in first.columns]
    if lacking or extra:
        words = [f"lacks {', '.join(lacking)}"] if lacking else []
        words += [f"has {', '.join(extra)} more"] if extra else []
        raise DataError(
            f"the files have different columns: the second {' and '.join(words)}",
            where=f"{first.name} and {other.name}",
            expected="the same columns in each file",
        )


def _open_file(file: SourceFile, missing: Sequence[str], types: Mapping[str, ColumnType]) -> Table:
    if file.suffix in CSV_SUFFIXES:
        return open_csv(file, missing, types)
    if file.suffix in _JSON_SUFFIXES:
        return _adjusted(open_json_lines(file), missing, types)
    if file.suffix in _READERS and not file.zipped:
        return _adjusted(_READERS[file.suffix](file), missing, types)
    shown = "".join(file.path.suffixes[-2:] if file.zipped else file.path.suffixes[-1:])
    raise DataError(
        f"files ending in '{shown}' are not known" if shown else "the file's name has no ending",
        where=file.name,
        expected=_EXPECTED,
        mend="rename the file by what is in it",
    )


def _adjusted(table: Table, missing: Sequence[str], types: Mapping[str, ColumnType]) -> Table:
    """The table with texts that mean missing as null, and columns turned into other types."""
    for name in types:
        if name not in table.columns:
            raise ColumnNotFoundError(name, table.columns, where=table.name)
    if not missing and all(table.columns[name] == kind for name, kind in types.items()):
        return table
    absent = pa.array(list(missing), pa.string())
    columns = {name: types.get(name, kind) for name, kind in table.columns.items()}
    source = table

    def read(names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        before = 0
        for batch in source.select(names).batches(size):
            arrays = []
            for name in names:
                array = batch.column(name)
                if pa.types.is_string(array.type):
                    array = pc.if_else(pc.is_in(array, value_set=absent), pa.scalar(None, pa.string()), array)
                arrays.append(_retyped(array, columns[name], name, before, source))
            before += batch.num_rows
            yield pa.RecordBatch.from_arrays(arrays, list(names))

    return Table(
        table.name, columns, read, rows=table._rows, notes=table.notes, empty=table.empty - set(types)
    )


def _retyped(array: pa.Array, kind: ColumnType, name: str, before: int, table: Table) -> pa.Array:
    if kind == table.columns[name]:
        return array
    if table.columns[name] == "int" and kind == "float":
        return array.cast(pa.float64(), safe=False)
    cells = pc.utf8_lower(array.cast(pa.string())) if kind == "bool" else array.cast(pa.string())
    try:
        return convert_cells(cells, kind)
    except pa.ArrowInvalid as error:
        position = first_misfit(cells, kind)
        raise DataError(
            f"column '{name}' has the value {array[position].as_py()!r}",
            where=f"{table.name}, row {before + position + 1}",
            expected=f"a value of type {kind}",
        ) from error
