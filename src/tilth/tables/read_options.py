"""How data is to be read: what `open_table` was asked for beside the data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tilth.errors import ColumnNotFoundError, DataError, UsageError, closest
from tilth.tables.csv_bad_rows import BadRowsFile
from tilth.types import COLUMN_TYPES, ColumnType

__all__ = ["ReadOptions"]


@dataclass(frozen=True)
class ReadOptions:
    """How data is to be read.

    Args:
        missing: texts that mean missing, beside the empty cell.
        types: types of columns that shall not be found out.
        exclude: columns to leave out.
        encoding: how text files are encoded; None to find out.
        bad_rows: where rows go that cannot be read; None to refuse them.
        bad_rows_file: the same, once it is open.
    """

    missing: tuple[str, ...] = ()
    types: Mapping[str, ColumnType] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()
    encoding: str | None = None
    bad_rows: Path | None = None
    bad_rows_file: BadRowsFile | None = None

    @staticmethod
    def checked(
        missing: Sequence[str],
        types: Mapping[str, ColumnType] | None,
        exclude: Sequence[str],
        encoding: str | None,
        bad_rows: str | Path | None,
    ) -> ReadOptions:
        """Options as a user gave them; one text stands for a list of one.

        Raises:
            UsageError: a type that is not known.

        Example:
            >>> ReadOptions.checked("?", {"zip": "string"}, (), None, None).missing
            ('?',)
        """
        for name, kind in (types or {}).items():
            if kind not in COLUMN_TYPES:
                near = closest(str(kind), COLUMN_TYPES)
                raise UsageError(
                    f"type {kind!r} is not known",
                    where=f"column '{name}'",
                    expected=f"one of {', '.join(COLUMN_TYPES)}",
                    mend=f"did you mean '{near}'?" if near else None,
                )
        return ReadOptions(
            (missing,) if isinstance(missing, str) else tuple(missing),
            dict(types or {}),
            (exclude,) if isinstance(exclude, str) else tuple(exclude),
            encoding,
            None if bad_rows is None else Path(bad_rows),
        )

    def kept(self, names: Iterable[str], where: str) -> list[str]:
        """The names that are not to be left out, in order, each as often as it comes.

        To leave out a structure is to leave out all its fields.

        Raises:
            ColumnNotFoundError: a column to leave out, or of a type, that is not there.
            DataError: none would be left.
        """
        names = list(names)
        for name in (*self.exclude, *self.types):
            if name not in names and not any(n.startswith(f"{name}.") for n in names):
                raise ColumnNotFoundError(name, names, where=where)
        outer = tuple(f"{name}." for name in self.exclude)
        kept = [name for name in names if name not in self.exclude and not name.startswith(outer)]
        if names and not kept:
            raise DataError("every column is left out", where=where, expected="at least one column")
        return kept
