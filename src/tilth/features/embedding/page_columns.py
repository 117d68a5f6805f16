"""The values of rows as a page holds them: small, and in text that cannot break out of it."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tilth.metrics import label_text
from tilth.profiles.page_figures import label
from tilth.types import ColumnType, JSONObject, JSONValue

__all__ = ["column_data", "error_data", "fitting"]

_LONGEST = 300
_ITEMS = 8
_FEW = 20
_WHOLE = 2**53
"""From here on JavaScript has no whole numbers of its own."""


def column_data(name: str, kind: ColumnType, values: pa.Array) -> JSONObject:
    """One column, as the page's script reads it.

    Numbers and dates (in milliseconds) are a list of them, null where missing: `n` is the name, `t` "number"
    or "date", `d` the list. All others, and whole numbers of few values, are of `t` "value": `v` has the
    values once, the most frequent first, `c` says for each row which it is, -1 where missing, `s` whether
    they have an order. Control characters are made visible, texts cut after 300.

    Args:
        name: the column.
        kind: what it holds; no images and recordings.
        values: its cells.

    Example:
        >>> column_data("x", "string", pa.array(["b", "a", None, "a"]))
        {'n': 'x', 't': 'value', 'v': ['a', 'b'], 'c': [1, 0, -1, 0], 's': False}
        >>> column_data("x", "float", pa.array([0.5, None]))
        {'n': 'x', 't': 'number', 'd': [0.5, None]}
    """
    shown = label(name, 120).text
    if kind == "datetime":
        return {"n": shown, "t": "date", "d": pc.divide(values.cast(pa.int64()), 1000).to_pylist()}
    if kind == "float" or (kind == "int" and not _is_coded(values)):
        return {"n": shown, "t": "number", "d": [_number(value) for value in values.to_pylist()]}
    if kind.startswith("list["):
        values = pa.array(
            [None if cell is None else _listed(cell) for cell in values.to_pylist()], pa.string()
        )
    return {"n": shown, "t": "value", **_codes(values, ordered=kind in ("int", "bool"))}


def error_data(labels: pa.Array, predictions: pa.Array) -> JSONObject:
    """Predictions against labels: their difference where both are measured, else right or wrong.

    Missing where one of the two is.

    Example:
        >>> error_data(pa.array(["a", "b", None]), pa.array(["a", "a", "b"]))
        {'n': 'error', 't': 'value', 'v': ['right', 'wrong'], 'c': [0, 1, -1], 's': True}
        >>> error_data(pa.array([1.5, 2.0]), pa.array([1.0, 2.5]))
        {'n': 'error', 't': 'number', 'd': [-0.5, 0.5], 'm': True}
    """
    if (
        _is_measured(labels)
        and _is_measured(predictions)
        and not (_is_coded(labels) and _is_coded(predictions))
    ):
        differences = pc.subtract(predictions.cast(pa.float64()), labels.cast(pa.float64()))
        return {"n": "error", "t": "number", "d": [_number(v) for v in differences.to_pylist()], "m": True}
    pairs = zip(labels.to_pylist(), predictions.to_pylist(), strict=True)
    codes: list[JSONValue] = [
        -1 if a is None or b is None else int(label_text(a) != label_text(b)) for a, b in pairs
    ]
    return {"n": "error", "t": "value", "v": ["right", "wrong"], "c": codes, "s": True}


def fitting(columns: Iterable[JSONObject], most_bytes: int) -> tuple[list[str], list[str]]:
    """The columns that together, compressed, need no more than so many bytes, as JSON; the others' names.

    Example:
        >>> fitting([{"n": "a", "d": [1]}, {"n": "b", "d": list(range(9999))}], 100)
        (['{"n":"a","d":[1]}'], ['b'])
    """
    kept: list[str] = []
    left_out: list[str] = []
    used = 0
    for column in columns:
        text = json.dumps(column, separators=(",", ":"), allow_nan=False)
        size = len(zlib.compress(text.encode(), 1))
        if used + size > most_bytes:
            left_out.append(str(column["n"]))
        else:
            kept.append(text)
            used += size
    return kept, left_out


def _is_measured(values: pa.Array) -> bool:
    return bool(pa.types.is_integer(values.type) or pa.types.is_floating(values.type))


def _is_coded(values: pa.Array) -> bool:
    """Whether numbers are few whole ones, such as classes, or too large for the page's script."""
    there = values.drop_null()
    if not len(there) or not _is_measured(values):
        return False
    if pa.types.is_floating(values.type) and not pc.all(pc.equal(there, pc.floor(there))).as_py():
        return False
    if max(abs(pc.min(there).as_py()), abs(pc.max(there).as_py())) > _WHOLE:
        return True
    return len(pc.unique(there)) <= _FEW


def _codes(values: pa.Array, *, ordered: bool) -> Mapping[str, JSONValue]:
    coded = values.dictionary_encode()
    known = coded.dictionary.to_pylist()
    codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    counts = np.bincount(codes[codes >= 0], minlength=len(known))
    if ordered:
        order = sorted(range(len(known)), key=lambda place: known[place])
    else:
        order = sorted(range(len(known)), key=lambda place: (-counts[place], known[place]))
    places = np.empty(len(known) + 1, np.int64)
    places[order], places[-1] = np.arange(len(known)), -1
    shown: list[JSONValue] = [_text(label_text(known[place])) for place in order]
    return {"v": shown, "c": places[codes].tolist(), "s": ordered}


def _text(text: str) -> str:
    """In one line, with nothing unseen; most texts are so already."""
    plain = len(text) <= _LONGEST and text.isprintable() and text.strip() == text != ""
    return text if plain else label(text, _LONGEST).text


def _number(value: float | None) -> JSONValue:
    """A number to seven digits, of which six are shown; the text of an infinity, for which JSON has none."""
    if value is None or value != value:
        return None
    if abs(value) == float("inf"):
        return "∞" if value > 0 else "-∞"
    return value if isinstance(value, int) else float(f"{value:.7g}")


def _listed(cell: list[object]) -> str:
    items = ", ".join("" if item is None else _item(item) for item in cell[:_ITEMS])
    return items if len(cell) <= _ITEMS else f"{items}, ... ({len(cell)} items)"


def _item(item: object) -> str:
    return f"{item:.4g}" if isinstance(item, float) else label_text(item)
