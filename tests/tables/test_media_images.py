"""Statistics of images: right figures for every mode, and no exception whatever the bytes are."""

from __future__ import annotations

import io
import resource
import struct
import warnings
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from scipy import ndimage

from tilth.tables.images import ImageStatistics, image_statistics
from tilth.tables.media import media_format, media_type

UNREADABLE = ImageStatistics(readable=False)
FORMATS = {"PNG": "png", "JPEG": "jpeg", "GIF": "gif", "WEBP": "webp", "BMP": "bmp", "TIFF": "tiff"}


def encoded(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def noise(height: int = 40, width: int = 30, seed: int = 0) -> Image.Image:
    """Smooth enough for a lossy format, rough enough for every statistic."""
    values = ndimage.gaussian_filter(
        np.random.default_rng(seed).uniform(0, 2550, (height, width, 3)), (3, 3, 0)
    )
    return Image.fromarray(np.clip(values / 5, 0, 255).astype(np.uint8))


def found(content: bytes) -> ImageStatistics:
    statistics = image_statistics(content)
    assert statistics is not None
    return statistics


def png_header(width: int, height: int) -> bytes:
    """A PNG that promises a size and holds next to nothing."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_the_figures_are_those_of_numpy_and_scipy(pixels: np.ndarray) -> None:
    statistics = found(encoded(Image.fromarray(pixels)))
    luma = pixels.astype(float)
    assert (statistics.height, statistics.width) == pixels.shape
    assert statistics.brightness == pytest.approx(luma.mean() / 255)
    assert statistics.contrast == pytest.approx(luma.std() / 255, abs=1e-9)
    assert statistics.sharpness == pytest.approx(ndimage.laplace(luma, mode="mirror").var(), abs=1e-6)


def test_an_image_of_many_strips_has_the_same_figures() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (700, 300), dtype=np.uint8)
    statistics = found(encoded(Image.fromarray(pixels)))
    assert statistics.brightness == pytest.approx(pixels.mean() / 255)
    assert statistics.contrast == pytest.approx(pixels.std() / 255)
    assert statistics.sharpness == pytest.approx(ndimage.laplace(pixels.astype(float), mode="mirror").var())


def test_colors_count_by_their_luma() -> None:
    brightness = {
        color: found(encoded(Image.new("RGB", (3, 3), color))).brightness for color in ("red", "lime", "blue")
    }
    assert brightness == pytest.approx({"red": 0.299, "lime": 0.587, "blue": 0.114}, abs=0.5 / 255)


def test_extremes() -> None:
    half = np.zeros((4, 4), np.uint8)
    half[:2] = 255
    assert found(encoded(Image.fromarray(half))).contrast == 0.5
    assert found(encoded(Image.new("L", (2, 2), 0))).brightness == 0.0
    white = found(encoded(Image.new("1", (2, 2), 1)))
    assert (white.brightness, white.contrast, white.sharpness) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize("form", FORMATS)
def test_formats(form: str) -> None:
    image = noise()
    content = encoded(image, form)
    statistics = found(content)
    assert media_type(content[:32]) == "image"
    assert statistics.format == media_format(content) == FORMATS[form]
    assert (statistics.readable, statistics.width, statistics.height) == (True, 30, 40)
    assert statistics.channels == 3
    assert statistics.brightness == pytest.approx(np.asarray(image.convert("L")).mean() / 255, abs=0.02)


@pytest.mark.parametrize(
    ("mode", "form", "channels"),
    [
        ("1", "PNG", 1),
        ("L", "PNG", 1),
        ("LA", "PNG", 2),
        ("P", "PNG", 3),
        ("RGBA", "PNG", 4),
        ("CMYK", "JPEG", 4),
        ("CMYK", "TIFF", 4),
        ("YCbCr", "TIFF", 3),
    ],
)
def test_modes(mode: str, form: str, channels: int) -> None:
    statistics = found(encoded(noise().convert(mode), form))
    assert statistics.channels == channels
    reference = found(encoded(noise()))
    assert statistics.brightness == pytest.approx(reference.brightness, abs=0.05)
    assert statistics.contrast is not None


def test_sixteen_bits_keep_their_precision() -> None:
    pixels = np.full((4, 6), 32_896, np.uint16)
    pixels[0, 0] = 32_897
    statistics = found(encoded(Image.fromarray(pixels)))
    assert statistics.brightness == pytest.approx(pixels.mean() / 65_535, rel=1e-12)
    eight = found(encoded(Image.fromarray((np.arange(24) * 10).reshape(4, 6).astype(np.uint8))))
    wide = found(encoded(Image.fromarray((np.arange(24) * 10 * 257).reshape(4, 6).astype(np.uint16))))
    assert wide.brightness == pytest.approx(eight.brightness)
    assert wide.contrast == pytest.approx(eight.contrast)
    assert wide.sharpness == pytest.approx(eight.sharpness)


def test_samples_without_full_scale_have_no_brightness() -> None:
    statistics = found(encoded(Image.fromarray(np.ones((3, 3), np.float32)), "TIFF"))
    assert (statistics.readable, statistics.width, statistics.brightness) == (True, 3, None)


def test_alpha_is_ignored() -> None:
    clear = Image.new("RGBA", (3, 3), (255, 255, 255, 0))
    assert found(encoded(clear)).brightness == 1.0
    palette = noise().quantize(8)
    content = encoded(palette, transparency=b"\x00\x7f")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert found(content).brightness == found(encoded(palette)).brightness


def test_width_and_height_are_those_that_people_see() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned, plain = found(encoded(noise(), exif=exif)), found(encoded(noise()))
    assert (turned.width, turned.height) == (plain.height, plain.width) == (40, 30)
    assert turned.sharpness == plain.sharpness


def test_the_first_picture_of_an_animation_counts() -> None:
    frames = [Image.new("L", (5, 5), 255), Image.new("L", (5, 5), 0)]
    statistics = found(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert statistics.brightness == 1.0


@pytest.mark.parametrize("form", FORMATS)
def test_files_cut_short_are_unreadable(form: str) -> None:
    content = encoded(noise(), form)
    for kept in (len(content) // 2, 30, 8, 0):
        assert image_statistics(content[:kept]) == UNREADABLE


@pytest.mark.parametrize("form", FORMATS)
def test_damage_never_raises_nor_warns(form: str, capfd: pytest.CaptureFixture[str]) -> None:
    content = encoded(noise(), form)
    random = np.random.default_rng(3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(150):
            damaged = bytearray(content)
            for position in random.integers(0, len(content), random.integers(1, 20)):
                damaged[position] = random.integers(0, 256)
            statistics = found(bytes(damaged))
            assert statistics.readable or statistics == UNREADABLE
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"age,job\n39,cook\n",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"BM" + bytes(40),
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
    ],
)
def test_what_is_no_image(content: bytes) -> None:
    assert image_statistics(content) == UNREADABLE
    assert image_statistics(None) is None


@pytest.mark.parametrize("size", [(100_000, 100_000), (9_460, 9_460), (2**31 - 1, 1)])
def test_bombs_are_not_decoded(size: tuple[int, int]) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert image_statistics(png_header(*size)) == UNREADABLE
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB; the first needs 30 GB


def test_a_gif_whose_picture_is_larger_than_its_screen_is_not_decoded() -> None:
    screen = struct.pack("<HHBBB", 4, 4, 0, 0, 0)
    picture = b"," + struct.pack("<HHHHB", 0, 0, 65_535, 65_535, 0) + b"\x02\x02L\x01\x00;"
    assert image_statistics(b"GIF89a" + screen + picture) == UNREADABLE


def test_huge_exif_data_does_no_harm() -> None:
    exif = b"Exif\0\0MM\0*" + b"\xff" * 60_000
    content = encoded(noise(), "JPEG", exif=exif)
    statistics = found(content)
    assert (statistics.readable, statistics.width) == (True, 30)


def test_threads_leave_the_filters_of_warnings_as_they_were() -> None:
    before = list(warnings.filters)
    contents = [png_header(9_460, 9_460), encoded(noise())] * 20
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(image_statistics, contents))
    assert results == [image_statistics(content) for content in contents]
    assert list(warnings.filters) == before


def test_chest_x_rays(shared_data: Callable[[str], Path]) -> None:
    images = np.load(shared_data("pneumoniamnist-trainval/pneumonia_trainval.npz"))["val_images"][:50]
    for pixels in images:
        statistics = found(encoded(Image.fromarray(pixels)))
        assert (statistics.width, statistics.height, statistics.channels) == (28, 28, 1)
        assert statistics.brightness == pytest.approx(pixels.mean() / 255)
        assert statistics.sharpness == pytest.approx(
            ndimage.laplace(pixels.astype(float), mode="mirror").var()
        )
