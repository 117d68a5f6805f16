"""Compiled transforms run in ONNX Runtime's WebAssembly as they do here, where node and the package are."""

from __future__ import annotations

import datetime
import io
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from tilth.features import Expression, Inputs, Transform, cross, group, where
from tilth.features.targets import unsupported
from tilth.tables import decode_image

PACKAGE = os.environ.get("TILTH_ONNXRUNTIME_WEB", "")
"""The folder of the npm package onnxruntime-web, such as node_modules/onnxruntime-web."""

ROWS = {
    "t": ["Hello World, hello!", None, "  Ünï_cödé\u3000foo-bar 42 ", "\U0001f600é Straße ΣΑΣ", "a,b,,c"],
    "s": ["red", "blue", None, "red", "violet"],
    "a": [1.5, None, -2.0, 1e30, 0.1],
    "n": [1, 2, None, -4, 5],
    "f": [True, None, False, True, True],
    "d": [
        datetime.datetime(2024, 2, 29, 23, 59),
        None,
        datetime.datetime(1900, 1, 1),
        *[datetime.datetime(1999, 12, 31)] * 2,
    ],
}


def texts(x: Inputs) -> dict[str, Expression]:
    text = x["t"]
    words = text.lower().tokens()
    return {
        "length": text.length(),
        "lower": text.lower().strip().hash(997),
        "match": text.matches(r"(?s).*\d+.*"),
        "has": text.contains("o"),
        "extract": text.extract(r"[a-z]+").hash(997, seed=3),
        "in": x["s"].is_in(["red", "blue"]),
        "split": text.split(",").distinct_count(),
        "last": text.split(",").last().hash(9),
        "bag": words.bag_of_words(),
        "weights": words.ngrams(1, 2).tfidf(max_share=0.9),
        "hashed": words.hashed_words(7),
        "rank": words.vocabulary(top=3).padded(3),
        "mean": words.vocabulary().mean(),
        "oov": x["s"].vocabulary(top=1, oov_buckets=4),
        "cross": cross(x["s"], x["n"], x["f"]).hash(50),
        "hot": x["s"].one_hot(),
    }


def numbers(x: Inputs) -> dict[str, Expression]:
    return {
        "fill": x["a"].fill_missing("median"),
        "z": x["a"].clip(-5, 5).zscore(),
        "scale": x["n"].scale(),
        "log": x["n"].clip(low=0).log1p(),
        "bucket": x["a"].buckets([0, 1]),
        "where": where(x["n"] > 1, x["a"], x["n"] / 2),
        "month": x["d"].month(),
        "weekday": x["d"].weekday(),
        "days": x["d"].days(),
    }


def in_browser(model: bytes, feeds: dict[str, Any], folder: Path) -> np.ndarray:
    (folder / "model.onnx").write_bytes(model)
    (folder / "feeds.json").write_text(json.dumps(feeds))
    command = ["node", str(Path(__file__).with_name("browser.mjs")), PACKAGE]
    command += [str(folder / "model.onnx"), str(folder / "feeds.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    values = [np.nan if value is None else value for value in answer["data"]]
    return np.array(values, dtype=np.float32).reshape(answer["shape"])


def feed(values: pa.Array) -> dict[str, Any]:
    shape = [len(values), 1]
    if pa.types.is_string(values.type):
        return {"type": "string", "shape": shape, "data": [value or "" for value in values.to_pylist()]}
    found = values.cast(pa.int64()) if pa.types.is_timestamp(values.type) else values
    scale = 1e6 if pa.types.is_timestamp(values.type) else 1
    data = [None if value is None else float(value) / scale for value in found.to_pylist()]
    return {"type": "float64", "shape": shape, "data": data}


@pytest.mark.skipif(
    not (PACKAGE and shutil.which("node")), reason="TILTH_ONNXRUNTIME_WEB or node is not here"
)
@pytest.mark.parametrize("features", [texts, numbers])
def test_the_browser_computes_the_same(
    features: Callable[[Inputs], dict[str, Expression]], tmp_path: Path
) -> None:
    data = pa.table(ROWS)
    transform = Transform(features).fit(data)
    assert unsupported(transform.to_onnx(), "browser") == []
    feeds = {name: feed(data.column(name).combine_chunks()) for name in transform.graph.inputs}
    found = in_browser(transform.to_onnx(), feeds, tmp_path)
    if features is texts:
        np.testing.assert_array_equal(found, transform.transform(data))
    else:  # the logarithms of two C libraries differ in the last bit
        np.testing.assert_allclose(found, transform.transform(data), rtol=1e-6)


def pictures(x: Inputs) -> dict[str, Expression]:
    photo = x["photo"]
    return {
        "pixels": photo.resize(7, 5).scale_pixels().pixels(),
        "crop": photo.crop(2, 3, 30, 4).grey().pixels(),
        "center": photo.center_crop(9, 30).flip().mean_color(),
        "blur": photo.blur(1.3).adjust_contrast(1.4).adjust_brightness(0.9, 3).contrast(),
        "edges": photo.sobel().brightness(),
        "canny": photo.canny(40, 120).center_crop(12, 12).pixels(),
        "measures": group(photo.brightness(), photo.contrast(), photo.sharpness(), photo.width()),
        "histogram": photo.histogram(7),
        "hog": photo.resize(28, 28).hog(7, 9),
        "is missing": photo.is_missing(),
    }


@pytest.mark.skipif(
    not (PACKAGE and shutil.which("node")), reason="TILTH_ONNXRUNTIME_WEB or node is not here"
)
@pytest.mark.parametrize("size", [(31, 22), (5, 70), (1, 1), (0, 0)])
def test_the_browser_sees_images_as_the_server_does(size: tuple[int, int], tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    file = io.BytesIO()
    if pixels.size:
        Image.fromarray(pixels).save(file, "PNG")
    content = file.getvalue() or b"GIF89a"  # which is damaged, so missing
    data = pa.table({"photo": pa.array([content], pa.large_binary())})
    transform = Transform(pictures).fit(data)
    assert unsupported(transform.to_onnx(), "browser") == []
    seen = decode_image(content)
    values = [None] * 3 if seen is None else seen.ravel().tolist()
    shape = [1, 1, 1, 3] if seen is None else [1, *seen.shape]
    feeds = {"photo": {"type": "float32", "shape": shape, "data": values}}
    found = in_browser(transform.to_onnx(), feeds, tmp_path)
    # Products of matrices are summed in another order there.
    np.testing.assert_allclose(found, transform.transform(data), rtol=1e-5, atol=1e-5)
