"""A piece of a CSV file parsed straight into values, where that gives what its texts would have given."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from tilth.tables.arrow_types import ARROW_TYPES
from tilth.tables.csv_cells import read_options
from tilth.tables.csv_chunks import Chunk
from tilth.tables.csv_dialect import Dialect
from tilth.tables.text_types import are_in_calendar, clean_cells, has_codes
from tilth.types import ColumnType

__all__ = ["DIRECT_TYPES", "DirectCells", "Plan", "misfits", "parse_directly"]

DIRECT_TYPES: tuple[ColumnType, ...] = ("int", "float", "bool", "datetime")
"""The types whose values are parsed without making texts first."""

_SLICE = 1 << 17
_LAST_CONTROL, _SPACE, _COMMA, _MINUS, _ZERO = b"\r ,-0"
_CODE_FIRST = re.compile(rb"[\x00-\x2d]*0[0-9xX]")


def _spellings(word: str) -> list[str]:
    """A word in every mixture of small and capital letters."""
    found = [""]
    for letter in word:
        found = [start + case for start in found for case in (letter, letter.upper())]
    return found


@dataclass(frozen=True)
class Plan:
    """What to make of a chunk.

    Args:
        dialect: how the file is written.
        missing: the texts that mean missing, the empty one included.
        direct: columns to parse straight into values, with their types.
        texts: columns to parse as texts.
        coded: those of `direct` in which a number such as 007 would be a code.
    """

    dialect: Dialect
    missing: tuple[str, ...]
    direct: Mapping[str, ColumnType]
    texts: Sequence[str]
    coded: frozenset[str]

    def options(self, types: Mapping[str, pa.DataType] | None = None) -> pacsv.ConvertOptions:
        """What Arrow's parser is to make of columns; default: what the plan says."""
        if types is None:
            direct = {name: ARROW_TYPES[kind] for name, kind in self.direct.items()}
            types = direct | dict.fromkeys(self.texts, pa.string())
        has_truths = pa.bool_() in types.values()
        return pacsv.ConvertOptions(
            check_utf8=False,  # it has been checked
            column_types=dict(types),
            include_columns=list(types),
            # A cell with white space at an end matches none, since it is trimmed before it is compared.
            null_values=[text for text in self.missing if text == text.strip(" \t")],
            true_values=_spellings("true") if has_truths else None,
            false_values=_spellings("false") if has_truths else None,
            strings_can_be_null=True,
        )


@dataclass(frozen=True)
class DirectCells:
    """The columns of a chunk: values where the plan says so, else cleaned texts.

    Args:
        columns: by name.
        malformed: how many rows have more or fewer cells than the header, which are left out.
    """

    columns: dict[str, pa.Array]
    malformed: int


def parse_directly(chunk: Chunk, plan: Plan) -> DirectCells | None:
    """The columns of a chunk, texts cleaned; or None where only reading it all as text can tell.

    What is returned is what `convert_cells` makes of the texts. None is returned for a chunk with white space
    next to quotes, or with a cell that the plan has no room for.
    """
    if chunk.has_padding or plan.dialect.spaced_quotes:
        return None
    found = _parse(chunk, plan, plan.options())
    if found is None:
        return None
    missing = pa.array(plan.missing, pa.string())
    for name in plan.texts:
        if _has_blank_ends(found.columns[name]):
            found.columns[name] = clean_cells(found.columns[name], missing, "")
    if plan.coded and _may_have_codes(chunk.data, plan.dialect.separator):
        texts = _parse(chunk, plan, plan.options(dict.fromkeys(sorted(plan.coded), pa.string())))
        if texts is None or any(has_codes(clean_cells(c, missing, "")) for c in texts.columns.values()):
            return None
    return found


def misfits(chunk: Chunk, plan: Plan) -> list[str]:
    """The columns of a plan that cannot be parsed directly in a chunk because of their cells."""
    if chunk.has_padding or plan.dialect.spaced_quotes:
        return []
    types = {name: ARROW_TYPES[kind] for name, kind in plan.direct.items()}
    return [name for name, kind in types.items() if _parse(chunk, plan, plan.options({name: kind})) is None]


def _parse(chunk: Chunk, plan: Plan, options: pacsv.ConvertOptions) -> DirectCells | None:
    malformed = 0

    def skip(_: pacsv.InvalidRow) -> str:
        nonlocal malformed
        malformed += 1
        return "skip"

    try:
        table = pacsv.read_csv(
            pa.BufferReader(chunk.data),
            read_options=read_options(plan.dialect, len(chunk.data)),
            parse_options=pacsv.ParseOptions(
                delimiter=plan.dialect.separator, newlines_in_values=True, invalid_row_handler=skip
            ),
            convert_options=options,
        )
    except pa.ArrowInvalid:
        return None
    arrays = [c.chunk(0) if c.num_chunks == 1 else c.combine_chunks() for c in table.columns]
    if not all(are_in_calendar(array) for array in arrays if pa.types.is_timestamp(array.type)):
        return None
    return DirectCells(dict(zip(table.column_names, arrays, strict=True)), malformed)


def _has_blank_ends(cells: pa.Array) -> bool:
    """Whether a text begins or ends with a space or tab."""
    _, offsets, data = cells.buffers()
    if data is None or data.size == 0 or not len(cells):
        return False
    ends = np.frombuffer(offsets, np.int32, len(cells) + 1, cells.offset * 4)
    bytes_ = np.frombuffer(data, np.uint8)[ends[0] : ends[-1]]
    if not (bytes_ <= _SPACE).any():
        return False
    ends = ends - ends[0]
    starts, lasts = ends[:-1], ends[1:] - 1
    if not ends[1:].all() or cells.null_count or (starts > lasts).any():
        full = starts <= lasts
        starts, lasts = starts[full], lasts[full]
    first, last = bytes_[starts], bytes_[lasts]
    return bool(((first == 32) | (first == 9) | (last == 32) | (last == 9)).any())


def _may_have_codes(data: memoryview, separator: str) -> bool:
    """Whether a cell may begin like 007, 0x1F or -01; wrong only by saying yes.

    Sought is a zero with a digit or letter after it, at the beginning of a cell or after one byte there that
    is a sign, a quote, a blank or the like; more than one of these is suspicious in itself.
    """
    if _CODE_FIRST.match(data[:256]):
        return True
    array, mark = np.frombuffer(data, np.uint8), ord(separator)
    room = [np.empty(_SLICE + 4, bool) for _ in range(4)]
    is_quick = mark < _ZERO
    for start in range(0, len(array), _SLICE):
        part = array[start : start + _SLICE + 4]
        here = [space[: len(part)] for space in room]
        if is_quick and not _codes_anywhere(part, mark, here):
            continue
        is_quick = False  # what was found is likely to be in every slice, such as times after dates
        if _codes_in(part, mark, here):
            return True
    return False


def _codes_anywhere(part: np.ndarray, mark: int, room: list[np.ndarray]) -> bool:
    """Whether anything like a code follows what may be the beginning of a cell, or a blank, or the like.

    A minus must follow such a byte itself, so that dates do not count.
    """
    starts, signs, zeros, other = room
    np.less_equal(part, _COMMA, out=starts)
    if mark > _COMMA:
        np.equal(part, mark, out=other)
        starts |= other
    np.equal(part, _MINUS, out=signs)
    signs[1:] &= starts[:-1]
    signs |= starts
    np.equal(part, _ZERO, out=zeros)
    np.greater_equal(part, _ZERO, out=other)
    zeros[:-1] &= other[1:]
    zeros[1:] &= signs[:-1]
    return bool(zeros[1:-1].any())


def _codes_in(part: np.ndarray, mark: int, room: list[np.ndarray]) -> bool:
    ends, other, prefixes, zeros = room
    np.less_equal(part, _LAST_CONTROL, out=ends)  # line ends, and what is no text
    np.equal(part, mark, out=other)
    ends |= other
    np.less_equal(part, _MINUS, out=prefixes)
    np.greater(prefixes, ends, out=prefixes)
    np.logical_and(ends[:-1], prefixes[1:], out=other[1:])  # a prefix at the beginning of a cell
    other[:1] = False
    np.logical_and(other[:-1], prefixes[1:], out=zeros[:-1])
    if zeros[:-1].any():
        return True
    other |= ends
    np.equal(part, _ZERO, out=zeros)
    np.greater_equal(part, _ZERO, out=prefixes)
    if mark >= _ZERO:
        np.greater(prefixes, ends, out=prefixes)
    zeros[:-1] &= prefixes[1:]
    other[:-2] &= zeros[1:-1]
    return bool(other[:-2].any())
