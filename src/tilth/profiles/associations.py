"""Associations: which columns of a table go together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from tilth.engines import local_engine
from tilth.errors import ColumnNotFoundError, DataError
from tilth.profiles.association_counts import AssociationCounts, CountedRows
from tilth.profiles.association_report import association_report
from tilth.profiles.profile import Profile
from tilth.profiles.profile import profile as make_profile
from tilth.tables import large_parts, open_table, with_media_statistics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tilth.engines import Engine
    from tilth.profiles.missing_patterns import MissingPattern
    from tilth.tables import Table
    from tilth.types import JSONObject, JSONValue

__all__ = ["Associations", "CategoryAssociation", "Correlation", "Information", "associations"]

_SHOWN = 20
_CELLS = 1 << 22  # in one batch, so that wide tables take no more memory than long ones


@dataclass(frozen=True)
class Correlation:
    """How two number columns go together; None where a column does not vary.

    Args:
        first: a column.
        second: another one.
        rows: rows where both are there and finite.
        pearson: Pearson's correlation in [-1, 1], of these rows.
        spearman: Pearson's correlation of the ranks that the values have among all of their column.
        spearman_error: how far `spearman` can be off; 0 while both columns keep every distinct number.
    """

    first: str
    second: str
    rows: int
    pearson: float | None
    spearman: float | None
    spearman_error: float

    @property
    def strength(self) -> float:
        """The greater of the two, without its sign; 0 where neither is defined."""
        return max(abs(self.pearson or 0.0), abs(self.spearman or 0.0))

    def to_dict(self) -> JSONObject:
        """The correlation as JSON values."""
        return dict(vars(self))


@dataclass(frozen=True)
class CategoryAssociation:
    """How two columns of categories go together.

    Args:
        first: a column.
        second: another one.
        rows: rows where both are there.
        cramers_v: from 0, unrelated, to 1, one decides the other; None where a column does not vary.
    """

    first: str
    second: str
    rows: int
    cramers_v: float | None

    def to_dict(self) -> JSONObject:
        """The association as JSON values."""
        return dict(vars(self))


@dataclass(frozen=True)
class Information:
    """What a column tells of the label.

    Args:
        column: its name.
        rows: rows where both are there.
        bits: mutual information of their levels, in bits.
        share: `bits` as a share of the label's uncertainty, in [0, 1]; None where the label does not vary.
        chance: bits that a column unrelated to the label would show on average in so many rows.
    """

    column: str
    rows: int
    bits: float | None
    share: float | None
    chance: float | None

    @property
    def surplus(self) -> float:
        """Bits beyond what chance gives."""
        return (self.bits or 0.0) - (self.chance or 0.0)

    def to_dict(self) -> JSONObject:
        """The information as JSON values."""
        return dict(vars(self))


@dataclass(frozen=True)
class Associations:
    """Which columns of a table go together; made by `associations`.

    Args:
        rows: how many rows.
        correlations: every pair of number columns, the strongest first.
        categories: every pair of category columns, the strongest first.
        label: the column that `information` is about.
        information: every other column, the most telling first.
        patterns: sets of columns that are missing together, the most frequent first, at most 20; None where
            there are more than 65,536 different sets.
        left_out: columns that are in no pair, being too many.
    """

    rows: int
    correlations: tuple[Correlation, ...]
    categories: tuple[CategoryAssociation, ...]
    label: str | None
    information: tuple[Information, ...]
    patterns: tuple[MissingPattern, ...] | None
    left_out: tuple[str, ...]

    def to_dict(self) -> JSONObject:
        """All figures as JSON values; undefined numbers are None."""
        patterns = self.patterns
        return {
            "rows": self.rows,
            "correlations": [pair.to_dict() for pair in self.correlations],
            "categories": [pair.to_dict() for pair in self.categories],
            "label": self.label,
            "information": [each.to_dict() for each in self.information],
            "missing_patterns": None if patterns is None else [each.to_dict() for each in patterns],
            "left_out": cast("list[JSONValue]", list(self.left_out)),
        }

    def report(self, pairs: int = _SHOWN) -> str:
        """The figures as plain text for people, the strongest first, `pairs` of a kind."""
        return association_report(self.to_dict(), pairs)

    def __str__(self) -> str:
        return self.report()


def associations(
    data: object,
    *,
    label: str | None = None,
    profile: Profile | None = None,
    missing: Sequence[str] = (),
    engine: Engine | None = None,
) -> Associations:
    """Find out which columns go together: numbers, categories, what is missing, and what tells of the label.

    Numbers, true/false as 0 and 1, and datetimes are correlated, at most 200 of them: beyond, those with the
    fewest different values are left out. Texts of 2 to 100 different values, whole numbers of 2 to 20 and
    true/false are categories, at most 30. Images and recordings take part by their statistics. Each figure is
    of the rows where both columns have a (finite) value. Pearson's correlation is that of the values rounded
    to 2**-42 of their range, exact for whole numbers within 2**42 of each other; Spearman's says itself how
    far it can be off. Everything else is exact.

    The data are read twice where no profile is given; memory does not grow with the rows. Neither the order
    of the rows nor batches, threads and engines change any figure.

    Args:
        data: what `tilth.profile` takes, but for a profile.
        label: the column that is to be predicted.
        profile: a profile of the same data, which saves the first pass.
        missing: texts that stand for a missing value, beside the empty one.
        engine: where to count; default: in this thread.

    Raises:
        ColumnNotFoundError: no column `label`.
        DataError: the data cannot be read, or are not those of the profile.

    Example:
        >>> found = associations({"x": [1, 2, 3, 4], "y": [2, 4, 6, 8], "s": ["a", "a", "b", "b"]}, label="s")
        >>> found.correlations[0].pearson, found.information[0].bits
        (1.0, 1.0)
    """
    table = with_media_statistics(open_table(data, missing=missing))
    if label is not None and label not in table.columns:
        raise ColumnNotFoundError(label, table.columns, where=table.name)
    known = make_profile(table, engine=engine) if profile is None else profile
    types = {name: column.type for name, column in known.columns.items()}
    if any(types.get(name) != kind for name, kind in table.columns.items()):
        raise _other_data(table.name)
    counts = _counted(table, known, label, local_engine(threads=1) if engine is None else engine)
    if counts.rows != known.rows or not counts.fit_the_profile:
        raise _other_data(table.name)
    return _sorted(counts, label)


def _counted(table: Table, profile: Profile, label: str | None, engine: Engine) -> AssociationCounts:
    types, size = table.columns, max(1024, min(65_536, _CELLS // len(table.columns)))

    def count(part: Table) -> CountedRows:
        counts = AssociationCounts(profile, types, label)
        for batch in part.batches(size):
            counts.update(batch)
        return counts.state()

    whole = AssociationCounts(profile, types, label)
    for state in engine.map(count, large_parts(table, 4 * engine.workers) if engine.workers > 1 else [table]):
        whole.merge(state)
    return whole


def _sorted(counts: AssociationCounts, label: str | None) -> Associations:
    """The figures, the strongest first; equal ones in the table's order."""
    correlations = [Correlation(*each) for each in counts.correlations()]
    categories = [CategoryAssociation(*each) for each in counts.categories()]
    information = [Information(*each) for each in counts.information()]
    return Associations(
        counts.rows,
        tuple(sorted(correlations, key=lambda each: -each.strength)),
        tuple(sorted(categories, key=lambda each: -(each.cramers_v or 0.0))),
        label,
        tuple(sorted(information, key=lambda each: -each.surplus)),
        counts.patterns(),
        counts.left_out,
    )


def _other_data(where: str) -> DataError:
    return DataError(
        "the profile is not one of these data",
        where=where,
        expected="a profile of the same rows and columns",
        mend="leave `profile` away, or profile the data again",
    )
