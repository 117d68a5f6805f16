"""Methods of lists of texts and of numbers."""

from __future__ import annotations

import math
from typing import Literal, Self

from tilth.errors import FeatureError
from tilth.features import operations as op
from tilth.features.expressions.base import Base
from tilth.features.nodes import Kind, Node
from tilth.features.requirements import finite, whole
from tilth.features.source_lines import caller_line

__all__ = ["ListMethods"]

_MOST_COLUMNS = 100_000


class ListMethods(Base):
    """Items of lists, their figures, words.

    Missing items are left out everywhere, and a missing list is an empty one.
    """

    def get(self, position: int) -> Self:
        """The item at a position from 0 on, or from -1 backwards; missing where there is none.

        Raises:
            FeatureError: no list, or no whole number.
        """
        return self._item("get", position, position)

    def first(self) -> Self:
        """The first item; missing where there is none."""
        return self._item("first", 0)

    def last(self) -> Self:
        """The last item; missing where there is none."""
        return self._item("last", -1)

    def distinct_count(self) -> Self:
        """How many different items a list has."""
        self._need(("texts", "numbers"), "distinct_count")
        return self._method(op.DistinctItems(), "integer", "distinct_count")

    def sum(self) -> Self:
        """The sum of a list's numbers, from the first to the last; missing where there are none."""
        return self._item_figure("sum")

    def mean(self) -> Self:
        """The mean of a list's numbers; missing where there are none."""
        return self._item_figure("mean")

    def min(self) -> Self:
        """The least of a list's numbers; missing where there are none."""
        return self._item_figure("min")

    def max(self) -> Self:
        """The greatest of a list's numbers; missing where there are none."""
        return self._item_figure("max")

    def padded(self, length: int, fill: float | None = None) -> Self:
        """The first `length` numbers of a list as columns named feature[0], feature[1], ...

        Args:
            length: how many.
            fill: what stands where there are fewer; None for missing.

        Raises:
            FeatureError: no list of numbers, or a bad argument.
        """
        self._need(("numbers",), "padded")
        self._most(length, "padded")
        filling = math.nan if fill is None else finite(fill, f"{self}.padded()")
        arguments = [length] if fill is None else [length, fill]
        return self._packed()._method(op.Padded(length, filling), "vector", "padded", *arguments)

    def token_ids(self, length: int, top: int | None = 10_000, min_count: int = 1) -> Self:
        """The first `length` texts of a list by number, for a network: columns feature[0], feature[1], ...

        0 is no text, 1 one that is not known, 2 the most frequent of the training data's texts, and so on;
        texts as frequent as each other are ordered by text, descending. The numbers are names and no amounts:
        only a network knows what to do with them.

        Args:
            length: how many texts of a list to look at.
            top: how many to know; None for all.
            min_count: how often a text must occur in all lists together to be known.

        Raises:
            FeatureError: no list of texts, or a bad argument.

        Example:
            >>> from tilth.features.inputs import Inputs
            >>> Inputs({"text": "string"})["text"].tokens().token_ids(40)
            x["text"].tokens().token_ids(40)
        """
        self._words("token_ids", top, min_count, 1.0)
        self._most(length, "token_ids")
        packed = self._packed()
        ranks = op.ItemVocabulary(top, min_count, -1.0)
        node = Node(ranks, (packed.node,), "numbers", packed.node.text, packed.node.place)
        return self._of(node)._method(op.TokenIds(length), "vector", "token_ids", length)

    def ngrams(self, low: int, high: int | None = None, separator: str = " ") -> Self:
        """Every `low` to `high` (default: `low`) neighbors of a list of texts, joined by `separator`.

        Raises:
            FeatureError: no list of texts, or a bad argument.

        Example:
            >>> from tilth.features.inputs import Inputs
            >>> Inputs({"text": "string"})["text"].tokens().ngrams(1, 2)
            x["text"].tokens().ngrams(1, 2)
        """
        self._need(("texts",), "ngrams")
        use = f"{self}.ngrams()"
        whole(low, 1, use)
        most = low if high is None else high
        whole(most, low, use)
        if not isinstance(separator, str):
            raise FeatureError(f"{use} got {separator!r}", where=caller_line(), expected="a text")
        arguments: list[object] = [low] if high is None else [low, high]
        arguments += [separator] if separator != " " else []
        return self._packed()._method(op.NGrams(low, most, separator), "texts", "ngrams", *arguments)

    def bag_of_words(
        self,
        top: int | None = None,
        min_count: int = 1,
        counts: bool = True,
        *,
        max_share: float = 1.0,
    ) -> Self:
        """How often each of the training data's words is in a list of texts, as columns named feature=word.

        The most frequent word comes first; words as frequent as each other are ordered by text, descending.
        An empty list has 0 everywhere.

        Args:
            top: how many words to know; None for all.
            min_count: how often a word must occur in all lists together to be known.
            counts: whether to count, or only say 1 where a word is there.
            max_share: words in a larger share of the lists that are not empty are left out.

        Raises:
            FeatureError: no list of texts, or a bad argument.
        """
        share = self._words("bag_of_words", top, min_count, max_share)
        operation = op.BagOfWords(top, min_count, share, bool(counts))
        return self._method(operation, "vector", "bag_of_words", *_shown(top, min_count))

    def tfidf(
        self,
        top: int | None = None,
        min_count: int = 1,
        smooth: bool = True,
        *,
        max_share: float = 1.0,
    ) -> Self:
        """Each word's share of a list of texts, weighted by how few lists have it, as columns feature=word.

        tf * (1 + ln((1 + N) / (1 + df))), or without smoothing tf * (1 + ln(N / df)). tf is how often the
        word is in the list, divided by the number of its items, known words or not; N is the number of lists
        in the training data that are not empty, df of those that have the word. The first is the formula
        of tf.Transform. An empty list has 0 everywhere.

        Args:
            top: how many words to know, the most frequent ones; None for all.
            min_count: how often a word must occur in all lists together to be known.
            smooth: which of the formulas.
            max_share: words in a larger share of the lists that are not empty are left out.

        Raises:
            FeatureError: no list of texts, or a bad argument.
        """
        share = self._words("tfidf", top, min_count, max_share)
        operation = op.TermWeights(top, min_count, share, bool(smooth))
        return self._method(operation, "vector", "tfidf", *_shown(top, min_count))

    def hashed_words(self, buckets: int, seed: int = 0) -> Self:
        """How many of a list's texts have each hash, as columns named feature[0], feature[1], ...

        Needs no training data and knows every word, but some words share a column. See `hash`.

        Raises:
            FeatureError: no list of texts, or a bad argument.
        """
        self._need(("texts",), "hashed_words")
        self._most(buckets, "hashed_words")
        whole(seed, 0, f"{self}.hashed_words()")
        arguments = [buckets, seed] if seed else [buckets]
        return self._method(op.HashedWords(buckets, seed), "vector", "hashed_words", *arguments)

    def _words(self, method: str, top: int | None, min_count: int, max_share: float) -> float:
        self._need(("texts",), method)
        use = f"{self}.{method}()"
        if top is not None:
            whole(top, 1, use)
        whole(min_count, 1, use)
        share = finite(max_share, use)
        if not 0 < share <= 1:
            raise FeatureError(
                f"{use} got max_share={max_share!r}", where=caller_line(), expected="above 0, at most 1"
            )
        return share

    def _item(self, method: str, position: int, *shown: object) -> Self:
        self._need(("texts", "numbers"), method)
        if isinstance(position, bool) or not isinstance(position, int):
            raise FeatureError(
                f"{self}.{method}() got {position!r}", where=caller_line(), expected="a whole number"
            )
        kind: Kind = "text" if self.kind == "texts" else "number"
        return self._packed()._method(op.Item(position), kind, method, *shown)

    def _item_figure(self, figure: Literal["sum", "mean", "min", "max"]) -> Self:
        self._need(("numbers",), figure)
        return self._method(op.ItemFigure(figure), "number", figure)

    def _most(self, value: int, method: str) -> None:
        whole(value, 1, f"{self}.{method}()")
        if value > _MOST_COLUMNS:
            raise FeatureError(
                f"{self}.{method}() would make {value:,} columns",
                where=caller_line(),
                expected=f"at most {_MOST_COLUMNS:,}",
            )

    def _packed(self) -> Self:
        """The list without gaps."""
        node = self._node
        return (
            self if _is_packed(node) else self._of(Node(op.Pack(), (node,), node.kind, node.text, node.place))
        )


def _is_packed(node: Node) -> bool:
    """Whether all items of a list are known to be there, one after the other."""
    operation = node.operation
    if isinstance(operation, op.Tokens | op.Pack):
        return True
    if isinstance(operation, op.NGrams):
        return operation.low == operation.high
    keeps_all = isinstance(operation, op.ChangeCase | op.Hash | op.ItemVocabulary)
    return keeps_all and _is_packed(node.arguments[0])


def _shown(top: int | None, min_count: int) -> list[object]:
    if min_count != 1:
        return [top, min_count]
    return [top] if top is not None else []
