"""Standards: the mean of each number, channel or coefficient over the training rows, and 1 / its spread."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from tilth.training.networks.architecture import Branch, Network, branch_name

__all__ = ["standards"]

_CELLS = 1 << 22
_LEAST_SPREAD = 1e-12
"""Relative to the mean: what varies less is a constant, whose differences are rounding."""

_LARGEST = 1e30

Floats = npt.NDArray[np.floating]


def standards(network: Network, X: Floats) -> dict[str, npt.NDArray[np.float32]]:
    """Constants "branch.mean" and "branch.factor" by which inputs are standardized: (x - mean) * factor.

    A column of numbers, a channel of an image, a coefficient of frames each has one of its own. Missing and
    infinite values do not count. The factor of what is constant is 0: nobody knows what another value means.

    Args:
        network: which columns belong together.
        X: (n, f), the training rows.
    """
    found: dict[str, npt.NDArray[np.float32]] = {}
    for place, branch in enumerate(network.branches):
        if branch.kind == "tokens":
            continue
        mean, spread = _moments(branch, X)
        is_constant = spread <= np.maximum(_LEAST_SPREAD * np.abs(mean), 1 / _LARGEST)
        factor = np.where(is_constant, 0.0, 1 / np.where(is_constant, 1.0, spread))
        name = branch_name(network, place)
        found |= {f"{name}.mean": mean.astype(np.float32), f"{name}.factor": factor.astype(np.float32)}
    return found


def _moments(branch: Branch, X: Floats) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Mean and population standard deviation of each channel."""
    channels = branch.shape[-1]
    count, total, squares = np.zeros(channels), np.zeros(channels), np.zeros(channels)
    for values in _values(branch, X):
        there = np.isfinite(values)
        count += there.sum(axis=0)
        total += np.where(there, values, 0.0).sum(axis=0)
    mean = total / np.maximum(count, 1)
    for values in _values(branch, X):
        away = np.where(np.isfinite(values), values - mean, 0.0)
        squares += (away * away).sum(axis=0)
    return mean, np.sqrt(squares / np.maximum(count, 1))


def _values(branch: Branch, X: Floats) -> Iterator[npt.NDArray[np.float64]]:
    """The branch's values, (any, channels), some rows at a time."""
    width = sum(stop - start for start, stop in branch.spans)
    at_once = max(1, _CELLS // width)
    for begin in range(0, len(X), at_once):
        parts = [X[begin : begin + at_once, start:stop] for start, stop in branch.spans]
        yield np.concatenate(parts, axis=1).astype(np.float64).reshape(-1, branch.shape[-1])
