"""Chance: all that is drawn at random while a network learns, from one seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Chance"]


class Chance:
    """A stream of random numbers of its own, which nothing else in the process draws from.

    Args:
        seed: a whole number.
        device: where what is drawn is needed. It is drawn on the processor, so that a GPU gets the same.
    """

    def __init__(self, seed: int, device: str = "cpu") -> None:
        import torch

        self._generator = torch.Generator().manual_seed(seed % 2**63)
        self._device = device

    def uniform(self, shape: Sequence[int]) -> Tensor:
        """Numbers from 0 to 1, float32."""
        import torch

        return torch.rand(tuple(shape), generator=self._generator).to(self._device)

    def normal(self, shape: Sequence[int]) -> Tensor:
        """Numbers with mean 0 and standard deviation 1, float32."""
        import torch

        return torch.randn(tuple(shape), generator=self._generator).to(self._device)

    def whole(self, low: int, high: int, shape: Sequence[int]) -> Tensor:
        """Whole numbers from `low` to `high`, both included, int64."""
        import torch

        return torch.randint(low, high + 1, tuple(shape), generator=self._generator).to(self._device)

    def order(self, count: int) -> Tensor:
        """The numbers 0 to count - 1 in some order, int64, on the processor."""
        import torch

        return torch.randperm(count, generator=self._generator)
