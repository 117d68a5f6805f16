"""Fitting: every analyzed operation of some expressions replaced by the row-wise one with its constants.

Constants come from profiles. Where an analyzed operation is applied to something computed, that is computed
by running the part of the graph which is known by then, through the same runtime that serves it later.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import FeatureError, UsageError
from tilth.features.analyzers import analyze
from tilth.features.compiler import compile_columns
from tilth.features.derived_profiles import derive, without_empty_texts
from tilth.features.nodes import Node, in_order
from tilth.features.operations import Analyzed, AsText, Column, FillWith, Operation
from tilth.inference import Graph
from tilth.profiles import ColumnProfile, Profile, profile, profile_batches
from tilth.tables import Table
from tilth.types import ColumnType

__all__ = ["fit_nodes"]


def fit_nodes(nodes: Sequence[Node], table: Table | None, known: Profile | None = None) -> list[Node]:
    """Row-wise expressions that do what `nodes` say, with constants from a table.

    Args:
        nodes: expressions.
        table: the training data; may be None where `known` says enough.
        known: the profile of the raw columns, if there is one already.

    Raises:
        FeatureError: constants that are undefined.
        UsageError: data are needed and there are none.
    """
    fitting = _Fitting(table, known)
    order = in_order(nodes)
    while wanted := fitting.advance(order):
        fitting.look_at(wanted)
    return [fitting.fitted(node) for node in nodes]


class _Fitting:
    def __init__(self, table: Table | None, known: Profile | None) -> None:
        self._table = table
        self._known = known
        self._fitted: dict[int, Node] = {}
        self._interned: dict[tuple[Operation, tuple[int, ...]], Node] = {}
        self._profiles: dict[int, ColumnProfile] = {}

    def fitted(self, node: Node) -> Node:
        """What has become of a node."""
        return self._fitted[id(node)]

    def advance(self, order: Sequence[Node]) -> list[Node]:
        """Fit all that can be fitted; gives the fitted nodes whose profiles are needed to go on."""
        wanted: dict[int, Node] = {}
        for node in order:
            is_ready = all(id(argument) in self._fitted for argument in node.arguments)
            if id(node) in self._fitted or not is_ready:
                continue
            arguments = tuple(self.fitted(argument) for argument in node.arguments)
            operation = node.operation
            if isinstance(operation, Analyzed):
                lacking = self._lacking(arguments[0])
                if lacking is not None:
                    wanted[id(lacking)] = lacking
                    continue
                operation = self._analyze(node, operation, arguments[0])
            self._fitted[id(node)] = self._intern(node, operation, arguments)
        return list(wanted.values())

    def look_at(self, nodes: Sequence[Node]) -> None:
        """Make the profiles of fitted nodes: raw columns in one pass, computed ones in another."""
        raw = {n.operation.name: n for n in nodes if isinstance(n.operation, Column)}
        computed = {str(position): n for position, n in enumerate(nodes) if n not in raw.values()}
        for profiles, found in ((self._raw(raw), raw), (self._computed(computed), computed)):
            for name, node in found.items():
                self._profiles[id(node)] = without_empty_texts(profiles[name])

    def _intern(self, node: Node, operation: Operation, arguments: tuple[Node, ...]) -> Node:
        """The same node for the same operation on the same arguments, however often it was written."""
        key = (operation, tuple(id(argument) for argument in arguments))
        if key not in self._interned:
            self._interned[key] = dataclasses.replace(node, operation=operation, arguments=arguments)
        return self._interned[key]

    def _lacking(self, node: Node) -> Node | None:
        """The node to look at before the profile of `node` is known; None when it is known."""
        if id(node) in self._profiles:
            return None
        if not isinstance(node.operation, FillWith | AsText):
            return node
        lacking = self._lacking(node.arguments[0])
        if lacking is not None:
            return lacking
        found = derive(node.operation, self._profiles[id(node.arguments[0])])
        if found is None:
            return node
        self._profiles[id(node)] = found
        return None

    def _analyze(self, node: Node, operation: Analyzed, argument: Node) -> Operation:
        try:
            return analyze(operation, self._profiles[id(argument)])
        except FeatureError as error:
            raise FeatureError(
                f"{node.text}: {error.what}", where=node.place, expected=error.expected, mend=error.mend
            ) from error

    def _raw(self, wanted: Mapping[str, Node]) -> Mapping[str, ColumnProfile]:
        known = self._known.columns if self._known is not None else {}
        lacking = [name for name in wanted if name not in known]
        return {**known, **(profile(self._data(), columns=lacking).columns if lacking else {})}

    def _computed(self, wanted: Mapping[str, Node]) -> Mapping[str, ColumnProfile]:
        if not wanted:
            return {}
        table = self._data()
        graph = Graph.from_bytes(compile_columns(wanted, table.columns))
        types: dict[str, ColumnType] = {
            name: "string" if node.kind == "text" else "float" for name, node in wanted.items()
        }
        return profile_batches(_batches(graph, table), types).columns

    def _data(self) -> Table:
        if self._table is None:
            raise UsageError(
                "these features cannot be fitted from a profile alone",
                expected="the training data",
                mend="give the data to fit()",
            )
        return self._table


def _batches(graph: Graph, table: Table) -> Iterator[pa.RecordBatch]:
    for outputs in graph.run_table(table):
        yield pa.record_batch({name: _arrow(array.ravel()) for name, array in outputs.items()})


def _arrow(values: np.ndarray) -> pa.Array:
    if values.dtype != np.object_:
        return pa.array(values)
    texts = pa.array(values, pa.string())
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
