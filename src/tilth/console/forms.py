"""Forms as browsers send them, of bounded size."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["MAX_FORM_BYTES", "parse_form", "read_form"]

MAX_FORM_BYTES = 65_536
"""The greatest size of a form: a note and a name need no more."""

_MAX_FIELDS = 100
_KIND = "application/x-www-form-urlencoded"


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form; of several with one name the last.

    Raises:
        HTTPException: 413 it is too large, 415 it is no form, 400 it cannot be read.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _KIND:
        raise HTTPException(415, f"expected a form ({_KIND})")
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_FORM_BYTES:
            raise HTTPException(413, f"a form of more than {MAX_FORM_BYTES:,} bytes")
    return parse_form(bytes(body))


def parse_form(body: bytes) -> dict[str, str]:
    """The fields of an encoded form.

    Raises:
        HTTPException: 400, it cannot be read.

    Example:
        >>> parse_form(b"tag=too+dark&row=7")
        {'tag': 'too dark', 'row': '7'}
    """
    try:
        fields = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict"
        )
    except (UnicodeDecodeError, ValueError):
        raise HTTPException(400, "the form cannot be read") from None
    return dict(fields)
