"""What goes into a graph: columns as arrays of shape (n, 1), missing values included.

Numbers, booleans (0 and 1) and datetimes (seconds since 1970) are double precision with NaN for missing;
texts are Python strings with "" for missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import GraphError

__all__ = ["DTYPES", "RAGGED_KINDS", "InputKind", "arrow_feed", "arrow_texts", "input_kind", "numpy_feed"]

InputKind = Literal["float", "int", "bool", "string", "list[float]", "list[string]", "image", "audio"]
"""What an input of a graph holds. Columns of type int, float, bool and datetime all are "float" inputs."""

RAGGED_KINDS: tuple[InputKind, ...] = ("list[float]", "list[string]", "image", "audio")
"""What has rows that differ in size."""

_KINDS: dict[str, InputKind] = {
    "tensor(double)": "float",
    "tensor(float)": "float",
    "tensor(int64)": "int",
    "tensor(int32)": "int",
    "tensor(bool)": "bool",
    "tensor(string)": "string",
}

DTYPES: dict[str, np.dtype] = {
    "tensor(double)": np.dtype(np.float64),
    "tensor(float)": np.dtype(np.float32),
    "tensor(int64)": np.dtype(np.int64),
    "tensor(int32)": np.dtype(np.int32),
    "tensor(bool)": np.dtype(np.bool_),
    "tensor(string)": np.dtype(object),
}

_OBJECT = DTYPES["tensor(string)"]
_ONLY_TEXTS = {str}
_MICROSECONDS = 1e6

_RAGGED: dict[str, InputKind] = {
    "tensor(double)": "list[float]",
    "tensor(string)": "list[string]",
    "tensor(float)": "audio",
}


def input_kind(name: str, tensor: str, shape: Sequence[object]) -> InputKind:
    """What an input holds, by its type and shape in the runtime.

    A tensor (n, m) with m unknown holds lists, or recordings if it is of single precision; (n, h, w, 3) of
    single precision holds images; everything else is a column.

    Raises:
        GraphError: a type that no column has.

    Example:
        >>> input_kind("age", "tensor(double)", ("n", 1)), input_kind("clip", "tensor(float)", ("n", "m"))
        ('float', 'audio')
    """
    if tensor not in _KINDS:
        raise GraphError(
            f"the graph's input '{name}' is a {tensor}",
            where=f"column '{name}'",
            expected="one of " + ", ".join(_KINDS),
        )
    if len(shape) == 4 and shape[3] == 3 and tensor == "tensor(float)":
        return "image"
    if len(shape) == 2 and not isinstance(shape[1], int) and tensor in _RAGGED:
        return _RAGGED[tensor]
    return _KINDS[tensor]


def numpy_feed(name: str, values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """A column given as an array, made ready for an input of `dtype`.

    Args:
        name: the column, for messages.
        values: shape (n,) or (n, 1).
        dtype: what the input takes.

    Raises:
        GraphError: values of the wrong type, or of another shape.

    Example:
        >>> numpy_feed("age", np.array([39, 50]), np.dtype(np.float64)).tolist()
        [[39.0], [50.0]]
        >>> numpy_feed("job", np.array(["clerk", None], dtype=object), np.dtype(object)).tolist()
        [['clerk'], ['']]
    """
    array = values if type(values) is np.ndarray else np.asarray(values)
    if array.ndim != 2 or array.shape[1] != 1:
        if array.ndim != 1:
            raise GraphError(
                f"the column '{name}' has shape {array.shape}",
                where=f"column '{name}'",
                expected="(n,) or (n, 1)",
            )
        array = array.reshape(-1, 1)
    if dtype is _OBJECT:
        return _texts(name, array)
    return (
        array if array.dtype is dtype or array.dtype == dtype else _numbers(name, array, dtype).reshape(-1, 1)
    )


def arrow_feed(name: str, values: pa.Array, dtype: np.dtype) -> np.ndarray:
    """A column given as an Arrow array, made ready for an input of `dtype`.

    Raises:
        GraphError: values of the wrong type; missing values where an input has no way to say so.

    Example:
        >>> arrow_feed("age", pa.array([39, None]), np.dtype(np.float64)).tolist()
        [[39.0], [nan]]
    """
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if values.null_count == len(values):
        return _all_missing(name, len(values), dtype)
    array = _arrow_texts(name, values) if dtype.kind == "O" else _arrow_numbers(name, values, dtype)
    return array.reshape(-1, 1)


def _texts(name: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind == "U":
        return array.astype(object)
    if array.dtype.kind != "O":
        raise _wrong(name, str(array.dtype), "text")
    rows = array.ravel().tolist()
    if set(map(type, rows)) == _ONLY_TEXTS:
        return array
    texts = np.empty((len(rows), 1), dtype=object)
    for position, value in enumerate(rows):
        if value is not None and not isinstance(value, str):
            raise _wrong(name, f"{value!r} in row {position}", "text")
        texts[position] = "" if value is None else str(value)
    return texts


def _numbers(name: str, array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    kind = array.dtype.kind
    if kind == "M":
        microseconds = array.astype("datetime64[us]")
        seconds = microseconds.astype(np.int64) / _MICROSECONDS
        seconds[np.isnat(microseconds)] = np.nan
        return seconds.astype(dtype)
    if kind == "O":
        return _numbers(name, _parsed(name, array.ravel().tolist()), dtype)
    if kind in "biuf" and (dtype.kind == "f" or np.can_cast(array.dtype, dtype)):
        return array.astype(dtype)
    raise _wrong(name, str(array.dtype), _name(dtype))


def _parsed(name: str, rows: list[object]) -> np.ndarray:
    numbers = np.empty(len(rows), dtype=np.float64)
    for position, value in enumerate(rows):
        if value is None:
            numbers[position] = np.nan
        elif isinstance(value, int | float | np.number | np.bool_):
            numbers[position] = float(value)
        else:
            raise _wrong(name, f"{value!r} in row {position}", "a number")
    return numbers


def _all_missing(name: str, rows: int, dtype: np.dtype) -> np.ndarray:
    if dtype.kind == "O":
        return np.full((rows, 1), "", dtype=object)
    if dtype.kind == "f" or rows == 0:
        return np.full((rows, 1), np.nan if dtype.kind == "f" else 0, dtype=dtype)
    raise _wrong(name, "a missing value", _name(dtype))


def arrow_texts(name: str, values: pa.Array) -> pa.Array:
    """A column given as an Arrow array, if it holds texts, plain or coded by a dictionary.

    Raises:
        GraphError: other values, unless all are missing.
    """
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        if values.null_count < len(values):
            raise _wrong(name, str(kind), "text")
        return pa.nulls(len(values), pa.string())
    return values


def _arrow_texts(name: str, values: pa.Array) -> np.ndarray:
    values = arrow_texts(name, values)
    # Most text columns repeat a few values: each Python string is then made once only.
    encoded = values.fill_null("").dictionary_encode()
    texts: np.ndarray = encoded.dictionary.to_numpy(zero_copy_only=False)[encoded.indices.to_numpy()]
    return texts


def _arrow_numbers(name: str, values: pa.Array, dtype: np.dtype) -> np.ndarray:
    scale = 1.0
    if pa.types.is_date(values.type) or pa.types.is_timestamp(values.type):
        values = values.cast(pa.timestamp("us", tz=getattr(values.type, "tz", None))).cast(pa.int64())
        scale = _MICROSECONDS
    is_number = pa.types.is_integer(values.type) or pa.types.is_floating(values.type)
    if not is_number and not pa.types.is_boolean(values.type):
        raise _wrong(name, str(values.type), _name(dtype))
    if dtype.kind == "f":
        doubles = pc.fill_null(pc.cast(values, pa.float64(), safe=False), float("nan"))
        array: np.ndarray = doubles.to_numpy(zero_copy_only=False)
        return (array / scale if scale != 1.0 else array).astype(dtype, copy=False)
    if values.null_count:
        raise _wrong(name, "a missing value", _name(dtype))
    return _numbers(name, values.to_numpy(zero_copy_only=False), dtype)


def _name(dtype: np.dtype) -> str:
    return {"f": "numbers", "i": "integers", "b": "booleans"}.get(dtype.kind, "text")


def _wrong(name: str, got: str, expected: str) -> GraphError:
    return GraphError(
        f"the column '{name}' holds {got}, which the graph cannot take",
        where=f"column '{name}'",
        expected=expected,
    )
