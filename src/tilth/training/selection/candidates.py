"""Candidates: what can be kept or left out, each with all features that are made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import DataError
from tilth.features import Expression, Features, Inputs, Transform
from tilth.features.nodes import Node, in_order
from tilth.features.operations import Column
from tilth.features.tracing import trace
from tilth.tables import open_table
from tilth.types import ColumnType

__all__ = ["Candidate", "Candidates", "FeatureBlock"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Candidate:
    """What is kept or left out as a whole.

    Args:
        name: the raw column; or the feature, if it is made of several columns.
        columns: the raw columns that it needs.
        features: the names in features.py of what is made of it.
    """

    name: str
    columns: tuple[str, ...]
    features: tuple[str, ...]


@dataclass(frozen=True)
class FeatureBlock:
    """Features of some rows, fitted on the training rows among them.

    Args:
        train: (n, f), the features of the training rows; NaN where missing.
        test: (m, f), those of the other rows.
        entries: (f,), which feature of features.py each of them belongs to.
        owners: (f,), which candidate.
    """

    train: Floats
    test: Floats
    entries: npt.NDArray[np.int64]
    owners: npt.NDArray[np.int64]

    def only(self, candidates: Sequence[int]) -> FeatureBlock:
        """The features of some candidates."""
        there = np.isin(self.owners, candidates)
        return FeatureBlock(
            self.train[:, there], self.test[:, there], self.entries[there], self.owners[there]
        )


class Candidates:
    """The candidates that a features function makes of a table.

    A raw column stands for all features that are made of it alone; a feature that is made of several
    columns, such as a cross, stands for itself.

    Args:
        features: the function.
        types: the columns of the table.
        forbidden: column -> why it may not be a feature.

    Raises:
        FeatureError: a mistake in the features.

    Example:
        >>> found = Candidates(
        ...     lambda x: {"a": x["a"], "a is missing": x["a"].is_missing(), "a b": x["a"] * x["b"]},
        ...     {"a": "float", "b": "float"},
        ... )
        >>> [(each.name, each.features) for each in found.items]
        [('a', ('a', 'a is missing')), ('a b', ('a b',))]
    """

    def __init__(
        self,
        features: Features,
        types: Mapping[str, ColumnType],
        forbidden: Mapping[str, str] | None = None,
    ) -> None:
        self._features = features
        self._types = dict(types)
        self._forbidden = dict(forbidden or {})
        nodes = trace(features, self._types, self._forbidden)
        self._names = list(nodes)
        self._columns = [_raw_columns(node) for node in nodes.values()]
        self.items = _grouped(self._names, self._columns)
        owner = {name: at for at, item in enumerate(self.items) for name in item.features}
        self._owners = np.array([owner[name] for name in self._names], np.int64)

    @property
    def columns(self) -> tuple[str, ...]:
        """The raw columns that are used, in the order of the table."""
        used = {name for columns in self._columns for name in columns}
        return tuple(name for name in self._types if name in used)

    def fit(
        self,
        table: pa.Table,
        train: npt.NDArray[np.bool_],
        labels: npt.NDArray[np.generic],
        only: Sequence[int] | None = None,
    ) -> FeatureBlock:
        """The features of rows, their constants from the training rows alone.

        A feature of a column without any value in the training rows is left out. A feature that is made of
        labels (`target_mean`) is made of those of the other training rows.

        Args:
            table: n rows.
            train: (n,), which of them are trained on.
            labels: (n,), texts for classes, or numbers.
            only: the candidates whose features are wanted; all by default.

        Raises:
            DataError: no feature is left.
            FeatureError: constants that are undefined.
        """
        rows = table.filter(pa.array(train))
        empty = {name for name in self.columns if _is_empty(rows.column(name))}
        wanted = np.ones(len(self._names), np.bool_) if only is None else np.isin(self._owners, only)
        usable = [at for at in np.flatnonzero(wanted).tolist() if not empty.intersection(self._columns[at])]
        if not usable:
            raise DataError("no column has a value in the training rows", expected="columns with values")
        needed = table.select(list(self.columns))
        transform = Transform(self._numbered(usable), forbidden=self._forbidden)
        seen = transform.fit_transform(open_table(needed.filter(pa.array(train))), labels[train])
        others = needed.filter(pa.array(~train))
        entries = np.array([int(name.partition(":")[0]) for name in transform.feature_names], np.int64)
        unseen = transform.transform(open_table(others)) if others.num_rows else seen[:0]
        return FeatureBlock(_finite(seen), _finite(unseen), entries, self._owners[entries])

    def _numbered(self, usable: Sequence[int]) -> Features:
        """The features by their numbers, so that each column of the result tells whose it is."""
        numbers = {self._names[at]: at for at in usable}

        def numbered(x: Inputs) -> dict[str, Expression]:
            given = self._features(x)
            return {f"{number}:{name}": given[name] for name, number in numbers.items()}

        return numbered


def _raw_columns(node: Node) -> tuple[str, ...]:
    found = (each.operation for each in in_order([node]))
    return tuple(dict.fromkeys(operation.name for operation in found if isinstance(operation, Column)))


def _grouped(names: Sequence[str], columns: Sequence[tuple[str, ...]]) -> tuple[Candidate, ...]:
    """Features of one column under the column's name, the others under their own."""
    raw = {name for each in columns for name in each}
    grouped: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for name, used in zip(names, columns, strict=True):
        own = f"{name} (feature)" if name in raw else name
        title = used[0] if len(used) == 1 else own
        grouped.setdefault((title, used), []).append(name)
    return tuple(Candidate(title, used, tuple(made)) for (title, used), made in grouped.items())


def _is_empty(column: pa.ChunkedArray) -> bool:
    missing = pc.is_null(column, nan_is_null=pa.types.is_floating(column.type))
    return bool(pc.all(missing, skip_nulls=False).as_py()) if len(column) else True


def _finite(features: npt.NDArray[np.float32]) -> Floats:
    """In double precision, NaN where infinite."""
    wide = features.astype(np.float64)
    wide[~np.isfinite(wide)] = np.nan
    return wide
