"""Where commands write: never over what is read, never half, never in place of a device."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tilth.cli.streams import visible, write_whole
from tilth.errors import DataError
from tilth.tables import open_table, write_table

Ask = Callable[..., tuple[int, str, str]]
SOURCE = "x,y\n" + "".join(f"{n},{n % 3}\n" for n in range(60))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.csv"
    path.write_text(SOURCE)
    return path


@pytest.fixture
def schema(data: Path, tmp_path: Path) -> Path:
    path = tmp_path / "schema.toml"
    path.write_text('[columns.x]\ntype = "int"\nmax = 10\n')
    return path


@pytest.mark.parametrize(
    "arguments",
    [
        ["profile", "{data}", "-o", "{data}"],
        ["profile", "{data}", "-o", "{link}"],
        ["profile", "{data}", "--html", "{data}"],
        ["schema", "{data}", "-o", "{data}"],
        ["schema", "{folder}/*.csv", "-o", "{data}"],
        ["schema", "{folder}", "-o", "{data}"],
        ["validate", "{data}", "--schema", "{schema}", "--rows-to", "{data}"],
        ["validate", "{data}", "--schema", "{schema}", "--html", "{schema}"],
        ["validate", "{schema}", "--schema", "{schema}", "--previous", "{data}", "--rows-to", "{data}"],
        ["compare", "{data}", "{data}", "--html", "{data}"],
        ["split", "{data}", "--bad-rows", "{data}"],
    ],
)
def test_what_is_read_is_not_written_over(
    arguments: list[str], ask: Ask, data: Path, schema: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(data)
    before = schema.read_text()
    named = {"data": data, "link": link, "folder": tmp_path, "schema": schema}
    status, out, err = ask(*(argument.format(**named) for argument in arguments))
    assert (status, out) == (2, "")
    assert "this is what is read" in err
    assert (data.read_text(), schema.read_text()) == (SOURCE, before)


def test_parts_are_not_written_over_what_is_dealt(ask: Ask, data: Path, tmp_path: Path) -> None:
    assert ask("split", data, "-o", tmp_path / "parts")[0] == 0
    train = tmp_path / "parts" / "train.parquet"
    before = train.read_bytes()
    status, _, err = ask("split", train, "-o", tmp_path / "parts")
    assert (status, "this is what is read" in err, train.read_bytes()) == (2, True, before)


def test_parts_are_written_all_or_none(
    ask: Ask, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = tmp_path / "parts"
    assert ask("split", data, "-o", parts)[0] == 0
    before = {path.name: path.read_bytes() for path in parts.iterdir()}

    def full(table: object, path: Path) -> None:
        if path.name.startswith("dev"):
            raise DataError("the file cannot be written: No space left on device", where=str(path))
        write_table(table, path)  # type: ignore[arg-type]

    monkeypatch.setattr("tilth.tables.write_table", full)
    assert ask("split", data, "-o", parts, "--seed", "7")[0] == 2
    assert {path.name: path.read_bytes() for path in parts.iterdir()} == before


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("{folder}/none/p.json", "is not there"),
        ("{folder}", "this is a folder"),
        ("{data}/p.json", "is no folder"),
        ("s3://bucket/p.json", "files on this machine"),
    ],
)
def test_a_place_that_cannot_be_written_is_refused_before_any_work(
    output: str, words: str, ask: Ask, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = output.format(folder=tmp_path, data=data)
    for command in (["profile", data, "-o", place], ["profile", data, "--html", place]):
        status, out, err = ask(*command)
        assert (status, out) == (2, "")
        assert words in err
        assert "Errno" not in err
        assert ".json." not in err
    assert ask("split", data, "-o", "s3://bucket/parts")[0] == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.csv"]


def test_two_results_do_not_go_to_one_file(ask: Ask, data: Path, tmp_path: Path) -> None:
    status, _, err = ask("profile", data, "-o", tmp_path / "r", "--html", tmp_path / "r")
    assert (status, "two results" in err) == (2, True)


def test_a_device_is_written_to_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(pipe, "text")
        assert os.read(reader, 10) == b"text"
        assert stat.S_ISFIFO(pipe.stat().st_mode)
        named = tmp_path / "pipe.csv"
        named.symlink_to(pipe)
        with pytest.raises(DataError, match="pipe or device"):
            write_table(open_table({"x": [1]}), named)
        assert stat.S_ISFIFO(pipe.stat().st_mode)
    finally:
        os.close(reader)


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="there is no /dev/full here")
def test_a_full_disk_is_told_with_the_files_name() -> None:
    with pytest.raises(DataError) as caught:
        write_whole(Path("/dev/full"), "text" * 10_000)
    assert caught.value.where == "/dev/full"
    assert Path("/dev/full").is_char_device()


def test_a_link_stays_one_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    for name in ("to.json", "to.csv"):
        target, link = tmp_path / name, tmp_path / f"link-{name}"
        target.write_text("old")
        link.symlink_to(target.name)
    write_whole(tmp_path / "link-to.json", "new")
    write_table(open_table({"x": [1]}), tmp_path / "link-to.csv")
    assert (tmp_path / "link-to.json").is_symlink()
    assert (tmp_path / "link-to.csv").is_symlink()
    assert (tmp_path / "to.json").read_text() == "new"
    assert (tmp_path / "to.csv").read_text() == "x\n1\n"


def test_names_in_the_data_do_not_reach_the_terminal_as_commands(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "odd.parquet"
    write_table(open_table({"\x1b[31mred": ["\x1b]0;title\x07"] * 3, "\x9bK": [1, 2, 3]}), path)
    for command in (["profile", path], ["profile", path, "--exclude", "\x1b[2J"], ["schema", path]):
        _, out, err = ask(*command)
        assert not {"\x1b", "\x07", "\x9b"} & set(out + err)
    assert visible("a\tb\n€") == "a\tb\n€"
    assert "\x1b[31mred" in json.loads(ask("profile", path, "--json")[1])["columns"]


def test_counts_of_one_are_singular(ask: Ask, tmp_path: Path) -> None:
    data, schema, rows = tmp_path / "d.csv", tmp_path / "s.toml", tmp_path / "rows.csv"
    data.write_text("x\n5\n50\n")
    assert "1 column written" in ask("schema", data, "-o", tmp_path / "t.toml")[2]
    schema.write_text('[columns.x]\ntype = "int"\nmax = 10\n')
    assert (
        "1 row that breaks something is in" in ask("validate", data, "--schema", schema, "--rows-to", rows)[2]
    )
    data.write_text("x\n5\n")
    assert ask("validate", data, "--schema", schema)[1] == "1 row holds to the schema\n"
