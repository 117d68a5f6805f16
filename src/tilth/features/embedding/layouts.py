"""Layouts: rows as points of a plane, by PCA, t-SNE or UMAP."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from tilth.errors import DataError, UsageError
from tilth.features.embedding.components import Components, principal_components
from tilth.features.embedding.space import Space

__all__ = ["METHODS", "Layout", "LayoutSettings", "Method", "lay_out", "minutes", "needs", "reduced"]

Method = Literal["pca", "tsne", "umap"]

METHODS: tuple[Method, ...] = get_args(Method)

_REDUCED = 50
"""To how many principal components data are reduced before t-SNE and UMAP (van der Maaten, Hinton, 2008)."""

_ITERATIONS = 750
"""Of t-SNE: 250 with exaggeration, then 500, as in openTSNE (Poličar, Stražar, Zupan, 2024)."""

_MANY = 20_000
_ANGLES = (0.5, 0.7)
"""How roughly t-SNE sums far points, up to `_MANY` and beyond, where time counts.

The rough way takes a fifth less; of 12,000 points in 40 groups it keeps 23.7 % of ten neighbors, not 24.4 %.
"""

_LEAST_UMAP = 3

_HEAVIEST = 5
"""How many features are named for an axis of PCA."""

Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LayoutSettings:
    """What may be chosen.

    Args:
        perplexity: of t-SNE, about how many neighbors a point has.
        neighbors: of UMAP.
        min_dist: of UMAP, how close points may come, 0 to 1.
        seed: of what is random.

    Raises:
        UsageError: a number out of its range.
    """

    perplexity: float = 30.0
    neighbors: int = 15
    min_dist: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        bounds = {"perplexity": (1, 1000), "neighbors": (2, 1000), "min_dist": (0, 1), "seed": (0, 2**32 - 1)}
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise UsageError(f"{name} is {value}", expected=f"{low} to {high:,}")


@dataclass(frozen=True)
class Layout:
    """Points of a plane.

    Args:
        method: pca, tsne or umap.
        points: (n, 2). Only those of PCA have a unit, that of the features.
        explained: of PCA, the share of the variance along each of the two axes.
        heaviest: of PCA, for each axis the features with the largest weights, with these; none of pixels
            and the like, whose names say nothing.
        notes: how it was made, as sentences for people.
    """

    method: Method
    points: Points
    explained: tuple[float, ...] = ()
    heaviest: tuple[tuple[tuple[str, float], ...], ...] = ()
    notes: tuple[str, ...] = ()


def needs(method: Method) -> None:
    """Refuse a method whose library is not installed, before any work.

    Raises:
        UsageError: it is not.
    """
    if method == "umap":
        _umap()


def minutes(method: Method, n: int) -> float:
    """About how long a layout takes, in minutes: see the measurements in docs/embedding.md."""
    seconds = {"pca": 2e-5 * n, "tsne": 3.6e-4 * n * math.log2(n + 2), "umap": 40 + 8e-4 * n}
    return seconds[method] / 60


def lay_out(method: Method, space: Space, settings: LayoutSettings, components: Components) -> Layout:
    """The rows of a space as points.

    Args:
        method: how.
        space: n rows in their canonical order, on which what is random depends.
        settings: what was chosen.
        components: the principal components of the space, see `reduced`.
    """
    return _METHODS[method](space, settings, components)


def reduced(space: Space) -> Components:
    """The first 50 principal components of a space, which all methods begin with."""
    return principal_components(space.values, _REDUCED)


def _pca(space: Space, settings: LayoutSettings, components: Components) -> Layout:  # noqa: ARG001
    heaviest = []
    for weights in components.weights[:2]:
        order = np.argsort(-np.abs(weights), kind="stable")[:_HEAVIEST]
        heaviest.append(
            tuple((space.names[i], float(weights[i])) for i in order if weights[i] and space.names[i])
        )
    explained = tuple(float(part) for part in components.explained[:2])
    return Layout("pca", _plane(components), explained, tuple(heaviest))


def _tsne(space: Space, settings: LayoutSettings, components: Components) -> Layout:
    """t-SNE (van der Maaten, Hinton: Visualizing data using t-SNE, 2008) by trees (Barnes, Hut), from PCA.

    That it begins at PCA, scaled to 1/10,000, keeps the large distances as far as it can (Kobak, Berens: The
    art of using t-SNE for single-cell transcriptomics, 2019), and needs nothing random.
    """
    from sklearn.manifold import TSNE

    n = len(space.values)
    perplexity = max(1.0, min(settings.perplexity, (n - 1) / 3))
    start = _start(components, settings.seed)
    model = TSNE(
        perplexity=min(perplexity, n - 1e-6),
        init=(1e-4 * start / max(float(start[:, 0].std()), 1e-30)).astype(np.float32),
        random_state=settings.seed,
        max_iter=_ITERATIONS,
        angle=_ANGLES[n > _MANY],
    )
    points = model.fit_transform(components.scores.astype(np.float32)).astype(np.float64)
    return Layout("tsne", points, notes=(f"perplexity {perplexity:.3g}", *_reduction(space, components)))


def _with_umap(space: Space, settings: LayoutSettings, components: Components) -> Layout:
    """UMAP (McInnes, Healy, Melville, 2018), from PCA."""
    n = len(space.values)
    if n < _LEAST_UMAP:
        raise DataError(
            f"UMAP of {n} rows", expected=f"{_LEAST_UMAP} rows or more", mend="use the method pca"
        )
    neighbors = max(2, min(settings.neighbors, n - 1))
    start = _start(components, settings.seed)
    model = _umap()(
        n_neighbors=neighbors,
        min_dist=settings.min_dist,
        init=(10 * start / max(float(np.abs(start).max()), 1e-30)).astype(np.float32),
        random_state=settings.seed,
        n_jobs=1,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of small data, and of its compiler
        points = model.fit_transform(components.scores.astype(np.float32)).astype(np.float64)
    said = f"{neighbors} neighbors, least distance {settings.min_dist:g}"
    return Layout("umap", points, notes=(said, *_reduction(space, components)))


def _umap() -> Callable[..., Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that TensorFlow is not here, and of its compiler
            from umap import UMAP
    except ImportError as error:
        raise UsageError(
            "UMAP is not installed", mend="pip install 'tilth[umap]', or use the method tsne"
        ) from error
    made: Callable[..., Any] = UMAP
    return made


_METHODS: dict[Method, Callable[[Space, LayoutSettings, Components], Layout]] = {
    "pca": _pca,
    "tsne": _tsne,
    "umap": _with_umap,
}


def _reduction(space: Space, components: Components) -> tuple[str, ...]:
    d, k = space.values.shape[1], components.scores.shape[1]
    kept = components.explained.sum()
    which = "the principal component" if k == 1 else f"the first {k} principal components"
    return (f"of {which} ({kept:.1%} of the variance)",) if k < d else ()


def _plane(components: Components) -> Points:
    """The first two components; zeros where there is only one."""
    found = np.zeros((len(components.scores), 2))
    found[:, : min(2, components.scores.shape[1])] = components.scores[:, :2]
    return found


def _start(components: Components, seed: int) -> Points:
    """The first two components; of one alone, a little noise beside it, for no force leads off a line."""
    found = _plane(components)
    if components.scores.shape[1] == 1:
        found[:, 1] = np.random.default_rng(seed).normal(0, 0.01 * found[:, 0].std(), len(found))
    return found
