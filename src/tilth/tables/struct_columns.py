"""Columns of structures as columns of their fields: `outer.inner`, as JSON lines are read too."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from tilth.tables.arrow_types import holds_bytes

__all__ = ["Spread"]


class Spread:
    """A schema in which every field of a structure is a column named `outer.inner`.

    Args:
        schema: the fields, of which some may be structures.

    Example:
        >>> spread = Spread(pa.schema([("x", pa.int8()), ("at", pa.struct([("lat", pa.float64())]))]))
        >>> spread.schema.names
        ['x', 'at.lat']
        >>> batch = pa.record_batch({"x": [1], "at": [{"lat": 48.5}]})
        >>> spread.pick(batch, "at.lat").to_pylist()
        [48.5]
    """

    def __init__(self, schema: pa.Schema) -> None:
        leaves = [leaf for field in schema for leaf in _leaves(field, ())]
        self.schema: pa.Schema = pa.schema([field for field, _ in leaves])
        self._paths = {field.name: path for field, path in leaves}

    def tops(self, names: list[str]) -> list[str]:
        """The columns of the source that these columns are in."""
        return list(dict.fromkeys(self._paths[name][0] for name in names))

    def pick(self, batch: pa.RecordBatch | pa.Table, name: str) -> pa.Array | pa.ChunkedArray:
        """One column; where its structure is missing, so is its value."""
        top, *inner = self._paths[name]
        column = batch.column(top)
        return pc.struct_field(column, inner) if inner else column

    def table(self, data: pa.Table) -> pa.Table:
        """The whole of a table in this schema."""
        if self.schema.names == data.column_names:
            return data  # also where two columns are of one name, which is for others to refuse
        columns = [self.pick(data, name) for name in self.schema.names]
        return pa.Table.from_arrays(columns, schema=self.schema)


def _leaves(field: pa.Field, above: tuple[str, ...]) -> Iterator[tuple[pa.Field, tuple[str, ...]]]:
    path = (*above, field.name)
    names = [inner.name for inner in field.type] if pa.types.is_struct(field.type) else []
    if names and len(set(names)) == len(names) and not holds_bytes(field.type):
        for inner in field.type:
            yield from _leaves(inner, path)
    else:
        yield field.with_name(".".join(path)).with_nullable(True), path
