"""Rows as points of a plane, by PCA, t-SNE or UMAP, and the page on which to explore them."""

from __future__ import annotations

from tilth.features.embedding.embed import MOST_POINTS, embed
from tilth.features.embedding.embedding import Embedding
from tilth.features.embedding.layouts import METHODS, Layout, Method

__all__ = ["METHODS", "MOST_POINTS", "Embedding", "Layout", "Method", "embed"]
