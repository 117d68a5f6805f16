"""TextShape: how long texts are, of how many words, and of which kinds of characters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tilth.sketches.hashing import text_places
from tilth.sketches.moments import Moments
from tilth.sketches.sketch import Sketch
from tilth.sketches.tally import bin_sums

if TYPE_CHECKING:
    from tilth.types import JSONObject

__all__ = ["TextShape"]

_SHORT = 1 << 16
_AT_ONCE = 1 << 22  # characters


@dataclass(eq=False)
class TextShape(Sketch):
    """Lengths in characters and bytes, words, and characters by class; all exact.

    A word is what stands between white space, in any language; a letter, digit or space is what Unicode
    calls one.

    Args:
        lengths: of the texts in characters.
        byte_lengths: of the texts in bytes of UTF-8.
        words: how many words the texts have.
        characters: how many characters are letters, digits, spaces, others; int64, shape (4,).

    Example:
        >>> shape = TextShape()
        >>> shape.update(pa.array(["é 1", ""]))
        >>> shape.lengths.high, shape.byte_lengths.high, shape.words.high, shape.empty_texts
        (3, 4, 2, 1)
        >>> shape.characters.tolist()
        [1, 1, 1, 0]
    """

    __hash__ = None

    lengths: Moments = field(default_factory=Moments)
    byte_lengths: Moments = field(default_factory=Moments)
    words: Moments = field(default_factory=Moments)
    characters: np.ndarray = field(default_factory=lambda: np.zeros(4, np.int64))

    @property
    def empty_texts(self) -> int:
        """How many texts have no character."""
        return self.lengths.zeros

    def update(self, texts: pa.Array, counts: np.ndarray | None = None) -> None:
        """Take in texts, none of them missing, once each or `counts` times; shape (n,)."""
        if counts is not None and len(texts):
            once = counts == 1
            if once.all():
                counts = None
            elif 2 * np.count_nonzero(once) > len(texts):
                self.update(texts.filter(pa.array(once)))
                texts, counts = texts.filter(pa.array(~once)), counts[~once]
        start = 0
        while start < len(texts):
            part = _part(texts, start)
            self._take(part, None if counts is None else counts[start : start + len(part)])
            start += len(part)

    def _take(self, texts: pa.Array, counts: np.ndarray | None) -> None:
        content, starts, sizes = text_places(texts)
        _count_whole(self.byte_lengths, sizes, counts)
        if int(content.max(initial=0)) < 128:
            letters, digits, spaces = _ascii_classes(content)
        else:
            sizes = pc.utf8_length(texts).to_numpy(zero_copy_only=False).astype(np.int64)
            starts = np.cumsum(sizes) - sizes
            letters, digits, spaces = _unicode_classes(content)
        _count_whole(self.lengths, sizes, counts)
        _count_whole(self.words, _word_counts(spaces, starts, sizes), counts)
        found = [_sum_within(kind, starts, sizes, counts) for kind in (letters, digits, spaces)]
        total = int(sizes.sum() if counts is None else (sizes * counts).sum())
        self.characters = self.characters + np.array([*found, total - sum(found)], np.int64)

    def merge(self, other: Self) -> None:
        """Take in everything that `other` has seen."""
        self.lengths.merge(other.lengths)
        self.byte_lengths.merge(other.byte_lengths)
        self.words.merge(other.words)
        self.characters = self.characters + other.characters

    def to_state(self) -> JSONObject:
        """The states of the parts."""
        return {
            "lengths": self.lengths.to_state(),
            "byte_lengths": self.byte_lengths.to_state(),
            "words": self.words.to_state(),
            "characters": self.characters.tolist(),
        }

    @classmethod
    def from_state(cls, state: JSONObject) -> Self:
        """The shape that wrote `state`."""
        found = cast("dict[str, Any]", state)
        return cls(
            Moments.from_state(found["lengths"]),
            Moments.from_state(found["byte_lengths"]),
            Moments.from_state(found["words"]),
            np.array(found["characters"], dtype=np.int64),
        )


def _part(texts: pa.Array, start: int) -> pa.Array:
    """Texts from `start` on, one at least, that are not too many characters together."""
    sizes = text_places(texts.slice(start))[2]
    if int(sizes.sum()) <= _AT_ONCE:
        return texts.slice(start)
    return texts.slice(start, max(1, int(np.searchsorted(np.cumsum(sizes), _AT_ONCE, side="right"))))


def _count_whole(moments: Moments, numbers: np.ndarray, counts: np.ndarray | None) -> None:
    """Small whole numbers repeat: count them before summing."""
    if len(numbers) and int(numbers.max()) < _SHORT:
        sums = bin_sums(numbers, counts, 0)
        numbers = np.flatnonzero(sums)
        counts = sums[numbers]
    moments.update(numbers, counts)


def _word_counts(spaces: np.ndarray, starts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """How many words each text has, given which characters are white space and where each text lies."""
    if not spaces.any():
        return (sizes > 0).astype(np.int64)
    begins = ~spaces
    begins[1:] &= spaces[:-1]
    firsts = starts[sizes > 0]
    begins[firsts] = ~spaces[firsts]
    return _counts_within(begins, starts, sizes)


def _counts_within(marks: np.ndarray, starts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    until = np.zeros(len(marks) + 1, np.int64)
    np.cumsum(marks, out=until[1:])
    within: np.ndarray = until[starts + sizes] - until[starts]
    return within


def _sum_within(marks: np.ndarray, starts: np.ndarray, sizes: np.ndarray, counts: np.ndarray | None) -> int:
    """How many characters are marked, those of a text counted as often as the text."""
    if counts is None or not marks.any():
        return int(np.count_nonzero(marks))
    return int((_counts_within(marks, starts, sizes) * counts).sum())


def _ascii_classes(content: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which bytes are letters, digits and white space, as Python's `str` methods say of them."""
    letters = (content | 32) - np.uint8(97) < 26
    digits = content - np.uint8(48) < 10
    spaces = (content == 32) | (content - np.uint8(9) < 5) | (content - np.uint8(28) < 4)
    return letters, digits, spaces


def _unicode_classes(content: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    codes = np.frombuffer(content.tobytes().decode("utf-8").encode("utf-32-le"), np.uint32)
    known = np.flatnonzero(np.bincount(codes))
    characters = [chr(code) for code in known.tolist()]
    places = np.searchsorted(known, codes)
    letters, digits, spaces = (
        np.array([is_one(character) for character in characters])[places]
        for is_one in (str.isalpha, str.isdecimal, str.isspace)
    )
    return letters, digits, spaces
