"""Which bytes are an image or a recording."""

from __future__ import annotations

from typing import Literal

__all__ = ["MediaType", "media_format", "media_type"]

MediaType = Literal["image", "audio"]

_STARTS: tuple[tuple[bytes, MediaType, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image", "png"),
    (b"\xff\xd8\xff", "image", "jpeg"),
    (b"GIF87a", "image", "gif"),
    (b"GIF89a", "image", "gif"),
    (b"II*\x00", "image", "tiff"),
    (b"MM\x00*", "image", "tiff"),
    (b"fLaC", "audio", "flac"),
    (b"OggS", "audio", "ogg"),
    (b"ID3", "audio", "mp3"),
)
_CONTAINERS: dict[tuple[bytes, bytes], tuple[MediaType, str]] = {
    (b"RIFF", b"WEBP"): ("image", "webp"),
    (b"RIFF", b"WAVE"): ("audio", "wav"),
    (b"RF64", b"WAVE"): ("audio", "wav"),
}


def media_type(content: bytes) -> MediaType | None:
    """What encoded bytes are by their first bytes, or None where they are neither.

    Known are PNG, JPEG, GIF, WebP, BMP and TIFF; WAV, FLAC, OGG and MP3. A file's name plays no part, and
    the first 32 bytes are enough. A file of the right start may still be damaged further on.

    Example:
        >>> media_type(b"GIF89a" + bytes(20)), media_type(b"RIFF....WAVEfmt "), media_type(b"age,job")
        ('image', 'audio', None)
    """
    found = _recognized(content)
    return found[0] if found else None


def media_format(content: bytes) -> str | None:
    """The format of encoded bytes in small letters (`png`, `jpeg`, `wav`, ...), or None.

    Example:
        >>> media_format(b"fLaC" + bytes(40))
        'flac'
    """
    found = _recognized(content)
    return found[1] if found else None


def _recognized(content: bytes) -> tuple[MediaType, str] | None:
    for start, kind, name in _STARTS:
        if content.startswith(start):
            return kind, name
    container = _CONTAINERS.get((content[:4], content[8:12]))
    if container:
        return container
    if _is_bmp(content):
        return "image", "bmp"
    return ("audio", "mp3") if _is_mpeg_audio(content) else None


def _is_bmp(content: bytes) -> bool:
    """Two letters and a size of the header that exists: the letters alone begin many a text."""
    sizes = (12, 40, 52, 56, 64, 108, 124)
    return content[:2] == b"BM" and int.from_bytes(content[14:18], "little") in sizes


def _is_mpeg_audio(content: bytes) -> bool:
    """A frame header of MPEG layer III: the synchronization and no field of a reserved value."""
    if len(content) < 4 or content[0] != 0xFF or content[1] & 0xE0 != 0xE0:
        return False
    version, layer = content[1] >> 3 & 3, content[1] >> 1 & 3
    bit_rate, sample_rate = content[2] >> 4, content[2] >> 2 & 3
    return version != 1 and layer == 1 and bit_rate not in (0, 15) and sample_rate != 3
