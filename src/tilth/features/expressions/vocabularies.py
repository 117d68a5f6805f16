"""Methods that give categories numbers: vocabularies learned, given or read from a file."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Self

from tilth.errors import FeatureError
from tilth.features import operations as op
from tilth.features.expressions.base import Base
from tilth.features.expressions.categories import text_node
from tilth.features.expressions.texts import LARGEST_HASH
from tilth.features.nodes import Kind, Node
from tilth.features.requirements import finite, whole
from tilth.features.source_lines import caller_line
from tilth.features.vocabulary_files import read_vocabulary

__all__ = ["VocabularyMethods"]


class VocabularyMethods(Base):
    """Positions among known values."""

    def vocabulary(
        self,
        top: int | None = None,
        min_count: int = 1,
        default: int = -1,
        *,
        oov_buckets: int = 0,
        values: Iterable[str | int] | None = None,
        file: str | None = None,
    ) -> Self:
        """The value's rank among the training data's values, the most frequent being 0.

        Values as frequent as each other are ordered by text, descending. Numbers must be integers or flags.
        Of a list of texts it gives the rank of each item, as a list of numbers.

        Args:
            top: how many values to know; None for all.
            min_count: how often a value must occur to be known.
            default: the answer for values that are not known, and for missing ones.
            oov_buckets: values that are not known share so many further ranks, by `hash`; 0 for `default`.
            values: the values in their order, instead of those of the training data.
            file: the same, from a file in the folder `vocabularies` beside features.py, one value a line.

        Raises:
            FeatureError: not a category, a bad argument, or a file that cannot be read.
        """
        use = f"{self}.vocabulary()"
        node = self._category_or_list(use)
        if top is not None:
            whole(top, 1, use)
        whole(min_count, 1, use)
        whole(oov_buckets, 0, use)
        if oov_buckets > LARGEST_HASH:
            raise FeatureError(
                f"{use} got oov_buckets={oov_buckets:,}", where=caller_line(), expected="at most 2**31"
            )
        known = _given(use, values, file, learned=top is not None or min_count != 1)
        answer = finite(default, use)
        is_list = node.kind == "texts"
        kind: Kind = "numbers" if is_list else "integer"
        if known is not None:
            return self._of(node)._method(op.Lookup(known, answer, oov_buckets), kind, "vocabulary")
        make = op.ItemVocabulary if is_list else op.Vocabulary
        arguments = [top, min_count] if min_count != 1 else [top] * (top is not None)
        operation = make(top, min_count, answer, oov_buckets)
        return self._of(node)._method(operation, kind, "vocabulary", *arguments)

    def ordinal(self, order: Sequence[str | int], default: float | None = None) -> Self:
        """The value's position in `order`, from 0: for categories such as small, medium, large.

        Args:
            order: the values, the lowest first.
            default: the answer for other values and for missing ones; None for missing.

        Raises:
            FeatureError: not a category, or a bad argument.

        Example:
            >>> from tilth.features.inputs import Inputs
            >>> Inputs({"size": "string"})["size"].ordinal(["small", "large"])
            x["size"].ordinal(['small', 'large'])
        """
        use = f"{self}.ordinal()"
        node = text_node(self._node, use)
        answer = math.nan if default is None else finite(default, use)
        operation = op.Lookup(_checked(order, use), answer)
        return self._of(node)._method(operation, "integer", "ordinal", list(order))

    def _category_or_list(self, use: str) -> Node:
        return self._node if self.kind == "texts" else text_node(self._node, use)


def _given(
    use: str, values: Iterable[str | int] | None, file: str | None, *, learned: bool
) -> tuple[str, ...] | None:
    """The values that are given or stand in a file; None where they are to be learned."""
    if values is None and file is None:
        return None
    if learned or (values is not None and file is not None):
        raise FeatureError(
            f"{use} is told twice which values to know",
            where=caller_line(),
            expected="values=, or file=, or top= and min_count=",
        )
    return read_vocabulary(file, use) if file is not None else _checked(values, use)


def _checked(values: object, use: str) -> tuple[str, ...]:
    """Values as texts: at least one, none twice, none empty."""
    given = [] if isinstance(values, str) or not isinstance(values, Iterable) else list(values)
    if not given:
        raise FeatureError(f"{use} got {values!r}", where=caller_line(), expected="a list of values")
    for value in given:
        if not isinstance(value, str | int) or value == "":
            raise FeatureError(
                f"{use} got the value {value!r}",
                where=caller_line(),
                expected="texts that are not empty, whole numbers, True or False",
            )
    texts = [str(value).lower() if isinstance(value, bool) else str(value) for value in given]
    if len(set(texts)) < len(texts):
        twice = next(text for place, text in enumerate(texts) if text in texts[:place])
        raise FeatureError(f"{use} got {twice!r} twice", where=caller_line(), expected="each value once")
    return tuple(texts)
