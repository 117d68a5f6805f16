"""Groups of rows that are ranked together must lie in one part."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import DataError, counted
from tilth.tables import Table

__all__ = ["refuse_torn_groups"]


def refuse_torn_groups(dataset: Table, parts: pa.Array, group: str) -> None:
    """Refuse groups with rows in two parts: they would be learned from and judged by.

    Args:
        dataset: n rows.
        parts: (n,), the part of each.
        group: the column whose rows are ranked together.

    Raises:
        DataError: such a group, or a row without one.

    Example:
        >>> from tilth.tables import open_table
        >>> parts = pa.array(["train", "test", "test"])
        >>> refuse_torn_groups(open_table({"query": ["a", "b", "b"]}), parts, "query")
    """
    values = dataset.select([group]).to_arrow().column(0).combine_chunks()
    if values.null_count:
        raise DataError(
            f"rows without '{group}': {values.null_count:,}",
            where=dataset.name,
            expected="the group that each row is ranked in",
            mend="leave these rows out of the data",
        )
    texts = parts.dictionary_decode() if pa.types.is_dictionary(parts.type) else parts
    pairs = pa.table({"group": values, "part": texts}).group_by(["group", "part"]).aggregate([])
    each = pairs.group_by("group").aggregate([("part", "count")])
    torn = each.filter(pc.greater(each.column("part_count"), 1)).column("group").to_pylist()
    if torn:
        raise DataError(
            f"{counted(len(torn), 'group')} would have rows in several parts, such as {group} = "
            f"{min(map(str, torn))}",
            where="tilth.toml, [split]",
            expected="all rows that are ranked together in one part",
            mend=f'method = "group" and columns = ["{group}"]',
        )
