"""Tags that go to a spreadsheet and come back: only what a person changed there is a change."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tilth.errors import DataError
from tilth.types import JSONValue

__all__ = ["OWN_COLUMNS", "ExchangedRow", "TagChange", "changes", "csv_text", "json_text", "read_exchanged"]

OWN_COLUMNS = ("row", "tags", "who", "note", "truth", "answer", "confidence", "base")
"""The columns of an exchanged table that are not the data's own."""

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_MARK = "\ufeff"
_LONGEST_CELL = 1000
_SEPARATORS = (",", ";", "\t")
_SHOWN = 5


@dataclass(frozen=True)
class ExchangedRow:
    """A row with its tags, as it goes out or comes back.

    Args:
        row: its hash.
        tags: its tags.
        who: who gave them.
        note: what was said with them.
        seen: what else is shown of it; not read back.
        base: the tags, authors and note with which it went out; None where it comes from elsewhere.
        sampled: it went out as a right row to be looked at.
        place: where it stands in the file, for messages.
    """

    row: str
    tags: frozenset[str]
    who: str = ""
    note: str = ""
    seen: Mapping[str, JSONValue] = field(default_factory=dict)
    base: Mapping[str, Any] | None = None
    sampled: bool = False
    place: str = ""


@dataclass(frozen=True)
class TagChange:
    """One tag that a person gave to a row or took from it.

    Args:
        row: its hash.
        tag: its name.
        given: False where it is taken.
        who: who says so, where the file says it.
        note: what is said with it.
        place: where in the file.
    """

    row: str
    tag: str
    given: bool
    who: str | None
    note: str | None
    place: str


def changes(rows: Sequence[ExchangedRow]) -> tuple[TagChange, ...]:
    """What a person changed: the tags of each row against those with which it went out (three-way merge).

    A tag that somebody else gave in the meantime is in neither and stays; one that somebody took is in both
    and stays away. A changed note goes with the tags that the person adds, or else with all that the row has.

    Raises:
        DataError: a note without a tag.

    Example:
        >>> went = {"tags": ["dark"], "who": "ann", "note": ""}
        >>> back = ExchangedRow("01", frozenset({"blurry"}), "bob", "", base=went)
        >>> [(each.tag, each.given, each.who) for each in changes([back])]
        [('blurry', True, 'bob'), ('dark', False, 'bob')]
    """
    return tuple(change for row in rows for change in _changes(row))


def _changes(row: ExchangedRow) -> Iterator[TagChange]:
    base = row.base or {"tags": [], "who": "", "note": ""}
    before = frozenset(base["tags"])
    who = row.who if row.who and row.who != base["who"] else None
    given = sorted(row.tags - before)
    note = None
    if row.note != base["note"]:
        note, given = row.note, given or sorted(row.tags)
        if not given:
            raise DataError("a note without a tag", where=row.place, mend="give the row a tag to go with it")
    for tag in given:
        yield TagChange(row.row, tag, True, who, note, row.place)
    for tag in sorted(before - row.tags):
        yield TagChange(row.row, tag, False, who, None, row.place)


def csv_text(rows: Sequence[ExchangedRow]) -> str:
    r"""The rows as CSV for a spreadsheet: with a byte order mark, by which it knows UTF-8.

    A text that a spreadsheet would take for a formula gets an apostrophe before it; long texts are cut.

    Example:
        >>> text = csv_text([ExchangedRow("01", frozenset({"a", "b"}), "ann", seen={"s": "=1+1"})])
        >>> print(text.splitlines()[1].partition("{")[0])
        r01,a;b,ann,,'=1+1,"
    """
    seen = list(dict.fromkeys(name for row in rows for name in row.seen))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["row", "tags", "who", "note", *map(_cell, seen), "base"])
    for row in rows:
        own = [f"r{row.row}", *(_cell(text) for text in (";".join(sorted(row.tags)), row.who, row.note))]
        writer.writerow([*own, *(_cell(row.seen.get(name)) for name in seen), json.dumps(_base(row))])
    return _MARK + out.getvalue()


def json_text(rows: Sequence[ExchangedRow]) -> str:
    """The rows as one JSON document."""
    found = [
        {
            "row": row.row,
            "tags": sorted(row.tags),
            "who": row.who,
            "note": row.note,
            "seen": dict(row.seen),
            "base": _base(row),
        }
        for row in rows
    ]
    return json.dumps({"rows": found}, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def read_exchanged(data: bytes, name: str, *, is_json: bool = False) -> list[ExchangedRow]:
    """The rows of a file that came back.

    Args:
        data: its bytes.
        name: the file, for messages.
        is_json: whether it is JSON.

    Raises:
        DataError: it is no such table; the message names the lines.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            "the file is not UTF-8", where=name, mend="save it as 'CSV UTF-8' in the spreadsheet"
        ) from error
    found: list[ExchangedRow] = []
    wrong: list[str] = []
    first: dict[str, str] = {}
    for place, record in _json_records(text, name) if is_json else _csv_records(text, name):
        try:
            row = _row(record, place, is_json=is_json)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            wrong.append(f"{place}: {error}")
            continue
        if row.row in first:
            wrong.append(f"{place}: row {row.row} is in {first[row.row]} too")
        first.setdefault(row.row, place)
        found.append(row)
    if wrong:
        more = f", and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise DataError(
            f"{len(wrong)} of {len(found) + len(wrong)} rows cannot be read, so nothing was changed",
            where=f"{name}, {'; '.join(wrong[:_SHOWN])}{more}",
            expected="the rows as they were exported, with other tags",
        )
    return found


def _base(row: ExchangedRow) -> dict[str, Any]:
    return {"tags": sorted(row.tags), "who": row.who, "note": row.note, "sampled": row.sampled}


def _cell(value: JSONValue) -> str:
    if not isinstance(value, str):
        if isinstance(value, (list, dict)):
            return _cell(json.dumps(value, ensure_ascii=False))
        return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
    cut = value if len(value) <= _LONGEST_CELL else value[:_LONGEST_CELL] + " ..."
    cut = cut.replace("\0", "\\0")
    return f"'{cut}" if _FORMULA.match(cut) else cut


def _plain(cell: str) -> str:
    """A cell without the apostrophe that `_cell` put before it."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell


def _csv_records(text: str, name: str) -> Iterator[tuple[str, dict[str, str]]]:
    header = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=header.count)  # spreadsheets write ';' where ',' marks decimals
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    titles: list[str] | None = None
    line = 1
    try:
        for cells in reader:
            if titles is None:
                titles = _titles(cells, name)
            elif any(cells):
                yield f"line {line}", _record(titles, cells)
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"this is no CSV record: {error}", where=f"{name}, line {line}", mend="nothing was changed"
        ) from error
    if titles is None:
        raise DataError("the file is empty", where=name, expected="the columns row and tags")


def _record(titles: list[str], cells: list[str]) -> dict[str, str]:
    if len(cells) != len(titles):
        raise csv.Error(f"{len(cells)} cells, and the header has {len(titles)}")
    return dict(zip(titles, cells, strict=True))


def _titles(cells: list[str], name: str) -> list[str]:
    if "row" not in cells or "tags" not in cells:
        raise DataError("no such table", where=f"{name}, line 1", expected="the columns row and tags")
    return cells


def _json_records(text: str, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"this is no JSON: {error}", where=name) from error
    rows = document.get("rows") if isinstance(document, dict) else None
    if not isinstance(rows, list):
        raise DataError("no such document", where=name, expected='{"rows": [{"row", "tags", ...}]}')
    for at, record in enumerate(rows):
        yield f"rows[{at}]", record


def _row(record: Mapping[str, Any], place: str, *, is_json: bool) -> ExchangedRow:
    """The row of a record.

    Raises:
        ValueError: what is wrong with it.
    """
    row = str(record.get("row", "")).strip().lower().removeprefix("r")
    if not re.fullmatch(r"[0-9a-f]{16}", row):
        raise ValueError(f"'{row[:40]}' names no row")
    given = record.get("tags")
    if is_json:
        if not isinstance(given, list) or not all(isinstance(tag, str) for tag in given):
            raise ValueError("the tags are no list of texts")
        tags = given
    else:
        tags = _plain(str(given)).split(";")
    clean = frozenset(" ".join(tag.split()) for tag in tags if tag.strip())
    who, note = (str(record.get(name) or "") for name in ("who", "note"))
    base = _read_base(record["base"]) if "base" in record else None
    plain = (who, note) if is_json else (_plain(who), _plain(note))
    sampled = bool(base and base.get("sampled"))
    return ExchangedRow(row, clean, plain[0].strip(), _lines(plain[1]), {}, base, sampled, place)


def _read_base(given: object) -> dict[str, Any]:
    base = json.loads(given) if isinstance(given, str) else given
    tags = base.get("tags") if isinstance(base, dict) else None
    if not (isinstance(base, dict) and isinstance(tags, list) and all(isinstance(tag, str) for tag in tags)):
        raise ValueError("the cell 'base' was changed")
    return {**base, "who": str(base.get("who", "")), "note": _lines(str(base.get("note", "")))}


def _lines(text: str) -> str:
    """A text with the line ends of this house; spreadsheets have others."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()
