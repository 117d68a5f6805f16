"""Augmenting: rows varied while a network learns, so that it does not learn what does not matter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tilth.training.networks.chance import Chance

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["AUGMENTATIONS", "Augmenter"]

AUGMENTATIONS = ("flip", "mask", "noise", "shift")
"""flip: half of the images are mirrored. shift: images and frames are moved by up to an eighth of a side.
noise: numbers with a standard deviation of a tenth of the feature's are added, but to tokens. mask: a stretch
of up to a quarter of the frames' moments and one of their coefficients becomes the mean; a tenth of the
tokens become unknown."""

_SHIFT = 8
_MASK = 4
_NOISE = 0.1
_UNKNOWN = 1
_UNKNOWN_SHARE = 0.1


class Augmenter:
    """Some of `AUGMENTATIONS`, applied to standardized tensors, channels first.

    Args:
        chosen: which.
    """

    def __init__(self, chosen: Sequence[str]) -> None:
        self._chosen = [name for name in AUGMENTATIONS if name in chosen]

    def __call__(self, kind: str, x: Tensor, chance: Chance) -> Tensor:
        """The same rows, varied."""
        for name in self._chosen:
            if kind in _STEPS[name]:
                x = _STEPS[name][kind](x, chance)
        return x


def _flip(x: Tensor, chance: Chance) -> Tensor:
    import torch

    mirrored = chance.uniform((len(x), 1, 1, 1)) < 0.5
    return torch.where(mirrored, x.flip(3), x)


def _shift(x: Tensor, chance: Chance) -> Tensor:
    """Each row moved by its own number of places along each axis, 0 (the mean) moving in."""
    import torch

    for axis in range(2, x.dim()):
        side = x.shape[axis]
        by = chance.whole(-(side // _SHIFT), side // _SHIFT, (len(x), 1))
        places = torch.arange(side, device=x.device)[None] + by
        wide = [len(x), 1] + [1] * (x.dim() - 2)
        wide[axis] = side
        taken = places.clamp(0, side - 1).reshape(wide).expand_as(x)
        inside = ((places >= 0) & (places < side)).reshape(wide)
        x = x.gather(axis, taken) * inside
    return x


def _noise(x: Tensor, chance: Chance) -> Tensor:
    return x + _NOISE * chance.normal(x.shape)


def _mask_frames(x: Tensor, chance: Chance) -> Tensor:
    """A stretch of moments and a stretch of coefficients of each row set to 0, their mean."""
    import torch

    for axis in (1, 2):
        side = x.shape[axis]
        length = chance.uniform((len(x), 1)) * (side / _MASK)
        start = chance.uniform((len(x), 1)) * (side - length)
        places = torch.arange(side, device=x.device)[None]
        kept = (places < start) | (places >= start + length)
        x = x * (kept[:, :, None] if axis == 1 else kept[:, None])
    return x


def _mask_tokens(x: Tensor, chance: Chance) -> Tensor:
    import torch

    hidden = (chance.uniform(x.shape) < _UNKNOWN_SHARE) & (x > 0)
    return torch.where(hidden, torch.full_like(x, _UNKNOWN), x)


_STEPS: dict[str, dict[str, Callable[[Tensor, Chance], Tensor]]] = {
    "flip": {"image": _flip},
    "shift": {"image": _shift, "frames": _shift},
    "noise": {"image": _noise, "frames": _noise, "numbers": _noise},
    "mask": {"frames": _mask_frames, "tokens": _mask_tokens},
}
