"""Links to themselves or to nothing, and files in folders that are not data."""

from __future__ import annotations

from pathlib import Path

import pytest

from tilth.errors import DataError
from tilth.tables import open_table


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.csv").write_text("x\n1\n")
    return tmp_path


def test_a_link_to_itself_is_told(folder: Path) -> None:
    (folder / "ring.csv").symlink_to("ring.csv")
    for place in (folder, f"{folder}/*.csv"):
        with pytest.raises(DataError) as caught:
            open_table(place)
        assert caught.value.where == str(folder / "ring.csv")


def test_a_link_to_nothing_is_told(folder: Path) -> None:
    (folder / "gone.csv").symlink_to("nothing.csv")
    with pytest.raises(DataError, match="this link leads to nothing") as caught:
        open_table(folder)
    assert caught.value.where == str(folder / "gone.csv")


def test_what_is_no_data_may_be_empty_or_a_broken_link(folder: Path) -> None:
    (folder / "NOTES.md").touch()
    (folder / "_SUCCESS").touch()
    (folder / "old.log").symlink_to("nothing")
    assert open_table(folder).rows == 1


def test_a_link_to_itself_in_a_folder_of_images(tmp_path: Path) -> None:
    (tmp_path / "a.gif").write_bytes(b"GIF89a")
    (tmp_path / "ring.gif").symlink_to("ring.gif")
    table = open_table(tmp_path)
    assert table.rows == 1
    assert table.notes == ("files that are neither images nor recordings left out: 1",)
