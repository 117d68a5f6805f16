"""How commands read what DATA names: notes told once, bad rows of several, names that lead nowhere."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tilth.cli.inputs import named

Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two files, each with a note and a row that cannot be read."""
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text("k, x\n1, 2\n3\n")
    Path("b.csv").write_text("k, x\n1, 2\n4, 5, 6\n")


@pytest.mark.usefixtures("two")
def test_a_note_is_told_once_for_each_file(ask: Ask) -> None:
    for command in (
        ["profile", "a.csv", "--associations"],
        ["compare", "a.csv", "b.csv", "--key", "k"],
        ["compare", "a.csv", "a.csv", "--key", "k"],
    ):
        _, _, err = ask(*command, "--bad-rows", "bad.csv")
        notes = [line for line in err.splitlines() if line.startswith("note: ")]
        assert notes
        assert len(notes) == len(set(notes))
        assert any("b.csv: " in note for note in notes) == ("b.csv" in command)


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    "command",
    [
        ["profile", "a.csv", "b.csv", "--associations"],
        ["compare", "a.csv", "b.csv", "--key", "k"],
        ["split", "a.csv", "b.csv", "--check"],
        ["profile", "a.csv", "b.csv"],
    ],
)
def test_bad_rows_of_every_file_are_kept(command: list[str], ask: Ask) -> None:
    status, _, err = ask(*command, "--bad-rows", "bad.csv")
    assert status in (0, 1)
    rows = list(csv.reader(Path("bad.csv").read_text().splitlines()))
    assert [(row[0], row[1], row[3]) for row in rows[1:]] == [("a.csv", "3", "3"), ("b.csv", "3", "4, 5, 6")]
    assert ".bad.csv" not in err
    assert sorted(path.name for path in Path().iterdir()) == ["a.csv", "b.csv", "bad.csv"]
    assert ask("profile", "b.csv", "--bad-rows", "bad.csv")[0] == 0
    assert [row[0] for row in csv.reader(Path("bad.csv").read_text().splitlines())] == ["file", "b.csv"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("", "the name of the data is empty"),
        ("mysql://me:secret@host/db", "'mysql://' are not known"),
        ("file:///data/a.csv", "write it as a path: /data/a.csv"),
        ("s3://bucket/a.xlsx?sheet=A", "a workbook is opened from this machine only"),
        ("sales@1", "there is no data set 'sales' and no file 'sales@1'"),
        ("part/*.csv", "did you mean 'parts'?"),
        ("none.json", "no such file"),
        ("parts.zip", "unpack the archive first"),
        ("a.wav", "name the folder"),
    ],
)
def test_a_name_that_leads_nowhere_says_so_and_leaves_nothing(
    data: str, words: str, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    Path("parts").mkdir()
    Path("parts.zip").write_text("x")
    Path("a.wav").write_text("x")
    status, out, err = ask("profile", data)
    assert (status, out) == (2, "")
    assert words in err
    assert "secret" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav", "parts", "parts.zip"]


def test_a_folder_of_versions_that_is_not_there(ask: Ask, tmp_path: Path) -> None:
    none = tmp_path / "none"
    for command in (["data", "list"], ["profile", "sales@1"], ["data", "export", "a@1", "-o", "a.csv"]):
        status, _, err = ask(*command, "--dir", none)
        assert (status, "there is no such folder" in err) == (2, True)


def test_versions_of_no_data_set_and_rows_that_are_kept_already(ask: Ask, tmp_path: Path) -> None:
    data = tmp_path / "d.csv"
    data.write_text("x\n1\n2\n")
    assert "kept already" not in ask("data", "save", data, "--name", "sales", "--dir", tmp_path)[2]
    assert (
        "these rows are kept already, as sales@1"
        in ask("data", "save", data, "--name", "sales", "--dir", tmp_path)[2]
    )
    status, _, err = ask("data", "list", "sale", "--dir", tmp_path)
    assert (status, "did you mean 'sales'?" in err) == (2, True)


def test_a_version_of_a_delta_table_beside_versions_of_data_sets(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deltalake = pytest.importorskip("deltalake")
    import pyarrow as pa

    monkeypatch.chdir(tmp_path)
    for values in ([1], [2, 3]):
        deltalake.write_deltalake("table", pa.table({"x": values}), mode="overwrite")
    assert '"rows": 1,' in ask("profile", "table@0", "--json")[1]
    assert '"rows": 2,' in ask("profile", "table@1", "--json")[1]


def test_a_schema_or_profile_that_cannot_be_read(ask: Ask, tmp_path: Path) -> None:
    data, schema = tmp_path / "d.csv", tmp_path / "schema.toml"
    data.write_text("x\n1\n")
    schema.write_bytes(b'[columns.x]\ntype = "\xff"\n')
    array = tmp_path / "array.json"
    array.write_text("[1]")
    for arguments, words in (
        (["validate", data, "--schema", tmp_path / "schema.tom"], f"did you mean '{schema}'?"),
        (["validate", data, "--schema", tmp_path], "the file cannot be read: Is a directory"),
        (["validate", data, "--schema", schema], "the file is not UTF-8"),
        (["schema", data, "--update", schema], "the file is not UTF-8"),
        (["profile", array], f"where: {array}"),
        (["validate", data, data, "--schema", schema], "too many arguments"),
        (["split", data, "--key", "x"], "--by group --column x"),
        (["split", data, data, "--check", "-o", tmp_path / "parts"], "--check writes nothing"),
    ):
        status, out, err = ask(*arguments)
        assert (status, out) == (2, "")
        assert words in err
        assert "Errno" not in err
        assert "TypeError" not in err


def test_what_people_read_has_no_password(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgresql_url: str
) -> None:
    monkeypatch.chdir(tmp_path)
    mark = "&" if "?" in postgresql_url else "?"
    url = postgresql_url.replace("postgres:@", "postgres:hunter2@")
    assert "hunter2" in url
    data = f"{url}{mark}query=SELECT 1 AS x UNION SELECT 2"
    other = f"{url}{mark}query=SELECT 3 AS x"
    assert ask("profile", data, "--html", "p.html")[0] == 0
    assert ask("compare", data, other, "--html", "c.html")[0] in (0, 1)
    Path("s.toml").write_text('[columns.x]\ntype = "int"\n')
    assert ask("validate", data, "--schema", "s.toml", "--html", "v.html")[0] == 0
    _, out, err = ask("split", data, other, "--check", "--json")
    assert "hunter2" not in out + err + "".join(Path(f"{name}.html").read_text() for name in "pcv")
    assert named("s3://key:secret@bucket/a.csv") == "s3://key@bucket/a.csv"


def test_the_terminals_console_is_loaded_only_to_print() -> None:
    import subprocess

    code = "import sys, tilth.cli.application, tilth.cli.reading; print('rich.console' in sys.modules)"
    before = "import sys, cyclopts; print('rich.console' in sys.modules)"
    shown = [
        subprocess.run([sys.executable, "-c", text], capture_output=True).stdout for text in (code, before)
    ]
    assert shown[0] == shown[1]
