"""Images and recordings as a browser asks for them."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from tilth.console.media import media_answer

SOUND = b"RIFF....WAVEfmt " + bytes(range(84))


def encoded(form: str, side: int = 40) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((side, side), 90).save(file, form)
    return file.getvalue()


@pytest.mark.parametrize(
    ("asked", "status", "found"),
    [
        ("bytes=0-9", 206, SOUND[:10]),
        ("bytes=90-", 206, SOUND[90:]),
        ("bytes=-5", 206, SOUND[-5:]),
        ("bytes=-500", 206, SOUND),
        ("bytes=90-500", 206, SOUND[90:]),
        ("bytes=100-", 416, b""),
        ("bytes=9-3", 416, b""),
        ("bytes=-0", 416, b""),
        ("bytes=-", 200, SOUND),
        ("bytes=0-1,5-6", 200, SOUND),
        ("bytes=" + "9" * 400 + "-", 200, SOUND),
        ("lines=1-2", 200, SOUND),
    ],
)
def test_ranges(asked: str, status: int, found: bytes) -> None:
    answer = media_answer(SOUND, {"range": asked})
    assert (answer.status_code, bytes(answer.body)) == (status, found)


def test_a_range_of_another_version_is_the_whole() -> None:
    mark = media_answer(SOUND, {}).headers["etag"]
    part = {"range": "bytes=0-3"}
    assert media_answer(SOUND, {**part, "if-range": mark}).status_code == 206
    assert media_answer(SOUND, {**part, "if-range": '"other"'}).status_code == 200


def test_what_the_browser_has_is_not_sent_again() -> None:
    mark = media_answer(SOUND, {}).headers["etag"]
    for known in (mark, f'"x", {mark}', f"W/{mark}"):
        assert media_answer(SOUND, {"if-none-match": known}).status_code == 304
    assert media_answer(SOUND + b"x", {"if-none-match": mark}).status_code == 200


def test_what_browsers_do_not_show_is_turned() -> None:
    answer = media_answer(encoded("TIFF"), {})
    assert answer.media_type == "image/webp"
    assert Image.open(io.BytesIO(bytes(answer.body))).size == (40, 40)


def test_large_images_are_small_in_a_list() -> None:
    content = encoded("PNG", 1500)
    small = media_answer(content, {}, small=True)
    assert max(Image.open(io.BytesIO(bytes(small.body))).size) == 512
    assert media_answer(content, {}).body == content


@pytest.mark.parametrize(
    "content", [None, b"", b"<script>alert(1)</script>", b"\x89PNG\r\n\x1a\n" + bytes(70_000)]
)
def test_what_is_no_image_is_not_sent_as_one(content: bytes | None) -> None:
    answer = media_answer(content, {}, small=True)
    assert (answer.status_code, answer.media_type) == (404, "text/plain")
