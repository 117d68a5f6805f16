"""The cells of rows as a page shows them: short ones in a line, long ones folded, media by their address."""

from __future__ import annotations

from dataclasses import dataclass

from tilth.profiles.page_figures import Label, figure, label, moment
from tilth.types import ColumnType

__all__ = ["Shown", "Sight", "shown_cell"]

_SHORT = 160
_LONGEST = 20_000
_MISSING = Label("missing", is_empty=True)


@dataclass(frozen=True)
class Shown:
    """A cell in words.

    Args:
        name: the column.
        start: the value, or the start of a long one.
        whole: a long text, as it is, at most 20,000 characters of it; "" where `start` says all.
    """

    name: Label
    start: Label
    whole: str = ""


@dataclass(frozen=True)
class Sight:
    """A cell that is looked at or listened to.

    Args:
        name: the column.
        kind: image or audio.
        address: where its bytes are; "" where it is missing.
    """

    name: Label
    kind: str
    address: str


def shown_cell(name: str, kind: ColumnType, value: object) -> Shown:
    r"""One cell; dates to the second, lists with commas.

    Args:
        name: the column.
        kind: its type.
        value: what the cell holds, as Python; dates as ISO text.

    Example:
        >>> shown_cell("age", "int", 39).start.text, shown_cell("age", "int", None).start.text
        ('39', 'missing')
        >>> long = shown_cell("note", "string", "a\nb" * 100)
        >>> len(long.start.text), len(long.whole)
        (160, 300)
        >>> shown_cell("at", "datetime", "2013-01-05T10:30:00").start.text
        '2013-01-05 10:30'
    """
    title = label(name, 60)
    if value is None:
        return Shown(title, _MISSING)
    if kind == "datetime":
        return Shown(title, Label(moment(str(value))))
    text = ", ".join(_text(item) for item in value) if isinstance(value, list) else _text(value)
    if isinstance(value, list) and not text:
        return Shown(title, Label("(empty)", is_empty=True))
    start = label(text, _SHORT)
    is_whole = len(text) <= _SHORT and "\n" not in text.strip("\n")
    return Shown(title, Label(start.text, is_empty=start.is_empty), "" if is_whole else _cut(text))


def _text(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)  # a year or an identifier has no thousands
    return value if isinstance(value, str) else figure(value)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
