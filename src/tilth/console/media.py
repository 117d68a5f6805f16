"""Images and recordings of a table as answers that browsers show and play."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping

from starlette.responses import Response

from tilth.tables.media import media_format
from tilth.tables.thumbnails import thumbnail

__all__ = ["media_answer"]

_SHOWN = {"png", "jpeg", "gif", "webp", "bmp"}
_PLAYED = {"wav": "audio/wav", "mp3": "audio/mpeg", "flac": "audio/flac", "ogg": "audio/ogg"}
_KEPT = "private, max-age=86400"
_SIDE = 512
_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})")


def media_answer(content: bytes | None, headers: Mapping[str, str], *, small: bool = False) -> Response:
    """An image or a recording, whole, or the range that a player asks for.

    What browsers cannot show is turned into WebP. 304 where the browser has it, 404 where there is nothing
    that could be shown, 416 for a range outside of it.

    Args:
        content: the bytes of the file; None where the cell is missing.
        headers: those of the request, in small letters.
        small: an image is to be shown small, so large ones are made smaller.

    Example:
        >>> sound = b"RIFF....WAVEfmt " + bytes(84)
        >>> whole, part = media_answer(sound, {}), media_answer(sound, {"range": "bytes=0-3"})
        >>> whole.status_code, part.status_code, part.body, part.headers["content-range"]
        (200, 206, b'RIFF', 'bytes 0-3/100')
    """
    kind, body = _shown(content, small)
    if body is None:
        return Response("there is nothing to show\n", 404, media_type="text/plain")
    mark = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    told = {"ETag": mark, "Cache-Control": _KEPT, "Accept-Ranges": "bytes"}
    if mark in (each.strip().removeprefix("W/") for each in headers.get("if-none-match", "").split(",")):
        return Response(None, 304, told)
    wanted = _RANGE.fullmatch(headers.get("range", ""))
    if wanted is None or wanted.groups() == ("", "") or headers.get("if-range", mark) != mark:
        return Response(body, 200, told, kind)
    start, end = _bounds(wanted, len(body))
    if start >= end:
        return Response(None, 416, {**told, "Content-Range": f"bytes */{len(body)}"})
    told["Content-Range"] = f"bytes {start}-{end - 1}/{len(body)}"
    return Response(body[start:end], 206, told, kind)


def _bounds(wanted: re.Match[str], size: int) -> tuple[int, int]:
    """First byte, and the one after the last; of "-500" the last 500 are meant."""
    first, last = wanted.groups()
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size


def _shown(content: bytes | None, small: bool) -> tuple[str, bytes | None]:
    found = media_format(content[:32]) if content else None
    if content is None or found is None:
        return "", None
    if found in _PLAYED:
        return _PLAYED[found], content
    if found in _SHOWN and not (small and len(content) > 65_536):
        return f"image/{found}", content
    address = thumbnail(content, _SIDE if small else 4096)
    if address is None:
        return "", None
    return "image/webp", base64.b64decode(address.partition(",")[2])
