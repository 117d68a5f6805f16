"""Labels for features that learn from them, and folds, so that no training row sees its own label.

A row's fold depends on what stands in the columns that the features use, on nothing else: neither on its
place nor on its label. Rows that are equal in these columns are told apart by a number only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from tilth.errors import DataError, UsageError
from tilth.features.looking import Labels
from tilth.features.nodes import Node, in_order
from tilth.features.operations import Column, FoldedConstants, OutOfFold, TargetMean
from tilth.features.target_sums import FOLDS
from tilth.inference import Graph
from tilth.metrics import LabelEncoding
from tilth.tables import Table, number_copies, row_hashes

__all__ = [
    "FOLD_COLUMN",
    "FOLD_COLUMNS_KEY",
    "deal_folds",
    "fold_metadata",
    "label_column",
    "labels_of",
    "learns_from_labels",
    "training_nodes",
    "with_folds",
]

FOLD_COLUMN = "tilth.fold"
"""The input of a training graph that says in which fold a row is; where it is missing: in none."""

FOLD_COLUMNS_KEY = "tilth.fold_columns"
"""Metadata of a training graph: JSON, the columns by which rows are dealt into folds."""


def labels_of(
    table: Table, label: object, columns: Sequence[str], encoding: LabelEncoding | None = None
) -> Labels:
    """The labels of a table's rows, as features learn from them.

    Args:
        table: n rows.
        label: n values, or the name of a column.
        columns: the columns by which rows are dealt into folds.
        encoding: what the labels mean; default: it is found out.

    Returns:
        Numbers as they are; of two classes 1 for the positive one; of several classes or labels a column for
        each.

    Raises:
        DataError: a label is missing, or there are more or fewer than rows.
        UsageError: labels that the encoding does not fit.
    """
    values = label_column(table, label)
    if len(values) != table.rows:
        raise DataError(f"{len(values)} labels for {table.rows} rows", expected="one label for each row")
    known = encoding or LabelEncoding.from_column(values)
    codes = known.encode(values)
    folds = deal_folds(table, columns, codes)
    if known.task == "multilabel":
        return Labels(codes.astype(np.float64), folds, known.names)
    if known.task != "multiclass":
        return Labels(codes.astype(np.float64)[:, None], folds)
    return Labels(np.eye(len(known.classes))[codes.astype(np.int64)], folds, known.names)


def label_column(table: Table, label: object) -> pa.Array:
    """The labels that are given, or the column of that name.

    Raises:
        ColumnNotFoundError: no such column.
        UsageError: not one label a row.
    """
    if isinstance(label, str):
        found = table.select([label]).to_arrow().column(0)
    elif isinstance(label, pa.Array | pa.ChunkedArray):
        found = label
    else:
        array = np.asarray(label)
        if array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        if array.ndim != 1:
            raise UsageError(f"labels of shape {array.shape}", expected="(n,): one for each row")
        found = pa.array(array)
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def deal_folds(table: Table, columns: Sequence[str], label: np.ndarray) -> np.ndarray:
    """The fold of each row, 0 to 4; equally many rows in each.

    Args:
        table: n rows.
        columns: those that tell rows apart.
        label: numbers, (n,) or (n, k); it only gives equal rows an order, in which numbers are dealt out.

    Returns:
        int64, (n,).

    Example:
        >>> from tilth.tables import open_table
        >>> table = open_table({"city": ["a", "a", "b", "b", "c"]})
        >>> sorted(deal_folds(table, ["city"], np.zeros(5)).tolist())
        [0, 1, 2, 3, 4]
    """
    parts = [row_hashes(batch, columns=columns) for batch in table.select(list(columns)).batches()]
    hashes = np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint64)
    order = np.lexsort((*np.atleast_2d(label.T)[::-1], hashes))
    order = order[np.argsort(number_copies(hashes[order]), kind="stable")]
    folds = np.empty(len(hashes), dtype=np.int64)
    folds[order] = np.arange(len(hashes)) % FOLDS
    return folds


def fold_metadata(columns: Iterable[str]) -> dict[str, str]:
    """What a training graph says of how its rows are dealt."""
    return {FOLD_COLUMNS_KEY: json.dumps(list(columns))}


def with_folds(table: Table, graph: Graph, label: np.ndarray) -> Table:
    """Training rows as a training graph takes them: with the fold of each, if it asks for that.

    Args:
        table: the rows that the graph was fitted on, in any order.
        graph: a training graph, or any other.
        label: the encoded label, (n,), or (n, classes) of several labels.

    Returns:
        The table, with a column `tilth.fold` if the graph has such an input.
    """
    if FOLD_COLUMN not in graph.inputs:
        return table
    columns = json.loads(graph.metadata[FOLD_COLUMNS_KEY])
    return table.with_column(FOLD_COLUMN, deal_folds(table, columns, label))


def learns_from_labels(nodes: Iterable[Node]) -> bool:
    """Whether some of the nodes, not fitted yet, are made of labels."""
    return any(isinstance(node.operation, TargetMean) for node in in_order(nodes))


def training_nodes(nodes: Iterable[Node]) -> list[Node]:
    """Fitted nodes with what a row's own label is part of replaced by what the other folds say."""
    wanted = list(nodes)
    fold = Node(Column(FOLD_COLUMN, "int"), (), "integer", FOLD_COLUMN)
    made: dict[int, Node] = {}
    for node in in_order(wanted):
        arguments = tuple(made[id(argument)] for argument in node.arguments)
        operation = node.operation
        if isinstance(operation, FoldedConstants):
            operation, arguments = OutOfFold(operation), (*arguments, fold)
        made[id(node)] = Node(operation, arguments, node.kind, node.text, node.place)
    return [made[id(node)] for node in wanted]
