"""One or several tables of features, each with the prefix of its columns."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from tilth.errors import UsageError
from tilth.tables.opening import open_table
from tilth.tables.table import Table

__all__ = ["feature_tables"]


def feature_tables(features: object) -> list[tuple[str, Table]]:
    """Tables with their prefixes; "" for none.

    Args:
        features: what `open_table` takes; a list of tables and frames; or {prefix: table, path or frame}. A
            list of paths is one table, as everywhere; so is a mapping of lists or arrays.

    Raises:
        UsageError: an empty list, or a prefix that is no text.

    Example:
        >>> feature_tables({"clicks": {"user": [1], "count": [7]}})
        [('clicks', Table('<memory>', user: int, count: int))]
        >>> feature_tables({"user": [1], "count": [7]})
        [('', Table('<memory>', user: int, count: int))]
    """
    if isinstance(features, Mapping) and features and all(map(_is_table, features.values())):
        for prefix in features:
            if not isinstance(prefix, str):
                raise UsageError(f"the prefix {prefix!r} of a table of features is not a text")
        return [(prefix, open_table(data)) for prefix, data in features.items()]
    if isinstance(features, list | tuple) and any(map(_is_frame, features)):
        return [("", open_table(data)) for data in features]
    if isinstance(features, list | tuple | Mapping) and not features:
        raise UsageError("there is no table of features", expected="at least one")
    return [("", open_table(features))]


def _is_table(data: object) -> bool:
    """Whether this can be a table and cannot be a column."""
    return isinstance(data, str | Path | Mapping) or _is_frame(data)


def _is_frame(data: object) -> bool:
    if isinstance(data, Table | pa.Table | pa.RecordBatch | pa.RecordBatchReader):
        return True
    return not isinstance(data, type) and (hasattr(data, "columns") or hasattr(data, "collect_schema"))
