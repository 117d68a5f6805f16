"""Statistics of media as columns: where they stand, when they are made, that nothing else changes them."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
from PIL import Image

import tilth
from tilth.tables import Table, open_table
from tilth.tables.audio import audio_statistics
from tilth.tables.images import image_statistics
from tilth.tables.media_statistics import AUDIO_STATISTICS, IMAGE_STATISTICS, with_media_statistics


def photo(level: int, side: int = 4) -> bytes:
    file = io.BytesIO()
    Image.new("L", (side, side), level).save(file, "PNG")
    return file.getvalue()


def clip(level: float) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.full(800, level), 8000, format="WAV")
    return file.getvalue()


PHOTOS = [photo(0), None, photo(255), b"GIF89a", photo(51, 9)] * 30
CLIPS = [clip(0.5), clip(0.1), None, b"RIFF....WAVE", clip(0.25)] * 30


def media_table() -> Table:
    return with_media_statistics(
        open_table(
            {"photo": PHOTOS, "x": list(range(150)), "clip": CLIPS}, types={"photo": "image", "clip": "audio"}
        )
    )


class Reads:
    """A table of photos that notes which columns are read."""

    def __init__(self) -> None:
        self.columns: list[tuple[str, ...]] = []
        self.rows: list[int] = []
        source = open_table({"photo": PHOTOS, "x": list(range(150))}, types={"photo": "image"})

        def read(names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
            self.columns.append(tuple(names))
            self.rows.append(size)
            yield from source.select(names).batches(size)

        self.table = Table("<photos>", source.columns, read, rows=150)


def test_columns_stand_after_what_they_describe() -> None:
    table = media_table()
    assert list(table.columns) == [
        *("photo", *(f"photo.{name}" for name in IMAGE_STATISTICS)),
        "x",
        *("clip", *(f"clip.{name}" for name in AUDIO_STATISTICS)),
    ]
    assert table.columns["photo.width"] == table.columns["clip.sample_rate"] == "int"
    assert table.rows == 150


def test_the_values_are_those_of_the_functions() -> None:
    read = media_table().to_arrow()
    assert read.schema == media_table().schema
    for row in read.slice(0, 10).to_pylist():
        image, audio = image_statistics(row["photo"]), audio_statistics(row["clip"])
        for name in IMAGE_STATISTICS:
            assert row[f"photo.{name}"] == (None if image is None else getattr(image, name))
        for name in AUDIO_STATISTICS:
            assert row[f"clip.{name}"] == (None if audio is None else getattr(audio, name))
    assert read["photo.readable"].to_pylist()[:5] == [True, None, True, False, True]
    assert read["x"].to_pylist() == list(range(150))


@pytest.mark.parametrize("size", [1, 7, 32, 100, 65_536])
def test_the_size_of_batches_changes_nothing(size: int) -> None:
    batches = list(media_table().batches(size))
    assert max(batch.num_rows for batch in batches) <= size
    assert pa.Table.from_batches(batches) == media_table().to_arrow().combine_chunks()


def test_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = media_table().to_arrow()
    monkeypatch.setattr("tilth.tables.media_cells._BYTES_FOR_THREADS", 0)
    assert media_table().to_arrow() == plain


def test_bytes_are_read_only_for_what_needs_them() -> None:
    reads = Reads()
    table = with_media_statistics(reads.table)
    assert reads.columns == []
    assert table.select(["x"]).to_arrow().num_rows == 150
    assert (reads.columns, reads.rows) == ([("x",)], [65_536])
    table.select(["photo.width", "x", "photo.brightness"]).to_arrow()
    assert reads.columns[1:] == [("x", "photo")]
    assert reads.rows[1] <= 64


def test_each_image_is_decoded_once_for_all_its_statistics(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[bytes | None] = []

    def counted(content: bytes | None) -> object:
        decoded.append(content)
        return image_statistics(content)

    monkeypatch.setitem(with_media_statistics.__globals__["_FUNCTIONS"], "image", counted)
    with_media_statistics(Reads().table).to_arrow()
    assert sorted(decoded, key=str) == sorted(PHOTOS, key=str)


def test_few_bytes_are_passed_on_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tilth.tables.media_statistics._BYTES_AT_ONCE", 2000)
    table = with_media_statistics(Reads().table)
    assert len(list(table.batches())) > 2
    assert len(list(table.select(["x", "photo.width"]).batches())) <= 2


def test_a_column_that_is_there_is_kept() -> None:
    source = open_table({"photo": [photo(9)], "photo.width": ["wide"]}, types={"photo": "image"})
    table = with_media_statistics(source)
    assert table.to_arrow()["photo.width"].to_pylist() == ["wide"]
    assert any("photo.width" in note for note in table.notes)
    assert table.to_arrow()["photo.height"].to_pylist() == [4]
    again = with_media_statistics(table)
    assert again.columns == table.columns
    assert again.notes == table.notes


def test_a_table_without_media_is_itself() -> None:
    table = open_table({"x": [1]})
    assert with_media_statistics(table) is table


def test_parts_have_the_columns_too(tmp_path: Path) -> None:
    path = str(tmp_path / "photos.parquet")
    pq.write_table(pa.table({"photo": pa.array(PHOTOS, pa.binary())}), path, row_group_size=50)
    table = with_media_statistics(open_table([path, path], types={"photo": "image"}))
    parts = table.parts()
    assert len(parts) > 1
    assert pa.concat_tables(part.to_arrow() for part in parts) == table.to_arrow()


def test_darker_images_are_named_by_a_comparison(tmp_path: Path) -> None:
    levels = np.random.default_rng(0).integers(60, 200, (300, 8, 8), dtype=np.uint8)
    for name, light in (("before", 1.0), ("after", 1.0), ("dark", 0.8)):
        (tmp_path / name).mkdir()
        for number, pixels in enumerate(levels[150:] if name == "after" else levels[:150]):
            Image.fromarray((pixels * light).astype(np.uint8)).save(tmp_path / name / f"{number}.png")
    before = tilth.profile(tmp_path / "before")
    assert before.columns["image.brightness"].mean == pytest.approx(levels[:150].mean() / 255)
    assert "image.brightness" in tilth.compare(before, tilth.profile(tmp_path / "dark")).drifted
    assert "image.brightness" not in tilth.compare(before, tilth.profile(tmp_path / "after")).drifted
