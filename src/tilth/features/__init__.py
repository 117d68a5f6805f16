"""What is written in features.py, its constants from the training data, and the graph that applies it."""

from __future__ import annotations

from tilth.features.blocks import Block, blocks_of
from tilth.features.compiler import with_notes
from tilth.features.defaults import default_features
from tilth.features.expressions import (
    Expression,
    cross,
    group,
    interactions,
    log1p,
    maximum,
    minimum,
    where,
)
from tilth.features.inputs import Inputs
from tilth.features.label_folds import with_folds
from tilth.features.loading import load_features
from tilth.features.tracing import Features
from tilth.features.transform import Transform
from tilth.features.vocabulary_files import VOCABULARIES

__all__ = [
    "VOCABULARIES",
    "Block",
    "Expression",
    "Features",
    "Inputs",
    "Transform",
    "blocks_of",
    "cross",
    "default_features",
    "group",
    "interactions",
    "load_features",
    "log1p",
    "maximum",
    "minimum",
    "where",
    "with_folds",
    "with_notes",
]
