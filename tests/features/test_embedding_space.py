"""What is laid out: features, columns, lists, images and recordings, with holes filled and said."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import soundfile
from PIL import Image

from tilth.errors import ColumnNotFoundError, DataError, FeatureError, UsageError
from tilth.features.embedding import embed, space
from tilth.tables import open_table

N = 60


def picture(level: int, form: str = "PNG", size: tuple[int, int] = (30, 20), mode: str = "L") -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, level if mode == "L" else (level, 0, 255 - level)).save(file, form)
    return file.getvalue()


def sound(hertz: float, seconds: float = 0.5) -> bytes:
    file = io.BytesIO()
    times = np.arange(int(8000 * seconds)) / 8000
    soundfile.write(file, 0.5 * np.sin(2 * np.pi * hertz * times), 8000, format="WAV")
    return file.getvalue()


def people() -> dict[str, Any]:
    numbers = np.random.default_rng(0)
    return {
        "id": [f"p-{n:05}" for n in range(N)],
        "age": [None if n % 20 == 0 else float(n) for n in range(N)],
        "job": [["cook", "clerk", "nurse"][n % 3] for n in range(N)],
        "note": [f"called {n} times about the bill, then wrote" for n in range(N)],
        "churned": numbers.integers(0, 2, N),
        "said": numbers.integers(0, 2, N),
    }


def test_the_default_features_without_label_and_prediction() -> None:
    found = embed(people(), label="churned", prediction="said")
    assert found.what == "5 features of 2 columns"  # age, age is missing, three jobs
    assert "missing values are the median, here and there of age (3)" in found.notes
    assert any("left out" in note and "id, note" in note for note in found.notes)
    assert "churned" not in "".join(found.notes)


def test_a_features_file_is_laid_out() -> None:
    text = 'def features(x):\n    return {"double": x["age"] * 2, "old": x["age"] > 30}\n'
    found = embed(people(), features=text, label="churned")
    assert found.what == "2 features of 1 column"
    assert "features without a value are their median: double (3), old (3)" in found.notes


def test_a_label_among_the_features_is_refused() -> None:
    text = 'def features(x):\n    return {"y": x["churned"] + 1}\n'
    with pytest.raises(FeatureError, match=r"(?s)churned.*it is the label|it is the label"):
        embed(people(), features=text, label="churned")


def test_the_unit_of_a_column_does_not_matter() -> None:
    numbers = np.random.default_rng(1)
    x, y = numbers.normal(size=50), numbers.normal(size=50)
    first = embed({"x": x, "y": y}, columns=["x", "y"])
    second = embed({"x": 1024 * x, "y": y / 4}, columns=["x", "y"])
    # Another hash, another order of summation; but the same picture.
    assert second.points == pytest.approx(first.points, abs=1e-5)
    assert any("standardized" in note for note in first.notes)


def test_embeddings_computed_elsewhere_are_found_and_taken_as_they_are() -> None:
    vectors = np.random.default_rng(2).normal(size=(40, 8)) * np.arange(8)
    data = pa.table({"id": np.arange(40), "e": pa.array(list(vectors)), "label": ["a", "b"] * 20})
    found = embed(data, label="label")
    assert found.what == "e"
    centered = vectors - vectors.mean(axis=0)
    assert np.var(found.points, axis=0).sum() / np.var(centered, axis=0).sum() == pytest.approx(
        sum(found.explained), abs=1e-6
    )
    assert found.layouts["pca"].heaviest == ((), ())


def test_missing_lists_and_items_become_the_median() -> None:
    data = {"e": [[1.0, 5.0], None, [3.0, None], [2.0, 9.0], [2.0, 7.0]]}
    found = embed(data, columns=["e"])
    expected = embed({"e": [[1.0, 5.0], [2.0, 7.0], [3.0, 7.0], [2.0, 9.0], [2.0, 7.0]]}, columns=["e"])
    assert np.abs(found.points) == pytest.approx(np.abs(expected.points), abs=1e-6)
    assert "1 value of 'e' missing or not readable: the median stands in" in found.notes


def test_lists_of_several_lengths_are_no_embedding() -> None:
    data = {"e": [[1.0], [2.0, 3.0], [4.0]], "x": [1, 2, 4]}
    assert "feature" in embed(data).what
    with pytest.raises(DataError, match="have 1, 2 items"):
        embed(data, columns=["e"])


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_images_are_laid_out_by_what_they_look_like(mode: str) -> None:
    levels = [10, 12, 14, 240, 242, 244]
    data = {"photo": [picture(level, mode=mode) for level in levels], "x": list(range(6))}
    found = embed(data)
    assert found.what == "pixels of photo"
    first = found.points[:, 0]
    assert np.abs(first[:3] - first[3:]).min() > 10 * np.ptp(first[:3])


def test_images_of_any_form_and_size_are_comparable() -> None:
    forms = [("PNG", (28, 28)), ("JPEG", (300, 200)), ("BMP", (5, 9)), ("WEBP", (64, 64))]
    data = [picture(level, form, size) for form, size in forms for level in (20, 220)]
    found = embed({"photo": data})
    sides = np.sign(found.points[:, 0])
    assert (sides[::2] == sides[0]).all()
    assert (sides[1::2] == -sides[0]).all()


def test_what_cannot_be_decoded_becomes_the_median_and_is_said() -> None:
    cells = [picture(10), picture(20), picture(90), b"\x89PNG\r\n\x1a\n broken", None]
    table = open_table({"photo": pa.array(cells, pa.large_binary())}, types={"photo": "image"})
    found = embed(table)
    assert "2 images of 'photo' missing or not readable: the median stands in" in found.notes
    assert found.points[3] == pytest.approx(found.points[1], abs=1e-6)


def test_recordings_are_laid_out_by_their_spectrum() -> None:
    data = {"clip": [sound(hertz, 0.2 + 0.1 * (hertz % 7)) for hertz in (300, 301, 302, 2500, 2501, 2502)]}
    found = embed(data)
    assert found.what == "spectrum of clip"
    first = found.points[:, 0]
    assert (np.sign(first[:3]) == np.sign(first[0])).all()
    assert (np.sign(first[3:]) == -np.sign(first[0])).all()


def test_infinities_and_very_large_numbers_do_no_harm() -> None:
    data = {"x": [1e308, -1e308, 5e307, float("inf"), 0.0], "y": [1.0, 2.0, None, 4.0, 5.0]}
    found = embed(data, columns=["x", "y"])
    assert np.isfinite(found.points).all()
    assert "1 value of 'x' missing or not readable: the median stands in" in found.notes
    wide = embed({"e": [[1e38, 1.0], [-1e38, 2.0], [3e37, 5.0]]}, columns=["e"])
    assert np.isfinite(wide.points).all()


def test_dates_and_flags_are_numbers() -> None:
    days = pa.array([0, 1, 2, 3], pa.timestamp("us"))
    found = embed(pa.table({"when": days, "is": [True, False, True, None]}), columns=["when", "is"])
    assert found.points.shape == (4, 2)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"label": "churnd"}, ColumnNotFoundError, "did you mean 'churned'"),
        ({"prediction": "sad"}, ColumnNotFoundError, "did you mean 'said'"),
        ({"columns": ["agee"]}, ColumnNotFoundError, "did you mean 'age'"),
        ({"columns": ["job"]}, UsageError, "name that with --features"),
        ({"columns": ["age"], "features": "def features(x): return {}"}, UsageError, "both features and"),
        ({"features": "def featurs(x): return {}"}, FeatureError, "rename 'featurs'"),
    ],
)
def test_mistakes_are_told(options: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        embed(people(), **options)
    assert words in str(caught.value)


def test_free_texts_alone_cannot_be_laid_out() -> None:
    with pytest.raises(DataError) as caught:
        embed({"note": people()["note"]})
    assert "no column can be turned into numbers by itself" in str(caught.value)
    assert "--features" in str(caught.value)


def test_rows_that_do_not_differ_are_refused() -> None:
    with pytest.raises(DataError, match="all rows are alike"):
        embed({"x": [1.0, 1.0, 1.0]}, columns=["x"])


def test_more_numbers_than_memory_should_hold_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space, "_MOST_NUMBERS", 100)
    with pytest.raises(UsageError, match="60 rows of 2 numbers are too many") as caught:
        embed({"x": np.arange(N), "y": np.arange(N)}, columns=["x", "y"])
    assert "--points 50" in str(caught.value)
