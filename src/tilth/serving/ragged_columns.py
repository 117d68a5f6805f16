"""One column of lists of a request, and what it has in common with one of images or recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tilth.errors import RequestError
from tilth.schemas import Column
from tilth.serving.columns import ABSENT, ColumnJudge, Given, Judged, Unexpected, describe
from tilth.serving.shapes import Shape
from tilth.types import SCALAR_TYPES, ColumnType, JSONValue

__all__ = ["ListJudge", "RaggedJudge", "is_ragged"]

_EXPECTED_LIST: dict[ColumnType, str] = {
    "list[int]": "a list of whole numbers",
    "list[float]": "a list of numbers",
    "list[string]": "a list of texts",
    "list[bool]": "a list of true and false",
    "list[datetime]": "a list of ISO 8601 dates or times",
}


def is_ragged(column: Column) -> bool:
    """Whether the values of a column differ in size: lists, images, recordings."""
    return column.type not in SCALAR_TYPES


class RaggedJudge:
    """What `ListJudge` and `MediaJudge` have in common: missing values, and how a value is refused."""

    def __init__(self, column: Column, expected: str, missing: Sequence[str]) -> None:
        self.name = column.name
        self.type = column.type
        self.nullable = not column.required or column.min_present < 1.0
        self.expected = expected
        self.missing_texts = frozenset(missing) | {""}

    def is_missing(self, value: Given, row: int) -> bool:
        """Whether there is no value.

        Raises:
            RequestError: there is none, and there must be one.
        """
        if not (value is None or value is ABSENT or (isinstance(value, str) and value in self.missing_texts)):
            return False
        if self.nullable:
            return True
        what = f"column '{self.name}' is missing"
        if value is not ABSENT:
            what = f"column '{self.name}' may not be {'null' if value is None else 'empty'}"
        raise RequestError(what, column=self.name, got=describe(value), expected=self.expected, row=row)

    def misshapen(
        self, values: Sequence[Sequence[object] | bytes | None], shape: Shape | None, *, reject: bool
    ) -> list[Unexpected]:
        """Values that are too short or too long.

        Raises:
            RequestError: the first of them, where they are to be refused.
        """
        pairs = enumerate(None if shape is None else shape.problem(value) for value in values)
        problems = [(row, problem) for row, problem in pairs if problem is not None]
        found = [
            Unexpected(row, self.name, f"{len(values[row] or ()):,} {shape.unit}", problem)
            for row, problem in problems
            if shape is not None
        ]
        if found and reject:
            raise self.wrong(found[0].row, found[0].got, found[0].expected)
        return found

    def wrong(self, row: int, got: str, expected: str | None = None) -> RequestError:
        """The refusal of a value."""
        wanted = expected or self.expected
        what = f"column '{self.name}' wants {wanted}; got {got}"
        return RequestError(what, column=self.name, got=got, expected=wanted, row=row)


class ListJudge(RaggedJudge):
    """Checks the lists of one column. Items may be null, which says that they are missing.

    Args:
        column: the column's part of the schema; its bounds and domain speak of the items.
        reject_unexpected: refuse what is outside of the domain, range or shape instead of reporting it.
        unknown_is_missing: items outside of the domain are reported, and missing to the graph.
        missing: texts that stand for a missing list.
        max_items: longer lists are refused.

    Example:
        >>> judge = ListJudge(Column("tags", "list[string]"))
        >>> judge.judge([["a", None], []]).values
        [['a', ''], []]
        >>> judge.judge([["a"], ["b", 5]])
        Traceback (most recent call last):
        ...
        tilth.errors.RequestError: column 'tags' wants a list of texts; got the number 5 as item 1 ...
    """

    def __init__(
        self,
        column: Column,
        *,
        reject_unexpected: bool = False,
        unknown_is_missing: bool = False,
        missing: Sequence[str] = (),
        max_items: int = 100_000,
    ) -> None:
        super().__init__(column, _EXPECTED_LIST[column.type], missing)
        assert column.item_type is not None
        self._max_items = max_items
        self._reject = reject_unexpected
        self._lengths = Shape.of(replace(column, pattern=None))
        self._items = ColumnJudge(
            Column(
                column.name,
                column.item_type,
                required=False,
                low=column.low,
                high=column.high,
                domain=column.domain,
                min_domain_mass=column.min_domain_mass,
                pattern=column.pattern,
            ),
            reject_unexpected=reject_unexpected,
            unknown_is_missing=unknown_is_missing,
        )

    def judge(self, values: Sequence[Given]) -> Judged:
        """Accept the column's lists of n rows; `ABSENT` where a row has none.

        Returns:
            For the graph lists of texts ("" for missing) or numbers (None for missing), None for no list.

        Raises:
            RequestError: the first list that cannot be accepted, with its row.
        """
        lists = [
            None if self.is_missing(value, row) else self._list(value, row)
            for row, value in enumerate(values)
        ]
        places = [(row, item) for row, items in enumerate(lists) for item in range(len(items or ()))]
        try:
            judged = self._items.judge([value for items in lists for value in items or ()])
        except RequestError as error:
            row, item = places[error.row or 0]
            expected = (
                None if error.expected == self._items.expected else f"{self.expected}, {error.expected}"
            )
            raise self.wrong(row, f"{error.got} as item {item}", expected) from None
        taken = iter(judged.values)
        found = [None if items is None else [_for_graph(next(taken)) for _ in items] for items in lists]
        unexpected = self._unexpected(judged, places) + self._out_of_shape(lists)
        return Judged(found, unexpected, self._changes(values, lists, judged, places))

    def _out_of_shape(self, lists: Sequence[list[JSONValue] | None]) -> list[Unexpected]:
        """Lists with too few items or too many."""
        return self.misshapen(lists, self._lengths, reject=self._reject)

    def _list(self, value: Given, row: int) -> list[JSONValue]:
        if not isinstance(value, list):
            raise self.wrong(row, describe(value))
        if len(value) > self._max_items:
            raise self.wrong(row, f"{len(value):,} items", f"{self.expected}, at most {self._max_items:,}")
        return value

    def _unexpected(self, judged: Judged, places: Sequence[tuple[int, int]]) -> list[Unexpected]:
        """The first item of each row that the schema does not list."""
        found: dict[int, Unexpected] = {}
        for each in judged.unexpected:
            row, item = places[each.row]
            told = replace(
                each, row=row, got=f"{each.got} as item {item}", expected=f"items: {each.expected}"
            )
            found.setdefault(row, told)
        return list(found.values())

    def _changes(
        self,
        values: Sequence[Given],
        lists: Sequence[list[JSONValue] | None],
        judged: Judged,
        places: Sequence[tuple[int, int]],
    ) -> list[tuple[int, JSONValue]]:
        changed: dict[int, JSONValue] = {
            row: None for row, value in enumerate(values) if isinstance(value, str) and lists[row] is None
        }
        for place, value in judged.changes:
            row, item = places[place]
            items = changed.setdefault(row, list(lists[row] or ()))
            assert isinstance(items, list)
            if items[item] != "":
                items[item] = value
        return list(changed.items())


def _for_graph(item: object) -> object:
    return float(item) if isinstance(item, bool) else item
