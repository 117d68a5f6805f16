"""Cutting: a model is cut for work in bulk when that pays, and not before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from threading import Lock

import numpy as np
import pyarrow as pa

from tilth.inference.bulk import Bulk, NotByRowsError, Take
from tilth.inference.session import open_session

__all__ = ["Cutting"]

_REST_ROWS = 2_048
"""Rows that the rest of a model is run on at once: once texts are done with, few are quicker."""


class Cutting:
    """The parts of a model, made once so many texts are expected that loading the model again pays.

    Args:
        model: the ONNX file's bytes.
        takes: its inputs.
        rows_at_once: rows that it is run on at once as a whole, and at most those of its parts.
    """

    def __init__(self, model: bytes, takes: Sequence[Take], rows_at_once: int) -> None:
        self._model = model
        self._takes = takes
        self._rows_at_once = rows_at_once
        self._texts = sum(dtype.kind == "O" for _, _, dtype in takes)
        self._met = 0
        self._is_open = self._texts > 0
        self._bulk: Bulk | None = None
        self._lock = Lock()

    def expect(self, rows: int) -> None:
        """Say that so many rows are coming, or have come."""
        with self._lock:
            self._met += rows * self._texts
            if self._is_open and self._met > len(self._model):  # loading takes some nanoseconds a byte
                self._is_open = False
                rows_at_once = min(self._rows_at_once, _REST_ROWS)
                self._bulk = Bulk.of(self._model, self._takes, partial(open_session, threads=1), rows_at_once)

    def run(self, columns: Mapping[str, pa.Array], rows: int) -> list[dict[str, np.ndarray]] | None:
        """The model's outputs, `rows_at_once` rows at a time; None where it is to be run as a whole.

        Args:
            columns: all columns that the model takes, each of `rows` values.
            rows: how many there are.

        Raises:
            GraphError: values of the wrong type.
        """
        if rows <= self._rows_at_once:
            return None
        self.expect(rows)
        bulk = self._bulk
        try:
            return None if bulk is None else list(bulk.run(columns, rows))
        except NotByRowsError:
            self._bulk = None
            return None
