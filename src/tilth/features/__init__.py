"""What is written in features.py, its constants from the training data, and the graph that applies it."""

from __future__ import annotations

from tilth.features.defaults import default_features
from tilth.features.expressions import Expression, cross, log1p, where
from tilth.features.inputs import Inputs
from tilth.features.loading import load_features
from tilth.features.tracing import Features
from tilth.features.transform import Transform

__all__ = [
    "Expression",
    "Features",
    "Inputs",
    "Transform",
    "cross",
    "default_features",
    "load_features",
    "log1p",
    "where",
]
