"""Methods of texts, and those that lists of texts share with them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from tilth.errors import FeatureError
from tilth.features import operations as op
from tilth.features.expressions.base import Base
from tilth.features.expressions.categories import text_node
from tilth.features.nodes import NUMERIC, Kind
from tilth.features.regular_expressions import WHITE_SPACE, WORD, check_pattern, quoted
from tilth.features.requirements import finite, whole
from tilth.features.source_lines import caller_line

__all__ = ["LARGEST_HASH", "TextMethods", "plain_text"]

LARGEST_HASH = 1 << 31

_NO_SPACE = f"[^{WHITE_SPACE}]+"


class TextMethods(Base):
    """Letters, patterns, pieces, hashes. What is missing or empty stays missing."""

    def lower(self) -> Self:
        """Every letter in lower case, one by one, as the C library maps them; also of each text of a list."""
        return self._same("lower", op.ChangeCase())

    def upper(self) -> Self:
        """Every letter in upper case, one by one, as the C library maps them; also of each text of a list."""
        return self._same("upper", op.ChangeCase(upper=True))

    def strip(self) -> Self:
        """Without white space at both ends; also each text of a list."""
        return self._same("strip", op.Strip())

    def length(self) -> Self:
        """How many characters a text has, or how many items a list; an empty or missing list has 0.

        Raises:
            FeatureError: neither text nor a list.
        """
        self._need(("text", "texts", "numbers"), "length")
        operation = op.TextLength() if self.kind == "text" else op.ItemCount()
        return self._method(operation, "integer", "length")

    def contains(self, value: str | float) -> Self:
        """1 where a text has a part that equals `value`, or a list an item that does, else 0.

        Raises:
            FeatureError: neither text nor a list, or a value of another kind or none.
        """
        self._need(("text", "texts", "numbers"), "contains")
        if self.kind == "numbers":
            found = finite(value, f"{self}.contains()")
            return self._method(op.HasItem(found), "flag", "contains", value)
        text = plain_text(value, f"{self}.contains()")
        operation = op.FullMatch(f"(?s).*{quoted(text)}.*") if self.kind == "text" else op.HasItem(text)
        return self._method(operation, "flag", "contains", value)

    def starts_with(self, text: str) -> Self:
        """1 where a text begins with another one, else 0."""
        return self._matching("starts_with", text, f"(?s){quoted(plain_text(text, 'starts_with'))}.*")

    def ends_with(self, text: str) -> Self:
        """1 where a text ends with another one, else 0."""
        return self._matching("ends_with", text, f"(?s).*{quoted(plain_text(text, 'ends_with'))}")

    def matches(self, pattern: str) -> Self:
        """1 where a whole text matches a regular expression (RE2), else 0.

        Raises:
            FeatureError: no text, or a bad expression.
        """
        return self._matching("matches", pattern, check_pattern(pattern, f"{self}.matches()"))

    def extract(self, pattern: str) -> Self:
        """The first part of a text that matches a regular expression (RE2); missing where none does.

        The longest match at the first place is taken, also of alternatives; groups make no difference.

        Raises:
            FeatureError: no text, or a bad expression.
        """
        self._need(("text",), "extract")
        operation = op.Extract(check_pattern(pattern, f"{self}.extract()"))
        return self._method(operation, "text", "extract", pattern)

    def split(self, separator: str | None = None) -> Self:
        """What stands between the separators of a text, by default between white space, as a list of texts.

        Empty pieces count as missing items, so they are left out.

        Raises:
            FeatureError: no text, or a separator that is not a text.
        """
        self._need(("text",), "split")
        if separator is None:
            return self._method(op.Tokens(_NO_SPACE), "texts", "split")
        operation = op.Split(plain_text(separator, f"{self}.split()"))
        return self._method(operation, "texts", "split", separator)

    def tokens(self, pattern: str = WORD) -> Self:
        """The parts of a text that match a regular expression (RE2), by default its words, as a list.

        At each place the longest match is taken. A word is letters with their marks, digits and "_", in
        every script.

        Raises:
            FeatureError: no text, or a bad expression.
        """
        self._need(("text",), "tokens")
        operation = op.Tokens(check_pattern(pattern, f"{self}.tokens()"))
        return self._method(operation, "texts", "tokens", *([pattern] if pattern != WORD else []))

    def hash(self, buckets: int, seed: int = 0) -> Self:
        """One of `buckets` numbers from 0 for a category, or for each text of a list.

        The number is MurmurHash3_x86_32 of the UTF-8 bytes (https://github.com/aappleby/smhasher) modulo
        `buckets`: the same in every language and on every machine. Whole numbers are hashed as their digits.

        Args:
            buckets: how many, 1 to 2**31.
            seed: of the hash, 0 to 2**31 - 1.

        Raises:
            FeatureError: not a category, or a bad argument.
        """
        use = f"{self}.hash()"
        whole(buckets, 1, use)
        whole(seed, 0, use)
        if max(buckets, seed + 1) > LARGEST_HASH:
            raise FeatureError(
                f"{use} got {max(buckets, seed):,}", where=caller_line(), expected="at most 2**31"
            )
        node = self._node if self.kind == "texts" else text_node(self._node, use)
        kind: Kind = "numbers" if self.kind == "texts" else "integer"
        arguments = [buckets, seed] if seed else [buckets]
        return self._of(node)._method(op.Hash(buckets, seed), kind, "hash", *arguments)

    def is_in(self, values: Iterable[str | float]) -> Self:
        """1 where a text or number is one of `values`, else 0; missing where it is missing.

        Raises:
            FeatureError: neither text nor a number, or values of another kind or none.
        """
        self._need(("text", *NUMERIC), "is_in")
        use = f"{self}.is_in()"
        given = [] if isinstance(values, str) or not isinstance(values, Iterable) else list(values)
        if not given:
            raise FeatureError(f"{use} got {values!r}", where=caller_line(), expected="a list of values")
        known: tuple[str, ...] | tuple[float, ...]
        if self.kind == "text":
            known = tuple(dict.fromkeys(plain_text(value, use) for value in given))
        else:
            known = tuple(dict.fromkeys(finite(value, use) for value in given))
        return self._method(op.IsIn(known), "flag", "is_in", given)

    def _same(self, method: str, operation: op.RowWise) -> Self:
        self._need(("text", "texts"), method)
        return self._method(operation, self.kind, method)

    def _matching(self, method: str, shown: str, pattern: str) -> Self:
        self._need(("text",), method)
        return self._method(op.FullMatch(pattern), "flag", method, shown)


def plain_text(value: object, use: str) -> str:
    """A text that is not empty, since the empty text is a missing one.

    Raises:
        FeatureError: something else.
    """
    if isinstance(value, str) and value:
        return value
    raise FeatureError(f"{use} got {value!r}", where=caller_line(), expected="a text that is not empty")
