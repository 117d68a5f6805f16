"""Transform: features fitted on training data and applied by one graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa

from tilth.errors import FeatureError
from tilth.features.compiler import compile_features
from tilth.features.fitting import fit_nodes
from tilth.features.loading import load_features
from tilth.features.nodes import Node
from tilth.features.operations import RowWise
from tilth.features.tracing import Features, trace
from tilth.inference import Graph
from tilth.tables import open_table

if TYPE_CHECKING:
    from tilth.engines import Engine
    from tilth.profiles import Profile

__all__ = ["Transform"]


class Transform:
    """Features: their constants from a full pass over training data, their values from one ONNX graph.

    The same graph gives the features in training, batch prediction and the server. The same rows give the
    same graph, to the last byte, in whatever order they come. It has the methods of a scikit-learn
    transformer.

    Args:
        features: a function from the raw columns to features by name, or the text of a features.py.
        where: the path of that text, for messages.
        forbidden: column -> why it may not be a feature, such as {"income": "it is the label"}.

    Example:
        >>> def features(x):
        ...     return {
        ...         "x": x["x"].center(),
        ...         "y": x["y"].scale(),
        ...         "s": x["s"].vocabulary(),
        ...         "product": x["x"].center() * x["y"].scale(),
        ...     }
        >>> rows = {"x": [1, 2, 3], "y": [1, 2, 3], "s": ["hello", "world", "hello"]}
        >>> transform = Transform(features).fit(rows)
        >>> transform.apply(rows).to_pydict()
        {'x': [-1.0, 0.0, 1.0], 'y': [0.0, 0.5, 1.0], 's': [0.0, 1.0, 0.0], 'product': [-0.0, 0.0, 1.0]}
    """

    def __init__(
        self,
        features: Features | str,
        *,
        where: str = "features.py",
        forbidden: Mapping[str, str] | None = None,
    ) -> None:
        self.features = features
        self.where = where
        self.forbidden = forbidden
        self._model: bytes | None = None
        self._graph: Graph | None = None
        self._names: tuple[str, ...] = ()

    def fit(
        self,
        data: object,
        y: object = None,  # noqa: ARG002
        *,
        profile: Profile | None = None,
        engine: Engine | None = None,
    ) -> Self:
        """Compute the constants from training data.

        Args:
            data: a path, an Arrow table, a data frame, ...; None where the profile says enough.
            y: ignored; scikit-learn gives it.
            profile: the profile of the data, if there is one: it saves a pass.
            engine: where the passes over the data are made; default: in this process.

        Raises:
            FeatureError: a mistake in the features.
            DataError: the data cannot be read.
        """
        function = (
            load_features(self.features, self.where) if isinstance(self.features, str) else self.features
        )
        table = open_table(data) if data is not None else None
        types = table.columns if table is not None else {n: c.type for n, c in _columns(profile).items()}
        nodes = trace(function, types, self.forbidden)
        fitted = fit_nodes(list(nodes.values()), table, profile, engine=engine)
        names = _names(list(nodes), fitted)
        if not names:
            raise FeatureError(
                "the features have no columns: no value is frequent enough for any one_hot()",
                expected="at least one column",
            )
        self._names = names
        self._model = compile_features(fitted, names, types)
        self._graph = Graph.from_bytes(self._model)
        return self

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the features, in the order of the graph's columns.

        Raises:
            FeatureError: not fitted yet.
        """
        self.graph  # noqa: B018 - says so when not fitted
        return self._names

    @property
    def graph(self) -> Graph:
        """The graph, loaded.

        Raises:
            FeatureError: not fitted yet.
        """
        if self._graph is None:
            raise FeatureError("the transform is not fitted", mend="call fit(data) first")
        return self._graph

    def apply(self, data: object) -> pa.Table:
        """The features of some rows: a float32 column for each.

        Raises:
            FeatureError: not fitted yet.
            GraphError: a column is missing or of another type than in training.
        """
        batches = [
            pa.RecordBatch.from_arrays([pa.array(column) for column in block.T.copy()], list(self._names))
            for block in self._blocks(data)
        ]
        schema = pa.schema([(name, pa.float32()) for name in self.feature_names])
        return pa.Table.from_batches(batches, schema)

    def transform(self, data: object) -> np.ndarray:
        """The features of n rows as float32, shape (n, features).

        Raises:
            FeatureError: not fitted yet.
            GraphError: a column is missing or of another type than in training.
        """
        blocks = list(self._blocks(data))
        return np.concatenate(blocks) if blocks else np.zeros((0, len(self._names)), dtype=np.float32)

    def fit_transform(self, data: object, y: object = None) -> np.ndarray:
        """`fit`, then `transform` of the same data."""
        return self.fit(data, y).transform(data)

    def to_onnx(self) -> bytes:
        """The graph as an ONNX file: a column an input, one output `features` of float32.

        Raises:
            FeatureError: not fitted yet.
        """
        self.graph  # noqa: B018 - says so when not fitted
        assert self._model is not None
        return self._model

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:  # noqa: ARG002
        """`feature_names` as scikit-learn wants them."""
        return np.array(self.feature_names, dtype=object)

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002
        """The constructor's arguments, as scikit-learn wants them."""
        return {"features": self.features, "where": self.where, "forbidden": self.forbidden}

    def set_params(self, **parameters: Any) -> Self:
        """Change the constructor's arguments, as scikit-learn does."""
        for name, value in parameters.items():
            setattr(self, name, value)
        return self

    def _blocks(self, data: object) -> list[np.ndarray]:
        return [outputs["features"] for outputs in self.graph.run_table(open_table(data))]


def _columns(profile: Profile | None) -> Mapping[str, Any]:
    if profile is None:
        raise FeatureError("nothing to fit the transform on", expected="data or a profile")
    return profile.columns


def _names(names: Sequence[str], nodes: Sequence[Node]) -> tuple[str, ...]:
    """A name for every column: that of the feature, or feature=value; none twice."""
    found: dict[str, None] = {}
    for name, node in zip(names, nodes, strict=True):
        assert isinstance(node.operation, RowWise)
        for column in node.operation.column_names(name):
            unique, number = column, 2
            while unique in found:
                unique, number = f"{column} ({number})", number + 1
            found[unique] = None
    return tuple(found)
