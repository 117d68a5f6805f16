"""What operations demand of their arguments, checked while features are being written."""

from __future__ import annotations

import sys

from tilth.errors import FeatureError
from tilth.features.nodes import KIND_WORDS, Kind, Node
from tilth.features.source_lines import caller_line

__all__ = ["finite", "is_unicode", "is_whole", "need", "unfit", "whole"]

_MENDS: dict[tuple[Kind, Kind], str] = {
    ("number", "text"): "make it numbers first, with .one_hot() or .vocabulary()",
    ("number", "datetime"): "take a number of it, such as .hour() or .days(); of two: .days_since(other)",
    ("number", "vector"): "leave .one_hot() and whatever else gives several numbers to the end",
    ("number", "texts"): "count them with .length(), or use .bag_of_words() or .tfidf()",
    ("number", "numbers"): "take one number of them, such as .mean() or .length()",
    ("number", "sound"): "take numbers of it first, such as .volume(), .duration() or .mfcc().summary()",
    ("number", "frames"): "make it numbers first, with .summary() or .resample_time(10)",
    ("frames", "sound"): "make frames of it first, with .mfcc(), .mel_spectrogram() or .spectrogram()",
    ("sound", "frames"): "do that before frames are made",
    ("text", "texts"): "leave .split() and .tokens() to the end",
    ("text", "number"): "make it a category first, with .buckets([...]) or .quantile_buckets(10)",
    ("text", "datetime"): "take a part of it first, such as .hour() or .weekday()",
    ("texts", "text"): "take it apart first, with .tokens() or .split()",
    ("numbers", "texts"): "make them numbers first, with .vocabulary() or .hash(1000)",
    ("flag", "number"): "compare it with something, such as > 0",
    ("flag", "integer"): "compare it with something, such as > 0",
    ("datetime", "text"): "if it holds dates that were read as text, give the column the type datetime",
}


def need(node: Node, kinds: tuple[Kind, ...], use: str) -> None:
    """Demand that a node gives one of some kinds.

    Args:
        node: what is used.
        kinds: what would do; the first is what the message asks for.
        use: how it is used, as it is written.

    Raises:
        FeatureError: it gives another kind.
    """
    if node.kind not in kinds:
        raise unfit(use, node, kinds)


def unfit(use: str, node: Node, kinds: tuple[Kind, ...]) -> FeatureError:
    """The error for a node of the wrong kind."""
    return FeatureError(
        f"{use} needs {KIND_WORDS[kinds[0]]}, and {node.text} is {KIND_WORDS[node.kind]}",
        where=caller_line(),
        expected=" or ".join(KIND_WORDS[kind] for kind in kinds),
        mend=_MENDS.get((kinds[0], node.kind)),
    )


def whole(value: object, least: int, use: str) -> None:
    """Demand a whole number that is at least `least`.

    Raises:
        FeatureError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise FeatureError(
            f"{use} got {value!r}", where=caller_line(), expected=f"a whole number, at least {least}"
        )


def finite(value: object, use: str) -> float:
    """A finite number as a float.

    Raises:
        FeatureError: it is something else.
    """
    if isinstance(value, int | float) and abs(value) <= sys.float_info.max:
        return float(value)
    raise FeatureError(f"{use} got {value!r}", where=caller_line(), expected="a finite number")


def is_whole(value: object) -> bool:
    """Whether a value is a whole number.

    Example:
        >>> is_whole(2.0), is_whole(2.5), is_whole("2")
        (True, False, False)
    """
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer())


def is_unicode(text: str) -> bool:
    r"""Whether a text can be written in UTF-8, which half of a surrogate pair cannot.

    Example:
        >>> is_unicode("a\u00e4"), is_unicode("a\ud800")
        (True, False)
    """
    return not any("\ud800" <= letter <= "\udfff" for letter in text)
