"""Operations on lists of texts and of numbers. Missing items count as not there, a missing list as empty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from tilth.features.operations.categories import Vocabulary
from tilth.features.operations.operation import Analyzed, RowWise

__all__ = [
    "BagOfWords",
    "DistinctItems",
    "HasItem",
    "HashedWords",
    "Item",
    "ItemCount",
    "ItemFigure",
    "ItemVocabulary",
    "NGrams",
    "Pack",
    "Padded",
    "TermWeights",
    "TokenIds",
    "WeightedWords",
    "WordCounts",
]


@dataclass(frozen=True)
class Pack(RowWise):
    """The items that are there, moved to the front in their order."""


@dataclass(frozen=True)
class ItemCount(RowWise):
    """How many items there are."""


@dataclass(frozen=True)
class DistinctItems(RowWise):
    """How many different items there are."""


@dataclass(frozen=True)
class HasItem(RowWise):
    """1 where one of the items equals a value, else 0."""

    value: str | float


@dataclass(frozen=True)
class Item(RowWise):
    """The item of a packed list at a position, from 0, or back from -1; missing where there is none."""

    position: int


@dataclass(frozen=True)
class ItemFigure(RowWise):
    """A figure of a list's numbers; missing where there are none."""

    figure: Literal["sum", "mean", "min", "max"]


@dataclass(frozen=True)
class Padded(RowWise):
    """The first `length` numbers of a packed list as columns; `fill` where there are fewer (NaN: missing)."""

    length: int
    fill: float

    def column_names(self, name: str) -> list[str]:
        """feature[0], feature[1], ..."""
        return [f"{name}[{position}]" for position in range(self.length)]


@dataclass(frozen=True)
class TokenIds(RowWise):
    """The first `length` ranks of a list of texts as columns, two added; 0 behind the last.

    So 0 is no text, 1 one that is not known (rank -1), and 2 the first of the vocabulary.
    """

    length: int

    def column_names(self, name: str) -> list[str]:
        """feature[0], feature[1], ..."""
        return [f"{name}[{position}]" for position in range(self.length)]


@dataclass(frozen=True)
class NGrams(RowWise):
    """Every `low` to `high` neighbors of a packed list, joined by a separator; the shortest come first."""

    low: int
    high: int
    separator: str


@dataclass(frozen=True)
class HashedWords(RowWise):
    """How many texts of a list have each hash, see `Hash`."""

    buckets: int
    seed: int

    def column_names(self, name: str) -> list[str]:
        """feature[0], feature[1], ..."""
        return [f"{name}[{position}]" for position in range(self.buckets)]


@dataclass(frozen=True)
class WordCounts(RowWise):
    """How often each of some words is in a list, or only whether it is."""

    words: tuple[str, ...]
    counts: bool

    def column_names(self, name: str) -> list[str]:
        """feature=word for each."""
        return [f"{name}={word}" for word in self.words]


@dataclass(frozen=True)
class WeightedWords(RowWise):
    """The share of each of some words in a list, times its weight; the share is of all the list's items."""

    words: tuple[str, ...]
    weights: tuple[float, ...]

    def column_names(self, name: str) -> list[str]:
        """feature=word for each."""
        return [f"{name}={word}" for word in self.words]


@dataclass(frozen=True)
class ItemVocabulary(Vocabulary):
    """`Lookup` of each text of a list among the most frequent ones."""

    analysis: ClassVar[str] = "documents"


@dataclass(frozen=True)
class BagOfWords(Analyzed):
    """`WordCounts` of the most frequent words."""

    analysis: ClassVar[str] = "documents"

    top: int | None
    min_count: int
    max_share: float
    counts: bool


@dataclass(frozen=True)
class TermWeights(Analyzed):
    """`WeightedWords` of the most frequent words, weighted by how few lists have them."""

    analysis: ClassVar[str] = "documents"

    top: int | None
    min_count: int
    max_share: float
    smooth: bool
