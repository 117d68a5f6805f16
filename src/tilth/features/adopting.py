"""Adopting: a transformer of scikit-learn's as the graph that computes the features."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa

from tilth.errors import FeatureError, GraphError, closest
from tilth.features.adoption import (
    demand_equal,
    missing_mark,
    named_columns,
    probes,
    refusal,
    single_columns,
    sklearn_graph,
    steps_of,
    table_of_numbers,
    to_frame,
    used_columns,
    with_columns,
)
from tilth.features.inputs import Inputs
from tilth.inference import Graph
from tilth.tables import Table
from tilth.types import SCALAR_TYPES, ColumnType

__all__ = ["Adopted", "Transformer", "adopt"]

_ROWS = 10_000


@runtime_checkable
class Transformer(Protocol):
    """A transformer of scikit-learn's, or one with its methods."""

    def fit(self, X: Any, y: Any = None) -> Any:
        """Learn from rows."""

    def transform(self, X: Any) -> Any:
        """The features of rows."""


@dataclass(frozen=True, eq=False)
class Adopted:
    """What `adopt` made.

    Args:
        model: the graph's bytes.
        names: the features' names, in the order of its columns.
    """

    model: bytes
    names: tuple[str, ...]


def adopt(
    transformer: Transformer,
    table: Table,
    forbidden: Mapping[str, str] | None = None,
    *,
    label: object = None,
    where: str | None = None,
) -> Adopted:
    """The graph of a transformer of scikit-learn's, which does on every row what scikit-learn does.

    One that is not fitted yet is copied and fitted on the table, which is then in memory as a whole. It sees
    numbers, flags and datetimes as doubles (0 and 1; seconds since 1970), missing ones as NaN; and missing
    texts as NaN, or as None or "" where its steps name that. The graph is compared with it, on training rows
    and on rows with missing and unseen values, before it is given out.

    Args:
        transformer: a ColumnTransformer, Pipeline or single transformer; fitted, by column names, or not.
        table: the training data.
        forbidden: column -> why it may not be a feature.
        label: for transformers that learn from it; (n,).
        where: the file that defines the transformer, for messages.

    Raises:
        FeatureError: a column that may not be used or is not there, a step that has no ONNX form, or a graph
            that would answer otherwise than scikit-learn does.

    Example:
        >>> from sklearn.compose import make_column_transformer
        >>> from sklearn.preprocessing import StandardScaler
        >>> from tilth.tables import open_table
        >>> scaler = make_column_transformer((StandardScaler(), ["x"]), verbose_feature_names_out=False)
        >>> adopted = adopt(scaler, open_table({"x": [1.0, 2.0, 3.0], "y": [0, 0, 1]}))
        >>> adopted.names, Graph.from_bytes(adopted.model).run({"x": np.array([2.0])})
        (('x',), {'features': array([[0.]], dtype=float32)})
    """
    try:
        return _Adoption(transformer, table, forbidden).adopted(label)
    except FeatureError as error:
        raise FeatureError(error.what, where=where, expected=error.expected, mend=error.mend) from error


class _Adoption:
    def __init__(self, transformer: Any, table: Table, forbidden: Mapping[str, str] | None) -> None:
        self._given, self._table = transformer, table
        self._inputs = Inputs(table.columns, forbidden)
        single = dict.fromkeys(single_columns(transformer), "")
        mark = missing_mark(transformer)
        self._marks: dict[str, object] = {name: single.get(name, mark) for name in table.columns}

    def adopted(self, label: object) -> Adopted:
        for path, step in steps_of(self._given):
            refused = refusal(step)
            if refused is not None:
                named = f"the step '{path}': " if path else ""
                raise FeatureError(named + refused.what, expected=refused.expected, mend=refused.mend)
        fitted = self._given if _is_fitted(self._given) else self._fitted(label)
        known = _known(fitted)
        types = self._types(used_columns(fitted, known))
        names = _names_out(fitted, self._made(fitted, self._sample(types), types).shape[1])
        failures: list[FeatureError] = []
        for double in (True, False):
            try:
                model = _converted(fitted, known, types, names, double=double)
                self._compare(Graph.from_bytes(model), fitted, types, names)
            except GraphError as error:  # the runtime has no operator for double precision
                failures.append(
                    FeatureError(
                        f"the transformer makes no graph that runs: {error.what}",
                        mend="write these features as expressions in features(x)",
                    )
                )
            except FeatureError as error:
                failures.append(error)
            else:
                return Adopted(model, tuple(names))
        raise failures[-1]

    def _fitted(self, label: object) -> Any:
        """A copy of the transformer that has learned from the table."""
        from sklearn.base import clone

        named = named_columns(self._given)
        usable = {name: self._table.columns[name] for name in self._inputs}
        usable = {name: kind for name, kind in usable.items() if kind in SCALAR_TYPES}
        types = usable if named is None else self._types(named)
        if not types:
            raise FeatureError("the transformer takes no column", expected="at least one")
        made = with_columns(clone(self._given), types)
        frame = to_frame(self._table.select(list(types)).to_arrow(), types, self._marks)
        try:
            return made.fit(frame) if label is None else made.fit(frame, label)
        except Exception as error:  # a person's own steps may raise anything
            raise FeatureError(
                f"the transformer cannot be fitted: {type(error).__name__}: {_first_line(error)}",
                mend="missing numbers reach it as NaN and texts as texts: impute and encode them first",
            ) from error

    def _types(self, names: Sequence[str]) -> dict[str, ColumnType]:
        """The types of columns that may be features.

        Raises:
            FeatureError: one may not, or is not there.
        """
        types: dict[str, ColumnType] = {}
        for name in names:
            if name not in self._table.columns:
                near = closest(name, self._inputs)
                raise FeatureError(
                    f"the transformer takes a column '{name}', which is not there",
                    expected="one of " + ", ".join(self._inputs),
                    mend=f"did you mean '{near}'?" if near else None,
                )
            self._inputs[name]
            types[name] = self._table.columns[name]
            if types[name] not in SCALAR_TYPES:
                raise FeatureError(
                    f"the column '{name}' is {types[name]}, and scikit-learn takes one value a row",
                    mend="write its features as expressions in features(x)",
                )
        return types

    def _compare(
        self, graph: Graph, fitted: Any, types: Mapping[str, ColumnType], names: Sequence[str]
    ) -> None:
        """Demand that graph and transformer agree.

        Raises:
            FeatureError: they do not.
        """
        rows = self._sample(types)
        for what, probe in probes(rows, types):
            try:
                wanted = self._made(fitted, probe, types)
            except ValueError:
                if probe is rows:
                    raise
                continue  # what scikit-learn refuses, such as a missing value, has no right answer
            got = graph.run_batch(probe)["features"]
            demand_equal(got.astype(np.float64), wanted, names, what)

    def _made(self, fitted: Any, rows: pa.Table, types: Mapping[str, ColumnType]) -> np.ndarray:
        """What scikit-learn makes of some rows."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of values that are unknown, as is meant
            made = fitted.transform(to_frame(rows, types, self._marks))
        return table_of_numbers(made.toarray() if hasattr(made, "toarray") else made)

    def _sample(self, types: Mapping[str, ColumnType]) -> pa.Table:
        """Rows from the whole table, the same distance apart."""
        table = self._table.select(list(types))
        step = max(1, -(-table.rows // _ROWS))
        return table.filter(np.arange(table.rows) % step == 0).to_arrow() if step > 1 else table.to_arrow()


def _is_fitted(transformer: Any) -> bool:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(transformer)
    except NotFittedError:
        return False
    return True


def _known(fitted: Any) -> list[str]:
    """The columns of the frame that a transformer was fitted on."""
    names = getattr(fitted, "feature_names_in_", None)
    if names is None:
        raise FeatureError(
            "the transformer was fitted on an array, and nobody knows which columns that had",
            mend="fit it on a data frame, or give it unfitted",
        )
    return [str(name) for name in names]


def _names_out(fitted: Any, width: int) -> list[str]:
    """The features' names; numbers where a step, such as a function, does not say."""
    try:
        return [str(name) for name in fitted.get_feature_names_out()]
    except (AttributeError, ValueError):
        return [f"feature {number}" for number in range(1, width + 1)]


def _converted(
    fitted: Any, known: Sequence[str], types: Mapping[str, ColumnType], names: Sequence[str], *, double: bool
) -> bytes:
    try:
        return sklearn_graph(fitted, known, types, names, double=double)
    except FeatureError:
        raise
    except Exception as error:  # converters fail in many ways at what they do not know
        raise FeatureError(
            f"the transformer has no ONNX form: {type(error).__name__}: {_first_line(error)}",
            mend="write the features of that step as expressions in features(x), or leave it out",
        ) from error


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "")[:300]
