"""One line of JSON as a row: an object whose own objects are spread over columns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

__all__ = ["Row", "Unreadable", "decode_row"]

_DEEPEST = 32
_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file.

    Args:
        line: where it is in the file, from 1.
        cells: its values; those of objects inside it go by names such as `outer.inner`.
        objects: the objects inside it, by name.
    """

    line: int
    cells: Mapping[str, object]
    objects: tuple[tuple[str, object], ...] = ()


class Unreadable(ValueError):  # noqa: N818 - a finding about a line, told to people by its reader
    """A line that is not a row; its text says why."""


def decode_row(line: bytes, number: int) -> Row:
    """The row in a line of JSON.

    Numbers may be NaN and Infinity, too, which strict JSON does not have.

    Raises:
        Unreadable: the line is not a JSON object.

    Example:
        >>> decode_row(b'{"id": 1, "place": {"town": "Ulm"}}', 1).cells
        {'id': 1, 'place.town': 'Ulm'}
    """
    try:
        row = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        row = _forgiving(line)
    if not isinstance(row, dict):
        raise Unreadable("a line that is not an object")
    if dict not in set(map(type, row.values())):
        return Row(number, row)
    cells: dict[str, object] = {}
    objects: dict[str, object] = {}
    _spread(row, "", cells, objects)
    return Row(number, cells, tuple(objects.items()))


def _forgiving(line: bytes) -> object:
    """Numbers that strict JSON does not have: NaN, Infinity, and those beyond double precision."""
    try:
        row = json.loads(line)
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise Unreadable("a line with half a character (a lone surrogate)") from error
    except RecursionError as error:
        raise Unreadable("a line that is nested too deeply") from error
    except ValueError as error:
        raise Unreadable(f"a line that is not JSON: {error}") from error
    return row


def _spread(
    row: Mapping[str, object], prefix: str, cells: dict[str, object], objects: dict[str, object]
) -> None:
    if prefix.count(".") > _DEEPEST:
        raise Unreadable(f"a line with objects nested more than {_DEEPEST} deep")
    for key, value in row.items():
        name = prefix + key
        if name in cells or name in objects:
            raise Unreadable(f"a line with two values for '{name}'")
        if isinstance(value, dict):
            objects[name] = value
            _spread(value, f"{name}.", cells, objects)
        else:
            cells[name] = value
