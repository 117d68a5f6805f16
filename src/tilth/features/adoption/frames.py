"""Tables as the frames that scikit-learn takes, with missing values as it marks them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tilth.types import ColumnType

if TYPE_CHECKING:
    import polars as pl

__all__ = ["missing_mark", "steps_of", "to_frame"]


def to_frame(data: pa.Table, types: Mapping[str, ColumnType], marks: Mapping[str, object]) -> pl.DataFrame:
    """A Polars frame whose cells are what a graph gets of them.

    Numbers, flags (0 and 1) and datetimes (seconds since 1970) are doubles with NaN for missing; so that
    scikit-learn sees what a graph sees.

    Args:
        data: the rows, in the normal types of a `Table`.
        types: the columns to take.
        marks: text columns -> what a missing text is: NaN (also where none is said), None or "". An empty
            text is missing too.

    Example:
        >>> rows = pa.table({"x": [1, None], "s": ["a", None]})
        >>> to_frame(rows, {"x": "int", "s": "string"}, {"s": ""}).to_dict(as_series=False)
        {'x': [1.0, nan], 's': ['a', '']}
    """
    import polars as pl

    columns: dict[str, Any] = {}
    for name, kind in types.items():
        column = data.column(name).combine_chunks()
        if kind == "string":
            columns[name] = _texts(column, marks.get(name, np.nan))
        else:
            columns[name] = pl.Series(name, _numbers(column, kind))
    return pl.DataFrame(columns)


def _numbers(column: pa.Array, kind: ColumnType) -> np.ndarray:
    values = column.cast(pa.int64()) if kind in ("datetime", "bool") else column
    numbers = pc.fill_null(pc.cast(values, pa.float64(), safe=False), float("nan"))
    found: np.ndarray = numbers.to_numpy(zero_copy_only=False)
    return found / 1e6 if kind == "datetime" else found


def _texts(column: pa.Array, mark: object) -> pl.Series:
    import polars as pl

    empty = pc.fill_null(pc.equal(column, ""), True)
    if mark == "":
        return pl.Series(pc.if_else(empty, "", column))
    texts = pc.if_else(empty, pa.scalar(None, pa.string()), column)
    if mark is None or not texts.null_count:
        return pl.Series(texts)
    return pl.Series([np.nan if text is None else text for text in texts.to_pylist()], dtype=pl.Object)


def steps_of(transformer: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The steps that a transformer is made of, each with the names on the way to it.

    Example:
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn.preprocessing import StandardScaler
        >>> list(steps_of(make_pipeline(StandardScaler())))
        [('standardscaler', StandardScaler())]
    """
    inner = _inner(transformer)
    if inner is None:
        yield path, transformer
        return
    for name, step in inner:
        if not isinstance(step, str) and step is not None:
            yield from steps_of(step, f"{path}.{name}" if path else name)


def _inner(transformer: Any) -> Sequence[tuple[str, Any]] | None:
    """The steps right inside of one, fitted if it is; None where it is a single one."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import FeatureUnion, Pipeline

    if isinstance(transformer, Pipeline):
        return list(transformer.steps)
    if isinstance(transformer, FeatureUnion):
        return list(transformer.transformer_list)
    if isinstance(transformer, ColumnTransformer):
        specifications = getattr(transformer, "transformers_", transformer.transformers)
        return [(name, step) for name, step, _ in specifications]
    return None


def missing_mark(transformer: Any) -> object:
    """What a missing text is to a transformer: what its steps name, else NaN.

    Example:
        >>> from sklearn.impute import SimpleImputer
        >>> missing_mark(SimpleImputer(missing_values=None)), missing_mark(SimpleImputer())
        (None, nan)
    """
    for _, step in steps_of(transformer):
        if hasattr(step, "missing_values") and (step.missing_values is None or step.missing_values == ""):
            return step.missing_values
        for categories in getattr(step, "categories_", ()):
            if any(each is None for each in categories):
                return None
    return np.nan
