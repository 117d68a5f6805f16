"""Images and recordings beside a log, and logged predictions with images as a table."""

from __future__ import annotations

import datetime
import io
import threading
from pathlib import Path

import pytest
from PIL import Image

from tilth.errors import DataError
from tilth.profiles import profile
from tilth.tables import LoggedMedia, Prediction, PredictionLog, predictions_table, read_predictions
from tilth.tables.logged_media import MediaFolder

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def encoded(level: int) -> bytes:
    file = io.BytesIO()
    Image.new("L", (4, 3), level).save(file, "PNG")
    return file.getvalue()


def prediction(**inputs: object) -> Prediction:
    return Prediction("", NOW, "m", 1, "live", inputs, "yes", None, 0.001)  # type: ignore[arg-type]


def test_what_is_kept_is_found_again(tmp_path: Path) -> None:
    folder = MediaFolder(tmp_path)
    reference = folder.keep(LoggedMedia(b"GIF89a"))
    assert reference["bytes"] == 6
    assert folder.keep(LoggedMedia(b"GIF89a")) == reference
    assert folder.find(reference).read() == b"GIF89a"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [reference["sha256"]]


def test_of_what_is_too_large_only_digest_and_size_are_known(tmp_path: Path) -> None:
    folder = MediaFolder(tmp_path, largest=5)
    reference = folder.keep(LoggedMedia(b"GIF89a"))
    assert reference["bytes"] == 6
    assert folder.find(reference).read() is None
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_deleted_content_is_missing(tmp_path: Path) -> None:
    folder = MediaFolder(tmp_path)
    reference = folder.keep(LoggedMedia(b"GIF89a"))
    for path in tmp_path.rglob("*"):
        if path.is_file():
            path.unlink()
    assert folder.find(reference).read() is None


@pytest.mark.parametrize("digest", ["../../etc/passwd", "", "A" * 64, None])
def test_a_reference_never_leads_out_of_the_folder(tmp_path: Path, digest: object) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    assert MediaFolder(tmp_path).find({"sha256": digest, "bytes": 6}).read() is None


def test_inputs_that_only_look_alike_stay_as_they_are(tmp_path: Path) -> None:
    inputs = {"a": {"sha256": "x"}, "b": [{"sha256": "x", "bytes": 1}], "c": 1.5}
    assert MediaFolder(tmp_path).found(inputs) == inputs


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "media").write_text("in the way")
    with pytest.raises(DataError, match="the log cannot be written"):
        MediaFolder(tmp_path).keep(LoggedMedia(b"GIF89a"))


def test_a_prediction_is_not_logged_without_its_image(tmp_path: Path) -> None:
    (tmp_path / "media").write_text("in the way")
    log = PredictionLog(tmp_path)
    with pytest.raises(DataError, match="the log cannot be written"):
        log.append([prediction(photo=LoggedMedia(b"GIF89a"))])
    log.close()
    assert not read_predictions(tmp_path)


def test_many_threads_may_keep_the_same(tmp_path: Path) -> None:
    folder = MediaFolder(tmp_path)
    content = LoggedMedia(b"GIF89a" * 1000)
    threads = [threading.Thread(target=folder.keep, args=(content,)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (path,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert path.read_bytes() == content.read()


def test_logged_images_are_a_column_with_statistics(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path)
    log.append([prediction(photo=LoggedMedia(encoded(51 * place)), age=place) for place in range(5)])
    log.append([prediction(photo=None, age=9), prediction(age=10)])
    log.close()
    types = {"age": "int", "photo": "image", "photo.readable": "bool", "photo.brightness": "float"}
    table = predictions_table(read_predictions(tmp_path), types)  # type: ignore[arg-type]
    assert list(table.columns)[:2] == ["age", "photo"]
    assert "photo.brightness" not in table.columns
    column = table.select(["photo"]).to_arrow().column(0).to_pylist()
    assert column == [*(encoded(51 * place) for place in range(5)), None, None]
    assert [batch.num_rows for batch in table.select(["photo", "age"]).batches(3)] == [3, 3, 1]
    seen = profile(table.select(["age", "photo"]))
    assert seen.columns["photo.brightness"].mean == pytest.approx(0.4)
    assert seen.columns["photo"].missing == 2


def test_a_statistic_that_inputs_really_have_stays(tmp_path: Path) -> None:
    types = {"photo": "image", "photo.brightness": "float"}
    made = prediction(photo=LoggedMedia(encoded(51)), **{"photo.brightness": 0.7})
    table = predictions_table([made], types)  # type: ignore[arg-type]
    assert table.select(["photo.brightness"]).to_arrow().column(0).to_pylist() == [0.7]
