"""Table: data as Arrow record batches, read lazily and as often as asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import numpy as np
import pyarrow as pa

from tilth.errors import ColumnNotFoundError, DataError, UsageError
from tilth.tables.arrow_types import ARROW_TYPES, arrow_schema, column_types
from tilth.tables.normal_form import normalize
from tilth.types import ColumnType

__all__ = ["Reader", "Scalar", "Table", "plain_texts"]

Scalar = str | int | float | bool | datetime
"""One value of a column."""


class Reader(Protocol):
    """Where a table's rows come from."""

    def __call__(self, names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
        """The rows from the first on, as batches of exactly these columns in their normal Arrow types.

        Texts may also come as dictionary arrays of these.

        `size` is how many rows a batch may best have; more and fewer are allowed.
        """


class Table:
    """Rows and typed columns, read lazily; reading twice gives the same rows in the same order.

    Made by `open_table`. Whole numbers are int64, numbers float64, texts string, true/false bool and times
    timestamp[us] in UTC without a zone; lists hold one of these, images and recordings are large_binary; a
    missing value is null.

    Args:
        name: the path, or "<memory>".
        columns: the type of each column, in order.
        read: where the rows come from.
        rows: how many there are, if that is known.
        notes: what was assumed when reading, as sentences for people.
        empty: columns known to have no value in any row, whose type is therefore only a guess.
        parts: how to cut the table into independent ones; default: it is one part.
        is_untyped: whether the types were found out from text, as in a CSV file, not stored with the data.

    Example:
        >>> from tilth.tables import open_table
        >>> table = open_table({"x": [1, 2, 3], "s": ["a", None, "c"]})
        >>> table
        Table('<memory>', x: int, s: string)
        >>> table.rows, [batch.num_rows for batch in table.batches(2)]
        (3, [2, 1])
    """

    __slots__ = ("_parts", "_read", "_rows", "columns", "empty", "is_untyped", "name", "notes")

    def __init__(
        self,
        name: str,
        columns: Mapping[str, ColumnType],
        read: Reader,
        *,
        rows: int | None = None,
        notes: Sequence[str] = (),
        empty: frozenset[str] = frozenset(),
        parts: Callable[[], Sequence[Table]] | None = None,
        is_untyped: bool = False,
    ) -> None:
        self.name = name
        self.columns: dict[str, ColumnType] = dict(columns)
        self.notes = tuple(notes)
        self.empty = empty
        self.is_untyped = is_untyped
        self._read = read
        self._rows = rows
        self._parts = parts

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}: {kind}" for name, kind in self.columns.items())
        return f"{type(self).__name__}({self.name!r}, {shown})"

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        reader = pa.RecordBatchReader.from_batches(self.schema, self.batches())
        return reader.__arrow_c_stream__(requested_schema)

    @property
    def schema(self) -> pa.Schema:
        """The columns as an Arrow schema."""
        return arrow_schema(self.columns)

    @property
    def rows(self) -> int:
        """How many rows there are; counted once, by reading one column, if it is not known."""
        if self._rows is None:
            first = [next(iter(self.columns))]
            self._rows = sum(batch.num_rows for batch in self._read(first, 65_536))
        return self._rows

    def batches(self, size: int = 65_536) -> Iterator[pa.RecordBatch]:
        """The rows in order, at most `size` to a batch, no batch empty.

        Args:
            size: 1 or more.

        Raises:
            DataError: the source cannot be read, or changed since it was opened.
        """
        if size < 1:
            raise UsageError(f"a batch of {size} rows", expected="1 row or more")
        return (plain_texts(batch) for batch in self._sliced(size))

    def coded_batches(self, size: int = 65_536) -> Iterator[pa.RecordBatch]:
        """The same rows; a column of texts may be coded by a dictionary where the source has it so.

        Example:
            >>> from tilth.tables import open_table
            >>> [batch.num_rows for batch in open_table({"s": ["a", "b", "a"]}).coded_batches(2)]
            [2, 1]
        """
        return self._sliced(size)

    def _sliced(self, size: int) -> Iterator[pa.RecordBatch]:
        for batch in self._read(tuple(self.columns), size):
            for start in range(0, batch.num_rows, size):
                yield batch.slice(start, size)

    def parts(self) -> tuple[Table, ...]:
        """Independent tables with this one's columns whose rows, one part after the other, are its rows.

        A list of files is a part or more for each file, a Parquet file one for every few row groups; what
        cannot be cut is one part. A part of files can be sent to another process that reaches the files by
        the same path; a part in memory takes its rows along.

        Example:
            >>> from tilth.tables import open_table
            >>> [part.rows for part in open_table({"x": [1, 2]}).parts()]
            [2]
        """
        found = tuple(self._parts()) if self._parts is not None else ()
        return found if len(found) > 1 else (self,)

    def to_arrow(self) -> pa.Table:
        """All rows in memory."""
        return pa.Table.from_batches(list(self.batches()), self.schema)

    def select(self, names: Sequence[str]) -> Table:
        """The table with only these columns, in this order.

        Args:
            names: at least one; none twice.

        Raises:
            ColumnNotFoundError: a column that is not there.

        Example:
            >>> from tilth.tables import open_table
            >>> open_table({"x": [1], "y": [2]}).select(["y"])
            Table('<memory>', y: int)
        """
        for name in names:
            if name not in self.columns:
                raise ColumnNotFoundError(name, self.columns, where=self.name)
        columns = {name: self.columns[name] for name in names}
        if len(columns) != len(names) or not columns:
            raise UsageError(
                f"cannot select {list(names)}", expected="one column or more, none of them twice"
            )
        return self._with(
            columns, self._read, self._rows, self.empty & set(columns), lambda part: part.select(names)
        )

    def filter(self, keep: pa.Array | pa.ChunkedArray | np.ndarray) -> Table:
        """The rows where `keep` is true.

        Args:
            keep: one truth value for each row, in the table's order; a missing one leaves the row out.

        Raises:
            DataError: not one truth value a row.

        Example:
            >>> from tilth.tables import open_table
            >>> open_table({"x": [1, 2, 3]}).filter(np.array([True, False, True])).to_arrow()["x"].to_pylist()
            [1, 3]
        """
        mask = _mask(keep)
        if mask.dtype != np.bool_ or mask.shape != (self.rows,):
            raise DataError(
                f"a filter of {len(mask)} values of type {mask.dtype}",
                where=self.name,
                expected=f"{self.rows} truth values, one for each row",
            )
        read = self._read

        def filtered(names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
            start = 0
            for batch in read(names, size):
                part = mask[start : start + batch.num_rows]
                start += batch.num_rows
                if part.any():
                    yield batch if part.all() else batch.filter(pa.array(part))

        made = self._with(self.columns, filtered, int(mask.sum()), self.empty)
        if self._parts is not None:
            made._parts = _filtered(self._parts, mask)
        return made

    def with_column(self, name: str, values: pa.Array | pa.ChunkedArray | np.ndarray | Scalar) -> Table:
        """The table with one column more, at the end, or with other values in a column that is there.

        Args:
            name: the column.
            values: one for each row, or a single one for all.

        Raises:
            DataError: not as many values as rows, or values of a type that no column has.

        Example:
            >>> from tilth.tables import open_table
            >>> table = open_table({"x": [1, 2]}).with_column("source", "data")
            >>> table.to_arrow().to_pylist()
            [{'x': 1, 'source': 'data'}, {'x': 2, 'source': 'data'}]
        """
        values = values.item() if isinstance(values, np.generic) else values
        array = _single(values) if isinstance(values, Scalar) else _array(values)
        field = pa.schema([(name, array.type)])
        kind = column_types(field, self.name, peek=lambda _: [array]).columns[name]
        array = normalize(array, kind, column=name, where=self.name)
        if isinstance(values, Scalar):
            return self._with(
                {**self.columns, name: kind},
                self._adding(name, array[0]),
                self._rows,
                self.empty - {name},
                lambda part: part.with_column(name, values),
            )
        if len(array) == self.rows:
            read = self._adding(name, array)
        else:
            raise DataError(f"column '{name}' has {len(array)} values for {self.rows} rows", where=self.name)
        return self._with({**self.columns, name: kind}, read, self._rows, self.empty - {name})

    def _adding(self, name: str, values: pa.Array | pa.Scalar) -> Reader:
        read, others = self._read, tuple(column for column in self.columns if column != name)
        known = tuple(self.columns)

        def added(names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
            if name not in names:
                yield from read(names, size)
                return
            # The other columns say how many rows a batch has, so at least one of them is always read.
            wanted = [column for column in names if column != name] or list(others[:1] or known[:1])
            start = 0
            for batch in read(wanted, size):
                rows = batch.num_rows
                part = pa.repeat(values, rows) if isinstance(values, pa.Scalar) else values.slice(start, rows)
                start += rows
                arrays = [part if column == name else batch.column(column) for column in names]
                yield pa.RecordBatch.from_arrays(arrays, list(names))

        return added

    def _with(
        self,
        columns: Mapping[str, ColumnType],
        read: Reader,
        rows: int | None,
        empty: frozenset[str],
        same: Callable[[Table], Table] | None = None,
    ) -> Table:
        """This table, otherwise; `same` does the same to a part of it, where a part alone says how."""
        cut = None if self._parts is None or same is None else _each(self._parts, same)
        return Table(
            self.name,
            columns,
            read,
            rows=rows,
            notes=self.notes,
            empty=empty,
            parts=cut,
            is_untyped=self.is_untyped,
        )


def _each(
    parts: Callable[[], Sequence[Table]], same: Callable[[Table], Table]
) -> Callable[[], Sequence[Table]]:
    return lambda: [same(part) for part in parts()]


def _filtered(parts: Callable[[], Sequence[Table]], mask: np.ndarray) -> Callable[[], Sequence[Table]]:
    """The parts with those of their rows that a mask over all rows keeps."""

    def cut() -> Iterator[Table]:
        start = 0
        for part in parts():
            yield part.filter(mask[start : start + part.rows])
            start += part.rows

    return lambda: list(cut())


def plain_texts(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The same rows with plain texts."""
    if not any(pa.types.is_dictionary(field.type) for field in batch.schema):
        return batch
    arrays = [
        array.dictionary_decode() if pa.types.is_dictionary(array.type) else array for array in batch.columns
    ]
    return pa.RecordBatch.from_arrays(arrays, batch.schema.names)


def _single(value: Scalar) -> pa.Array:
    if isinstance(value, datetime) and value.tzinfo is None:
        return pa.array([value], ARROW_TYPES["datetime"])
    return pa.array([value])


def _array(values: pa.Array | pa.ChunkedArray | np.ndarray) -> pa.Array:
    if isinstance(values, pa.ChunkedArray):
        return values.combine_chunks() if values.num_chunks != 1 else values.chunk(0)
    return values if isinstance(values, pa.Array) else pa.array(values)


def _mask(keep: pa.Array | pa.ChunkedArray | np.ndarray) -> np.ndarray:
    if isinstance(keep, (pa.Array, pa.ChunkedArray)):
        array = _array(keep)
        if not pa.types.is_boolean(array.type):
            return np.asarray(array)
        keep = array.fill_null(False).to_numpy(zero_copy_only=False)
    return np.asarray(keep)
