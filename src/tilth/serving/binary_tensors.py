"""Tensors of the Open Inference Protocol as bytes: its binary extension, and the raw contents of gRPC.

Numbers are little-endian and row-major without padding; each text is four bytes with its length and then the
text (KServe and Triton: binary tensor data extension). NaN is a missing number.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

import numpy as np

from tilth.errors import RequestError
from tilth.serving.tensors import NUMPY_TYPES, check_shape, wrong_tensor

__all__ = ["binary_values", "to_binary"]

_LENGTH = struct.Struct("<I")


def binary_values(name: str, datatype: str, shape: Sequence[int], data: bytes | memoryview) -> list[object]:
    r"""The values of a tensor, flat and row-major; None for NaN.

    BYTES are texts in UTF-8. BF16 is the upper half of a 32 bit float.

    Raises:
        RequestError: an unknown datatype, or bytes that do not fit the shape.

    Example:
        >>> binary_values("age", "INT32", [2], bytes([1, 0, 0, 0, 255, 255, 255, 255]))
        [1, -1]
        >>> binary_values("job", "BYTES", [1], b"\x04\x00\x00\x00Exec")
        ['Exec']
    """
    check_shape(name, datatype, shape, others=("BF16",))
    count = math.prod(shape)
    if datatype == "BYTES":
        return _texts(name, count, data)
    kind = np.dtype(np.uint16 if datatype == "BF16" else NUMPY_TYPES[datatype]).newbyteorder("<")
    if len(data) != count * kind.itemsize:
        raise _misfit(name, shape, f"{len(data)} bytes", f"{count * kind.itemsize} bytes")
    array = np.frombuffer(data, kind)
    if datatype == "BF16":
        array = (array.astype(np.uint32) << 16).view(np.float32)
    if datatype == "BOOL":
        array = np.frombuffer(data, np.uint8) != 0
    values: list[object] = array.tolist()
    if array.dtype.kind == "f" and np.isnan(array).any():
        return [
            None if is_nan else value for value, is_nan in zip(values, np.isnan(array).tolist(), strict=True)
        ]
    return values


def _texts(name: str, count: int, data: bytes | memoryview) -> list[object]:
    texts: list[object] = []
    at, end = 0, len(data)
    while at + 4 <= end and len(texts) < count:
        (length,) = _LENGTH.unpack_from(data, at)
        at += 4
        if length > end - at:
            break
        try:
            texts.append(str(data[at : at + length], "utf-8"))
        except UnicodeDecodeError:
            raise RequestError(
                f"the data of tensor '{name[:100]}' are not texts",
                column=name[:100],
                got=f"bytes that are not UTF-8 as value {len(texts)}",
                expected="texts in UTF-8; images and recordings as base64",
            ) from None
        at += length
    if len(texts) != count or at != end:
        got = f"{end} bytes, which hold {len(texts)} whole texts"
        raise _misfit(name, [count], got, f"{count} texts, each after its length in four bytes")
    return texts


def to_binary(array: np.ndarray) -> bytes:
    r"""An array as bytes of its datatype; objects as texts.

    Example:
        >>> to_binary(np.array([1, -1], np.int16)), to_binary(np.array(["yes"], object))
        (b'\x01\x00\xff\xff', b'\x03\x00\x00\x00yes')
    """
    if array.dtype == np.object_:
        parts = [str(value).encode() for value in array.ravel().tolist()]
        return b"".join(_LENGTH.pack(len(part)) + part for part in parts)
    return np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False)).tobytes()


def _misfit(name: str, shape: Sequence[int], got: str, expected: str) -> RequestError:
    return wrong_tensor(
        name,
        f"does not fit its shape {list(shape)}",
        got=got,
        expected=expected,
        subject="the data of tensor",
    )
