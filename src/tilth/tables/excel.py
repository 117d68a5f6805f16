"""Sheets of Excel workbooks and of OpenDocument spreadsheets."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import DataError, closest
from tilth.tables.excel_guard import SheetFacts, check_workbook
from tilth.tables.files import SourceFile
from tilth.tables.memory import table_from_arrow
from tilth.tables.read_options import ReadOptions
from tilth.tables.table import Table

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

__all__ = ["open_excel"]

_ROWS_AT_ONCE = 8192
_WHOLE = 2.0**53
_KINDS: dict[type, str] = {
    bool: "bool",
    int: "number",
    float: "number",
    str: "text",
    datetime.date: "moment",
    datetime.datetime: "moment",
    datetime.time: "time",
    datetime.timedelta: "duration",
}
_ARROW = {
    "bool": pa.bool_(),
    "number": pa.float64(),
    "text": pa.string(),
    "moment": pa.timestamp("us"),
    "time": pa.time64("us"),
    "duration": pa.duration("us"),
}

Cells = Sequence[object]


def open_excel(file: SourceFile, options: ReadOptions, sheet: str | None = None) -> Table:
    """A table over one sheet of a workbook, which is read into memory at once.

    The first row that is not blank is the header. Cells have the types that the workbook gives them; numbers
    that are all whole are int; a formula is its last computed value; blank rows are left out.

    Args:
        file: .xlsx, .xlsm, .xls or .ods.
        options: how to read it.
        sheet: the sheet's name; None for the first.

    Raises:
        DataError: not a workbook, protected by a password, too large, no such sheet, or no header.
    """
    with _workbook(file) as workbook:
        chosen, notes = _chosen(workbook, file, sheet)
        # Before the sheet is unpacked: its cells take memory by the corners of the area that they span.
        facts = check_workbook(file, chosen)
        cells = workbook.get_sheet_by_name(chosen)
        merged = _merged(cells)
        names, columns, blank = _read(cells, file, options)
    kept = options.kept(
        [name for name, column in zip(names, columns, strict=True) if column is not None], file.name
    )
    arrays = {name: column for name, column in zip(names, columns, strict=True) if name in kept and column}
    mixtures = {name: mixed for name in kept if (mixed := arrays[name].mixture) is not None}
    notes += _notes(facts, merged, blank, mixtures)
    data = pa.table({name: arrays[name].finished() for name in kept})
    where = f"{file.name}?sheet={sheet}" if sheet else file.name
    return table_from_arrow(data, where, notes)


@contextmanager
def _workbook(file: SourceFile) -> Iterator[CalamineWorkbook]:
    import python_calamine

    check_workbook(file, None)
    file.check_unchanged()
    try:
        with python_calamine.CalamineWorkbook.from_path(str(file.path)) as workbook:
            yield workbook
    except DataError:
        raise
    except python_calamine.PasswordError as error:
        raise DataError(
            "the workbook is protected by a password",
            where=file.name,
            mend="open it in a spreadsheet program and save it without the password",
        ) from error
    except (python_calamine.CalamineError, OSError, ValueError, OverflowError) as error:
        raise DataError(
            f"the file cannot be read as a workbook: {error}",
            where=file.name,
            expected="a complete .xlsx, .xls or .ods file",
            mend="open it in a spreadsheet program and save it again",
        ) from error


def _chosen(workbook: CalamineWorkbook, file: SourceFile, sheet: str | None) -> tuple[str, list[str]]:
    """The sheet's name, and a note on those that are not read."""
    from python_calamine import SheetTypeEnum

    names = [item.name for item in workbook.sheets_metadata if item.typ == SheetTypeEnum.WorkSheet]
    if not names:
        raise DataError("the workbook has no sheets with cells", where=file.name)
    listed = ", ".join(f"'{name}'" for name in names[:20])
    if sheet is not None and sheet not in names:
        near = closest(sheet, names)
        raise DataError(
            f"no sheet '{sheet}'",
            where=file.name,
            expected=f"one of {listed}",
            mend=f"did you mean '{file.name}?sheet={near}'?" if near else None,
        )
    if sheet is not None or len(names) == 1:
        return sheet or names[0], []
    others = ", ".join(f"'{name}'" for name in names[1:21])
    return names[0], [
        f"of {len(names)} sheets '{names[0]}' is read; ?sheet=NAME behind the file's name is for {others}"
    ]


def _merged(sheet: CalamineSheet) -> int:
    return len(sheet.merged_cell_ranges or ())


def _read(
    sheet: CalamineSheet, file: SourceFile, options: ReadOptions
) -> tuple[list[str], list[_Column | None], int]:
    """Names and columns (None for one without name and values), and how many rows inside were blank."""
    rows = iter(sheet.iter_rows())
    header = next((row for row in rows if not _is_blank(row)), None)
    if header is None:
        raise DataError("the sheet is empty", where=file.name, expected="a header row")
    columns = [_Column(options.missing) for _ in header]
    blank = waiting = 0
    while chunk := list(islice(rows, _ROWS_AT_ONCE)):
        filled = []
        for row in chunk:
            if _is_blank(row):
                waiting += 1
            else:
                blank, waiting = blank + waiting, 0
                filled.append(row)
        for column, values in zip(columns, zip(*filled, strict=True), strict=False):
            column.add(values)
    # A column that has neither a name nor a value is only where somebody once set a width.
    used = [bool(cell != "" or column.kinds) for cell, column in zip(header, columns, strict=True)]
    names = _names(header, used, file)
    return names, [column if use else None for column, use in zip(columns, used, strict=True)], blank


def _is_blank(row: Cells) -> bool:
    return all(cell == "" for cell in row)


def _names(header: Cells, used: Sequence[bool], file: SourceFile) -> list[str]:
    names: list[str] = []
    for position, cell in enumerate(header, start=1):
        name = _text(cell).strip() or f"unnamed_{position}"
        if used[position - 1] and name in names:
            raise DataError(
                f"two columns are called '{name}'",
                where=file.name,
                expected="a header row with a name of its own for each column",
                mend="rename one of them",
            )
        names.append(name)
    return names


def _text(cell: object) -> str:
    """A cell as a text, as people see it."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) <= _WHOLE:
        return str(int(cell))
    if isinstance(cell, (datetime.date, datetime.time)):
        return cell.isoformat()
    return str(cell)


class _Column:
    """The values of a column, kept in Arrow arrays as they come."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        self._absent = {"", *missing}
        self._arrays: list[pa.Array] = []
        self.kinds: dict[str, object] = {}

    def add(self, cells: Cells) -> None:
        """More cells, in order."""
        values = [None if isinstance(cell, str) and cell in self._absent else cell for cell in cells]
        present = {type(value) for value in values if value is not None}
        kinds = {_KINDS[kind] for kind in present}
        for kind in kinds - self.kinds.keys():
            self.kinds[kind] = next(v for v in values if v is not None and _KINDS[type(v)] == kind)
        if len(kinds) > 1:
            self._arrays.append(pa.array([None if v is None else _text(v) for v in values], pa.string()))
        else:
            self._arrays.append(_array(values, next(iter(kinds), None)))

    @property
    def mixture(self) -> str | None:
        """What the column holds besides each other, in words; None where it holds one kind of value."""
        if len(self.kinds) < 2:
            return None
        words = {"bool": "true/false", "moment": "dates", "time": "times", "duration": "durations"}
        shown = [
            f"{words.get(kind, f'{kind}s')} ({_text(value)[:40]!r})" for kind, value in self.kinds.items()
        ]
        return " and ".join(sorted(shown))

    def finished(self) -> pa.ChunkedArray:
        """All values in one type: text where there were several kinds."""
        if not self.kinds:
            return pa.chunked_array([pa.nulls(sum(len(array) for array in self._arrays))])
        if self.mixture is not None:
            return pa.chunked_array([_texts(array) for array in self._arrays], pa.string())
        arrow = _ARROW[next(iter(self.kinds))]
        whole = pa.chunked_array([array.cast(arrow) for array in self._arrays], arrow)
        return whole.cast(pa.int64()) if arrow == pa.float64() and _is_whole(whole) else whole


def _array(values: list[object], kind: str | None) -> pa.Array:
    if kind is None:
        return pa.nulls(len(values))
    if kind == "moment":
        moments = [
            datetime.datetime.combine(value, datetime.time()) if type(value) is datetime.date else value
            for value in values
        ]
        return pa.array(moments, pa.timestamp("us"))
    return pa.array(values, _ARROW[kind])


def _texts(array: pa.Array) -> pa.Array:
    if pa.types.is_string(array.type):
        return array
    return pa.array([None if value is None else _text(value) for value in array.to_pylist()], pa.string())


def _is_whole(numbers: pa.ChunkedArray) -> bool:
    fits = pc.and_(pc.equal(pc.trunc(numbers), numbers), pc.less_equal(pc.abs(numbers), _WHOLE))
    return bool(pc.all(fits, min_count=0).as_py())


def _notes(facts: SheetFacts, merged: int, blank: int, mixtures: dict[str, str]) -> list[str]:
    found = [
        (facts.errors, f"cells that hold an error such as #N/A are missing: {facts.errors:,}"),
        (merged, f"of merged cells only the first has the value; groups of them: {merged:,}"),
        (blank, f"blank rows are left out: {blank:,}"),
    ]
    mixed = (f"column '{name}' holds {held} and is read as text" for name, held in mixtures.items())
    return list(chain((note for count, note in found if count), mixed))
