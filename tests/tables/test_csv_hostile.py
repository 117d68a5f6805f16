"""CSV files meant to harm, or made by accident: an error or a right answer, in bounded memory."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from tilth.errors import DataError
from tilth.tables import Table, open_table

MIB = 1 << 20


def table_of(folder: Path, content: str | bytes, name: str = "t.csv") -> Table:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return open_table(folder / name)


@pytest.fixture
def small_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of at most 8 MiB, so that tests need not write gigabytes."""
    for module in ("csv_chunks", "csv_dialect", "csv_encodings"):
        monkeypatch.setattr(f"tilth.tables.{module}.LARGEST_ROW", 8 * MIB)


@pytest.mark.usefixtures("small_rows")
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a,b\n1,2\n3," + b"x" * 20 * MIB + b"\n", r"a row has more than 8 MiB(.|\n)*line 3"),
        (b'a,b\n1,"' + b"x\n" * 10 * MIB + b'"\n', r"a row has more than 8 MiB(.|\n)*line 2"),
        (b"a,b\n1," + b'"' * 20 * MIB, r"a row has more than 8 MiB(.|\n)*line 2"),
        (b"x" * 20 * MIB, r"the first line has more than 8 MiB"),
        (
            b'a,b\n1,2\n3,"4\n' + b"5,6\n" * 4 * MIB,
            r"a row has more than 8 MiB(.|\n)*line 3(.|\n)*never be closed",
        ),
        (b'a,b\n1,2\n3,"4\n5,6\n', r"a quote is never closed(.|\n)*line 3"),
        (b'a,b\n1,5" x\n2,"4\n5,6\n', r"a quote is never closed(.|\n)*line 3"),
        (b'"a,b\n1,2\n', r"a quote is never closed in the header"),
    ],
)
def test_rows_beyond_all_bounds(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words):
        table_of(tmp_path, content)


@pytest.mark.usefixtures("small_rows")
def test_a_large_cell_within_the_bounds(tmp_path: Path) -> None:
    cell = "x" * (7 * MIB)
    table = table_of(tmp_path, f'a,b\n1,s\n2,"{cell}"\n3,t\n')
    assert table.to_arrow()["b"].to_pylist() == ["s", cell, "t"]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is told on Linux only")
def test_a_bomb_of_one_line_stays_small(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "t.csv.gz", "wb", 1) as out:
        out.write(b"a,b\n1,")
        for _ in range(130):
            out.write(bytes(MIB).replace(b"\0", b"x"))
    program = """
        import pathlib, re, sys, tilth
        try:
            tilth.open_table(sys.argv[1])
        except tilth.errors.DataError as error:
            status = pathlib.Path("/proc/self/status").read_text()
            print(error.what, int(re.search(r"VmHWM:\\s+([0-9]+)", status)[1]) // 1024)
    """
    run = [sys.executable, "-c", textwrap.dedent(program), str(tmp_path / "t.csv.gz")]
    said = subprocess.run(run, check=True, capture_output=True, text=True).stdout
    what, _, peak = said.strip().rpartition(" ")
    assert what == "a row has more than 64 MiB"
    assert int(peak) < 500  # MiB; most of it is imports and copies of 64


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    for path, words in [
        (tmp_path / "pipe.csv", r"a pipe or device, not a file(.|\n)*into a file first"),
        (Path("/dev/null"), "a pipe or device, not a file"),
        (tmp_path / "none.csv", "no such file"),
    ]:
        with pytest.raises(DataError, match=words):
            open_table(path)
    with pytest.raises(DataError, match="the file is empty"):
        table_of(tmp_path, b"")


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n1\n")
    (tmp_path / "t.csv").chmod(0)
    with pytest.raises(DataError, match="the file cannot be read: Permission denied"):
        open_table(tmp_path / "t.csv")


def test_names_of_any_kind(tmp_path: Path) -> None:
    names = ["a\nb", 'q"q', "<script>alert(1)</script>", "🌍", "c,d", "=1+1", "\u202ex"]
    header = ",".join('"' + name.replace('"', '""') + '"' for name in names)
    table = table_of(tmp_path, header + "\n" + ",".join("1" * len(names)) + "\n")
    assert list(table.columns) == names
    assert table.to_arrow().to_pylist() == [dict.fromkeys(names, 1)]


def test_many_columns(tmp_path: Path) -> None:
    names = [f"c{n}" for n in range(3000)]
    table = table_of(tmp_path, ",".join(names) + "\n" + (",".join(["1", "x", "0.5"] * 1000) + "\n") * 20)
    assert list(table.columns.values()) == ["int", "string", "float"] * 1000
    assert table.to_arrow().shape == (20, 3000)


def test_dates_beyond_the_calendar_are_text(tmp_path: Path) -> None:
    table = table_of(
        tmp_path,
        "a,b,c,d\n0000-01-01,9999-12-31,9999-12-31T23:59:59-02:00,0001-01-01\n2024-01-01,2024-01-01,2024-01-01T00:00:00Z,\n",
    )
    assert table.columns == {"a": "string", "b": "datetime", "c": "string", "d": "datetime"}
    assert [value.year for value in table.to_arrow()["b"].to_pylist()] == [9999, 2024]


def test_line_ends_of_the_old_macintosh_are_read_in_pieces(tmp_path: Path) -> None:
    table = table_of(tmp_path, b"a,b\r" + b"1,2\r" * 2_000_000)
    assert (table.rows, table.columns) == (2_000_000, {"a": "int", "b": "int"})
    assert next(table.batches(10**9)).num_rows < 1_500_000


def test_blank_lines_without_end(tmp_path: Path) -> None:
    assert table_of(tmp_path, b"a,b\n" + b"\n" * 9_000_000 + b'1,"2"\n').rows == 1


def test_an_interrupt_ends_reading_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    path, temporary = tmp_path / "t.csv", tmp_path / "temporary"
    temporary.mkdir()
    row = b'1,0.5,"x, y",2024-01-01 10:00:00+02:00\n'  # zones make it slow
    path.write_bytes(b"a,b,c,d\n" + row * (100 * MIB // len(row)))
    reading = "while True: tilth.open_table(sys.argv[1])"  # so that a fast machine is not done by then
    program = f"import sys, tilth; tilth.open_table; print('begins', flush=True)\n{reading}"
    run = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(
        run, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "TMPDIR": str(temporary)}
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        asked = time.monotonic()
        assert b"KeyboardInterrupt" in process.communicate()[1]
        assert time.monotonic() - asked < 5
    assert list(temporary.iterdir()) == []
