"""Profile: the mergeable summary of a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from tilth.errors import ColumnNotFoundError, DataError
from tilth.profiles.column import ColumnProfile
from tilth.profiles.documents import TableParts, profile_from_json, profile_json, profile_summary
from tilth.profiles.passing import TablePass, batch_rows, usual_threads
from tilth.profiles.report import report
from tilth.profiles.slices import check_slices, slice_columns
from tilth.tables import large_parts, open_table

if TYPE_CHECKING:
    import pyarrow as pa

    from tilth.engines import Engine
    from tilth.sketches import DistinctCounts
    from tilth.tables import Table
    from tilth.types import ColumnType, JSONObject, Progress

__all__ = ["Profile", "SliceProfile", "profile", "profile_batches"]

_PARTS_A_WORKER = 4
_MERGED_AT_ONCE = 8


@dataclass(frozen=True)
class Profile:
    """The summary of a table: its rows and its columns.

    `a + b` is the profile of both tables together. The same rows give the same profile, to the last bit, in
    whatever order and batches they come.

    Args:
        rows: how many rows.
        columns: the profiles of the columns by name, in the table's order.
        slices: the profiles of the rows that share the values of some columns.
        row_counts: how often equal rows came; None if that is not known.

    Example:
        >>> whole = profile({"x": [1, 2]}) + profile({"x": [3]})
        >>> whole == profile({"x": [3, 2, 1]})
        True
        >>> whole.columns["x"].mean
        2.0
    """

    rows: int
    columns: Mapping[str, ColumnProfile]
    slices: tuple[SliceProfile, ...] = ()
    row_counts: DistinctCounts | None = None

    def __getitem__(self, name: str) -> ColumnProfile:
        """The profile of a column.

        Raises:
            ColumnNotFoundError: no such column.
        """
        if name not in self.columns:
            raise ColumnNotFoundError(name, self.columns)
        return self.columns[name]

    @property
    def duplicate_rows(self) -> int | None:
        """How many rows are copies of another one: exact up to a million different rows, close beyond.

        None if that is not known.
        """
        return self.row_counts.repeats if self.row_counts is not None else None

    def select(self, names: Iterable[str]) -> Profile:
        """The profile of these columns only.

        Raises:
            ColumnNotFoundError: no such column.
        """
        wanted = list(names)
        slices = tuple(SliceProfile(each.values, each.profile.select(wanted)) for each in self.slices)
        same = list(self.columns) == wanted
        return Profile(
            self.rows, {name: self[name] for name in wanted}, slices, self.row_counts if same else None
        )

    def __add__(self, other: Profile) -> Profile:
        """The profile of both tables; a column that only one has is missing in the rows of the other.

        Raises:
            DataError: a column's types cannot be brought together, or only one profile has slices or weights.
        """
        return Profile.merged([self, other])

    @classmethod
    def merged(cls, profiles: Iterable[Profile]) -> Profile:
        """The profile of all tables together, quickly for many.

        Raises:
            DataError: as for `+`.

        Example:
            >>> Profile.merged(profile({"x": [n]}) for n in range(5))["x"].count
            5
        """
        parts = list(profiles)
        if len(parts) == 1:
            return parts[0]
        names = dict.fromkeys(name for part in parts for name in part.columns)
        filled = [part for part in parts if part.rows]
        counts = [part.row_counts for part in filled or parts]
        known = [each for each in counts if each is not None]
        return cls(
            sum(part.rows for part in parts),
            {name: ColumnProfile.merged([_column(part, name, parts) for part in parts]) for name in names},
            _merged_slices(filled),
            known[0].merged_with(known[1:]) if known and len(known) == len(counts) else None,
        )

    def to_dict(self) -> JSONObject:
        """The summary as JSON values; undefined numbers are None. See docs/profiles.md for each figure."""
        return profile_summary(self)

    def to_json(self) -> str:
        """The summary, and under "state" all that merging and comparing need; same rows, same bytes."""
        return profile_json(self)

    @classmethod
    def from_json(cls, text: str) -> Profile:
        """The profile that `to_json` wrote.

        Raises:
            DataError: the text is no profile, or only a summary without its state.
        """
        return _profile(profile_from_json(text))

    def report(self) -> str:
        """The profile as a plain text table with hints below, for people."""
        slices = [(each.values, each.profile.rows) for each in self.slices]
        return report(self.rows, self.columns, slices, self.row_counts)

    def __str__(self) -> str:
        return self.report()

    def html(
        self,
        *,
        title: str = "Profile",
        current: Profile | None = None,
        names: tuple[str, str] = ("reference", "current"),
        comparison: JSONObject | None = None,
        anomalies: Sequence[JSONObject] = (),
        associations: JSONObject | None = None,
    ) -> str:
        """The profile, or this and another one side by side, as one HTML page that needs nothing else.

        Args:
            title: what the page is about.
            current: a second data set.
            names: what the two are called.
            comparison: the JSON form of their comparison.
            anomalies: anomalies in their JSON form, shown at the column that they belong to.
            associations: the JSON form of the associations of columns.
        """
        from tilth.profiles.page import page

        return page(
            self,
            title=title,
            current=current,
            names=names,
            comparison=comparison,
            anomalies=anomalies,
            associations=associations,
        )

    def _repr_html_(self) -> str:
        from tilth.profiles.page_fragment import fragment

        return fragment(self)


@dataclass(frozen=True)
class SliceProfile:
    """The profile of the rows that share the values of some columns.

    Args:
        values: the value of each of these columns, as text; "(missing)" where there is none.
        profile: of these rows.
    """

    values: Mapping[str, str]
    profile: Profile


def _profile(parts: TableParts) -> Profile:
    slices = tuple(SliceProfile(values, _profile(each)) for values, each in parts.slices)
    return Profile(parts.rows, parts.columns, slices, parts.row_counts)


def _column(part: Profile, name: str, parts: Sequence[Profile]) -> ColumnProfile:
    if name in part.columns:
        return part.columns[name]
    other = next(each.columns[name] for each in parts if name in each.columns)
    weights = None
    if other.weights is not None and part.columns:
        first = next((column.weights for column in part.columns.values() if column.weights is not None), None)
        weights = ColumnProfile(name, other.type, 0, first.rows if first is not None else 0)
    return ColumnProfile(name, other.type, 0, part.rows, weights=weights)


def _merged_slices(parts: Sequence[Profile]) -> tuple[SliceProfile, ...]:
    """The slices of all parts; `parts` are those with rows."""
    groups = [dict.fromkeys(tuple(each.values) for each in part.slices) for part in parts]
    if not any(groups):
        return ()
    if any(set(group) != set(groups[0]) for group in groups):
        raise DataError(
            "profiles with different slices cannot be added",
            expected="the same groups of columns in each",
            mend="profile the tables with the same slices",
        )
    found: dict[tuple[tuple[str, str], ...], list[Profile]] = {}
    for part in parts:
        for each in part.slices:
            found.setdefault(tuple(each.values.items()), []).append(each.profile)
    order = {names: place for place, names in enumerate(groups[0])}
    for names in order:
        check_slices(names, sum(tuple(name for name, _ in key) == names for key in found))
    keys = sorted(found, key=lambda key: (order[tuple(name for name, _ in key)], key))
    return tuple(SliceProfile(dict(key), Profile.merged(found[key])) for key in keys)


def profile(
    data: object,
    *,
    missing: Sequence[str] = (),
    columns: Sequence[str] | None = None,
    slices: Sequence[str | Sequence[str]] = (),
    weight: str | None = None,
    engine: Engine | None = None,
    progress: Progress | None = None,
) -> Profile:
    """Summarize a table in one pass.

    Images and recordings bring columns of statistics with them: `photo.width`, `clip.duration`.

    Args:
        data: a path, an Arrow table or reader, a data frame, a dict of lists, or several paths in a list; a
            Profile is given back as it is.
        missing: texts that stand for a missing value, beside the empty one.
        columns: the columns to look at; default: all.
        slices: columns whose values make slices, each profiled too: "sex", or "sex,race" for both crossed.
        weight: the column that says how much each row counts.
        engine: where the work is done; default: on the threads of this machine.
        progress: told how many rows are done, and of how many if that is known.

    Raises:
        DataError: the data cannot be read, or a weight is missing or negative.
        ColumnNotFoundError: a column of `columns`, `slices` or `weight` does not exist.
        UsageError: more than 1,000 slices, or a column that cannot make slices or weigh rows.

    Example:
        >>> found = profile({"city": ["Bern", "Bern", None]}, slices=["city"])
        >>> found.columns["city"].top(), found.columns["city"].missing
        ([('Bern', 2)], 1)
        >>> [(each.values["city"], each.profile.rows) for each in found.slices]
        [('(missing)', 1), ('Bern', 2)]
    """
    if isinstance(data, Profile):
        return data if columns is None else data.select(columns)
    table = open_table(data, missing=missing)
    if columns is not None:
        table = table.select(columns)
    wanted = slice_columns(slices)
    if engine is None or engine.name == "local":
        threads = usual_threads() if engine is None else engine.workers
        return _profile_table(table, slices=wanted, weight=weight, threads=threads, progress=progress)
    TablePass(table.columns, wanted, weight)  # says what is wrong before any work is sent away
    # A profile is large beside a small part: few large parts a core mean fewer of them to send and to add.
    parts = large_parts(table, _PARTS_A_WORKER * engine.workers)
    made = engine.map(partial(_profile_table, slices=wanted, weight=weight), parts)
    return _merged_few_by_few(iter(_counted(made, progress, table._rows)))


def _merged_few_by_few(parts: Iterator[Profile]) -> Profile:
    """The sum of profiles of which only a few are in memory at a time."""
    whole = next(parts)
    while few := list(islice(parts, _MERGED_AT_ONCE)):
        whole = Profile.merged([whole, *few])
    return whole


def _counted(parts: Iterable[Profile], progress: Progress | None, total: int | None) -> Iterable[Profile]:
    rows = 0
    for part in parts:
        rows += part.rows
        if progress is not None:
            progress(rows, total)
        yield part


def _profile_table(
    table: Table,
    *,
    slices: Sequence[Sequence[str]] = (),
    weight: str | None = None,
    threads: int = 1,
    progress: Progress | None = None,
) -> Profile:
    if any(kind in ("image", "audio") for kind in table.columns.values()):
        from tilth.tables import with_media_statistics

        table = with_media_statistics(table)
    made = TablePass(table.columns, slices, weight)
    batches = table.coded_batches(batch_rows(len(table.columns)))
    made.run(batches, threads=threads, progress=progress, total=table._rows)
    return _result(made)


def profile_batches(
    batches: Iterable[pa.RecordBatch], types: Mapping[str, ColumnType], *, threads: int = 1
) -> Profile:
    """Summarize record batches whose columns have Tilth's types.

    Args:
        batches: record batches with at least the columns of `types`.
        types: the columns to look at and what they hold, in order.
        threads: how many columns are looked at at the same time.

    Example:
        >>> import pyarrow as pa
        >>> profile_batches([pa.record_batch({"x": [1, 2]})], {"x": "int"}).rows
        2
    """
    made = TablePass(types)
    made.run(batches, threads=threads)
    return _result(made)


def _result(made: TablePass) -> Profile:
    slices = [(each.values, TableParts(each.rows, each.columns)) for each in made.slices()]
    return _profile(TableParts(made.rows, made.columns(), slices, made.row_counts))
