"""What `adopt` makes a graph of a scikit-learn transformer with: a rule for each step, and a proof of parity.

Most steps are written by skl2onnx; those whose form there loses missing values, unseen categories or double
precision have a rule here.
"""

from __future__ import annotations

from tilth.features.adoption.columns import named_columns, single_columns, used_columns, with_columns
from tilth.features.adoption.frames import missing_mark, steps_of, to_frame
from tilth.features.adoption.graph import sklearn_graph
from tilth.features.adoption.parity import demand_equal, probes, table_of_numbers
from tilth.features.adoption.rules import refusal

__all__ = [
    "demand_equal",
    "missing_mark",
    "named_columns",
    "probes",
    "refusal",
    "single_columns",
    "sklearn_graph",
    "steps_of",
    "table_of_numbers",
    "to_frame",
    "used_columns",
    "with_columns",
]
