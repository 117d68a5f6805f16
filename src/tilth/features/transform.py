"""Transform: features fitted on training data and applied by one graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import pyarrow as pa

from tilth.errors import FeatureError, UsageError
from tilth.features.adopting import Transformer, adopt
from tilth.features.blocks import block_notes
from tilth.features.compiler import compile_features, input_columns
from tilth.features.estimator_methods import EstimatorMethods
from tilth.features.fitting import fit_nodes
from tilth.features.label_folds import (
    FOLD_COLUMN,
    fold_metadata,
    label_column,
    labels_of,
    learns_from_labels,
    training_nodes,
)
from tilth.features.loading import load_definition
from tilth.features.nodes import Node, column_names
from tilth.features.tracing import Features, trace
from tilth.inference import Graph

if TYPE_CHECKING:
    from tilth.engines import Engine
    from tilth.features.looking import Labels
    from tilth.metrics import LabelEncoding
    from tilth.profiles import Profile
    from tilth.tables import Table
    from tilth.types import ColumnType

__all__ = ["Transform"]


class Transform(EstimatorMethods):
    """Features: their constants from a full pass over training data, their values from one ONNX graph.

    The same graph gives the features in training, batch prediction and the server. The same rows give the
    same graph, to the last byte, in whatever order they come. It is a transformer of scikit-learn's: in a
    Pipeline or a GridSearchCV it takes frames and Arrow tables, and matrices with the columns x0, x1, ...

    Args:
        features: a function from the raw columns to features by name, the text of a features.py, or a
            transformer of scikit-learn's, whose graph is made by `adopt`.
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

    _parameters = ("features", "where", "forbidden")

    # Until it is fitted; scikit-learn wants the constructor to set nothing but the parameters.
    _model: bytes | None = None
    _graph: Graph | None = None
    _training_model: bytes | None = None
    _names: tuple[str, ...] = ()

    def __init__(
        self,
        features: Features | Transformer | str,
        *,
        where: str = "features.py",
        forbidden: Mapping[str, str] | None = None,
    ) -> None:
        self.features = features
        self.where = where
        self.forbidden = forbidden

    def fit(
        self,
        data: object,
        y: object = None,
        *,
        encoding: LabelEncoding | None = None,
        profile: Profile | None = None,
        engine: Engine | None = None,
    ) -> Self:
        """Compute the constants from training data.

        Args:
            data: a path, an Arrow table, a data frame, ...; None where the profile says enough.
            y: the label, for features that learn from it: a value for each row, or the name of a column,
                which then may not be a feature.
            encoding: what the labels mean; default: it is found out.
            profile: the profile of the data, if there is one: it saves a pass.
            engine: where the passes over the data are made; default: in this process.

        Raises:
            FeatureError: a mistake in the features.
            DataError: the data cannot be read, or a label is missing.
        """
        self._fit(data, y, encoding, profile, engine)
        return self

    def _fit(
        self,
        data: object,
        y: object,
        encoding: LabelEncoding | None = None,
        profile: Profile | None = None,
        engine: Engine | None = None,
    ) -> Labels | None:
        is_text = isinstance(self.features, str)
        source = (
            load_definition(self.features, self.where) if isinstance(self.features, str) else self.features
        )
        table = self._open(data, fitting=True) if data is not None else None
        self._training_model = labels = None
        forbidden = {**({y: "it is the label"} if isinstance(y, str) else {}), **(self.forbidden or {})}
        if isinstance(source, Transformer):
            if table is None:
                raise UsageError(
                    "a transformer of scikit-learn's cannot be fitted from a profile", expected="data"
                )
            place = self.where if is_text else None
            label = label_column(table, y).to_numpy(zero_copy_only=False) if isinstance(y, str) else y
            adopted = adopt(source, table, forbidden, label=label, where=place)
            self._names, self._model = adopted.names, adopted.model
        else:
            types = table.columns if table is not None else {n: c.type for n, c in _columns(profile).items()}
            nodes = trace(source, types, forbidden)
            if table is not None and y is not None and learns_from_labels(nodes.values()):
                labels = labels_of(table, y, list(input_columns(nodes.values(), types)), encoding)
            self._fit_expressions(
                nodes, types, fit_nodes(list(nodes.values()), table, profile, labels, engine)
            )
        self._graph = Graph.from_bytes(self.to_onnx())
        return labels

    def _fit_expressions(
        self, nodes: Mapping[str, Node], types: Mapping[str, ColumnType], fitted: Sequence[Node]
    ) -> None:
        names = _names(list(nodes), fitted)
        if not names:
            raise FeatureError(
                "the features have no columns: no value is frequent enough for any one_hot()",
                expected="at least one column",
            )
        self._names = names
        notes = block_notes(list(nodes), fitted)
        self._model = compile_features(fitted, names, types, notes)
        if learns_from_labels(nodes.values()):
            notes = {**notes, **fold_metadata(input_columns(nodes.values(), types))}
            folded = training_nodes(fitted)
            self._training_model = compile_features(folded, names, {**types, FOLD_COLUMN: "int"}, notes)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the features, in the order of the graph's columns.

        Raises:
            FeatureError: not fitted yet.
        """
        self.to_onnx()  # says so when not fitted
        return self._names

    @property
    def graph(self) -> Graph:
        """The graph, loaded.

        Raises:
            FeatureError: not fitted yet.
        """
        if self._graph is None:
            self._graph = Graph.from_bytes(self.to_onnx())
        return self._graph

    def apply(self, data: object) -> pa.Table:
        """The features of some rows: a float32 column for each.

        Raises:
            FeatureError: not fitted yet.
            GraphError: a column is missing or of another type than in training.
        """
        schema = pa.schema([(name, pa.float32()) for name in self.feature_names])
        batches = [
            pa.RecordBatch.from_arrays([pa.array(column) for column in block.T.copy()], schema=schema)
            for block in _blocks(self.graph, self._open(data, fitting=False))
        ]
        return pa.Table.from_batches(batches, schema)

    def transform(self, data: object) -> np.ndarray:
        """The features of n rows as float32, shape (n, features).

        Raises:
            FeatureError: not fitted yet.
            GraphError: a column is missing or of another type than in training.
        """
        self.to_onnx()  # says so when not fitted
        return self._rows(self._open(data, fitting=False), self.graph, data)

    def _rows(self, table: Table, graph: Graph, data: object) -> np.ndarray:
        width = len(self._names)
        if table._rows is None:
            found = np.concatenate([np.empty((0, width), np.float32), *_blocks(graph, table)])
        else:
            found, done = np.empty((table._rows, width), np.float32), 0
            for block in _blocks(graph, table):
                found[done : done + len(block)] = block
                done += len(block)
        return cast("np.ndarray", self._in_container(found, data))

    def fit_transform(self, data: object, y: object = None) -> np.ndarray:
        """`fit`, then the features of the same data for training.

        They are those of `transform`, except where a feature is made of labels (`target_mean`): for each row
        it is made of the labels in the other four of five folds, since an estimator would take a row's own
        label in its features for the best of all features.
        """
        labels = self._fit(data, y)
        if self._training_model is None or labels is None:
            return self.transform(data)
        table = self._open(data, fitting=False).with_column(FOLD_COLUMN, labels.folds)
        return self._rows(table, Graph.from_bytes(self._training_model), data)

    def to_onnx(self) -> bytes:
        """The graph as an ONNX file: a column an input, one output `features` of float32.

        Raises:
            FeatureError: not fitted yet.
        """
        if self._model is None:
            from tilth.features.not_fitted import NotFittedTransformError

            raise NotFittedTransformError
        return self._model

    def to_training_onnx(self) -> bytes:
        """The graph that gives the features of the training rows themselves.

        The same as `to_onnx()`, unless features are made of labels: then it has one more input `tilth.fold`,
        and gives each row what the other folds say. `with_folds` adds the column.

        Raises:
            FeatureError: not fitted yet.
        """
        return self._training_model or self.to_onnx()

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        """`feature_names` as scikit-learn wants them.

        Args:
            input_features: None, or the names of the columns of the training data.

        Raises:
            UsageError: other names, or another number of them.
        """
        return self._checked_names(self.feature_names, input_features)

    def __sklearn_is_fitted__(self) -> bool:
        return self._model is not None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_graph": None}  # it is loaded again where it is needed


def _blocks(graph: Graph, table: Table) -> Iterator[np.ndarray]:
    return (outputs["features"] for outputs in graph.run_table(table))


def _columns(profile: Profile | None) -> Mapping[str, Any]:
    if profile is None:
        raise FeatureError("nothing to fit the transform on", expected="data or a profile")
    return profile.columns


def _names(names: Sequence[str], nodes: Sequence[Node]) -> tuple[str, ...]:
    """A name for every column: that of the feature, or feature=value; none twice."""
    found: dict[str, None] = {}
    for name, node in zip(names, nodes, strict=True):
        for column in column_names(node, name):
            unique, number = column, 2
            while unique in found:
                unique, number = f"{column} ({number})", number + 1
            found[unique] = None
    return tuple(found)
