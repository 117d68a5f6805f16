"""The features of many rows, in memory or, where they are too large for it, in a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tilth.inference import Graph
from tilth.tables import Table
from tilth.training.order import hash_features
from tilth.training.rows import Labels, Rows
from tilth.training.stored import MOST_BYTES, stored

__all__ = ["feature_rows"]


def feature_rows(graph: Graph, table: Table, labels: Labels, folder: Path) -> Rows:
    """A table's rows as a transform makes them.

    Args:
        graph: the transform, whose output is `features`.
        table: n rows.
        labels: theirs.
        folder: where there is room for features that are too large for memory.

    Raises:
        OSError: there is no room.
    """
    hashes: list[npt.NDArray[np.uint64]] = []

    def pieces() -> Iterator[npt.NDArray[np.float32]]:
        for result in graph.run_table(table):
            hashes.append(hash_features(result["features"]))
            yield result["features"]

    width = len(json.loads(graph.metadata["tilth.feature_names"]))
    if table.rows * width * 4 > MOST_BYTES:
        folder.mkdir(parents=True, exist_ok=True)
        X = stored(pieces(), width, folder)
    else:
        X = np.concatenate([np.empty((0, width), np.float32), *pieces()])
    return Rows(X, labels, hashes=np.concatenate([np.empty(0, np.uint64), *hashes]), folder=folder)
