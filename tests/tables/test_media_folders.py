"""Folders of images and recordings."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tilth.errors import DataError
from tilth.tables import Table
from tilth.tables.folders import open_media_folder
from tilth.tables.media_statistics import with_media_statistics


def made(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"GIF89a " + name.encode())
    return root


def column(table: Table, name: str) -> list[object]:
    values: list[object] = table.select([name]).to_arrow().column(0).to_pylist()
    return values


def test_plain_files(tmp_path: Path) -> None:
    table = open_media_folder(made(tmp_path, "b.png", "a.JPG", "deep/er/c.tif"))
    assert table.columns == {"path": "string", "image": "image"}
    assert table.rows == 3
    assert column(table, "path") == ["a.JPG", "b.png", "deep/er/c.tif"]
    assert column(table, "image") == [b"GIF89a a.JPG", b"GIF89a b.png", b"GIF89a deep/er/c.tif"]
    assert table.notes == ()


def test_labels_are_the_first_folders(tmp_path: Path) -> None:
    table = open_media_folder(made(tmp_path, "dog/1.wav", "cat/2.wav", "cat/kitten/3.flac"))
    assert list(table.columns) == ["path", "audio", "label"]
    assert column(table, "label") == ["cat", "cat", "dog"]


def test_splits_come_before_labels(tmp_path: Path) -> None:
    table = open_media_folder(made(tmp_path, "train/cat/1.png", "train/dog/1.png", "test/cat/1.png"))
    assert list(table.columns) == ["path", "image", "split", "label"]
    assert column(table, "split") == ["test", "train", "train"]
    assert column(table, "label") == ["cat", "cat", "dog"]


def test_splits_without_labels(tmp_path: Path) -> None:
    table = open_media_folder(made(tmp_path, "train/1.png", "Test/2.png"))
    assert column(table, "split") == ["Test", "train"]
    assert "label" not in table.columns


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    made(tmp_path, "a.png", ".hidden.png", ".git/b.png", "__MACOSX/c.png", "Thumbs.db", "notes/read.me")
    table = open_media_folder(tmp_path)
    assert column(table, "path") == ["a.png"]
    assert sorted(table.notes) == [
        "files that are neither images nor recordings left out: 2",
        "hidden files or folders left out: 3",
    ]


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_metadata(tmp_path: Path, form: str) -> None:
    made(tmp_path, "a.png", "line 1/b.png", "c.png")
    rows = [
        {"file_name": "line 1/b.png", "camera": "left", "exposure": 3},
        {"file_name": "./a.png", "camera": "right", "exposure": 5},
        {"file_name": "gone.png", "camera": "left", "exposure": 9},
    ]
    path = tmp_path / f"metadata.{form}"
    if form == "csv":
        path.write_text("\n".join(",".join(map(str, row)) for row in [rows[0], *(r.values() for r in rows)]))
    elif form == "jsonl":
        path.write_text("\n".join(map(json.dumps, rows)))
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    table = open_media_folder(tmp_path)
    assert table.columns == {"path": "string", "image": "image", "camera": "string", "exposure": "int"}
    assert column(table, "camera") == ["right", None, "left"]
    assert column(table, "exposure") == [5, None, 3]
    assert "nothing about 1 of 3 files, such as 'c.png'" in table.notes[-2]
    assert "1 rows of the metadata are about files that are not there, such as 'gone.png'" in table.notes[-1]


def test_metadata_in_sub_folders_is_about_their_files(tmp_path: Path) -> None:
    made(tmp_path, "train/cat/1.png", "test/cat/1.png")
    (tmp_path / "train/metadata.csv").write_text("file_name,camera\ncat/1.png,left\n")
    (tmp_path / "test/metadata.csv").write_text("file_name,camera\ncat/1.png,right\n")
    table = open_media_folder(tmp_path)
    assert column(table, "camera") == ["right", "left"]
    assert column(table, "split") == ["test", "train"]


def test_metadata_knows_the_label_better(tmp_path: Path) -> None:
    made(tmp_path, "x/1.png", "y/2.png")
    (tmp_path / "metadata.csv").write_text("file_name,label\nx/1.png,7\ny/2.png,8\n")
    table = open_media_folder(tmp_path)
    assert table.columns["label"] == "int"
    assert column(table, "label") == [7, 8]


@pytest.mark.parametrize("name", ["../a.png", "/etc/a.png", "C:\\a.png", "deep/../../a.png", ".."])
def test_metadata_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    made(tmp_path, "a.png")
    (tmp_path / "metadata.jsonl").write_text(json.dumps({"file_name": name, "x": 1}))
    with pytest.raises(DataError, match=r"leaves the folder(.|\n)*metadata.jsonl, row 1"):
        open_media_folder(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,x\na.png,1\n", "no column 'file_name'"),
        ("file_name,x\na.png,1\na.png,2\n", "two rows of the metadata are about 'a.png'"),
        ("file_name,x\na.png,1\n./a.png,2\n", "two rows of the metadata are about 'a.png'"),
        ("file_name,x\na.png,1\n,2\n", r"'file_name' is missing(.|\n)*row 2"),
        ("file_name,image\na.png,1\n", "column 'image', which is also"),
        ("file_name,path\na.png,1\n", "column 'path', which is also"),
    ],
)
def test_metadata_that_makes_no_sense_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (made(tmp_path, "a.png") / "metadata.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        open_media_folder(tmp_path)


def test_two_files_of_metadata_are_refused(tmp_path: Path) -> None:
    made(tmp_path, "a.png")
    (tmp_path / "metadata.csv").write_text("file_name,x\na.png,1\n")
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "a.png"}')
    with pytest.raises(DataError, match="several files of metadata"):
        open_media_folder(tmp_path)


def test_links(tmp_path: Path) -> None:
    outside = made(tmp_path / "outside", "secret.png", "more/x.png")
    inside = made(tmp_path / "inside", "a.png", "b/c.png")
    (inside / "same.png").symlink_to(inside / "a.png")
    (inside / "again").symlink_to(inside / "b")
    table = open_media_folder(inside)
    assert column(table, "path") == ["a.png", "b/c.png", "same.png"]
    assert table.notes == ("links to folders left out: 1",)
    (tmp_path / "link").symlink_to(inside)
    assert open_media_folder(tmp_path / "link").rows == 3
    (inside / "leak.png").symlink_to(outside / "secret.png")
    with pytest.raises(DataError, match=r"'leak\.png' is a link that leads out of the folder"):
        open_media_folder(inside)
    (inside / "leak.png").unlink()
    (inside / "leak").symlink_to(outside / "more")
    with pytest.raises(DataError, match=r"'leak' is a link that leads out of the folder"):
        open_media_folder(inside)


def test_a_folder_of_both_kinds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"images \(2, such .*\) and recordings \(1, such as 'b.wav'\)"):
        open_media_folder(made(tmp_path, "a.png", "b.wav", "c.png"))


def test_a_folder_of_neither_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no images and no recordings"):
        open_media_folder(made(tmp_path, "a.txt"))


def test_files_that_vanish_or_change_are_named(tmp_path: Path) -> None:
    table = open_media_folder(made(tmp_path, "a.png", "b.png"))
    made(tmp_path, "a.png").joinpath("a.png").write_bytes(b"something else")
    with pytest.raises(DataError, match=r"the file changed while(.|\n)*a.png"):
        table.to_arrow()
    table = open_media_folder(tmp_path)
    (tmp_path / "b.png").unlink()
    with pytest.raises(DataError, match=r"the file is gone(.|\n)*b.png"):
        table.to_arrow()
    assert table.select(["path"]).to_arrow().num_rows == 2


def test_files_beyond_a_gibibyte_are_refused(tmp_path: Path) -> None:
    made(tmp_path, "a.wav")
    with (tmp_path / "b.wav").open("wb") as file:
        file.truncate(2**30 + 1)
    with pytest.raises(DataError, match=r"1,073,741,825 bytes(.|\n)*b.wav"):
        open_media_folder(tmp_path)


def test_names_that_are_not_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.png")).write_bytes(b"x")
    with pytest.raises(DataError, match="not UTF-8"):
        open_media_folder(tmp_path)


def test_listing_opens_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path, *(f"{name}/{number}.png" for name in "ab" for number in range(100)))

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a file was opened")

    monkeypatch.setattr(Path, "open", refused)
    table = open_media_folder(tmp_path)
    assert len(column(table, "label")) == table.rows == 200


def test_batches_are_bounded_by_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, size in enumerate([10, 10, 10, 500, 10, 0, 10]):
        (tmp_path / f"{number}.png").write_bytes(bytes(size))
    monkeypatch.setattr("tilth.tables.folders._BYTES_AT_ONCE", 25)
    table = open_media_folder(tmp_path)
    assert [batch.num_rows for batch in table.batches()] == [2, 1, 1, 3]
    assert [batch.num_rows for batch in table.batches(2)] == [2, 1, 1, 2, 1]
    assert [batch.num_rows for batch in table.select(["path"]).batches()] == [7]


def test_parts_are_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path, *(f"{name}/{number}.png" for name in "ab" for number in range(5)))
    (tmp_path / "metadata.csv").write_text("file_name,x\na/1.png,1\nb/2.png,2\n")
    monkeypatch.setattr("tilth.tables.folders._FILES_IN_PART", 4)
    table = open_media_folder(tmp_path)
    parts = table.parts()
    assert [part.rows for part in parts] == [4, 4, 2]
    assert (
        pa.concat_tables(part.to_arrow() for part in parts).combine_chunks()
        == table.to_arrow().combine_chunks()
    )


def test_spoken_digits(shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    with zipfile.ZipFile(shared_data("fsdd-four-speakers/recordings.zip")) as archive:
        archive.extractall(tmp_path)
    table = with_media_statistics(open_media_folder(tmp_path))
    assert table.rows == 800
    read = table.select(["audio.readable", "audio.sample_rate", "audio.channels"]).to_arrow()
    assert set(map(tuple, (row.values() for row in read.to_pylist()))) == {(True, 8000, 1)}
