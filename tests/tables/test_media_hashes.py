"""Perceptual hashes: near for copies, far for others, nothing for nothing."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from tilth.errors import ColumnNotFoundError, UsageError
from tilth.tables import open_table
from tilth.tables.image_hashes import NEAR_DUPLICATE_DISTANCE, NO_HASH, image_hash, image_hashes

SCENES = 60


def encoded(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


@cache
def scene(seed: int) -> Image.Image:
    values = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(160, 200)), 6)
    return Image.fromarray((128 + 40 * values / values.std()).clip(0, 255).astype(np.uint8))


def distance(first: bytes, second: bytes) -> int:
    one, other = image_hash(first), image_hash(second)
    assert one is not None
    assert other is not None
    return (one ^ other).bit_count()


@pytest.mark.parametrize(
    "copy",
    [
        lambda image: encoded(image.resize((500, 400))),
        lambda image: encoded(image.resize((100, 80))),
        lambda image: encoded(image, "JPEG", quality=60),
        lambda image: encoded(image.point(lambda level: min(255, round(level * 1.05)))),
        lambda image: encoded(image.point(lambda level: round(level * 0.95))),
        lambda image: encoded(image.convert("RGB"), "WEBP"),
        lambda image: encoded(Image.fromarray(np.asarray(image).astype(np.uint16) * 257)),
    ],
)
def test_copies_are_near(copy: Callable[[Image.Image], bytes]) -> None:
    near = [
        distance(encoded(scene(seed)), copy(scene(seed))) <= NEAR_DUPLICATE_DISTANCE for seed in range(SCENES)
    ]
    assert sum(near) >= 0.95 * SCENES


def test_different_images_are_far() -> None:
    hashes = [image_hash(encoded(scene(seed))) for seed in range(SCENES)]
    distances = [
        (a ^ b).bit_count() for a in hashes for b in hashes if a is not None and b is not None and a != b
    ]
    assert len(distances) == SCENES * (SCENES - 1)
    assert min(distances) > 5 * NEAR_DUPLICATE_DISTANCE


@pytest.mark.parametrize("code", range(1, 9))
def test_a_turn_that_exif_asks_for_is_made(code: int) -> None:
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the transposition whose inverse the code asks for
    stored = scene(1).transpose(Image.Transpose(undo[code])) if code > 1 else scene(1)
    exif = Image.Exif()
    exif[0x0112] = code
    assert distance(encoded(stored, exif=exif), encoded(scene(1))) <= NEAR_DUPLICATE_DISTANCE
    if code > 1:
        assert distance(encoded(stored), encoded(scene(1))) > 5 * NEAR_DUPLICATE_DISTANCE


def test_the_bits_never_change() -> None:
    pattern = np.multiply.outer(np.arange(64) ** 2 % 97, np.arange(64) ** 3 % 151) % 251
    assert image_hash(encoded(Image.fromarray(pattern.astype(np.uint8)))) == 232468702197764345


def test_columns() -> None:
    contents = [encoded(scene(seed)) for seed in range(70)]
    cells = [*contents, None, b"GIF89a", encoded(Image.new("RGB", (9, 9), "red")), contents[3]]
    hashes = image_hashes(
        open_table({"x": list(range(74)), "photo": cells}, types={"photo": "image"}), "photo"
    )
    assert hashes.dtype == np.uint64
    assert (hashes[70:73] == NO_HASH).all()
    assert (hashes[:70] != NO_HASH).all()
    assert hashes[73] == hashes[3] == image_hash(contents[3])


def test_columns_of_another_kind_are_refused() -> None:
    table = open_table({"x": [1]})
    with pytest.raises(UsageError, match="column 'x' is int"):
        image_hashes(table, "x")
    with pytest.raises(ColumnNotFoundError):
        image_hashes(table, "photo")


def test_chest_x_rays(shared_data: Callable[[str], Path]) -> None:
    """The figures of the documentation, on fewer images: copies found, strangers taken for copies."""
    images = np.load(shared_data("pneumoniamnist-trainval/pneumonia_trainval.npz"))["val_images"]
    pictures = [Image.fromarray(pixels) for pixels in np.unique(images, axis=0)]
    hashes = np.array([image_hash(encoded(picture)) for picture in pictures], np.uint64)
    apart = np.bitwise_count(hashes[:, None] ^ hashes)[np.triu_indices(len(hashes), 1)]
    assert (apart <= NEAR_DUPLICATE_DISTANCE).mean() < 1e-4
    copies = [distance(encoded(p), encoded(p.resize((56, 56)))) for p in pictures[:100]]
    assert np.mean(np.array(copies) <= NEAR_DUPLICATE_DISTANCE) >= 0.95
