"""What NVIDIA's GPUs are doing, asked of their driver; nothing where there is none."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["GraphicsCards", "Load"]

_LIBRARIES = ("libnvidia-ml.so.1", "nvml.dll")
_MB = 1e6


@dataclass(frozen=True)
class Load:
    """How busy the GPUs are: the mean share of time at work, 0 to 1, and the memory in use, in MB."""

    share: float
    memory_mb: float


class _Utilization(ctypes.Structure):
    """nvmlUtilization_t: percent of the last sampling period."""

    _fields_ = (("gpu", ctypes.c_uint), ("memory", ctypes.c_uint))


class _Memory(ctypes.Structure):
    """nvmlMemory_t: bytes."""

    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


class GraphicsCards:
    """The GPUs that this process may use, as NVML (the driver's management library) knows them.

    What is in use counts whoever uses it: inside a container the driver cannot tell processes apart.

    Args:
        library: NVML; see `find`.
        devices: handles of its devices.

    Source: NVIDIA, NVML API Reference Guide (nvml.h), the functions with suffix _v2 where there is one.
    """

    def __init__(self, library: Any, devices: Sequence[ctypes.c_void_p]) -> None:
        self._library = library
        self._devices = devices

    @classmethod
    def find(cls, open_library: Callable[[str], Any] = ctypes.CDLL) -> GraphicsCards | None:
        """The GPUs of this machine that CUDA_VISIBLE_DEVICES leaves visible; None where there is none.

        Example:
            >>> def no_driver(name):
            ...     raise OSError(name)
            >>> GraphicsCards.find(no_driver) is None
            True
        """
        for name in _LIBRARIES:
            with contextlib.suppress(OSError, AttributeError):  # no driver, or one without these functions
                library = open_library(name)
                devices = _devices(library)
                return cls(library, devices) if devices else None
        return None

    def names(self) -> list[str]:
        """Their names."""
        found = []
        for device in self._devices:
            text = ctypes.create_string_buffer(96)
            if self._library.nvmlDeviceGetName(device, text, ctypes.c_uint(len(text))) == 0:
                found.append(text.value.decode(errors="replace"))
        return found

    def load(self) -> Load | None:
        """How busy they are now; None where the driver does not tell."""
        shares, used = [], 0.0
        for device in self._devices:
            rates, memory = _Utilization(), _Memory()
            if self._library.nvmlDeviceGetMemoryInfo(device, ctypes.byref(memory)) != 0:
                return None
            used += memory.used / _MB
            if self._library.nvmlDeviceGetUtilizationRates(device, ctypes.byref(rates)) == 0:
                shares.append(rates.gpu / 100)
        return Load(sum(shares) / len(shares) if shares else 0.0, used)


def _devices(library: Any) -> list[ctypes.c_void_p]:
    if library.nvmlInit_v2() != 0:
        return []
    count = ctypes.c_uint()
    if library.nvmlDeviceGetCount_v2(ctypes.byref(count)) != 0:
        return []
    found = []
    for index in _visible(count.value, os.environ.get("CUDA_VISIBLE_DEVICES")):
        device = ctypes.c_void_p()
        if library.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(index), ctypes.byref(device)) == 0:
            found.append(device)
    return found


def _visible(count: int, variable: str | None) -> list[int]:
    """The indexes that CUDA_VISIBLE_DEVICES leaves; all where it names devices otherwise than by index.

    Example:
        >>> _visible(4, "2,0"), _visible(2, None), _visible(2, ""), _visible(2, "GPU-8a56")
        ([2, 0], [0, 1], [], [0, 1])
    """
    if variable is None:
        return list(range(count))
    names = [name.strip() for name in variable.split(",") if name.strip()]
    if not all(name.lstrip("-").isdecimal() for name in names):
        return list(range(count))
    found = []
    for index in map(int, names):
        if not 0 <= index < count:
            break  # as CUDA does: devices after an index that is none are not visible
        found.append(index)
    return found
