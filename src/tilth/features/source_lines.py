"""Where in a person's code something happened, for error messages."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path

__all__ = ["caller_folder", "caller_line", "defined_at", "error_line"]

_HERE = str(Path(__file__).parent)


def caller_line() -> str | None:
    """File and line of the nearest caller outside this package, such as "features.py, line 12"."""
    frame = _caller()
    return None if frame is None else _place(frame.f_code.co_filename, frame.f_lineno)


def caller_folder() -> Path:
    """The folder of the nearest caller's file outside this package; the working folder if it has none."""
    frame = _caller()
    return Path(frame.f_code.co_filename).parent if frame is not None else Path()


def _caller() -> types.FrameType | None:
    frame: types.FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
    return frame


def error_line(error: BaseException, file: str | None = None) -> str | None:
    """File and line where an exception was raised: the innermost in `file`, or outside this package."""
    found = None
    trace = error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if name == file or (file is None and not name.startswith(_HERE)):
            found = _place(name, trace.tb_lineno)
        trace = trace.tb_next
    return found


def defined_at(function: object) -> str | None:
    """File and line where a function begins; None for what is no plain function."""
    code = getattr(function, "__code__", None)
    return _place(code.co_filename, code.co_firstlineno) if isinstance(code, types.CodeType) else None


def _place(file: str, line: int) -> str:
    # Asked for by every method of every expression, for which making a Path takes too long.
    return f"{os.path.basename(file)}, line {line}"  # noqa: PTH119
