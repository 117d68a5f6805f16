"""Headless Chromium for tests of pages: opened, clicked, typed into, looked at."""

from __future__ import annotations

import base64
import fcntl
import io
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pytest
from PIL import Image

__all__ = ["Browser", "needs_chromium"]

needs_chromium = pytest.mark.skipif(
    shutil.which("chromium") is None, reason="Chromium is not here: apt install chromium"
)

# In containers it runs as root, for whom it has no sandbox.
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--window-size=1200,800", "--remote-debugging-pipe")

SETTLED = "new Promise((end) => requestAnimationFrame(() => requestAnimationFrame(end)))"


def high_pipe() -> tuple[int, int]:
    """A pipe whose ends are not 3 and 4, which Chromium's will be."""
    ends = os.pipe()
    high = fcntl.fcntl(ends[0], fcntl.F_DUPFD, 50), fcntl.fcntl(ends[1], fcntl.F_DUPFD, 50)
    for end in ends:
        os.close(end)
    return high


class Browser:
    """Chromium, spoken to over two pipes (the DevTools protocol, one JSON text and a zero byte each)."""

    def __init__(self, folder: Path) -> None:
        flags = ["chromium", *FLAGS, f"--user-data-dir={folder}"]
        there, self._out = high_pipe()
        self._in, back = high_pipe()
        start = f"import os; os.dup2({there}, 3); os.dup2({back}, 4); os.execvp('chromium', {flags!r})"
        self._process = subprocess.Popen(
            [sys.executable, "-c", start], pass_fds=(there, back), stderr=subprocess.DEVNULL
        )
        os.close(there)
        os.close(back)
        self._number = 0
        self._session: str | None = None
        self._waiting = b""
        self.complaints: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)
        os.close(self._out)
        os.close(self._in)

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                found: dict[str, Any] = answer["result"]
                return found
            if answer.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown"):
                self.complaints.append(json.dumps(answer["params"]))

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._waiting:
            piece = os.read(self._in, 1 << 16)
            assert piece, "Chromium is gone"
            self._waiting += piece
        text, _, self._waiting = self._waiting.partition(b"\0")
        answer: dict[str, Any] = json.loads(text)
        return answer

    def open(self, page: Path | str, fragment: str = "") -> None:
        """A page of its own, by its file or address, once its script is ready."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._session = session
        for domain in ("Log", "Runtime", "Page"):
            self.ask(f"{domain}.enable")
        # A page that has no focus may be drawn late and miss keys.
        self.ask("Emulation.setFocusEmulationEnabled", enabled=True)
        address = page if isinstance(page, str) else page.as_uri()
        self.ask("Page.navigate", url=f"{address}{fragment}")
        self.wait("document.documentElement?.dataset.ready === '1'")

    def run(self, code: str) -> Any:
        """The value of an expression."""
        asked = self.ask("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in asked, asked
        return asked["result"].get("value")

    def wait(self, code: str) -> None:
        """Until an expression is true, also across the loading of a page."""
        for _ in range(1500):
            asked = self.ask("Runtime.evaluate", expression=f"Boolean({code})", returnByValue=True)
            if asked["result"].get("value") is True:
                return
            time.sleep(0.02)
        raise AssertionError(f"never true: {code}")

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def click(self, x: float, y: float) -> None:
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(kind, x, y, button="left", clickCount=1)

    def key(self, key: str, modifiers: int = 0) -> None:
        text = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
        self.ask("Input.dispatchKeyEvent", type="keyDown", key=key, modifiers=modifiers, **text)
        self.ask("Input.dispatchKeyEvent", type="keyUp", key=key, modifiers=modifiers)

    def type(self, text: str) -> None:
        """Text into what has the focus."""
        self.ask("Input.insertText", text=text)

    def click_on(self, selector: str) -> None:
        """The middle of the first element that a selector finds, scrolled to."""
        place = f"""(() => {{
            const found = document.querySelector({json.dumps(selector)});
            found.scrollIntoView({{ block: "center" }});
            const box = found.getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2];
        }})()"""
        self.click(*self.run(place))

    def picture(self, file: Path, *, width: int = 1200, height: int = 800, whole: bool = True) -> None:
        """What the page looks like, as PNG."""
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        self.run(SETTLED)
        shot = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(shot["data"]))

    def pixels(self) -> np.ndarray:
        """What the canvas shows once what was asked for is drawn: (height, width, 3)."""
        self.run(SETTLED)
        code = """(() => { const c = document.getElementById("points");
            return [c.width, c.height, c.toDataURL("image/png")]; })()"""
        width, height, address = self.run(code)
        found = np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))).convert("RGB"))
        assert found.shape == (height, width, 3)
        return found
