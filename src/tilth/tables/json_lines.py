"""JSON lines: one object a line, columns found over the whole file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import IO

import msgspec
import pyarrow as pa

from tilth.errors import DataError
from tilth.tables.concatenation import wider_type
from tilth.tables.csv_bytes import not_utf8, open_bytes
from tilth.tables.files import SourceFile
from tilth.tables.table import Table
from tilth.tables.text_types import TypeGuess, convert_cells
from tilth.types import ColumnType

__all__ = ["open_json_lines"]

_LINES_AT_ONCE = 16_384
_KINDS: dict[type, ColumnType] = {bool: "bool", int: "int", float: "float", str: "string"}
_INT64 = range(-(2**63), 2**63)

Row = Mapping[str, object]


def open_json_lines(file: SourceFile) -> Table:
    """A table over a file of JSON lines (.jsonl, .ndjson).

    Columns keep the order of their first appearance; one that an object lacks is missing there. Texts that
    are all ISO 8601 dates or times become datetime.

    Raises:
        DataError: a line that is not a JSON object, holds a list or object, or does not go with the others.
    """
    kinds: dict[str, ColumnType | None] = {}
    guesses: dict[str, TypeGuess] = {}
    rows = 0
    for number, row in _rows(file):
        rows += 1
        for name, value in row.items():
            kinds[name] = _joined(kinds.get(name), value, name, number, file)
    if not kinds:
        raise DataError("there are no columns", where=file.name, expected="one JSON object a line")
    texts = [name for name, kind in kinds.items() if kind == "string"]
    if texts:
        guesses = _guess(file, texts)
    columns: dict[str, ColumnType] = {
        name: "datetime" if name in guesses and guesses[name].type == "datetime" else kind or "string"
        for name, kind in kinds.items()
    }

    def read(names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        for chunk in _chunks(file, size):
            arrays = [_array([row.get(name) for row in chunk], columns[name]) for name in names]
            yield pa.RecordBatch.from_arrays(arrays, list(names))

    empty = frozenset(name for name, kind in kinds.items() if kind is None)
    return Table(file.name, columns, read, rows=rows, empty=empty)


def _guess(file: SourceFile, texts: Sequence[str]) -> dict[str, TypeGuess]:
    guesses = {
        name: TypeGuess(could_be_int=False, could_be_float=False, could_be_bool=False) for name in texts
    }
    for chunk in _chunks(file, _LINES_AT_ONCE):
        for name, guess in guesses.items():
            guess.update(pa.array([row.get(name) for row in chunk], pa.string()))
    return guesses


def _array(values: list[object], kind: ColumnType) -> pa.Array:
    if kind == "datetime":
        return convert_cells(pa.array(values, pa.string()), kind)
    if kind == "float":
        return pa.array([None if v is None else float(v) for v in values], pa.float64())  # type: ignore[arg-type]
    types = {"int": pa.int64(), "string": pa.string(), "bool": pa.bool_()}
    return pa.array(values, types[kind])


def _joined(
    before: ColumnType | None, value: object, name: str, number: int, file: SourceFile
) -> ColumnType | None:
    """The type of a column after one more value."""
    if value is None:
        return before
    kind = _KINDS.get(type(value))
    if kind == "int" and value not in _INT64:
        kind = None
    if kind is None:
        raise DataError(
            f"column '{name}' holds {json.dumps(value)[:60]}",
            where=f"{file.name}, line {number}",
            expected="a text, a number of at most 64 bits, true, false or null",
        )
    wide = kind if before is None else wider_type(before, kind)
    if wide is not None:
        return wide
    raise DataError(
        f"column '{name}' holds {json.dumps(value)[:60]} where it held type {before} before",
        where=f"{file.name}, line {number}",
        expected=f"a value of type {before}",
    )


def _chunks(file: SourceFile, size: int) -> Iterator[list[Row]]:
    rows = (row for _, row in _rows(file))
    while chunk := list(islice(rows, size)):
        yield chunk


def _rows(file: SourceFile) -> Iterator[tuple[int, Row]]:
    """The objects with the number of their line; blank lines are left out."""
    decode = msgspec.json.Decoder().decode
    with open_bytes(file) as stream:
        for number, line in enumerate(_lines(stream), start=1):
            if not line.strip():
                continue
            try:
                row = decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                row = _forgiving(line, number, file)
            if not isinstance(row, dict):
                raise DataError(
                    "a line that is not an object",
                    where=f"{file.name}, line {number}",
                    expected='one JSON object a line, such as {"x": 1}',
                )
            yield number, row


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    first = stream.readline()
    if first:
        yield first.removeprefix(b"\xef\xbb\xbf")
        yield from stream


def _forgiving(line: bytes, number: int, file: SourceFile) -> object:
    """Numbers that strict JSON does not have: NaN, Infinity, and those beyond double precision."""
    try:
        return json.loads(line)
    except UnicodeDecodeError as error:
        raise not_utf8(file) or DataError("not UTF-8", where=f"{file.name}, line {number}") from error
    except json.JSONDecodeError as error:
        raise DataError(
            f"a line that is not JSON: {error}",
            where=f"{file.name}, line {number}",
            expected="one JSON object a line",
            mend="if it is the last line, the file may be cut short",
        ) from error
