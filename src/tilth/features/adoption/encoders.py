"""Rules for steps that make numbers of categories: texts or numbers, rare, missing or unknown ones."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np

from tilth.features.adoption.step_nodes import StepNodes, columns_out, is_missing_mark

__all__ = ["one_hot_encoder", "ordinal_encoder"]


def _position(nodes: StepNodes, position: int, categories: np.ndarray) -> str:
    """The place of each cell of a column among categories, (n, 1); one behind the last for none of them."""
    count = len(categories)
    column, is_text = nodes.column(position)
    if is_text:
        keys = ["" if is_missing_mark(each) else str(each) for each in categories]
        return nodes.node(
            "LabelEncoder",
            column,
            domain="ai.onnx.ml",
            keys_strings=keys,
            values_int64s=list(range(count)),
            default_int64=count,
        )
    numbers = np.array([np.nan if is_missing_mark(each) else each for each in categories], nodes.dtype)
    equal = nodes.cast(nodes.node("Equal", column, nodes.constant(numbers[None, :])), np.float32)
    # A cell is one category at most: the weighted sum of its matches is the place, counted from the end.
    weights = nodes.constant(np.arange(-count, 0, dtype=np.float32)[:, None])
    place = nodes.node("MatMul", equal, weights)
    if np.isnan(numbers).any():
        gone = nodes.cast(nodes.node("IsNaN", column), np.float32)
        weight = nodes.constant(np.array([[np.flatnonzero(np.isnan(numbers))[0] - count]], np.float32))
        place = nodes.node("Add", place, nodes.node("Mul", gone, weight))
    return nodes.cast(nodes.node("Add", place, nodes.constant(np.array([[count]], np.float32))), np.int64)


def _each_category(step: Any, position: int) -> np.ndarray:
    """What a fitted encoder makes of each category of a column, and of a cell that is none: (k + 1, m)."""
    categories = step.categories_[position]
    plain = copy.copy(step)
    if hasattr(plain, "feature_names_in_"):
        del plain.feature_names_in_
    if hasattr(plain, "sparse_output"):
        plain.sparse_output = False
    numbers = all(each.dtype.kind in "biuf" for each in step.categories_)
    rows = np.empty((len(categories) + 1, len(step.categories_)), np.float64 if numbers else object)
    for place, others in enumerate(step.categories_):
        rows[:, place] = others[0]
    rows[:-1, position] = categories
    rows[-1, position] = _no_category(categories)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that the last row is of no category, which is meant
        return np.asarray(plain.transform(rows), np.float64)


def _no_category(categories: np.ndarray) -> Any:
    """A value that is not among categories, of their type."""
    if all(isinstance(each, int | float) for each in categories.tolist() if not is_missing_mark(each)):
        return (
            2.0 * max((abs(float(each)) for each in categories if not is_missing_mark(each)), default=0.0) + 1
        )
    text = "no category"
    while text in set(categories.tolist()):
        text += "!"
    return text


def one_hot_encoder(scope: Any, operator: Any, container: Any) -> None:
    """A column of 0 and 1 for each category, as the fitted step itself gives for it."""
    nodes = StepNodes(scope, operator, container)
    step = operator.raw_operator
    owners = [int(name.split("_", 1)[0]) for name in columns_out(step)]
    parts = []
    for position, categories in enumerate(step.categories_):
        mine = [place for place, owner in enumerate(owners) if owner == position]
        if not mine:
            continue
        made = _each_category(step, position)[:, mine]
        # Each category lights one column, or none: that one's place, or one that is cut off.
        lit = np.where(made.any(axis=1), made.argmax(axis=1), len(mine))
        place = nodes.node(
            "Gather",
            nodes.constant(lit.astype(np.int64)),
            _position(nodes, position, categories),
        )
        depth = nodes.constant(np.array([len(mine) + 1], np.int64))
        hot = nodes.node("OneHot", place, depth, nodes.constant(np.array([0, 1], np.float32)))
        flat = nodes.node("Squeeze", hot, nodes.constant(np.array([1], np.int64)))
        ends = [nodes.constant(np.array([value], np.int64)) for value in (0, len(mine), 1)]
        parts.append(nodes.cast(nodes.node("Slice", flat, *ends), nodes.dtype))
    nodes.end(operator, parts)


def ordinal_encoder(scope: Any, operator: Any, container: Any) -> None:
    """The number of each category, as the fitted step itself gives for it."""
    nodes = StepNodes(scope, operator, container)
    step = operator.raw_operator
    parts = []
    for position, categories in enumerate(step.categories_):
        codes = nodes.numbers(_each_category(step, position)[:, position])
        parts.append(nodes.node("Gather", codes, _position(nodes, position, categories)))
    nodes.end(operator, parts)
