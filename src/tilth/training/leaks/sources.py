"""Which raw columns each feature is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tilth.errors import FeatureError
from tilth.features import load_features
from tilth.features.compiler import input_columns
from tilth.features.tracing import trace
from tilth.types import ColumnType

__all__ = ["feature_sources"]


def feature_sources(
    text: str, types: Mapping[str, ColumnType], names: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """Feature -> the raw columns that it is made of.

    Args:
        text: the text of features.py; where it defines a transformer of scikit-learn's, nothing is known.
        types: the columns of the table.
        names: the features of the graph: those of the text, some with "=value" and the like behind.

    Example:
        >>> text = "def features(x): return {'plan': x['plan'].one_hot(), 'n': x['a'] * x['b']}"
        >>> feature_sources(text, {"plan": "string", "a": "int", "b": "int"}, ["plan=pro", "n"])
        {'plan=pro': ('plan',), 'n': ('a', 'b')}
    """
    try:
        nodes = trace(load_features(text), types)
    except FeatureError:  # a transformer of scikit-learn's; mistakes were found when the transform was made
        return {}
    made_of = {name: tuple(input_columns([node], types)) for name, node in nodes.items()}
    longest_first = sorted(made_of, key=len, reverse=True)
    owners = {name: next((own for own in longest_first if name.startswith(own)), None) for name in names}
    return {name: made_of[own] for name, own in owners.items() if own is not None}
