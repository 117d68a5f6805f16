"""embed: rows as points of a plane."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from tilth.errors import ColumnNotFoundError, UsageError, closest
from tilth.features.embedding.embedding import Embedding
from tilth.features.embedding.examples import Examples, draw_examples
from tilth.features.embedding.layouts import (
    METHODS,
    Layout,
    LayoutSettings,
    Method,
    lay_out,
    minutes,
    needs,
    reduced,
)
from tilth.features.embedding.space import find_space
from tilth.features.tracing import Features
from tilth.tables import Table, open_table
from tilth.types import SCALAR_TYPES

__all__ = ["MOST_POINTS", "embed"]

MOST_POINTS = 50_000
"""How many rows are laid out, unless said otherwise: what a page can show and stay quick."""


def embed(
    data: object,
    *,
    method: Method | Sequence[Method] = "pca",
    label: str | None = None,
    prediction: str | None = None,
    columns: Sequence[str] | None = None,
    features: Features | str | None = None,
    where: str = "features.py",
    points: int = MOST_POINTS,
    perplexity: float = 30.0,
    neighbors: int = 15,
    min_dist: float = 0.1,
    seed: int = 0,
    tell: Callable[[str, float], None] | None = None,
) -> Embedding:
    """Lay rows out in a plane, so that those that are alike lie together.

    What is laid out are the `features` or `columns` named; else, what the data have first of: images,
    recordings, lists of numbers of one length (embeddings), the default features of the table, always without
    label and prediction. Missing values are filled with the median, and that is said. The same rows give the
    same points, in whatever order they come.

    Args:
        data: a path, an Arrow table, a data frame, ...
        method: "pca", "tsne", "umap" (which needs `tilth[umap]`), or several of them.
        label: the column to predict; kept out of the features.
        prediction: a column of predictions; kept out of the features, and compared with the label.
        columns: columns of numbers (which are standardized), lists of numbers, images or recordings.
        features: a function from raw columns to features, or the text of a features.py.
        where: the path of that text, for messages.
        points: the most rows that are laid out, 2 or more; a sample of more, which depends on `seed`.
        perplexity: of t-SNE, about how many neighbors each point has; at most a third of the points.
        neighbors: of UMAP.
        min_dist: of UMAP, how close points may come, 0 to 1.
        seed: of the sample and of what is random in a method.
        tell: is told what begins, in a few words, and about how many minutes it takes.

    Raises:
        ColumnNotFoundError: a column that is not there.
        UsageError: an unknown or uninstalled method, a column that holds no numbers, a number out of range.
        FeatureError: a mistake in the features.
        DataError: fewer than two rows, or none that differ.

    Example:
        >>> found = embed({"size": [1, 2, 3, 4], "kind": ["a", "b", "a", "b"], "y": [0, 0, 1, 1]}, label="y")
        >>> found.what, found.points.shape, found.points[0, 0] == -found.points[3, 0]
        ('3 features of 2 columns', (4, 2), np.True_)
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # it ships no types

    methods = _methods(method)
    settings = LayoutSettings(perplexity, neighbors, min_dist, seed)
    if points < 2:
        raise UsageError(f"points is {points}", expected="2 or more")
    table = open_table(data)
    excluded = _excluded(table, label, prediction)
    tell = tell or _silent
    tell("reading the data", 0)
    examples = draw_examples(table, points, seed)
    space = find_space(table, examples, features=features, columns=columns, excluded=excluded, where=where)
    layouts = {}
    # Sums over several threads are rounded otherwise, and small differences grow into another picture.
    with threadpool_limits(1):
        components = reduced(space)
        for each in methods:
            tell(f"{each} of {len(examples.rows):,} rows, {space.what}", minutes(each, len(examples.rows)))
            layouts[each] = _as_rows(lay_out(each, space, settings, components), examples)
    notes = (*_sampled(examples), *space.notes)
    return Embedding(examples, layouts, space.what, notes, label, prediction)


def _methods(given: Method | Sequence[Method]) -> list[Method]:
    methods: list[Method] = [given] if isinstance(given, str) else list(dict.fromkeys(given))
    if not methods:
        raise UsageError("no method is named", expected=f"one of {', '.join(METHODS)}")
    for method in methods:
        if method not in METHODS:
            near = closest(method, METHODS)
            raise UsageError(
                f"there is no method '{method}'",
                expected=f"one of {', '.join(METHODS)}",
                mend=f"did you mean '{near}'?" if near else None,
            )
        needs(method)
    return methods


def _excluded(table: Table, label: str | None, prediction: str | None) -> dict[str, str]:
    excluded = {}
    for name, why in ((label, "it is the label"), (prediction, "it is the prediction")):
        if name is None:
            continue
        if name not in table.columns:
            raise ColumnNotFoundError(name, table.columns, where=table.name)
        if table.columns[name] not in SCALAR_TYPES:
            raise UsageError(
                f"column '{name}' holds {table.columns[name]}", where=table.name, expected="one value a row"
            )
        excluded[name] = why
    return excluded


def _silent(what: str, minutes: float) -> None:
    """Nobody listens."""


def _sampled(examples: Examples) -> list[str]:
    shown, total = len(examples.rows), examples.total
    return [f"the points are a random sample of {shown:,} of {total:,} rows"] if shown < total else []


def _as_rows(layout: Layout, examples: Examples) -> Layout:
    """From the canonical order to that of the data."""
    points = np.empty_like(layout.points)
    points[examples.order] = layout.points
    return replace(layout, points=points)
