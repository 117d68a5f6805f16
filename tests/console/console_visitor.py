"""A browser's requests to a page, in process, and rows with everything that a page shows."""

from __future__ import annotations

import asyncio
import io

import httpx
import numpy as np
import soundfile
from PIL import Image
from starlette.applications import Starlette

__all__ = ["ORIGIN", "Visitor", "picture", "rows", "sound"]

ORIGIN = {"origin": "http://localhost:8080"}


class Visitor:
    """A person's browser: it has cookies, and says where its forms come from."""

    def __init__(self, app: Starlette) -> None:
        self._app = app
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, **more: object) -> httpx.Response:
        """One request."""

        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            base = "http://localhost:8080"
            async with httpx.AsyncClient(transport=transport, base_url=base, cookies=self.cookies) as client:
                answer = await client.request(method, path, **more)  # type: ignore[arg-type]
                self.cookies |= dict(answer.cookies)
                return answer

        return asyncio.run(asked())

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Look at a page."""
        return self.ask("GET", path, headers=headers)

    def send(self, path: str, fields: dict[str, str], **headers: str) -> httpx.Response:
        """Send a form of the page."""
        return self.ask("POST", path, data=fields, headers={**ORIGIN, **headers})


def picture(value: int) -> bytes:
    """An image of one gray."""
    file = io.BytesIO()
    Image.new("L", (20, 10), value).save(file, "PNG")
    return file.getvalue()


def sound(hertz: float) -> bytes:
    """Half a second of a tone."""
    file = io.BytesIO()
    soundfile.write(file, np.sin(hertz * np.arange(4000) * 2 * np.pi / 8000), 8000, format="WAV")
    return file.getvalue()


def rows(n: int = 8) -> dict[str, list[object]]:
    """Rows with all kinds of columns; all but every fourth is a mistake of the model."""
    truth = ["cat" if at % 2 else "dog" for at in range(n)]
    other = {"cat": "dog", "dog": "cat"}
    return {
        "photo": [None if at == 3 else picture(at % 256) for at in range(n)],
        "clip": [sound(400.0 + at) for at in range(n)],
        "note": [f"<b>row {at}</b>" if at != 2 else "a long story\n" * 50 for at in range(n)],
        "age": [float(at) if at else None for at in range(n)],
        "words": [["a", "b"], []] * (n // 2),
        "kind": list(truth),
        "said": [each if at % 4 == 0 else other[each] for at, each in enumerate(truth)],
    }
