"""Why a served model says what it says of a row: what `tilth explain` tells, bounded as a request must be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.evaluation.explanation import (
    ExplainedModel,
    attribute,
    hashes_of,
    rows_explained,
    some_rows,
    table_hashes,
    taken,
)
from tilth.inference import Graph, read_trees
from tilth.metrics import LabelEncoding
from tilth.schemas import Column
from tilth.serving.layout import Values
from tilth.tables import open_table
from tilth.tables.arrow_types import ARROW_TYPES, MEDIA_TYPES
from tilth.types import JSONObject

__all__ = ["Explainer", "column_of", "training_sample"]

_BACKGROUND_ROWS = 100
_MOST_ROWS = 100
_ANSWERS = 20_000
_MOST_ANSWERS = 100_000
_MOST_LEAVES = 3_000_000
_LEAST_ORDERS = 4
_MEDIA_COST = 50
"""How many rows of numbers an image or a recording costs, about."""

_LEFT_OUT = frozenset({"row", "id", "said"})


@dataclass(frozen=True)
class _Said:
    predictions: npt.NDArray[np.int64] | npt.NDArray[np.float64]
    scores: npt.NDArray[np.floating] | None


class Explainer:
    """Explains single answers of one model: exactly where it is trees, else by drawing; see `attribute`.

    Args:
        graph: the model.
        encoding: its task and classes.
        background: training rows that answers are held against, 1 at least.
    """

    def __init__(self, graph: Graph, encoding: LabelEncoding, background: pa.Table) -> None:
        self._graph = graph
        self._encoding = encoding
        self._background = background.select(list(graph.inputs))
        self._cost = _MEDIA_COST if set(MEDIA_TYPES) & set(graph.inputs.values()) else 1
        trees = read_trees(graph)
        self._model = ExplainedModel(self._ask, encoding, tuple(graph.inputs), trees)
        least = 2 * _LEAST_ORDERS * max(1, len(graph.inputs) - 1) * self._cost
        most = min(_MOST_ROWS, _MOST_ANSWERS // least)
        if trees is not None:
            most = min(most, _MOST_LEAVES // max(1, trees.ensemble.leaves))
        self.most_rows = max(1, most)

    def explain(
        self, values: Sequence[Values], names: Sequence[str], columns: Sequence[Column]
    ) -> list[JSONObject]:
        """The explanation of each of n rows.

        Args:
            values: the rows as the graph takes them; `most_rows` at most.
            names: what the values of a row are.
            columns: the schema's columns.

        Returns:
            What is `explained`, `base` and `value` of it, and the `contributions` of raw columns, greatest
            first, which add up to value - base; `low` and `high` around those that were drawn.
        """
        kinds = {column.name: column for column in columns}
        places = {name: place for place, name in enumerate(names)}
        made = {
            name: column_of([row[places[name]] for row in values], kinds[name]) for name in self._graph.inputs
        }
        pool = pa.concat_tables([pa.table(made), self._background], promote_options="permissive")
        rows, background = pool.slice(0, len(values)), pool.slice(len(values))
        found = attribute(self._model, rows, background, answers=_ANSWERS // self._cost)
        numbers = [(at + 1, f"r{int(own):016x}") for at, own in enumerate(hashes_of(rows))]
        told = rows_explained(found, rows, self._model.ask(rows), self._encoding, numbers)
        about: JSONObject = {
            "method": found.method,
            "background": found.background,
            "notes": list(found.notes),
        }
        return [
            {name: part for name, part in each.to_json().items() if name not in _LEFT_OUT} | about
            for each in told
        ]

    def _ask(self, rows: pa.Table) -> _Said:
        """What the model says of rows, as codes."""
        outputs = self._graph.run_batch(rows.combine_chunks())
        if self._encoding.is_number:
            return _Said(np.asarray(outputs["prediction"], np.float64).ravel(), None)
        if self._encoding.task == "multilabel":
            return _Said(np.asarray(outputs["label"], np.int64), outputs["probabilities"])
        codes = {label: code for code, label in enumerate(self._encoding.classes)}
        labels = outputs["label"].ravel().tolist()
        return _Said(np.array([codes[label] for label in labels], np.int64), outputs["probabilities"])


def training_sample(dataset: Path, split: Path) -> pa.Table:
    """Rows of the part that a model learned from, the same that `tilth explain` holds answers against.

    Args:
        dataset: the file of its data set.
        split: the file with the part of each row.
    """
    parts = open_table(split).to_arrow().column("part").to_numpy()
    table = open_table(dataset).filter(np.asarray(parts == "train", np.bool_))
    return taken(table, some_rows(table_hashes(table), _BACKGROUND_ROWS, 0))


def column_of(values: Sequence[Any], column: Column) -> pa.Array:
    """Values for a graph as a column of a table; empty texts and nothing are missing."""
    back = _BACK.get(column.item_type or "", _itself)
    if column.is_list:
        lists = [None if items is None else [_back(item, back) for item in items] for items in values]
        return pa.array(lists, ARROW_TYPES[column.type])
    return pa.array([_back(value, back) for value in values], ARROW_TYPES[column.type])


def _back(value: Any, back: Callable[[Any], Any]) -> Any:
    return None if value is None or value == "" else back(value)


def _itself(value: Any) -> Any:
    return value


def _microseconds(seconds: float) -> int:
    return round(seconds * 1_000_000)


_BACK: dict[str, Callable[[Any], Any]] = {"datetime": _microseconds, "bool": bool}
