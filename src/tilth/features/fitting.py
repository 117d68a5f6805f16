"""Fitting: every analyzed operation of some expressions replaced by the row-wise one with its constants.

Constants come from profiles and other mergeable analyses. Where an analyzed operation is applied to something
computed, that is computed by running the part of the graph which is known by then, through the same runtime
that serves it later. There is one pass over the data for each level of analyses that wait for each other.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tilth.errors import FeatureError, UsageError
from tilth.features.analyses import Analysis
from tilth.features.analyzers import analyze
from tilth.features.derived_profiles import derive, without_empty_texts
from tilth.features.looking import Labels, Look, look
from tilth.features.nodes import Node, in_order
from tilth.features.operations import (
    Analyzed,
    AsText,
    Column,
    FillWith,
    FoldedConstants,
    Operation,
    RowWise,
    TargetMean,
)
from tilth.profiles import ColumnProfile, Profile

if TYPE_CHECKING:
    from tilth.engines import Engine
    from tilth.tables import Table

__all__ = ["fit_nodes"]

_LARGEST_WHOLE = 1 << 53
_DIGITS = len(str(_LARGEST_WHOLE))


def fit_nodes(
    nodes: Sequence[Node],
    table: Table | None,
    known: Profile | None = None,
    labels: Labels | None = None,
    engine: Engine | None = None,
) -> list[Node]:
    """Row-wise expressions that do what `nodes` say, with constants from a table.

    Args:
        nodes: expressions.
        table: the training data; may be None where `known` says enough.
        known: the profile of the raw columns, if there is one already.
        labels: what is predicted, for operations that need it.
        engine: where the passes over the data are made; default: in this process.

    Raises:
        FeatureError: constants that are undefined.
        UsageError: data are needed and there are none.
    """
    fitting = _Fitting(table, known, labels, engine)
    order = in_order(nodes)
    while fitting.advance(order):
        fitting.look()
    return [fitting.fitted(node) for node in nodes]


_Asked = tuple[Analyzed, tuple[int, ...]]
"""An operation on fitted arguments, by their identity."""


class _Fitting:
    def __init__(
        self, table: Table | None, known: Profile | None, labels: Labels | None, engine: Engine | None
    ) -> None:
        self._table = table
        self._known = known.columns if known is not None else {}
        self._labels = labels
        self._engine = engine
        self._fitted: dict[int, Node] = {}
        self._interned: dict[tuple[Operation, tuple[int, ...]], Node] = {}
        self._profiles: dict[int, ColumnProfile] = {}
        self._analyses: dict[_Asked, Analysis] = {}
        self._wanted_profiles: dict[int, Node] = {}
        self._wanted_analyses: dict[_Asked, tuple[Analyzed, tuple[Node, ...]]] = {}

    def fitted(self, node: Node) -> Node:
        """What has become of a node."""
        return self._fitted[id(node)]

    def advance(self, order: Sequence[Node]) -> bool:
        """Fit all that can be fitted; says whether something must be looked at to go on."""
        for node in order:
            is_ready = all(id(argument) in self._fitted for argument in node.arguments)
            if id(node) in self._fitted or not is_ready:
                continue
            arguments = tuple(self.fitted(argument) for argument in node.arguments)
            operation = node.operation
            if isinstance(operation, TargetMean):
                operation = dataclasses.replace(operation, classes=self._classes(node))
            if isinstance(operation, Analyzed):
                seen = self._seen(operation, arguments)
                if seen is None:
                    continue
                operation = _analyzed(node, operation, seen)
                arguments = operation.needs(arguments)
            self._fitted[id(node)] = self._intern(node, operation, arguments)
        return bool(self._wanted_profiles or self._wanted_analyses)

    def look(self) -> None:
        """See what is wanted: known profiles first, all the rest in one pass."""
        for key, node in list(self._wanted_profiles.items()):
            if isinstance(node.operation, Column) and node.operation.name in self._known:
                self._profiles[key] = without_empty_texts(self._known[node.operation.name])
                del self._wanted_profiles[key]
        profiles = {str(position): node for position, node in enumerate(self._wanted_profiles.values())}
        analyses = {str(position): asked for position, asked in enumerate(self._wanted_analyses.values())}
        if profiles or analyses:
            seen = look(Look(profiles, analyses), self._data(), self._labels, self._engine)
            for name, node in profiles.items():
                self._profiles[id(node)] = without_empty_texts(seen.profiles[name])
            for name, asked in zip(analyses, self._wanted_analyses, strict=True):
                self._analyses[asked] = seen.analyses[name]
        self._wanted_profiles, self._wanted_analyses = {}, {}

    def _intern(self, node: Node, operation: Operation, arguments: tuple[Node, ...]) -> Node:
        """The same node for the same operation on the same arguments, however often it was written."""
        key = (operation, tuple(id(argument) for argument in arguments))
        if key not in self._interned:
            self._interned[key] = dataclasses.replace(node, operation=operation, arguments=arguments)
        return self._interned[key]

    def _seen(self, operation: Analyzed, arguments: tuple[Node, ...]) -> ColumnProfile | Analysis | None:
        """What an operation must know of its arguments; None where that must be looked at first."""
        if operation.analysis != "profile":
            asked = (operation, tuple(id(argument) for argument in arguments))
            if asked not in self._analyses:
                self._wanted_analyses[asked] = (operation, arguments)
            return self._analyses.get(asked)
        lacking = self._lacking(arguments[0])
        if lacking is None:
            return self._profiles[id(arguments[0])]
        self._wanted_profiles[id(lacking)] = lacking
        return None

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

    def _classes(self, node: Node) -> tuple[str, ...]:
        if self._labels is None:
            raise FeatureError(
                f"{node.text} needs the label",
                where=node.place,
                expected="fit(data, label), with a value for each row or the name of a column",
                mend="leave it out where nothing is to be learned of labels, as in `tilth embed`",
            )
        return self._labels.classes

    def _data(self) -> Table:
        if self._table is None:
            raise UsageError(
                "these features cannot be fitted from a profile alone",
                expected="the training data",
                mend="give the data to fit()",
            )
        return self._table


def _analyzed(node: Node, operation: Analyzed, seen: ColumnProfile | Analysis) -> RowWise:
    try:
        found = analyze(operation, seen)
        if any(argument.operation == AsText(flag=False) for argument in node.arguments):
            _check_whole(found)
    except FeatureError as error:
        raise FeatureError(
            f"{node.text}: {error.what}", where=node.place, expected=error.expected, mend=error.mend
        ) from error
    return found


def _check_whole(operation: RowWise) -> None:
    """Refuse whole numbers as categories that a double, which they are in a graph, takes for their neighbors.

    Raises:
        FeatureError: there is such a number.
    """
    keyed = operation.everywhere if isinstance(operation, FoldedConstants) else operation
    known: tuple[str, ...] = getattr(keyed, "keys", ()) or getattr(keyed, "values", ())
    large = next((key for key in known if len(key) >= _DIGITS and abs(int(key)) >= _LARGEST_WHOLE), None)
    if large is not None:
        raise FeatureError(
            f"the whole number {large} cannot be told from its neighbors",
            expected="categories between -2^53 and 2^53",
            mend="let the column be text",
        )
