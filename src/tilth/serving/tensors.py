"""Tensors of the Open Inference Protocol in JSON: decoded to plain values and encoded from arrays."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Sequence

import msgspec
import numpy as np

from tilth.errors import RequestError
from tilth.types import ColumnType, JSONObject

__all__ = [
    "DATATYPES",
    "NUMPY_TYPES",
    "Tensor",
    "array_datatype",
    "check_shape",
    "datatype_of",
    "decode_tensor",
    "encode_tensor",
    "tensor_values",
    "wrong_tensor",
]

_MAX_DIMENSIONS = 8
_INTEGERS: dict[str, tuple[int, int]] = {
    **{f"INT{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": (0, 2**bits - 1) for bits in (8, 16, 32, 64)},
}
_FLOATS = {
    "FP16": float(np.finfo(np.float16).max),
    "FP32": float(np.finfo(np.float32).max),
    "FP64": sys.float_info.max,
}
NUMPY_TYPES: dict[str, type] = {
    "BOOL": np.bool_,
    "BYTES": object,
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
    **{name: getattr(np, name.lower()) for name in _INTEGERS},
}
DATATYPES = tuple(NUMPY_TYPES)
_BY_TYPE = {np.dtype(kind): datatype for datatype, kind in NUMPY_TYPES.items()}

_BY_COLUMN: dict[str, str] = {
    "int": "INT64",
    "float": "FP64",
    "string": "BYTES",
    "bool": "BOOL",
    "datetime": "BYTES",
}


class Tensor(msgspec.Struct, frozen=True):
    """One tensor of a request; `data` is flat or nested, row-major, and None where it comes as bytes."""

    name: str
    shape: list[int]
    datatype: str
    data: list[object] | None = None
    parameters: dict[str, object] | None = None


def datatype_of(column_type: ColumnType) -> str:
    """The datatype that stands for a column type, for lists that of an item.

    Datetimes are ISO text, images and recordings base64.

    Example:
        >>> datatype_of("float"), datatype_of("datetime")
        ('FP64', 'BYTES')
    """
    return _BY_COLUMN.get(column_type.removeprefix("list[").removesuffix("]"), "BYTES")


def tensor_values(tensor: Tensor) -> list[object]:
    """The tensor's values, flat and row-major; null is kept as None, a missing value.

    Raises:
        RequestError: data that does not fit the declared shape or datatype.

    Example:
        >>> tensor_values(Tensor("x", [2, 2], "INT32", [[1, 2], [3, 4]]))
        [1, 2, 3, 4]
        >>> tensor_values(Tensor("x", [3], "INT32", [1, 2]))
        Traceback (most recent call last):
        ...
        tilth.errors.RequestError: the data of tensor 'x' does not fit its shape [3] ...
    """
    check_shape(tensor.name, tensor.datatype, tensor.shape)
    values = _flat(tensor)
    _check_kinds(tensor, values)
    return values


def check_shape(name: str, datatype: str, shape: Sequence[int], others: Sequence[str] = ()) -> None:
    """Refuse a datatype that is not known, and a shape that cannot be.

    Args:
        name: the tensor's.
        datatype: its datatype.
        shape: its shape.
        others: datatypes that are known as well.

    Raises:
        RequestError: one of the two.
    """
    known = (*DATATYPES, *others)
    if datatype not in known:
        raise wrong_tensor(
            name, "has an unknown datatype", got=datatype, expected=f"one of {', '.join(known)}"
        )
    if not 1 <= len(shape) <= _MAX_DIMENSIONS or any(not 0 < size < 2**31 for size in shape):
        raise wrong_tensor(
            name,
            "has an impossible shape",
            got=_shown(shape),
            expected=f"1 to {_MAX_DIMENSIONS} sizes of at least 1",
        )


def _flat(tensor: Tensor) -> list[object]:
    if tensor.data is None:
        raise wrong_tensor(tensor.name, "has no data", expected="its values as 'data'")
    if math.prod(tensor.shape) == len(tensor.data) and not isinstance(tensor.data[0], list):
        return tensor.data
    level = tensor.data
    sizes = [len(level)]
    for size in tensor.shape[1:]:
        if not all(isinstance(part, list) and len(part) == size for part in level):
            break
        level = list(itertools.chain.from_iterable(level))  # type: ignore[arg-type]
        sizes.append(size)
    if sizes != tensor.shape:
        raise wrong_tensor(
            tensor.name,
            f"does not fit its shape {_shown(tensor.shape)}",
            got=f"{len(tensor.data)} values",
            expected=f"{math.prod(tensor.shape)} values, flat, or lists of these sizes",
            subject="the data of tensor",
        )
    return level


def _check_kinds(tensor: Tensor, values: Sequence[object]) -> None:
    datatype = tensor.datatype
    kinds = set(map(type, values)) - {type(None)}
    if datatype in _INTEGERS:
        low, high = _INTEGERS[datatype]
        present = [value for value in values if isinstance(value, int)]
        fits = kinds <= {int} and (not present or (min(present) >= low and max(present) <= high))
    elif datatype in _FLOATS:
        high = int(_FLOATS[datatype])
        fits = kinds <= {int, float} and all(-high <= v <= high for v in values if isinstance(v, int | float))
    else:
        fits = kinds <= ({bool} if datatype == "BOOL" else {str})
    if not fits:
        raise wrong_tensor(
            tensor.name,
            f"has values that are not {datatype}",
            expected=f"{datatype} values as JSON" + (" texts" if datatype == "BYTES" else ""),
        )


def decode_tensor(tensor: Tensor) -> np.ndarray:
    """The tensor as an array of its shape and datatype; BYTES as objects.

    Raises:
        RequestError: data that does not fit, or null where the datatype has no missing value.

    Example:
        >>> decode_tensor(Tensor("foo", [2, 2], "INT32", [1, 2, 3, 4])).tolist()
        [[1, 2], [3, 4]]
    """
    values = tensor_values(tensor)
    if None in values and tensor.datatype not in _FLOATS:
        raise wrong_tensor(tensor.name, "has a null", expected=f"{tensor.datatype} values")
    return np.array(values, dtype=NUMPY_TYPES[tensor.datatype]).reshape(tensor.shape)


def encode_tensor(name: str, array: np.ndarray) -> JSONObject:
    """An array as a tensor of the protocol, flat and row-major.

    Example:
        >>> encode_tensor("foo", np.array([[1, 2], [3, 4]]))
        {'name': 'foo', 'shape': [2, 2], 'datatype': 'INT64', 'data': [1, 2, 3, 4]}
    """
    shape = list(array.shape)
    return {"name": name, "shape": shape, "datatype": array_datatype(array), "data": array.ravel().tolist()}


def array_datatype(array: np.ndarray) -> str:
    """The datatype of an array; objects are BYTES.

    Example:
        >>> array_datatype(np.zeros(2, np.float32))
        'FP32'
    """
    return _BY_TYPE.get(array.dtype, "BYTES")


def _shown(shape: Sequence[int]) -> str:
    return str(list(shape)) if len(shape) <= _MAX_DIMENSIONS else f"of {len(shape)} dimensions"


def wrong_tensor(
    name: str, what: str, *, expected: str, got: str | None = None, subject: str = "tensor"
) -> RequestError:
    """The error for a tensor."""
    name = name if len(name) <= 100 else name[:97] + "..."
    return RequestError(f"{subject} '{name}' {what}", column=name, got=got and got[:100], expected=expected)
