"""Labels of which a row has any number: lists of texts, or texts that a separator cuts into them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import DataError, UsageError, closest

__all__ = ["SEPARATORS", "encode_lists", "guess_separator", "is_list", "label_lists", "list_counts"]

SEPARATORS = ("|", ";", ",", " ")
"""What `guess_separator` looks for, the surest first."""


def is_list(values: pa.Array | pa.ChunkedArray) -> bool:
    """Whether a column holds lists."""
    return bool(pa.types.is_list(values.type) or pa.types.is_large_list(values.type))


def label_lists(values: pa.Array | pa.ChunkedArray, separator: str | None = None) -> pa.Array:
    """A column of labels as lists of texts; a missing value stays missing.

    Args:
        values: lists of texts, or texts.
        separator: what stands between the labels of a text; white space around them is no part of them. A
            text that is nothing but separators has no label.

    Raises:
        UsageError: texts without a separator.
        DataError: lists of anything but texts, a missing item, or another type.

    Example:
        >>> label_lists(pa.array(["sea|sky", "|", None]), "|").to_pylist()
        [['sea', 'sky'], [], None]
    """
    column = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if pa.types.is_null(column.type):
        return column.cast(pa.list_(pa.string()))
    if is_list(column):
        items = column.flatten()
        if not (pa.types.is_string(items.type) or pa.types.is_null(items.type)):
            raise DataError(f"the labels are lists of {items.type}", expected="lists of texts")
        if items.null_count:
            raise DataError(f"{items.null_count} items of the label's lists are missing", expected="texts")
        return column.cast(pa.list_(pa.string()))
    if not pa.types.is_string(column.type):
        raise DataError(f"labels of type {column.type} are no lists", expected="lists of texts")
    if not separator:
        raise UsageError(
            "the labels are texts, and nothing says what separates them",
            expected="lists of texts, or a separator",
            mend='say it: separator = "|" under [project], or --separator',
        )
    return _split(column, separator)


def _split(texts: pa.Array, separator: str) -> pa.Array:
    """Each text cut at the separators, what is empty left out."""
    coded = texts.dictionary_encode()
    cut = [
        None if text is None else [part for part in map(str.strip, text.split(separator)) if part]
        for text in coded.dictionary.to_pylist()
    ]
    found = pa.array(cut, pa.list_(pa.string())).take(coded.indices)
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def guess_separator(texts: pa.Array | pa.ChunkedArray) -> str | None:
    """What most likely separates the labels in texts: the first of `SEPARATORS` that occurs; None if none.

    Example:
        >>> guess_separator(pa.array(["a; b", "b"])), guess_separator(pa.array(["a", "b"]))
        (';', None)
    """
    found = (s for s in SEPARATORS if pc.any(pc.match_substring(texts, s), min_count=0).as_py())
    return next(found, None)


def list_counts(lists: pa.Array) -> dict[str, int]:
    """How many rows have each label.

    Example:
        >>> list_counts(pa.array([["a", "b"], ["b"], [], None, ["b", "b"]]))
        {'a': 1, 'b': 3}
    """
    rows, items = pc.list_parent_indices(lists), lists.flatten()
    pairs = pa.table({"row": rows, "item": items}).group_by(["row", "item"]).aggregate([])
    counted = pc.value_counts(pairs.column("item").combine_chunks()).to_pylist()
    return {entry["values"]: entry["counts"] for entry in sorted(counted, key=lambda entry: entry["values"])}


def encode_lists(lists: pa.Array, classes: Sequence[str]) -> npt.NDArray[np.int64]:
    """Which labels each row has: (n, classes), 1 or 0.

    Raises:
        DataError: a missing value, or a label that is none of the classes.

    Example:
        >>> encode_lists(pa.array([["b"], [], ["b", "a", "b"]]), ["a", "b"]).tolist()
        [[0, 1], [0, 0], [1, 1]]
    """
    if lists.null_count:
        raise DataError(
            f"{lists.null_count} labels are missing", mend="leave the rows without a label out first"
        )
    items = lists.flatten()
    places = pc.index_in(items, value_set=pa.array(list(classes), pa.string()))
    if places.null_count:
        text = items.filter(pc.is_null(places))[0].as_py()
        near = closest(text, classes)
        raise DataError(
            f"'{text}' is not a class of the label",
            expected="some of " + ", ".join(classes[:20]),
            mend=f"did you mean '{near}'?" if near else None,
        )
    found = np.zeros((len(lists), len(classes)), np.int64)
    found[pc.list_parent_indices(lists).to_numpy(), places.to_numpy()] = 1
    return found
