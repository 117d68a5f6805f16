"""Everything a user can get wrong, as one small tree of exceptions.

    TilthError
    ├── UsageError          (ValueError)   bad argument, setting or command line
    ├── ProjectError        (ValueError)   a mistake in tilth.toml, or no project here
    ├── DataError           (ValueError)   a file or table that cannot be read as asked
    │   └── ColumnNotFoundError (KeyError) a column that the table does not have
    ├── SchemaError         (ValueError)   a mistake in schema.toml
    ├── FeatureError        (ValueError)   a mistake in features.py
    ├── GraphError          (ValueError)   an ONNX graph that cannot be made, loaded or run
    ├── RequestError        (ValueError)   a request that the prediction server refuses
    ├── TrainingError       (RuntimeError) an estimator that cannot be found, fitted or exported
    ├── StoreError          (RuntimeError) the record store cannot be reached or is damaged
    │   ├── NotFoundError   (LookupError)  no record of that name
    │   └── ConflictError                  a record of that name exists and differs
    ├── EngineError         (RuntimeError) a cluster that cannot be reached, or lost a task
    └── CheckFailed                        a declared check did not hold: exit status 1

Each carries what was wrong, where, what was expected and how to mend it; the command line prints these four
and no traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable

__all__ = [
    "CheckFailed",
    "ColumnNotFoundError",
    "ConflictError",
    "DataError",
    "EngineError",
    "FeatureError",
    "GraphError",
    "NotFoundError",
    "ProjectError",
    "RequestError",
    "SchemaError",
    "StoreError",
    "TilthError",
    "TrainingError",
    "UsageError",
    "closest",
    "counted",
]


class TilthError(Exception):
    """The root of all errors that Tilth raises on purpose.

    Args:
        what: what was wrong, one sentence without a full stop.
        where: the place: file, line, column name, row, setting.
        expected: what would have been right.
        mend: what to do about it.

    Example:
        >>> print(TilthError("no such file", where="a.csv", mend="check the path"))
        no such file
          where: a.csv
          to mend it: check the path
    """

    exit_status = 2

    def __init__(
        self, what: str, *, where: str | None = None, expected: str | None = None, mend: str | None = None
    ) -> None:
        self.what = what
        self.where = where
        self.expected = expected
        self.mend = mend
        super().__init__(what)

    def __str__(self) -> str:
        parts = (("where", self.where), ("expected", self.expected), ("to mend it", self.mend))
        return "\n".join([self.what, *(f"  {label}: {text}" for label, text in parts if text)])

    def __reduce__(self) -> tuple[Callable[..., TilthError], tuple[object, ...]]:
        # Exceptions are copied by calling the class with `args`, which constructors of other shapes refuse.
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[TilthError], args: tuple[object, ...], state: dict[str, object]) -> TilthError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class UsageError(TilthError, ValueError):
    """A bad argument, setting or command line."""


class ProjectError(TilthError, ValueError):
    """A mistake in tilth.toml, or no project where one was looked for."""


class DataError(TilthError, ValueError):
    """A file or table that cannot be read as asked."""


class ColumnNotFoundError(DataError, KeyError):
    """A column that the table does not have.

    Args:
        column: the name that was asked for.
        available: the names that exist, in order.
        where: the table or file.

    Example:
        >>> print(ColumnNotFoundError("agee", ["age", "sex"], where="people.csv"))
        no column 'agee'
          where: people.csv
          expected: one of age, sex
          to mend it: did you mean 'age'?
    """

    def __init__(self, column: str, available: Iterable[str], *, where: str | None = None) -> None:
        self.column = column
        self.available = tuple(available)
        near = closest(column, self.available)
        shown = ", ".join(self.available[:30]) + (", ..." if len(self.available) > 30 else "")
        super().__init__(
            f"no column '{column}'",
            where=where,
            expected=f"one of {shown}" if shown else None,
            mend=f"did you mean '{near}'?" if near else None,
        )


class SchemaError(TilthError, ValueError):
    """A mistake in schema.toml."""


class FeatureError(TilthError, ValueError):
    """A mistake in features.py."""


class GraphError(TilthError, ValueError):
    """An ONNX graph that cannot be made, loaded or run."""


class RequestError(TilthError, ValueError):
    """A request that the prediction server refuses.

    Args:
        what: what was wrong.
        column: the column that was wrong, if one was.
        got: what came, shortened.
        expected: what would have been right.
        row: the row's position in the request, from 0.
    """

    def __init__(
        self,
        what: str,
        *,
        column: str | None = None,
        got: str | None = None,
        expected: str | None = None,
        row: int | None = None,
    ) -> None:
        self.column = column
        self.got = got
        self.row = row
        super().__init__(what, where=column and f"column '{column}'", expected=expected)


class TrainingError(TilthError, RuntimeError):
    """An estimator that cannot be found, fitted or exported."""


class StoreError(TilthError, RuntimeError):
    """The record store cannot be reached, or is damaged."""


class NotFoundError(StoreError, LookupError):
    """No record of that name."""


class ConflictError(StoreError):
    """A record of that name exists and differs."""


class EngineError(TilthError, RuntimeError):
    """A cluster that cannot be reached, or that lost a task for good."""


class CheckFailed(TilthError):  # noqa: N818 - not a mistake but a verdict; the name is what users read
    """A declared check did not hold."""

    exit_status = 1


def closest(name: str, available: Iterable[str]) -> str | None:
    """The available name that is most like `name`, or None.

    Example:
        >>> closest("agee", ["age", "sex"])
        'age'
    """
    found = difflib.get_close_matches(name, list(available), n=1, cutoff=0.6)
    return found[0] if found else None


def counted(number: int, what: str) -> str:
    """How many there are, in words.

    Example:
        >>> counted(1, "row"), counted(2000, "row")
        ('1 row', '2,000 rows')
    """
    return f"{number:,} {what}{'' if number == 1 else 's'}"
