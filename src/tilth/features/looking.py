"""One pass over the training data that makes every profile and analysis that fitting needs to go on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial, reduce
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tilth.features.analyses import ANALYSES, Analysis
from tilth.features.compiler import compile_columns
from tilth.features.nodes import Node
from tilth.features.operations import Analyzed, Column
from tilth.inference import Graph
from tilth.profiles import ColumnProfile, Profile, profile, profile_batches
from tilth.tables import Table, large_parts
from tilth.types import ColumnType

if TYPE_CHECKING:
    from tilth.engines import Engine

__all__ = ["Labels", "Look", "Seen", "look"]

_PARTS_A_WORKER = 4
_ROWS = 65_536
_COMPUTED = "tilth:computed "


@dataclass(frozen=True)
class Labels:
    """What is predicted, row by row.

    Args:
        values: float64, shape (n, 1) of numbers or (n, classes) of 0 and 1.
        folds: which of some groups a row is in, int64, shape (n,).
        classes: the names of the classes, if there is a column for each.
    """

    values: np.ndarray
    folds: np.ndarray
    classes: tuple[str, ...] = ()

    def slice(self, start: int, stop: int) -> Labels:
        """Those of some rows."""
        return Labels(self.values[start:stop], self.folds[start:stop], self.classes)


@dataclass(frozen=True)
class Look:
    """What is to be seen.

    Args:
        profiles: fitted nodes whose profiles are wanted; a name for each.
        analyses: operations with their fitted arguments; a name for each.
    """

    profiles: Mapping[str, Node]
    analyses: Mapping[str, tuple[Analyzed, tuple[Node, ...]]]

    @property
    def needs_graph(self) -> bool:
        """Whether anything is to be computed, not only read."""
        computed = any(not isinstance(node.operation, Column) for node in self.profiles.values())
        return computed or bool(self.analyses)


@dataclass
class Seen:
    """What was seen."""

    profiles: dict[str, ColumnProfile] = field(default_factory=dict)
    analyses: dict[str, Analysis] = field(default_factory=dict)

    def merged(self, other: Seen) -> Seen:
        """Both together."""
        for name, analysis in self.analyses.items():
            analysis.merge(other.analyses[name])
        profiles = {name: found + other.profiles[name] for name, found in self.profiles.items()}
        return Seen(profiles, self.analyses)


def look(wanted: Look, table: Table, labels: Labels | None = None, engine: Engine | None = None) -> Seen:
    """See what is wanted in one pass over a table.

    Args:
        wanted: the profiles and analyses.
        table: the rows.
        labels: what is predicted, for analyses that need it.
        engine: where to work; default: in this process.
    """
    if engine is None or engine.name == "local":
        return _look(wanted, (table, labels))
    parts = large_parts(table, _PARTS_A_WORKER * engine.workers)
    items: list[tuple[Table, Labels | None]] = []
    start = 0
    for part in parts:
        items.append((part, labels and labels.slice(start, start + part.rows)))
        start += part.rows if labels else 0
    return reduce(Seen.merged, engine.map(partial(_look, wanted), items))


def _look(wanted: Look, item: tuple[Table, Labels | None]) -> Seen:
    table, labels = item
    if not wanted.needs_graph:
        names = [
            node.operation.name for node in wanted.profiles.values() if isinstance(node.operation, Column)
        ]
        columns = profile(table, columns=names).columns
        return Seen({key: columns[name] for key, name in zip(wanted.profiles, names, strict=True)})
    return _Pass(wanted, table, labels).run()


class _Pass:
    def __init__(self, wanted: Look, table: Table, labels: Labels | None) -> None:
        self._labels = labels
        self._raw = {
            key: node.operation.name
            for key, node in wanted.profiles.items()
            if isinstance(node.operation, Column)
        }
        computed = {key: node for key, node in wanted.profiles.items() if key not in self._raw}
        self._types: dict[str, ColumnType] = {name: table.columns[name] for name in self._raw.values()}
        self._types |= {_COMPUTED + key: _type_of(node) for key, node in computed.items()}
        self._computed = {key: node.kind for key, node in computed.items()}
        self._arguments = {name: nodes for name, (_, nodes) in wanted.analyses.items()}
        self._found: dict[str, Analysis] = {
            name: ANALYSES[operation.analysis](operation) for name, (operation, _) in wanted.analyses.items()
        }
        outputs = {_COMPUTED + key: node for key, node in computed.items()}
        for nodes in self._arguments.values():
            outputs |= {_output(node): node for node in nodes}
        self._graph = Graph.from_bytes(compile_columns(outputs, table.columns))
        self._table = table.select(list(dict.fromkeys([*self._raw.values(), *self._graph.inputs])))

    def run(self) -> Seen:
        """Everything, in one pass."""
        made: Profile | None = None
        if self._types:
            made = profile_batches(self._batches(), self._types)
        else:
            for _ in self._batches():
                pass
        columns = made.columns if made is not None else {}
        found = {key: columns[name] for key, name in self._raw.items()}
        found |= {key: columns[_COMPUTED + key] for key in self._computed}
        return Seen(found, self._found)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        """What is to be profiled; the analyses are made on the way."""
        start = 0
        for batch in self._table.coded_batches(_ROWS):
            for rows, outputs in self._graph.run_groups(batch):
                self._analyze(outputs, rows + start)
                if self._types:
                    yield self._profiled(batch, rows, outputs)
            start += batch.num_rows

    def _profiled(
        self, batch: pa.RecordBatch, rows: np.ndarray, outputs: Mapping[str, np.ndarray]
    ) -> pa.RecordBatch:
        raw = batch.select(list(self._raw.values()))
        taken = raw.slice(rows[0], len(rows)) if _is_range(rows) else raw.take(pa.array(rows))
        columns = dict(zip(taken.schema.names, taken.columns, strict=True))
        for key, kind in self._computed.items():
            columns[_COMPUTED + key] = _arrow(outputs[_COMPUTED + key], kind)
        return pa.record_batch(columns)

    def _analyze(self, outputs: Mapping[str, np.ndarray], rows: np.ndarray) -> None:
        for name, nodes in self._arguments.items():
            arguments = [_argument(node, outputs[_output(node)]) for node in nodes]
            analysis = self._found[name]
            if getattr(analysis, "needs_label", False):
                assert self._labels is not None
                arguments += [self._labels.values[rows], self._labels.folds[rows]]
            analysis.update(*arguments)


def _output(node: Node) -> str:
    return f"tilth:argument {id(node)}"


def _type_of(node: Node) -> ColumnType:
    kinds: dict[str, ColumnType] = {"text": "string", "texts": "list[string]", "numbers": "list[float]"}
    return kinds.get(node.kind, "float")


def _argument(node: Node, values: np.ndarray) -> np.ndarray:
    return values if node.kind == "vector" or values.ndim != 2 or values.shape[1] != 1 else values.ravel()


def _is_range(rows: np.ndarray) -> bool:
    return len(rows) == rows[-1] - rows[0] + 1 and bool((np.diff(rows) == 1).all())


def _arrow(values: np.ndarray, kind: str) -> pa.Array:
    """A graph's output as an Arrow array, missing values as nulls; lists without their padding."""
    if kind not in ("texts", "numbers"):
        return _flat(values.ravel())
    there = values != "" if values.dtype == np.object_ else ~np.isnan(values)
    offsets = np.concatenate([[0], np.cumsum(there.sum(axis=1))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), _flat(values[there]))


def _flat(values: np.ndarray) -> pa.Array:
    if values.dtype != np.object_:
        return pa.array(values)
    texts = pa.array(values, pa.string())
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
