"""Tags to a spreadsheet and back: cells that bite, edits that cross, lines that are broken."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.errors import DataError
from tilth.evaluation.errors import ExchangedRow, changes, csv_text, json_text, read_exchanged

ROW = "00000000000000ab"
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


def _csv(rows: list[ExchangedRow]) -> bytes:
    return csv_text(rows).encode()


@given(TEXTS.map(str.strip), TEXTS, st.sets(st.sampled_from(["=a", "b, c", '"d"', "-e", "'=f"])))
def test_what_goes_out_comes_back_unchanged(who: str, note: str, tags: set[str]) -> None:
    row = ExchangedRow(ROW, frozenset(tags), who, note, seen={"x": note})
    for data, is_json in ((_csv([row]), False), (json_text([row]).encode(), True)):
        [back] = read_exchanged(data, "f", is_json=is_json)
        assert back.tags == row.tags
        assert changes([back]) == ()


def test_no_cell_is_a_formula_for_a_spreadsheet() -> None:
    nasty = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "'=1", '=HYPERLINK("x")']
    rows = [
        ExchangedRow(f"{at:016x}", frozenset({text.strip()}), text, text, {"s": text, text: -3})
        for at, text in enumerate(nasty)
    ]
    cells = [cell for line in csv.reader(io.StringIO(csv_text(rows)[1:])) for cell in line]
    assert [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "-")) and cell != "-3"] == []
    assert "-3" in cells  # a number is not a formula


def test_a_spreadsheet_with_semicolons_and_other_line_ends_is_read() -> None:
    text = _csv([ExchangedRow(ROW, frozenset({"a"}), "ann", "one\ntwo")]).decode("utf-8-sig")
    out = io.StringIO()
    rewritten = csv.writer(out, delimiter=";", lineterminator="\n")
    for line in csv.reader(io.StringIO(text, newline="")):
        rewritten.writerow([cell.replace("\n", "\r\n") for cell in line])
    [back] = read_exchanged(out.getvalue().encode(), "f.csv")
    assert back.tags == {"a"}
    assert changes([back]) == ()


def test_only_what_a_person_changed_is_a_change() -> None:
    went = {"tags": ["kept", "gone"], "who": "ann", "note": "old"}
    back = ExchangedRow(ROW, frozenset({"kept", "new"}), "bob", "why", base=went, place="line 2")
    found = [(each.tag, each.given, each.who, each.note) for each in changes([back])]
    assert found == [("new", True, "bob", "why"), ("gone", False, "bob", None)]


def test_a_note_needs_a_tag() -> None:
    with pytest.raises(DataError, match="a note without a tag"):
        changes([ExchangedRow(ROW, frozenset(), "", "why", place="line 2")])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty"),
        (b"a,b\n1,2\n", "no such table"),
        (b"row,tags\nxyz,a\n", "line 2: 'xyz' names no row"),
        (b"row,tags\nr00000000000000ab,a\nr00000000000000ab,b\n", "is in line 2 too"),
        (b"row,tags\nr00000000000000ab,a,b\n", "3 cells, and the header has 2"),
        (b"row,tags,base\nr00000000000000ab,a,{}\n", "the cell 'base' was changed"),
        (b"row,tags,base\nr00000000000000ab,a,nothing\n", "line 2"),
        (b'row,tags\nr00000000000000ab,"a\n', "no CSV record"),
        (b"row,tags\nr00000000000000ab,\xe4\n", "not UTF-8"),
    ],
)
def test_broken_files_are_refused_with_the_line(data: bytes, words: str) -> None:
    with pytest.raises(DataError) as caught:
        read_exchanged(data, "f.csv")
    assert words in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"rows": 3}', '{"rows": [3]}', '{"rows": [{"row": "x"}]}'])
def test_broken_documents_are_refused(text: str) -> None:
    with pytest.raises(DataError):
        read_exchanged(text.encode(), "f.json", is_json=True)


def test_a_document_holds_the_same() -> None:
    row = ExchangedRow(ROW, frozenset({"a"}), "ann", "", {"x": None})
    assert json.loads(json_text([row]))["rows"][0]["base"]["tags"] == ["a"]
