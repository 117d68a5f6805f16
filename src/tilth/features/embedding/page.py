"""The page on which an embedding is explored: one file that needs nothing else."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tilth.errors import ColumnNotFoundError
from tilth.features.embedding.examples import Examples
from tilth.features.embedding.layouts import Layout, Method, Points
from tilth.features.embedding.page_columns import column_data, error_data, fitting
from tilth.features.embedding.page_media import Media, read_media
from tilth.profiles.page_base import render
from tilth.profiles.page_figures import label, share
from tilth.types import JSONObject

__all__ = ["Page"]

_ROOM = "tilth.features.embedding"
_NAMES = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
_MEDIA_BYTES = 6_000_000
_BYTES = 12_500_000
"""Of values and media together, in base64; the points and the rest need 1 MB."""

_MOST_COLUMNS = 200
_LARGEST = 65_535

_CAUTION = "Near each other means alike; how far groups are apart, and how wide they are, means little."


@dataclass(frozen=True)
class _Shown:
    """A layout in words."""

    name: str
    caption: str


@dataclass(frozen=True)
class Page:
    """What a page shows.

    Args:
        examples: the rows.
        layouts: what each method found; the points in the order of the rows.
        what: what was laid out, in a few words.
        notes: what was drawn, left out, filled and scaled, as sentences for people.
        label: the column that is to be predicted.
        prediction: the column of predictions.

    Example:
        >>> from tilth.features.embedding import embed
        >>> text = embed({"<u>": [1, 2, 4]}).html(title="Three rows")
        >>> text.startswith("<!doctype html>"), "<u>" in text
        (True, False)
    """

    examples: Examples
    layouts: Mapping[Method, Layout]
    what: str
    notes: tuple[str, ...]
    label: str | None
    prediction: str | None

    def html(self, title: str, color: str | None) -> str:
        """The page as HTML text: no network, no other file; the same arguments give the same text.

        Args:
            title: what the page is about.
            color: the column that gives the points their color at first; default: the label, if there is one.

        Raises:
            ColumnNotFoundError: no such column.
        """
        table = self.examples.table
        names = [name for name, kind in table.columns.items() if kind not in ("image", "audio")]
        if color is not None and color not in names:
            raise ColumnNotFoundError(color, names, where=table.name)
        first = [name for name in dict.fromkeys([color, self.label, self.prediction]) if name]
        ordered = list(dict.fromkeys([*first, *names]))
        media = read_media(self.examples, _MEDIA_BYTES)
        room = _BYTES - sum(len(address) for each in media for address in each.found)
        columns, left_out = fitting(self._columns(ordered[:_MOST_COLUMNS]), room * 3 // 4)
        notes = [*self.notes, *_bounds([*left_out, *ordered[_MOST_COLUMNS:]], media)]
        return render(
            "page.html.jinja",
            room=_ROOM,
            styles=["page.css"],
            script="page.js",
            title=label(title, 120).text,
            facts=_facts(self),
            layouts=[_shown(layout) for layout in self.layouts.values()],
            notes=[label(note, 600).text for note in notes],
            data=self._packed(columns, is_colored=bool(first)),
            media=[{"t": each.kind, "d": each.found} for each in media],
        )

    def _columns(self, names: Sequence[str]) -> Iterator[JSONObject]:
        """Each column in the canonical order of the rows; the error follows the prediction."""
        if not names:
            return
        table = self.examples.table.select(names)
        rows = table.to_arrow().take(pa.array(self.examples.order)).combine_chunks()
        arrays = {name: _whole(rows.column(name)) for name in names}
        for name in names:
            yield column_data(name, table.columns[name], arrays[name])
            if name == self.prediction and self.label is not None:
                yield error_data(arrays[self.label], arrays[name])

    def _packed(self, columns: Sequence[str], *, is_colored: bool) -> str:
        """All but the media, compressed, in base64; whether the first column gives the colors."""
        order = self.examples.order
        head = {
            "methods": [_NAMES[layout.method] for layout in self.layouts.values()],
            "points": [_whole_numbers(layout.points[order]) for layout in self.layouts.values()],
            "rows": self.examples.rows[order].tolist(),
            "colored": is_colored,
        }
        text = json.dumps(head, separators=(",", ":"))
        whole = f'{text[:-1]},"columns":[{",".join(columns)}]}}'
        return base64.b64encode(gzip.compress(whole.encode(), 6, mtime=0)).decode()


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _whole_numbers(points: Points) -> list[int]:
    """x, y, x, y, ... from 0 to 65,535 in one unit, y downwards."""
    low, high = points.min(axis=0), points.max(axis=0)
    span = float((high - low).max()) or 1.0
    middle = (low + high) / 2
    scaled = (points - middle) * (1, -1) / span + 0.5
    found: list[int] = np.rint(scaled * _LARGEST).astype(np.int64).ravel().tolist()
    return found


def _facts(page: Page) -> list[tuple[str, str]]:
    shown, total = len(page.examples.rows), page.examples.total
    facts = [("points", f"{shown:,}" + (f" of {total:,} rows" if shown < total else ""))]
    return [*facts, ("laid out", label(page.what, 80).text)]


def _shown(layout: Layout) -> _Shown:
    name = _NAMES[layout.method]
    if layout.method != "pca":
        how = "; ".join(layout.notes)
        return _Shown(name, f"{how[:1].upper()}{how[1:]}. {_CAUTION}")
    axes: list[str] = []
    for axis, part in zip(("To the right", "Upwards"), layout.explained, strict=False):
        heaviest = layout.heaviest[len(axes)]
        along = ", ".join(f"{label(feature, 40).text} {weight:+.2f}" for feature, weight in heaviest)
        axes.append(f"{axis}: {share(part, 1)} of the variance{f', mostly {along}' if along else ''}.")
    return _Shown(name, " ".join(axes))


def _bounds(left_out: Sequence[str], media: Sequence[Media]) -> Iterator[str]:
    if left_out:
        more = f" and {len(left_out) - 12} more" if len(left_out) > 12 else ""
        yield f"the page would be too large with the values of {', '.join(left_out[:12])}{more}"
    for each in media:
        if each.left_out:
            there = len([address for address in each.found if address])
            yield f"only {there:,} of the {there + each.left_out:,} cells of '{each.column}' are on the page"
