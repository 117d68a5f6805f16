"""Load and run an ONNX graph: the same file in training, batch prediction and the server.

The only room that knows onnxruntime. A graph takes raw columns by name, missing values included, and gives
named arrays with one row for each example.
"""

from __future__ import annotations

from tilth.inference.costs import Costs, measure_costs
from tilth.inference.graph import INPUT_NAMES_KEY, ROW_CELLS_KEY, SAMPLE_RATES_KEY, Graph, InputKind
from tilth.inference.long_texts import SPLIT_TEXTS_KEY
from tilth.inference.ragged import SAMPLE_RATE
from tilth.inference.trees import TreeEnsemble, Trees, read_trees

__all__ = [
    "INPUT_NAMES_KEY",
    "ROW_CELLS_KEY",
    "SAMPLE_RATE",
    "SAMPLE_RATES_KEY",
    "SPLIT_TEXTS_KEY",
    "Costs",
    "Graph",
    "InputKind",
    "TreeEnsemble",
    "Trees",
    "measure_costs",
    "read_trees",
]
