"""Parity: whether the graph of a transformer does what scikit-learn does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import FeatureError
from tilth.types import ColumnType

__all__ = ["demand_equal", "probes", "table_of_numbers"]

_TOLERANCE = 1e-5
_ROWS_A_PROBE = 20
_UNSEEN = "never seen before"


def demand_equal(got: np.ndarray, wanted: np.ndarray, names: Sequence[str], what: str) -> None:
    """Demand that a graph gives what scikit-learn gives, to single precision.

    Args:
        got: (n, features) of the graph.
        wanted: (n, features) of scikit-learn.
        names: the features.
        what: which rows these are, for the message.

    Raises:
        FeatureError: it does not.
    """
    mend = "write this feature as an expression in features(x)"
    if got.shape != wanted.shape:
        raise FeatureError(
            f"the graph of the transformer gives features of shape {got.shape}, scikit-learn {wanted.shape}",
            mend=mend,
        )
    differs = ~_are_close(got, wanted)
    if differs.any():
        row, place = (int(each) for each in np.argwhere(differs)[0])
        raise FeatureError(
            f"the graph of the transformer would give {got[row, place]:.6g} for '{names[place]}' {what}, "
            f"where scikit-learn gives {wanted[row, place]:.6g}",
            expected=f"the same to {_TOLERANCE:.0e}",
            mend=mend,
        )


def table_of_numbers(made: object) -> np.ndarray:
    """What a transformer gave as numbers, (n, features).

    Raises:
        FeatureError: it gave something else.
    """
    try:
        found = np.asarray(made, np.float64)
    except (TypeError, ValueError):
        found = np.empty(0)
    if found.ndim != 2:
        raise FeatureError(
            "the transformer does not give a table of numbers",
            mend="encode texts, such as with OneHotEncoder",
        )
    return found


def probes(rows: pa.Table, types: Mapping[str, ColumnType]) -> Iterator[tuple[str, pa.Table]]:
    """Training rows, then a few of them with a missing or an unseen value in each column."""
    yield "in a training row", rows
    few = rows.slice(0, _ROWS_A_PROBE)
    for place, (name, kind) in enumerate(types.items()):
        field = rows.schema.field(place)
        cells: list[tuple[str, object]] = [("is missing", None)]
        if kind == "string":
            cells.append(("holds an unseen text", _UNSEEN))
        elif kind in ("int", "float"):
            greatest = pc.max(pc.drop_null(rows.column(place))).as_py()
            cells.append(("holds an unseen number", 1 if greatest is None else _beyond(greatest, kind)))
        for what, cell in cells:
            column = pa.array([cell] * few.num_rows, field.type)
            yield f"where '{name}' {what}", few.set_column(place, field, column)


def _beyond(greatest: float, kind: ColumnType) -> float:
    """A number that is not among the values, yet of their size."""
    if kind == "int":
        return int(min(abs(greatest) * 2 + 1, 2**53))
    return abs(greatest) * 2 + 1 if np.isfinite(greatest) else 1.5


def _are_close(got: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", over="ignore"):
        single = wanted.astype(np.float32).astype(np.float64)
        near = np.abs(got - single) <= _TOLERANCE * np.maximum(1.0, np.abs(single))
    same: np.ndarray = near | (got == single) | (np.isnan(got) & np.isnan(single))
    return same
