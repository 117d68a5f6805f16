"""What went wrong in a project's own code, and in which lines."""

from __future__ import annotations

import traceback
from pathlib import Path

from tilth.errors import TilthError, TrainingError
from tilth.training.local_code import is_local

__all__ = ["code_failed"]

_FRAMES = 3
_LONGEST = 500


def code_failed(error: BaseException, file: str, directory: Path) -> TrainingError:
    """The error to raise for one that came out of a project's own code.

    Args:
        error: what was raised.
        file: the file that was run.
        directory: the project's folder.
    """
    if isinstance(error, SyntaxError) and error.filename and is_local(error.filename, directory):
        place = f"{_short(error.filename, directory)}, line {error.lineno}"
        return TrainingError(f"not Python: {error.msg}", where=place)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if is_local(f.filename, directory)]
    lines = [f"{_short(f.filename, directory)}, line {f.lineno}, in {f.name}" for f in frames[-_FRAMES:]]
    where = "; ".join(lines) or file
    if isinstance(error, TilthError):
        return TrainingError(error.what, where=where, expected=error.expected, mend=error.mend)
    if isinstance(error, SystemExit):
        return TrainingError(
            f"{file} ended the process: sys.exit({error.code!r})",
            where=where,
            expected="a function that returns, or raises an exception",
        )
    if isinstance(error, MemoryError):
        said = f": {error}" if str(error) else ""
        return TrainingError(f"{file} ran out of memory{said}", where=where, mend="learn from fewer rows")
    said = f": {str(error)[:_LONGEST]}" if str(error) else ""
    return TrainingError(f"{file} failed: {type(error).__name__}{said}", where=where)


def _short(path: str, directory: Path) -> str:
    return Path(path).relative_to(directory).as_posix()
