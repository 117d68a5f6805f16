"""Image features against Pillow, SciPy and plain NumPy; missing images; one row as in bulk."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from PIL import Image, ImageEnhance
from scipy import ndimage

from tilth.errors import FeatureError
from tilth.features import Expression, Features, Inputs, Transform
from tilth.features.expressions.images import image_form
from tilth.tables import decode_image
from tilth.tables.images import image_statistics

Pixels = npt.NDArray[np.uint8]
Levels = npt.NDArray[np.float32]

SIZES = ((28, 28), (57, 33), (20, 90), (7, 5), (1, 9), (6, 1), (1, 1), (28, 28))


def encoded(pixels: npt.NDArray[np.generic], kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def table(cells: Sequence[bytes | None]) -> pa.Table:
    return pa.table({"photo": pa.array(cells, pa.large_binary())})


def color(height: int, width: int, seed: int = 0) -> Pixels:
    """Noise on soft shapes, so that there are edges as well as texture."""
    generator = np.random.default_rng(seed + 1000 * height + width)
    y, x = np.mgrid[0:height, 0:width]
    soft = 110 + 80 * np.sin(x / 4.0)[..., None] * np.cos(y / 5.0)[..., None]
    return np.clip(soft + generator.normal(0, 25, (height, width, 3)), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def photos() -> list[Pixels]:
    return [color(height, width) for height, width in SIZES]


def values(
    expression: Callable[[Expression], Expression], cells: Sequence[bytes | None]
) -> npt.NDArray[np.float32]:
    data = table(cells)
    return Transform(lambda x: {"f": expression(x["photo"])}).fit(data).transform(data)


def image(expression: Callable[[Expression], Expression], pixels: npt.NDArray[np.generic]) -> Levels:
    """The image that an expression gives for an image, (height, width, channels)."""
    height, width = pixels.shape[:2]
    form = image_form(expression(Inputs({"photo": "image"})["photo"].center_crop(height, width)).node)
    found = values(lambda x: expression(x.center_crop(height, width)).pixels(), [encoded(pixels)])
    return found.reshape(form.height, form.width, form.channels)


def pillow_luma(pixels: Pixels) -> Levels:
    return np.asarray(Image.fromarray(pixels).convert("L")).astype(np.float32)


def everything(x: Inputs) -> dict[str, Expression]:
    """All operations, on images of any size."""
    photo = x["photo"]
    return {
        "pixels": photo.resize(5, 6).scale_pixels(-1, 1).pixels(),
        "crop": photo.crop(2, 3, 6, 4).pixels(),
        "center": photo.center_crop(9, 10).grey().pixels(),
        "flip": photo.flip("vertical").resize(3, 3).pixels(),
        "blur": photo.blur(1.3).mean_color(),
        "soft": photo.resize(16, 16).blur(2).brightness(),
        "sobel": photo.sobel().resize(4, 4).pixels(),
        "canny": photo.canny(40, 120).center_crop(12, 12).pixels(),
        "canny smooth": photo.resize(20, 20).canny(40, 120, 2).pixels(),
        "adjusted": photo.adjust_brightness(1.3, -9).adjust_contrast(1.4).clip_pixels(5, 250).contrast(),
        "brightness": photo.brightness(),
        "contrast": photo.contrast(),
        "sharpness": photo.sharpness(),
        "soft sharpness": photo.resize(17, 13).sharpness(),
        "width": photo.width(),
        "height": photo.height(),
        "histogram": photo.histogram(7),
        "soft histogram": photo.resize(11, 11).histogram(5),
        "hog": photo.resize(23, 19).hog(3, 8),
    }


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_resize_is_pillows_bilinear_without_its_rounding(height: int, width: int) -> None:
    pixels = color(height, width)
    found = values(lambda x: x.resize(14, 17).pixels(), [encoded(pixels)]).reshape(14, 17, 3)
    for channel in range(3):
        exact = Image.fromarray(pixels[:, :, channel].astype(np.float32))
        expected = np.asarray(exact.resize((17, 14), Image.Resampling.BILINEAR))
        np.testing.assert_allclose(found[:, :, channel], expected, atol=1e-3)
    whole = Image.fromarray(pixels).resize((17, 14), Image.Resampling.BILINEAR)
    assert np.abs(found - np.asarray(whole)).max() <= 1.01  # Pillow rounds twice, after each direction


def test_resize_to_the_same_size_changes_nothing() -> None:
    pixels = color(28, 31)
    assert np.array_equal(image(lambda x: x.resize(28, 31), pixels), pixels)


def test_grey_of_whole_levels_is_pillows_luma_bit_for_bit() -> None:
    pixels = color(57, 33)
    assert np.array_equal(image(lambda x: x.grey(), pixels)[:, :, 0], pillow_luma(pixels))


def test_grey_of_fractions_is_not_rounded() -> None:
    pixels = color(31, 20)
    small = image(lambda x: x.resize(8, 8), pixels)
    found = image(lambda x: x.resize(8, 8).grey(), pixels)[:, :, 0]
    np.testing.assert_allclose(found, small @ np.array([0.299, 0.587, 0.114]), atol=0.005)
    assert np.any(found != np.round(found))


def test_grey_of_grey_is_the_same_expression() -> None:
    grey = Inputs({"photo": "image"})["photo"].grey()
    assert grey.grey() is grey


def test_crop_is_that_of_pillow_with_black_beyond_the_image() -> None:
    pixels = color(10, 8)
    for top, left, height, width in ((2, 3, 5, 4), (6, 5, 9, 9), (0, 0, 10, 8), (12, 3, 2, 2)):
        found = image(lambda x, a=top, b=left, c=height, d=width: x.crop(a, b, c, d), pixels)
        box = (left, top, left + width, top + height)
        assert np.array_equal(found, np.asarray(Image.fromarray(pixels).crop(box)))


@pytest.mark.parametrize(("height", "width"), [(4, 4), (5, 5), (10, 8), (13, 12), (4, 12)])
def test_center_crop_cuts_or_borders_evenly(height: int, width: int) -> None:
    pixels = color(10, 7)
    found = values(lambda x: x.center_crop(height, width).pixels(), [encoded(pixels)])
    expected = np.zeros((height, width, 3))
    top, left = max(0, (10 - height) // 2), max(0, (7 - width) // 2)
    part = pixels[top : top + height, left : left + width]
    down, right = (height - part.shape[0]) // 2, (width - part.shape[1]) // 2
    expected[down : down + part.shape[0], right : right + part.shape[1]] = part
    assert np.array_equal(found.reshape(height, width, 3), expected)


def test_flip_mirrors() -> None:
    pixels = color(6, 9)
    assert np.array_equal(image(lambda x: x.flip(), pixels), pixels[:, ::-1])
    assert np.array_equal(image(lambda x: x.flip("vertical"), pixels), pixels[::-1])


def test_levels_are_scaled_clipped_and_adjusted() -> None:
    pixels = color(12, 11)
    exact = pixels.astype(np.float64)
    np.testing.assert_allclose(image(lambda x: x.scale_pixels(), pixels), exact / 127.5 - 1, atol=1e-6)
    np.testing.assert_allclose(image(lambda x: x.scale_pixels(0, 1), pixels), exact / 255, atol=1e-6)
    assert np.array_equal(image(lambda x: x.clip_pixels(60, 180), pixels), np.clip(exact, 60, 180))
    brighter = image(lambda x: x.adjust_brightness(1.4, -3), pixels)
    np.testing.assert_allclose(brighter, np.clip(exact * 1.4 - 3, 0, 255), atol=1e-4)


def test_adjusted_brightness_and_contrast_are_those_of_pillow_to_its_rounding() -> None:
    pixels = color(30, 25)
    picture = Image.fromarray(pixels)
    bright = np.asarray(ImageEnhance.Brightness(picture).enhance(1.6)).astype(float)
    assert np.abs(image(lambda x: x.adjust_brightness(1.6), pixels) - bright).max() <= 1
    sharp = np.asarray(ImageEnhance.Contrast(picture).enhance(1.6)).astype(float)
    assert np.abs(image(lambda x: x.adjust_contrast(1.6), pixels) - sharp).max() <= 1.31  # its mean is whole


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.7])
@pytest.mark.parametrize(("height", "width"), [(20, 17), (3, 5), (1, 1)])
def test_blur_is_scipys(height: int, width: int, sigma: float) -> None:
    pixels = color(height, width)
    found = image(lambda x: x.blur(sigma), pixels)
    for channel in range(3):
        expected = ndimage.gaussian_filter(pixels[:, :, channel].astype(float), sigma, mode="nearest")
        np.testing.assert_allclose(found[:, :, channel], expected, atol=1e-3)


@pytest.mark.parametrize(("height", "width"), [(20, 17), (3, 5), (1, 4), (1, 1)])
def test_sobel_is_scipys(height: int, width: int) -> None:
    pixels = color(height, width)
    found = image(lambda x: x.sobel(), pixels)
    for channel in range(3):
        exact = pixels[:, :, channel].astype(float)
        gradients = [ndimage.sobel(exact, axis, mode="nearest") for axis in (0, 1)]
        np.testing.assert_allclose(found[:, :, channel], np.hypot(*gradients), rtol=1e-6)


def reference_canny(grey: npt.NDArray[np.float64], low: float, high: float) -> npt.NDArray[np.bool_]:
    """Canny without blur, pixel by pixel; connected pixels by SciPy's labels."""
    gy, gx = (ndimage.sobel(grey, axis, mode="nearest") for axis in (0, 1))
    size = np.sqrt(gx * gx + gy * gy)
    around = np.pad(size, 1)
    thin = np.zeros(size.shape, bool)
    for row, column in np.ndindex(*size.shape):
        x, y = gx[row, column], gy[row, column]
        angle = np.degrees(np.arctan2(abs(y), abs(x)))
        if angle <= 22.5:
            step = (0, 1)
        elif angle >= 67.5:
            step = (1, 0)
        else:
            step = (1, 1) if x * y >= 0 else (1, -1)
        before = around[row + 1 - step[0], column + 1 - step[1]]
        after = around[row + 1 + step[0], column + 1 + step[1]]
        thin[row, column] = size[row, column] > before and size[row, column] >= after
    weak, strong = thin & (size > low), thin & (size > high)
    labels, _ = ndimage.label(weak, structure=np.ones((3, 3)))
    return np.isin(labels, np.unique(labels[strong])) & weak


@pytest.mark.parametrize("seed", range(3))
def test_canny_agrees_with_a_plain_one(seed: int) -> None:
    pixels = color(60, 47, seed)
    found = image(lambda x: x.canny(90, 240, 0), pixels)[:, :, 0]
    expected = reference_canny(pillow_luma(pixels).astype(np.float64), 90, 240)
    assert 50 < expected.sum() < 1400
    assert np.array_equal(found, 255.0 * expected)


def test_canny_follows_an_edge_of_any_length() -> None:
    """A coast that is weak but for its left end, hundreds of steps away from the right one."""
    y, x = np.mgrid[0:50, 0:400]
    land = 1 / (1 + np.exp(-(y - 25 - 8 * np.sin(x / 40)) / 1.5))
    weak = np.round(60 * land)
    levels = np.round((60 + 170 * np.exp(-x / 8)) * land)

    def found(grey: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        pixels = np.repeat(grey.astype(np.uint8)[:, :, None], 3, axis=2)
        return image(lambda x: x.canny(10, 150, 0), pixels)[:, :, 0] > 0

    expected = reference_canny(levels, 10, 150)
    assert expected[:, 395:].any()
    assert np.array_equal(found(levels), expected)
    assert not found(weak).any()


def test_canny_smooths_first() -> None:
    pixels = color(40, 40)
    grey = pillow_luma(pixels).astype(np.float64)
    expected = reference_canny(ndimage.gaussian_filter(grey, 1.0, mode="nearest"), 40, 90)
    found = image(lambda x: x.canny(40, 90), pixels)[:, :, 0] > 0
    # Single precision decides a few ties in another way.
    assert np.mean(found != expected) < 0.01
    assert expected.sum() > 50


def test_statistics_are_those_of_the_profile(photos: list[Pixels]) -> None:
    deep = np.random.default_rng(0).integers(0, 65_536, (31, 20), dtype=np.uint16)
    cells = [*map(encoded, photos), encoded(pillow_luma(photos[1]).astype(np.uint8)), encoded(deep)]
    names = ("brightness", "contrast", "sharpness", "width", "height")
    for name in names:
        found = values(lambda x, method=name: getattr(x, method)(), cells)[:, 0]
        expected = [getattr(image_statistics(cell), name) for cell in cells]
        np.testing.assert_allclose(found, expected, rtol=2e-6, atol=1e-12, err_msg=name)


def test_brightness_of_whole_levels_is_the_profiles_to_the_last_bit(photos: list[Pixels]) -> None:
    cells = [*map(encoded, photos)]
    found = values(lambda x: x.brightness(), cells)[:, 0]
    expected = [image_statistics(cell).brightness for cell in cells]  # type: ignore[union-attr]
    assert np.array_equal(found, np.array(expected, np.float32))


def test_mean_color_and_histogram() -> None:
    pixels = color(29, 31)
    found = values(lambda x: x.mean_color(), [encoded(pixels)])[0]
    np.testing.assert_allclose(found, pixels.mean(axis=(0, 1)) / 255, rtol=1e-6)
    shares = values(lambda x: x.histogram(16), [encoded(pixels)])[0]
    expected = np.bincount(pillow_luma(pixels).astype(int).ravel() // 16, minlength=16) / pixels[:, :, 0].size
    np.testing.assert_allclose(shares, expected, atol=1e-7)
    uneven = values(lambda x: x.histogram(7), [encoded(pixels)])[0]
    bounds = [0, *(256 * place / 7 for place in range(1, 7)), 256]
    np.testing.assert_allclose(uneven, np.histogram(pillow_luma(pixels), bounds)[0] / 899, atol=1e-7)


def reference_hog(grey: npt.NDArray[np.float64], cells: int, orientations: int) -> npt.NDArray[np.float64]:
    """The documented formula, vote by vote."""
    height, width = grey.shape
    wide = np.pad(grey, 1, mode="edge")
    gx, gy = wide[1:-1, 2:] - wide[1:-1, :-2], wide[2:, 1:-1] - wide[:-2, 1:-1]
    histograms = np.zeros((cells, cells, orientations))
    for row, column in np.ndindex(height, width):
        x, y = gx[row, column], gy[row, column]
        angle = np.arctan2(y, x) % np.pi * orientations / np.pi
        low = int(np.floor(angle))
        for place, share in ((low, 1 - (angle - low)), (low + 1, angle - low)):
            for i, down in _nearest((row + 0.5) * cells / height - 0.5, cells):
                for j, right in _nearest((column + 0.5) * cells / width - 0.5, cells):
                    histograms[i, j, place % orientations] += share * down * right * np.hypot(x, y)
    histograms *= cells * cells / (height * width)
    around = np.pad(histograms, ((1, 1), (1, 1), (0, 0)), mode="edge") ** 2
    result = np.zeros_like(histograms)
    for i, j in np.ndindex(cells, cells):
        for top, left in ((i, j), (i, j + 1), (i + 1, j), (i + 1, j + 1)):
            energy = around[top : top + 2, left : left + 2].sum()
            result[i, j] += np.minimum(histograms[i, j] / np.sqrt(energy + 1), 0.2) / 4
    return result.ravel()


def _nearest(center: float, cells: int) -> list[tuple[int, float]]:
    inside = min(max(center, 0), cells - 1)
    low = int(np.floor(inside))
    return [(low, 1 - (inside - low)), *([(low + 1, inside - low)] if low + 1 < cells else [])]


@pytest.mark.parametrize(("cells", "orientations"), [(7, 9), (3, 8), (1, 2), (5, 4)])
def test_hog_agrees_with_its_formula(cells: int, orientations: int) -> None:
    pixels = color(28, 21)
    found = values(lambda x: x.center_crop(28, 21).hog(cells, orientations), [encoded(pixels)])[0]
    expected = reference_hog(pillow_luma(pixels).astype(np.float64), cells, orientations)
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_hog_tells_which_way_a_bar_runs() -> None:
    upright, lying = np.zeros((2, 24, 24), np.uint8)
    upright[:, 10:14] = 200
    lying[10:14] = 200
    found = values(lambda x: x.center_crop(24, 24).hog(1, 2), [encoded(upright), encoded(lying)])
    np.testing.assert_allclose(found, [[0.2, 0.0], [0.0, 0.2]], atol=1e-6)


def test_hog_hardly_changes_with_brightness_and_contrast() -> None:
    pixels = color(32, 32)
    dim = (pixels * 0.6 + 20).astype(np.uint8)
    found = values(lambda x: x.center_crop(32, 32).hog(4, 9), [encoded(pixels), encoded(dim)])
    assert np.abs(found[0] - found[1]).max() < 0.02


def test_one_row_is_as_in_bulk_bit_for_bit_in_a_batch_of_mixed_sizes(photos: list[Pixels]) -> None:
    cells: list[bytes | None] = [*map(encoded, photos), None, b"GIF89a", *map(encoded, photos[::-1])]
    data = table(cells)
    transform = Transform(everything).fit(data)
    bulk = transform.transform(data)
    rows = [transform.transform(data.slice(row, 1)) for row in range(len(cells))]
    assert np.array_equal(bulk, np.concatenate(rows), equal_nan=True)
    assert np.array_equal(bulk[::-1], transform.transform(table(cells[::-1])), equal_nan=True)
    assert np.array_equal(bulk[: len(photos)], bulk[: len(photos) + 1 : -1])


def test_more_rows_than_a_batch_give_the_same(photos: list[Pixels]) -> None:
    cells = [encoded(photos[place % len(photos)]) for place in range(70)]
    found = values(lambda x: x.resize(9, 9).hog(3, 4), cells)
    assert np.array_equal(found[: len(photos)], values(lambda x: x.resize(9, 9).hog(3, 4), cells[:8]))
    assert np.array_equal(found[64:70], found[0:6])


def test_missing_and_damaged_images_are_missing_in_every_feature(photos: list[Pixels]) -> None:
    whole = encoded(photos[1])
    cells = [None, b"", b"GIF89a", whole[: len(whole) // 2], b"no image at all", whole]
    data = table(cells)
    found = Transform(everything).fit(data).transform(data)
    assert np.isnan(found[:5]).all()
    assert not np.isnan(found[5]).any()
    told = values(lambda x: x.is_missing(), cells)
    assert told[:, 0].tolist() == [1, 1, 1, 1, 1, 0]


def test_a_missing_image_can_be_filled_with_a_level() -> None:
    cells = [None, b"GIF89a", encoded(color(5, 4))]
    found = values(lambda x: x.fill_missing(51).brightness(), cells)[:, 0]
    np.testing.assert_allclose(found[:2], 0.2)
    assert found[2] == values(lambda x: x.brightness(), cells)[2, 0]
    assert np.array_equal(values(lambda x: x.fill_missing(51).width(), cells)[:, 0], [1, 1, 4])
    flat = values(lambda x: x.fill_missing(128).resize(9, 9).hog(3, 4), cells)
    assert np.array_equal(flat[:2], np.zeros((2, 36)))
    late = values(lambda x: x.resize(2, 2).grey().fill_missing(7.5).pixels(), cells)
    assert np.array_equal(late[:2], np.full((2, 4), 7.5))


def test_all_missing_and_no_rows_at_all() -> None:
    transform = Transform(everything).fit(table([None, None]))
    assert np.isnan(transform.transform(table([None, b"GIF89a"]))).all()
    assert transform.transform(table([])).shape == (0, len(transform.feature_names))


def test_grey_alpha_palette_and_deep_images_are_seen_as_they_look() -> None:
    pixels = color(9, 13)
    grey = pillow_luma(pixels).astype(np.uint8)
    alpha = np.dstack([pixels, np.arange(9 * 13, dtype=np.uint8).reshape(9, 13)])
    palette = Image.fromarray(pixels).quantize(16)
    file = io.BytesIO()
    palette.save(file, "PNG")
    cells = [encoded(grey), encoded(alpha), file.getvalue(), encoded(grey.astype(np.uint16) * 257)]
    found = values(lambda x: x.center_crop(9, 13).pixels(), cells).reshape(4, 9, 13, 3)
    assert np.array_equal(found[0], np.repeat(grey[:, :, None], 3, axis=2))
    assert np.array_equal(found[1], pixels)
    assert np.array_equal(found[2], np.asarray(palette.convert("RGB")))
    np.testing.assert_allclose(found[3], found[0], rtol=1e-6)


def test_images_are_turned_as_exif_says() -> None:
    pixels = color(8, 12)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = encoded(pixels, exif=exif.tobytes())
    found = values(lambda x: x.center_crop(12, 8).pixels(), [turned]).reshape(12, 8, 3)
    assert np.array_equal(found, np.rot90(pixels, -1))
    assert values(lambda x: x.width(), [turned])[0, 0] == 8
    assert values(lambda x: x.height(), [turned])[0, 0] == 12


def test_images_without_a_full_scale_are_missing_as_their_brightness_is() -> None:
    file = io.BytesIO()
    Image.fromarray(np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)).save(file, "TIFF")
    statistics = image_statistics(file.getvalue())
    assert statistics is not None
    assert statistics.readable
    assert statistics.brightness is None
    assert decode_image(file.getvalue()) is None


def test_the_same_pixels_in_another_format_give_the_same_features() -> None:
    pixels = color(20, 24)
    cells = [encoded(pixels, kind) for kind in ("PNG", "BMP", "TIFF")]
    data = table(cells)
    found = Transform(everything).fit(data).transform(data)
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


def test_columns_are_named_by_their_places() -> None:
    cells = [encoded(color(4, 4))]

    def names(features: Features) -> list[str]:
        return list(Transform(features).fit(table(cells)).feature_names)

    assert names(lambda x: {"p": x["photo"].resize(1, 2).pixels()}) == [
        f"p={place} {color}" for place in ("0 0", "0 1") for color in ("red", "green", "blue")
    ]
    assert names(lambda x: {"p": x["photo"].resize(2, 1).grey().pixels()}) == ["p=0 0", "p=1 0"]
    assert names(lambda x: {"c": x["photo"].mean_color()}) == ["c=red", "c=green", "c=blue"]
    assert names(lambda x: {"h": x["photo"].histogram(2)}) == ["h=0", "h=1"]
    assert names(lambda x: {"h": x["photo"].resize(4, 4).hog(2, 2)}) == [
        f"h={place} {turn}" for place in ("0 0", "0 1", "1 0", "1 1") for turn in (0, 1)
    ]


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        (lambda x: x.pixels(), "needs images of one size"),
        (lambda x: x.hog(), r"give them one first: .resize\(28, 28\).hog\(\)"),
        (lambda x: x.resize(300, 300).pixels(), "make it smaller first"),
        (lambda x: x.resize(0, 4), "at least 1"),
        (lambda x: x.resize(4, 99_999), "at most 8,192 pixels"),
        (lambda x: x.crop(-1, 0, 3, 3), "at least 0"),
        (lambda x: x.flip("sideways"), "no such direction"),
        (lambda x: x.scale_pixels(1, 1), "low is not below high"),
        (lambda x: x.scale_pixels().brightness(), r"call .scale_pixels\(\) after it"),
        (lambda x: x.scale_pixels().scale_pixels(), "was scaled to another range"),
        (lambda x: x.blur(0), "above 0"),
        (lambda x: x.canny(5, 2), "0 <= low <= high"),
        (lambda x: x.grey().mean_color(), r"use .brightness\(\)"),
        (lambda x: x.histogram(300), "at most 256 bins"),
        (lambda x: x.resize(8, 8).hog(9), "too many cells"),
        (lambda x: x.fill_missing(256), "a level from 0"),
        (lambda x: x.fill_missing("mean"), "does not fit an image"),
        (lambda x: x.adjust_brightness(-1), "a factor of 0 or more"),
        (lambda x: x.zscore(), "is an image"),
        (lambda x: x.brightness().resize(3, 3), "needs an image"),
    ],
)
def test_mistakes_are_told_while_features_are_written(
    expression: Callable[[Expression], Expression], words: str
) -> None:
    with pytest.raises(FeatureError, match=words) as caught:
        expression(Inputs({"photo": "image"})["photo"])
    assert caught.value.where is not None
    assert "test_images.py" in caught.value.where


def test_an_image_alone_is_no_feature() -> None:
    with pytest.raises(FeatureError, match=r"the feature 'f' is an image, and a model takes numbers"):
        Transform(lambda x: {"f": x["photo"]}).fit(table([encoded(color(4, 4))]))


def test_measures_can_be_standardized_like_any_number() -> None:
    cells = [encoded(color(9, 9, seed)) for seed in range(6)]
    found = values(lambda x: x.brightness().zscore(), cells)
    assert abs(found.mean()) < 1e-6
    assert abs(found.std() - 1) < 1e-6


def test_pixels_have_principal_components_as_any_numbers() -> None:
    cells = [encoded(color(12, 12, seed)) for seed in range(30)]
    data = table(cells)
    transform = Transform(lambda x: {"p": x["photo"].grey().resize(6, 6).pixels().pca(4)}).fit(data)
    found = transform.transform(data)
    assert list(transform.feature_names) == ["p 1", "p 2", "p 3", "p 4"]
    pixels = values(lambda x: x.grey().resize(6, 6).pixels(), cells).astype(np.float64)
    spectrum = np.linalg.eigvalsh(np.cov(pixels.T, bias=True))[::-1][:4]
    np.testing.assert_allclose(found.var(axis=0), spectrum, rtol=1e-4)
    alone = np.concatenate([transform.transform(data.slice(row, 1)) for row in range(30)])
    assert np.array_equal(found, alone)


def test_fitting_does_not_depend_on_the_order_of_images() -> None:
    cells = [encoded(color(8 + seed % 3, 9, seed)) for seed in range(20)]

    def model(rows: Sequence[bytes | None]) -> bytes:
        return (
            Transform(
                lambda x: {
                    "b": x["photo"].brightness().fill_missing("median").zscore(),
                    "p": x["photo"].resize(4, 4).grey().pixels().pca(2),
                    "h": x["photo"].sharpness().quantile_buckets(3),
                }
            )
            .fit(table(rows))
            .to_onnx()
        )

    shuffled = [cells[place] for place in np.random.default_rng(0).permutation(20)]
    assert model(cells) == model(shuffled)
