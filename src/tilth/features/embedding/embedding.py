"""Embedding: rows laid out in a plane, with what is needed to look at them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tilth.features.embedding.examples import Examples
from tilth.features.embedding.layouts import Layout, Method, Points
from tilth.types import JSONObject, JSONValue

__all__ = ["Embedding"]


@dataclass(frozen=True)
class Embedding:
    """Rows of a table as points of a plane, by one method or several.

    Args:
        examples: the rows.
        layouts: what each method found, by its name; the points in the order of `rows`.
        what: what was laid out, in a few words.
        notes: what was drawn, left out, filled and scaled, as sentences for people.
        label: the column that is to be predicted.
        prediction: the column of predictions.

    Example:
        >>> from tilth.features.embedding import embed
        >>> found = embed({"x": [1.0, 2.0, 3.0], "y": [2.0, 4.0, 6.0]})
        >>> found
        Embedding(3 of 3 rows: pca)
        >>> found.points.round(2).tolist(), found.explained
        ([[-1.73, 0.0], [0.0, 0.0], [1.73, 0.0]], (1.0,))
    """

    examples: Examples
    layouts: Mapping[Method, Layout]
    what: str
    notes: tuple[str, ...] = ()
    label: str | None = None
    prediction: str | None = None

    def __repr__(self) -> str:
        many = f"{len(self.rows):,} of {self.examples.total:,} rows"
        return f"{type(self).__name__}({many}: {', '.join(self.layouts)})"

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """(n,) which rows of the data the points are, from 0, ascending."""
        return self.examples.rows

    @property
    def points(self) -> Points:
        """(n, 2) the points of the first method."""
        return next(iter(self.layouts.values())).points

    @property
    def explained(self) -> tuple[float, ...]:
        """The share of the variance along each axis of PCA, 0 to 1; empty without PCA."""
        return self.layouts["pca"].explained if "pca" in self.layouts else ()

    def to_json(self) -> JSONObject:
        """The documented JSON form, points included: see docs/embedding.md."""
        return {
            "rows": self.examples.total,
            "points": len(self.rows),
            "row": self.rows.tolist(),
            "embedded": self.what,
            "notes": list(self.notes),
            "methods": {name: _json(layout) for name, layout in self.layouts.items()},
        }

    def html(self, *, title: str = "Embedding", color: str | None = None) -> str:
        """One page to explore: no network, no other file; the same rows give the same text.

        Args:
            title: what the page is about.
            color: the column that gives the points their color at first; default: the label, if there is one.

        Raises:
            ColumnNotFoundError: no such column.
        """
        from tilth.features.embedding.page import Page

        page = Page(self.examples, self.layouts, self.what, self.notes, self.label, self.prediction)
        return page.html(title, color)


def _json(layout: Layout) -> JSONValue:
    found: JSONObject = {"points": layout.points.tolist(), "notes": list(layout.notes)}
    if layout.method == "pca":
        found["explained"] = list(layout.explained)
        found["heaviest"] = [[[name, weight] for name, weight in axis] for axis in layout.heaviest]
    return found
