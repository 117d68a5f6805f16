"""What bytes are, by their beginning."""

from __future__ import annotations

import pytest

from tilth.tables.media import media_format, media_type


@pytest.mark.parametrize(
    ("content", "kind", "form"),
    [
        (b"\x89PNG\r\n\x1a\n", "image", "png"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image", "jpeg"),
        (b"GIF87a", "image", "gif"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image", "webp"),
        (b"BM" + bytes(12) + b"\x28\0\0\0", "image", "bmp"),
        (b"II*\0", "image", "tiff"),
        (b"MM\0*", "image", "tiff"),
        (b"RIFF\x10\x00\x00\x00WAVEfmt ", "audio", "wav"),
        (b"RF64\xff\xff\xff\xffWAVEds64", "audio", "wav"),
        (b"fLaC\0\0\0\x22", "audio", "flac"),
        (b"OggS\0\x02", "audio", "ogg"),
        (b"ID3\x04", "audio", "mp3"),
        (b"\xff\xfb\x90\x64", "audio", "mp3"),
        (b"\xff\xf3\x40\xc0", "audio", "mp3"),
    ],
)
def test_known(content: bytes, kind: str, form: str) -> None:
    assert (media_type(content), media_format(content)) == (kind, form)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x89",
        b"BMI,weight\n21.5,70\n",
        b"RIFF\0\0\0\0AVI ",
        b"age,job\n",
        b"\xff\xfea\0g\0e\0",
        b"\xff\xff\xff\xff",
        b"PAR1",
        b"\x1f\x8b",
    ],
)
def test_unknown(content: bytes) -> None:
    assert (media_type(content), media_format(content)) == (None, None)
