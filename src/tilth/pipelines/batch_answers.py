"""Answers that outlive the process: those of a batch prediction so far, in a folder beside its output."""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from tilth.errors import DataError, TilthError, counted
from tilth.tables import open_table, write_table
from tilth.types import JSONObject

__all__ = ["KeptAnswers", "parts_folder"]

_ROWS_A_PART = 1 << 18
_SECONDS_A_PART = 5.0
_PLAN = "plan.json"
_LOCK = "lock"
_PART = re.compile(r"(\d{15})-(\d{15})\.arrow")

Tell = Callable[[str], None]


def parts_folder(output: Path) -> Path:
    """The folder in which the answers for an output are kept until it is whole.

    Example:
        >>> parts_folder(Path("out.csv")).name
        'out.csv.parts'
    """
    real = Path(os.path.realpath(output))
    return real.with_name(f"{real.name}.parts")


class KeptAnswers:
    """The answers of the first rows of a table, in files of one after the other.

    Made by `KeptAnswers.opened`. Each file is on disk when its name is there, so that whatever ends the
    process, what is found is the answers of rows 0 to `rows`.

    Args:
        folder: where they are.
        spans: the first row of each file and the one after its last, without a gap.
    """

    def __init__(self, folder: Path, spans: list[tuple[int, int]]) -> None:
        self.folder = folder
        self._spans = spans
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = 0
        self._saved_at = time.monotonic()

    @property
    def rows(self) -> int:
        """How many rows have answers on disk."""
        return self._spans[-1][1] if self._spans else 0

    @classmethod
    @contextmanager
    def opened(cls, output: Path, plan: Mapping[str, str], tell: Tell) -> Iterator[KeptAnswers]:
        """The answers that were kept for an output; they go when the output is whole.

        An error leaves them where some are on disk already, and Ctrl-C always.

        Args:
            output: the file that is written.
            plan: what answers depend on, by names for people; those made by another plan are not used.
            tell: told what was found, and what is left.

        Raises:
            DataError: another process works on this output, or the folder is something else or cannot be
                written.
        """
        folder = parts_folder(output)
        with _locked(folder):
            with _in_words(folder):
                kept = cls(folder, _found(folder, plan, tell))
            try:
                yield kept
            except KeyboardInterrupt:
                kept.save()
                kept._leave(tell)
                raise
            except BaseException:
                kept._leave(tell)
                raise
            kept._remove()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The answers on disk, in order."""
        for start, stop in list(self._spans):
            yield from open_table(_path(self.folder, start, stop)).batches()

    def add(self, answers: pa.RecordBatch) -> None:
        """Keep the answers of the next rows; they are written some at a time."""
        self._waiting.append(answers)
        self._waiting_rows += answers.num_rows
        if self._waiting_rows >= _ROWS_A_PART or time.monotonic() - self._saved_at > _SECONDS_A_PART:
            self.save()

    def save(self) -> None:
        """Write what is not on disk yet."""
        self._saved_at = time.monotonic()
        if not self._waiting:
            return
        part = pa.Table.from_batches(self._waiting)
        start, stop = self.rows, self.rows + part.num_rows
        write_table(part, _path(self.folder, start, stop))
        self._spans.append((start, stop))
        self._waiting.clear()
        self._waiting_rows = 0

    def _leave(self, tell: Tell) -> None:
        if not self.rows:
            self._remove()
            return
        told = f"the answers of {counted(self.rows, 'row')} are kept in {self.folder}"
        tell(f"{told}: the same command goes on from there")

    def _remove(self) -> None:
        _clear(self.folder)
        (self.folder / _PLAN).unlink(missing_ok=True)


def _found(folder: Path, plan: Mapping[str, str], tell: Tell) -> list[tuple[int, int]]:
    """The parts that can be used; the others are removed."""
    known, path = _known(folder), folder / _PLAN
    spans = _spans(folder) if known is not None else []
    changed = [name for name, value in plan.items() if (known or {}).get(name) != value]
    if spans and changed:
        what = f"the answers of {counted(spans[-1][1], 'row')} that were kept are not used"
        tell(f"begins anew: {what}, for this has changed: {', '.join(changed)}")
        spans = []
    elif spans:
        tell(f"goes on after {counted(spans[-1][1], 'row')} that were answered before")
    _clear(folder, {_path(folder, *span).name for span in spans})
    if not spans:
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(dict(plan), indent=1), encoding="utf-8")
        draft.replace(path)
    return spans


def _known(folder: Path) -> JSONObject | None:
    """The plan of the answers that are there; None where none can be read."""
    try:
        document = json.loads((folder / _PLAN).read_text(encoding="utf-8"))
    except FileNotFoundError:
        strange = [entry.name for entry in folder.iterdir() if entry.name != _LOCK]
        if any(not name.startswith((".", "plan.")) for name in strange):
            raise DataError(
                "a folder of this name is there, which holds no answers",
                where=str(folder),
                mend="move it away, or write to another file",
            ) from None
        return None
    except ValueError:  # cut short when the machine went down
        return None
    return document if isinstance(document, dict) else None


def _spans(folder: Path) -> list[tuple[int, int]]:
    """The rows of the readable parts from the first row on, up to a gap."""
    found = sorted(
        (int(match[1]), int(match[2]))
        for entry in folder.iterdir()
        if (match := _PART.fullmatch(entry.name)) is not None
    )
    spans: list[tuple[int, int]] = []
    for start, stop in found:
        if start != (spans[-1][1] if spans else 0) or not _is_whole(_path(folder, start, stop), stop - start):
            break
        spans.append((start, stop))
    return spans


def _is_whole(path: Path, rows: int) -> bool:
    try:
        return open_table(path).rows == rows
    except TilthError:  # a damaged disk: these rows are answered again
        return False


def _path(folder: Path, start: int, stop: int) -> Path:
    return folder / f"{start:015d}-{stop:015d}.arrow"


def _clear(folder: Path, kept: set[str] = frozenset()) -> None:  # type: ignore[assignment]
    """Remove parts, and what a killed process had begun to write."""
    for entry in folder.iterdir():
        is_own = _PART.fullmatch(entry.name) or entry.name.startswith(".") or entry.suffix == ".draft"
        if is_own and entry.name not in kept and entry.is_file():
            entry.unlink(missing_ok=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Only one process works in the folder, which goes with the lock if nothing is in it."""
    import fcntl

    with _in_words(folder):
        folder.mkdir(exist_ok=True)
        taken = (folder / _LOCK).open("a")
    with taken as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(
                "another process is predicting into this file",
                where=str(folder),
                mend="wait until it is done, or write to another file",
            ) from None
        try:
            yield
        finally:
            if [entry.name for entry in folder.iterdir()] == [_LOCK]:
                with contextlib.suppress(OSError):  # whoever comes first may have taken the folder again
                    (folder / _LOCK).unlink()
                    folder.rmdir()


@contextmanager
def _in_words(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"answers cannot be kept here: {error.strerror or error}", where=str(error.filename or folder)
        ) from error
