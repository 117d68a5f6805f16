"""Parsing straight into values against reading every cell as text first: the same types, values and notes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tilth.errors import DataError
from tilth.tables import csv_chunks, csv_files, csv_typed, open_table
from tilth.tables.csv_files import CSVFile
from tilth.tables.files import source_file
from tilth.tables.text_types import TypeGuess, convert_cells

MISSING = ("?", "NA", " x")

# What columns hold, and what turns up in them now and then.
INTS = ["1", "-2", "0", "-0", "42", "9223372036854775807"]
ODD_INTS = [
    "007",
    "+3",
    "0x1F",
    "-07",
    "+07",
    "9223372036854775808",
    " 7",
    "8 ",
    "\t9",
    " 07",
    "  07",
    " -07",
]
FLOATS = ["1.5", "-0.25", ".5", "5.", "1e5", "nan", "NaN", "inf", "-inf", "1e400", "-0.0", "+1.5"]
ODD_FLOATS = ["00.5", "1,5", "1.5.5", " 2.5", "0e5", "1d5", "-nan", "Infinity", "+00.5", "00", "1_0", "٣"]
TRUTHS = ["true", "FALSE", "True", "tRuE"]
ODD_TRUTHS = ["yes", "1", " true", "true "]
DATES = ["2024-05-31", "2024-05-31T12:30:00", "2024-05-31 12:30", "1999-12-31"]
ODD_DATES = [
    *("2024-05-31T12:30:00Z", "2024-05-31T12:30:00.123456789", "2024-05-31 10:00:00+02:00", "2024-02-30"),
    *("0000-01-01", "9999-12-31", "9999-12-31T23:59:59-02:00", "31.05.2024", " 2024-01-01", "2024"),
]
TEXTS = ["a", "b c", "ü", 'x"y', "-", "0", "'q'", "=1+1", "#c", "\x1f", "𝄞"]
ODD_TEXTS = [" a", "a ", "\tb", "a\nb", "a\r\nb", "a,b", "a;b", ' "q" ', '"', '""', '5" pipe', "005", "  "]
NOTHING = ["", "", "?", "NA", " ? ", " ", " x"]
POOLS = [
    (INTS, ODD_INTS),
    (FLOATS, ODD_FLOATS),
    (INTS + FLOATS, ODD_INTS + ODD_FLOATS),
    (TRUTHS, ODD_TRUTHS),
    (DATES, ODD_DATES),
    (TEXTS, ODD_TEXTS),
    (INTS, ODD_FLOATS),
    (DATES, INTS),
    (TRUTHS, DATES),
    (NOTHING, INTS),
]


def written(seed: int) -> str:
    """A CSV file of some kind; the seed decides everything."""
    pick = random.Random(seed)
    separator = pick.choice([",", ",", ";", "\t", "|"])
    quoting = pick.choice(["where needed", "everywhere", "nowhere"])
    spaced = pick.random() < 0.1
    columns = [
        (*pick.choice(POOLS), pick.choice([0, 0, 0.03, 0.2]), pick.choice([0, 0, 0.1, 0.5]))
        for _ in range(pick.randint(1, 4))
    ]
    lines = [separator.join(f"c{n}" for n in range(len(columns)))]
    for _ in range(pick.randint(1, 40)):
        cells = []
        for usual, odd, odd_share, missing_share in columns:
            cell = pick.choice(odd if pick.random() < odd_share else usual)
            cell = pick.choice(NOTHING) if pick.random() < missing_share else cell
            if quoting == "nowhere":
                cell = cell.replace(separator, "").replace("\n", "").replace("\r", "")
            elif quoting == "everywhere" or pick.random() < 0.1 or set(cell) & {separator, "\n", "\r", '"'}:
                cell = '"' + cell.replace('"', '""') + '"'
            cells.append(f" {cell}" if spaced and cells else cell)
        lines.append(separator.join(cells))
        lines.extend([""] if pick.random() < 0.03 else [])
    line_end = pick.choice(["\n", "\n", "\r\n", "\r"])
    return line_end.join(lines) + pick.choice(["", line_end])


def reference(path: Path, missing: Sequence[str]) -> tuple[dict[str, str], pa.Table]:
    """The types and values by way of text: every cell is looked at, then all are converted."""
    source = CSVFile(source_file(path), missing)
    guesses = {name: TypeGuess() for name in source.dialect.names}
    batches = list(source.cells(source.dialect.names))
    for batch in batches:
        for name, guess in guesses.items():
            guess.update(batch.column(name))
    arrays = {
        name: [convert_cells(batch.column(name), guess.type) for batch in batches]
        for name, guess in guesses.items()
    }
    types = {name: guess.type for name, guess in guesses.items()}
    return dict(types), pa.table({name: pa.chunked_array(found) for name, found in arrays.items() if found})


@contextmanager
def small_pieces(size: int) -> Iterator[None]:
    """Chunks and slices of a few bytes, so that anything may lie across their ends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_chunks, "_FIRST", size)
        patch.setattr(csv_chunks, "_USUAL", size)
        patch.setattr(csv_chunks, "_BYTES_A_COLUMN", 1)
        patch.setattr(csv_typed, "_SLICE", 5)
        yield


def outcome(call: Callable[[], object]) -> object:
    try:
        return call()
    except DataError as error:
        return str(error)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=120)
@given(st.integers(0, 10**9), st.sampled_from([8, 40, 1 << 22]))
def test_direct_parsing_changes_nothing(tmp_path: Path, seed: int, size: int) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(written(seed).encode())

    def expected() -> object:
        types, values = reference(path, MISSING)
        return types, {
            name: [repr(value) for value in values[name].to_pylist()] for name in values.column_names
        }

    def found() -> object:
        table = open_table(path, missing=MISSING)
        values = table.to_arrow()
        again = table.select(list(table.columns)[::-1]).to_arrow()
        assert str(again.select(values.column_names).to_pydict()) == str(values.to_pydict())
        named = {name: [repr(value) for value in values[name].to_pylist()] for name in values.column_names}
        return dict(table.columns), named if values.num_rows else {}

    want = outcome(expected)
    with small_pieces(size):
        assert outcome(found) == want


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(st.integers(0, 10**9))
def test_the_size_of_pieces_decides_nothing(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(written(seed).encode())

    def found() -> object:
        table = open_table(path, missing=MISSING)
        return table.columns, table.notes, table.empty, table.rows, str(table.to_arrow().to_pydict())

    whole = outcome(found)
    for size in (8, 30, 100):
        with small_pieces(size):
            assert outcome(found) == whole


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(st.sampled_from('ab1,;"\n\r \t'), max_size=40))
def test_any_text_is_a_table_or_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"c\n" + text.encode())
    whole = outcome(lambda: open_table(path).to_arrow().to_pydict())
    with small_pieces(8):
        assert outcome(lambda: open_table(path).to_arrow().to_pydict()) == whole


@pytest.mark.parametrize("code", ["007", "-07", "0x1F", " 07", '"007"', '"-07"', "  07", "\t 07"])
@pytest.mark.parametrize("separator", [",", ";", "|", "\t"])
def test_a_code_anywhere_makes_a_column_text(tmp_path: Path, code: str, separator: str) -> None:
    if separator == "\t" and "\t" in code:
        return
    for column in range(3):
        for before in (0, 5_000, 43_689, 200_000):
            cells = ["1", "2", "3"]
            cells[column] = code
            lines = ["a,b,c", *["1,2,3"] * before]
            path = tmp_path / "t.csv"
            path.write_text("\n".join(lines).replace(",", separator) + "\n" + separator.join(cells) + "\n")
            types = list(open_table(path).columns.values())
            assert types == ["string" if n == column else "int" for n in range(3)]
            if before == 0:
                continue
            break


def test_direct_parsing_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.csv"
    path.write_text("i,f,b,d,s\n" + "10,0.5,TRUE,2024-01-01,x y\n" * 200_000)
    texts = csv_files.text_cells
    read: list[int] = []

    def counted(chunk: csv_chunks.Chunk, *others: object) -> object:
        read.append(len(chunk.data))
        return texts(chunk, *others)  # type: ignore[arg-type]

    monkeypatch.setattr("tilth.tables.csv_columns.text_cells", counted)
    assert open_table(path).rows == 200_000
    assert sum(read) < path.stat().st_size / 10


def test_a_minus_in_front_of_zero_is_kept_where_a_column_turns_out_to_be_numbers(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x\n-0\n" + "1\n" * 600_000 + "0.5\n")
    values = open_table(path).to_arrow()["x"]
    assert str(values[0].as_py()) == "-0.0"
    assert values[-1].as_py() == 0.5
