"""Regular expressions as graphs understand them: RE2 (https://github.com/google/re2/wiki/Syntax)."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import FeatureError
from tilth.features.source_lines import caller_line

__all__ = ["WHITE_SPACE", "WORD", "check_pattern", "quoted"]

WORD = r"[\p{L}\p{M}\p{N}_]+"
"""A word: letters with their marks, digits and _, in every script."""

WHITE_SPACE = r"\t-\r\x1c-\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
"""What Python's `str.isspace` calls white space, as a character class of RE2."""


def check_pattern(pattern: object, use: str) -> str:
    r"""A regular expression that RE2 understands.

    Args:
        pattern: what was given.
        use: how, as it is written.

    Raises:
        FeatureError: no text, or no regular expression of RE2.

    Example:
        >>> check_pattern(r"\d+", "extract")
        '\\d+'
        >>> check_pattern("(a", "extract")
        Traceback (most recent call last):
        ...
        tilth.errors.FeatureError: extract: '(a' is no regular expression: missing ): (a
          where: ..., line 1
          expected: a regular expression as RE2 knows them
    """
    if not isinstance(pattern, str) or not pattern:
        raise FeatureError(
            f"{use} got {pattern!r}", where=caller_line(), expected="a regular expression as a text"
        )
    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except (pa.ArrowInvalid, UnicodeEncodeError) as error:
        reason = str(error).removeprefix("Invalid regular expression: ")
        looks_around = any(mark in pattern for mark in ("(?=", "(?!", "(?<=", "(?<!"))
        raise FeatureError(
            f"{use}: {pattern!r} is no regular expression: {reason}",
            where=caller_line(),
            expected="a regular expression as RE2 knows them",
            mend="RE2 has no look-ahead and look-behind" if looks_around else None,
        ) from error
    return pattern


def quoted(text: str) -> str:
    r"""A regular expression that matches just a text.

    Example:
        >>> quoted("a.b")
        'a\\.b'
    """
    return "".join(_quoted(letter) for letter in text)


def _quoted(letter: str) -> str:
    if letter == "\0":
        return r"\x00"
    is_plain = not letter.isascii() or letter.isalnum() or letter == "_"
    return letter if is_plain else f"\\{letter}"
