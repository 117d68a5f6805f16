"""Rows of a request that come as a CSV text: the same values that JSON rows would have."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Sequence

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from tilth.errors import RequestError
from tilth.schemas import Column
from tilth.serving.validation import RequestValidator, Row
from tilth.tables.text_types import clean_cells, convert_cells
from tilth.types import ColumnType, JSONValue

__all__ = ["check_names", "csv_rows"]

_PARSED = ("int", "float", "bool")
_LONGEST_HEADER = 1 << 20


def csv_rows(body: bytes, validator: RequestValidator) -> list[Row]:
    r"""The rows of a CSV text: UTF-8, commas, one header row; cells as training reads them.

    White space at the ends of cells does not count, an empty cell and the texts that mean missing are null,
    lists are JSON arrays. A cell that is not of its column's type is left as text, which the validator then
    refuses with its row and column.

    Args:
        body: the text.
        validator: knows the columns, and how many rows there may be.

    Raises:
        RequestError: not CSV, an unknown column, or too many rows.

    Example:
        >>> from tilth.schemas import Schema
        >>> validator = RequestValidator(Schema((Column("age", "int"), Column("city", "string"))))
        >>> csv_rows(b"age,city\n39,Oslo\nx,\n", validator)
        [{'age': 39, 'city': 'Oslo'}, {'age': 'x', 'city': ''}]
    """
    names = _header(body)
    check_names(names, validator)
    table = _cells(body, names)
    validator.check_count(table.num_rows)
    _check_end(body)
    known = {column.name: column for column in validator.columns}
    columns = {
        name: _values(table.column(name).combine_chunks(), known[name], validator.missing_texts(name))
        for name in names
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def check_names(names: Sequence[str], validator: RequestValidator) -> None:
    """Refuse a column that is there twice, and those that a request cannot have.

    Raises:
        RequestError: the first such column.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            shown = name if len(name) <= 100 else name[:97] + "..."
            raise RequestError(f"column '{shown}' is there twice", column=shown, expected="it once")
        seen.add(name)
        if name not in validator.known:
            raise validator.unknown_column(name)


def _header(body: bytes) -> list[str]:
    try:  # no more than the beginning: of the rest Arrow sees that it is UTF-8
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(body[:_LONGEST_HEADER])
    except UnicodeDecodeError:
        raise RequestError("the CSV text is not UTF-8", expected="UTF-8") from None
    try:
        names = next(csv.reader(io.StringIO(text, newline=""), strict=True), [])
    except csv.Error as error:
        raise RequestError(f"the header of the CSV text cannot be read: {error}") from None
    if not names:
        raise RequestError("there is no header row", got="an empty text", expected="the columns' names")
    if len(names) == 1 and (other := next((mark for mark in ";\t|" if mark in names[0]), None)):
        shown = "tabs" if other == "\t" else f"'{other}'"
        raise RequestError("the columns are not separated by commas", got=shown, expected="commas")
    return [name.strip(" \t") for name in names]


def _cells(body: bytes, names: Sequence[str]) -> pa.Table:
    """All cells as texts."""
    wrong: list[tuple[int, int]] = []

    def refuse(row: pacsv.InvalidRow) -> str:
        wrong.append((row.number or 0, row.actual_columns))
        return "error"

    body = body.removeprefix(b"\xef\xbb\xbf")
    try:  # Arrow would notice it as well, but where a row has too many cells it complains on standard error
        body.decode()
    except UnicodeDecodeError:
        raise RequestError("the CSV text is not UTF-8", expected="UTF-8") from None
    try:
        table = pacsv.read_csv(
            pa.BufferReader(body),
            read_options=pacsv.ReadOptions(
                use_threads=False,
                block_size=len(body) + 16,
                column_names=list(names),
                skip_rows_after_names=1,
            ),
            parse_options=pacsv.ParseOptions(newlines_in_values=True, invalid_row_handler=refuse),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        if not wrong:
            raise RequestError(f"the CSV text cannot be read: {str(error)[:200]}") from None
        number, cells = wrong[0]
        raise RequestError(
            f"line {number} of the CSV text has {cells} cells",
            got=f"{cells} cells",
            expected=f"{len(names)} cells, as in the header",
            row=max(number - 2, 0),
        ) from None
    return table


def _check_end(body: bytes) -> None:
    """Refuse a text that ends within quotes, which Arrow reads as if they were closed."""
    if body.count(b'"') % 2 == 0:
        return
    try:
        for _ in csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True):
            pass
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise RequestError("the CSV text ends within quotes", expected="a closing quote") from None


def _values(cells: pa.Array, column: Column, missing: frozenset[str]) -> Sequence[JSONValue]:
    if column.is_list:
        return [_list(text, missing) for text in _trimmed(cells).to_pylist()]
    if column.type not in _PARSED:  # texts are judged as they are, dates and media too
        return [str(text) for text in _trimmed(cells).to_pylist()]
    absent = pa.array(sorted(missing), pa.string())
    present = clean_cells(cells, absent, "")
    try:
        return [*convert_cells(present, column.type).to_pylist()]
    except pa.ArrowInvalid:
        return [_value(text, column.type) for text in present.to_pylist()]


def _trimmed(cells: pa.Array) -> pa.Array:
    return pc.utf8_trim(cells, characters=" \t")


def _value(text: str | None, kind: ColumnType) -> JSONValue:
    """One cell as its type, or as a number, or as it is."""
    if text is None:
        return None
    kinds: tuple[ColumnType, ...] = ("bool",) if kind == "bool" else (kind, "float")
    for each in kinds:
        try:
            value: JSONValue = convert_cells(pa.array([text]), each)[0].as_py()
        except pa.ArrowInvalid:
            continue
        return value
    return text


def _list(text: str, missing: frozenset[str]) -> JSONValue:
    if text in missing:
        return None
    try:
        value: JSONValue = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, list) else text
