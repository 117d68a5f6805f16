"""Word lists: what must never be said, looked for in what a model says.

Words are compared as people read them: case, width and composition of characters do not matter, nor do those
that cannot be seen (Unicode's NFKC_Casefold, UAX 31). They are found as whole words, so that "hell" is not in
"hello"; a character of a script that is written without spaces is a word of its own.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import DataError
from tilth.metrics import Estimate
from tilth.types import JSONObject

__all__ = ["Never", "WordList", "WordSearch"]

_MOST_ROWS = 20
_MOST_WORDS = 50

# Thai, Lao, Myanmar, Khmer, kana, Han and their extensions: scripts without spaces between words.
_WITHOUT_SPACES = (
    "\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)


@dataclass(frozen=True)
class WordList:
    r"""Words and phrases that must not be said.

    Args:
        name: what the list is called.
        phrases: the words of each phrase, folded -> the phrase as it was written.

    Example:
        >>> words = WordList.from_text("rude", "# what not to say\ndarn\nget lost")
        >>> sorted(words.found_in("Darn! Why don't you GET  LOST, darned fool"))
        ['darn', 'get lost']
    """

    name: str
    phrases: Mapping[tuple[str, ...], str]
    _starts: Mapping[str, tuple[int, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        starts: dict[str, set[int]] = {}
        for words in self.phrases:
            starts.setdefault(words[0], set()).add(len(words))
        object.__setattr__(self, "_starts", {first: tuple(sorted(sizes)) for first, sizes in starts.items()})

    @classmethod
    def from_text(cls, name: str, text: str, where: str | None = None) -> WordList:
        """The list in a text: one word or phrase a line; lines that begin with # are remarks.

        Raises:
            DataError: there is no word in it.
        """
        lines = (line.strip() for line in text.removeprefix("\ufeff").splitlines())
        given = [line for line in lines if line and not line.startswith("#")]
        phrases = {_words(line): line for line in reversed(given)}
        phrases.pop((), None)
        if not phrases:
            raise DataError(
                "the list has no words", where=where or name, expected="one word or phrase a line"
            )
        return cls(name, dict(reversed(phrases.items())))

    def found_in(self, text: str) -> set[str]:
        """The phrases that a text holds, as they are written in the list."""
        said = _words(text)
        found = set()
        for at, word in enumerate(said):
            for size in self._starts.get(word, ()):
                phrase = self.phrases.get(said[at : at + size])
                if phrase is not None:
                    found.add(phrase)
        return found


@dataclass(frozen=True)
class Never:
    """What was found of a word list.

    Args:
        name: what the list is called.
        rows: how many rows were looked at.
        hits: how many of them hold a word of it.
        words: phrase -> how many rows hold it, the most frequent first.
        at: the numbers of the first such rows, from 1.
    """

    name: str
    rows: int
    hits: int
    words: Mapping[str, int]
    at: tuple[int, ...]

    @property
    def metric(self) -> str:
        """The name under which checks bound the number of rows."""
        return f"never.{self.name}"

    @property
    def count(self) -> Estimate:
        """How many rows hold a word; undefined where no row was looked at."""
        return Estimate(float(self.hits) if self.rows else None)

    def to_json(self) -> JSONObject:
        """The outcome as JSON values, with the most frequent words."""
        return {
            "name": self.name,
            "rows": self.rows,
            "hits": self.hits,
            "words": [{"word": word, "rows": rows} for word, rows in self._most_frequent],
            "at": list(self.at),
        }

    @property
    def _most_frequent(self) -> list[tuple[str, int]]:
        return list(self.words.items())[:_MOST_WORDS]

    def __str__(self) -> str:
        if not self.hits:
            return f"{self.name}: no word of it in {self.rows:,} rows"
        shown = ", ".join(f"'{word}' in {rows:,}" for word, rows in self._most_frequent[:5])
        where = ", ".join(map(str, self.at[:5])) + (", ..." if self.hits > 5 else "")
        return f"{self.name}: {self.hits:,} of {self.rows:,} rows hold a word of it ({shown}; rows {where})"


class WordSearch:
    """Looks for the words of a list in texts that come batch by batch.

    Args:
        words: the list.

    Example:
        >>> search = WordSearch(WordList.from_text("rude", "darn"))
        >>> search.update(pa.array(["fine", None, "darn it"]))
        >>> print(search.result())
        rude: 1 of 3 rows hold a word of it ('darn' in 1; rows 3)
    """

    def __init__(self, words: WordList) -> None:
        self._words = words
        self._rows = self._hits = 0
        self._counts: Counter[str] = Counter()
        self._at: list[int] = []

    def update(self, texts: pa.Array | pa.ChunkedArray) -> None:
        """Look at texts, or lists of texts; missing ones hold nothing.

        Raises:
            DataError: they are no texts.
        """
        for chunk in texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]:
            for at, found in self._found(chunk):
                self._hits += 1
                self._counts.update(found)
                if len(self._at) < _MOST_ROWS:
                    self._at.append(self._rows + at + 1)
            self._rows += len(chunk)

    def result(self) -> Never:
        """What was found so far."""
        ordered = sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))
        return Never(self._words.name, self._rows, self._hits, dict(ordered), tuple(self._at))

    def _found(self, texts: pa.Array) -> Iterator[tuple[int, set[str]]]:
        """The positions of texts that hold a word, and which."""
        if pa.types.is_list(texts.type) or pa.types.is_large_list(texts.type):
            inner = self._each(pc.list_flatten(texts))
            parents = pc.list_parent_indices(texts).to_pylist()
            rows: dict[int, set[str]] = {}
            for parent, found in zip(parents, inner, strict=True):
                if found:
                    rows.setdefault(parent, set()).update(found)
            yield from rows.items()
            return
        yield from ((at, found) for at, found in enumerate(self._each(texts)) if found)

    def _each(self, texts: pa.Array) -> Sequence[set[str]]:
        """What each text holds; equal texts are looked at once."""
        kind = texts.type.value_type if pa.types.is_dictionary(texts.type) else texts.type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
            raise DataError(
                f"words are looked for in texts, and these are {kind}", expected="a column of texts"
            )
        coded = texts if pa.types.is_dictionary(texts.type) else texts.dictionary_encode()
        found = [self._words.found_in(text or "") for text in coded.dictionary.to_pylist()]
        nothing: set[str] = set()
        return [nothing if code is None else found[code] for code in coded.indices.to_pylist()]


def _words(text: str) -> tuple[str, ...]:
    """The words of a text as they are compared; each sign that is neither a letter nor a digit is one too."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return tuple(_pattern().findall(folded.translate(_unseen())))


@cache
def _pattern() -> re.Pattern[str]:
    marks = "".join(f"{chr(low)}-{chr(high)}" for low, high in _ranges(("Mn", "Mc", "Me")))
    return re.compile(rf"(?:[^\W_{_WITHOUT_SPACES}]|[{marks}])+|\S")


@cache
def _unseen() -> dict[int, None]:
    """Characters that cannot be seen, which would part what reads as one word."""
    formats = {code: None for low, high in _ranges(("Cf",)) for code in range(low, high + 1)}
    variants = dict.fromkeys((*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0), 0x34F))
    return formats | variants


def _ranges(categories: Sequence[str]) -> list[tuple[int, int]]:
    """The ranges of characters of some categories of Unicode."""
    found: list[tuple[int, int]] = []
    for code in (*range(0x20000), *range(0xE0000, 0xE0200)):
        if unicodedata.category(chr(code)) in categories:
            if found and found[-1][1] == code - 1:
                found[-1] = (found[-1][0], code)
            else:
                found.append((code, code))
    return found
