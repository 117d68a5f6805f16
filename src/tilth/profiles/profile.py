"""Profile: the mergeable summary of a table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tilth.errors import ColumnNotFoundError, DataError
from tilth.profiles.builder import ColumnBuilder
from tilth.profiles.column import ColumnProfile
from tilth.profiles.report import report
from tilth.tables import open_table

if TYPE_CHECKING:
    import pyarrow as pa

    from tilth.types import ColumnType, JSONObject

__all__ = ["Profile", "profile", "profile_batches"]

_FORMAT = 1


@dataclass(frozen=True)
class Profile:
    """The summary of a table: its rows and its columns.

    `a + b` is the profile of both tables together. The same rows give the same profile, to the last bit, in
    whatever order and batches they come.

    Args:
        rows: how many rows.
        columns: the profiles of the columns by name, in the table's order.

    Example:
        >>> whole = profile({"x": [1, 2]}) + profile({"x": [3]})
        >>> whole == profile({"x": [3, 2, 1]})
        True
        >>> whole.columns["x"].mean
        2.0
    """

    rows: int
    columns: Mapping[str, ColumnProfile]

    def __getitem__(self, name: str) -> ColumnProfile:
        """The profile of a column.

        Raises:
            ColumnNotFoundError: no such column.
        """
        if name not in self.columns:
            raise ColumnNotFoundError(name, self.columns)
        return self.columns[name]

    def select(self, names: Iterable[str]) -> Profile:
        """The profile of these columns only.

        Raises:
            ColumnNotFoundError: no such column.
        """
        return Profile(self.rows, {name: self[name] for name in names})

    def __add__(self, other: Profile) -> Profile:
        """The profile of both tables; a column that only one has is missing in the rows of the other."""
        names = [*self.columns, *(name for name in other.columns if name not in self.columns)]
        return Profile(
            self.rows + other.rows,
            {name: self._column(name, other) + other._column(name, self) for name in names},
        )

    def _column(self, name: str, other: Profile) -> ColumnProfile:
        if name in self.columns:
            return self.columns[name]
        return ColumnProfile(name, other.columns[name].type, 0, self.rows, 0, 0, None, None)

    def to_dict(self) -> JSONObject:
        """The summary as JSON values: {"rows": n, "columns": {name: {...}}}; undefined numbers are None."""
        return {"rows": self.rows, "columns": {name: col.to_dict() for name, col in self.columns.items()}}

    def to_json(self) -> str:
        """The summary, and under "state" all that merging and comparing need; same rows, same bytes."""
        document: dict[str, Any] = self.to_dict()
        document["state"] = {
            "format": _FORMAT,
            "columns": {name: column.to_state() for name, column in self.columns.items()},
        }
        return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Profile:
        """The profile that `to_json` wrote.

        Raises:
            DataError: the text is no profile, or only a summary without its state.
        """
        try:
            document = json.loads(text)
            state = document["state"]
            if state["format"] != _FORMAT:
                raise DataError(
                    f"the profile has format {state['format']}",
                    expected=f"format {_FORMAT}",
                    mend="profile the data again with this version of tilth",
                )
            columns = {
                name: ColumnProfile.from_state(name, summary, state["columns"][name])
                for name, summary in document["columns"].items()
            }
            return cls(document["rows"], columns)
        except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
            raise DataError(
                "this is no profile with its state",
                where=f"{type(error).__name__}: {error}",
                expected='JSON with "rows", "columns" and "state", as Profile.to_json writes it',
                mend="profile the data again",
            ) from error

    def report(self) -> str:
        """The profile as a plain text table, for people."""
        return report(self.rows, list(self.columns.values()))

    def __str__(self) -> str:
        return self.report()


def profile(data: object, *, missing: Sequence[str] = (), columns: Sequence[str] | None = None) -> Profile:
    """Summarize a table in one pass.

    Args:
        data: a path, an Arrow table or reader, a data frame, a dict of lists, or several paths in a list; a
            Profile is given back as it is.
        missing: texts that stand for a missing value, beside the empty one.
        columns: the columns to look at; default: all.

    Raises:
        DataError: the data cannot be read.
        ColumnNotFoundError: a column of `columns` does not exist.

    Example:
        >>> found = profile({"city": ["Bern", "Bern", None]})
        >>> found.columns["city"].top(), found.columns["city"].missing
        ([('Bern', 2)], 1)
    """
    if isinstance(data, Profile):
        return data if columns is None else data.select(columns)
    table = open_table(data, missing=missing)
    if columns is not None:
        table = table.select(columns)
    return profile_batches(table.batches(), table.columns)


def profile_batches(batches: Iterable[pa.RecordBatch], types: Mapping[str, ColumnType]) -> Profile:
    """Summarize record batches whose columns have Tilth's types.

    Args:
        batches: record batches with at least the columns of `types`.
        types: the columns to look at and what they hold, in order.

    Example:
        >>> import pyarrow as pa
        >>> profile_batches([pa.record_batch({"x": [1, 2]})], {"x": "int"}).rows
        2
    """
    builders = {name: ColumnBuilder(name, kind) for name, kind in types.items()}
    rows = 0
    for batch in batches:
        rows += batch.num_rows
        for name, builder in builders.items():
            builder.update(batch.column(name))
    return Profile(rows, {name: builder.result() for name, builder in builders.items()})
