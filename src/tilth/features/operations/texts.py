"""Operations on texts: letters, patterns, pieces, hashes. The empty text is a missing one."""

from __future__ import annotations

from dataclasses import dataclass

from tilth.features.operations.operation import RowWise

__all__ = ["ChangeCase", "Extract", "FullMatch", "Hash", "IsIn", "Split", "Strip", "TextLength", "Tokens"]


@dataclass(frozen=True)
class ChangeCase(RowWise):
    """A text, or each text of a list, in lower or upper case, letter by letter."""

    upper: bool = False


@dataclass(frozen=True)
class Strip(RowWise):
    """A text, or each text of a list, without white space at both ends."""


@dataclass(frozen=True)
class TextLength(RowWise):
    """How many characters (code points) a text has."""


@dataclass(frozen=True)
class FullMatch(RowWise):
    """1 where a whole text matches a regular expression (RE2), else 0."""

    pattern: str


@dataclass(frozen=True)
class Extract(RowWise):
    """The first part of a text that matches a regular expression (RE2), as long as it can be."""

    pattern: str


@dataclass(frozen=True)
class Tokens(RowWise):
    """All parts of a text that match a regular expression (RE2), from left to right, without gaps."""

    pattern: str


@dataclass(frozen=True)
class Split(RowWise):
    """What stands between the separators of a text; some of it may be empty, that is, missing."""

    separator: str


@dataclass(frozen=True)
class Hash(RowWise):
    """MurmurHash3_x86_32 of a text's UTF-8 bytes modulo `buckets`, or that of each text of a list."""

    buckets: int
    seed: int


@dataclass(frozen=True)
class IsIn(RowWise):
    """1 where a text or number is one of some values, else 0."""

    values: tuple[str, ...] | tuple[float, ...]
