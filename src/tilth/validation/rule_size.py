"""How large a rule may be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tilth.errors import SchemaError

if TYPE_CHECKING:
    from tilth.validation.rule_token import Token

__all__ = ["check_size"]

_MOST_WORDS = 500
_LONGEST = 100_000


def check_size(expression: str, tokens: list[Token], where: str) -> None:
    """Refuse what would take Polars minutes, or memory without end.

    Args:
        expression: the rule.
        tokens: its words and signs.
        where: the place, for errors.

    Raises:
        SchemaError: a rule that is too long, or that makes texts of any length.

    Example:
        >>> check_size("a + " * 1000 + "a > 0", [], "rule 'long'")  # no tokens, no words
        >>> check_size("a" * 200_000, [], "rule 'long'")
        Traceback (most recent call last):
        ...
        tilth.errors.SchemaError: the rule has 0 words and signs and 200000 characters
          where: rule 'long'
          expected: at most 500 words and signs and 100000 characters
          to mend it: make several rules of it, or a domain of a long list of values
    """
    words = sum(token.kind in ("name", "quoted") or _is_operator(token) for token in tokens)
    if words > _MOST_WORDS or len(expression) > _LONGEST:
        raise SchemaError(
            f"the rule has {words} words and signs and {len(expression)} characters",
            where=where,
            expected=f"at most {_MOST_WORDS} words and signs and {_LONGEST} characters",
            mend="make several rules of it, or a domain of a long list of values",
        )
    replacing = sum(token.word == "replace" for token in tokens)
    longest = max((len(token.text) - 2 for token in tokens if token.kind == "text"), default=0)
    if replacing and (longest**replacing > _LONGEST or not all(map(_is_fixed, _replacements(tokens)))):
        raise SchemaError(
            "'replace' could make texts of any length",
            where=where,
            expected="short texts to look for and to put instead, written out",
        )


def _is_operator(token: Token) -> bool:
    return token.kind == "sign" and token.text not in ("(", ")", ",", ".")


def _replacements(tokens: list[Token]) -> Iterator[list[Token]]:
    """The last argument of each call of `replace`."""
    for start, token in enumerate(tokens):
        if token.word != "replace":
            continue
        depth = 0
        last: list[Token] = []
        for following in tokens[start + 1 :]:
            depth += (following.text == "(") - (following.text == ")")
            if depth == 0 and following.kind != "space":
                break
            last = [] if depth == 1 and following.text == "," else [*last, following]
        yield [part for part in last if part.kind != "space"]


def _is_fixed(argument: list[Token]) -> bool:
    return len(argument) == 1 and argument[0].kind == "text"
