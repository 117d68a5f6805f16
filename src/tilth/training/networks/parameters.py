"""Where a network's parameters begin."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tilth.training.networks.architecture import Network, parameter_shapes
from tilth.training.networks.chance import Chance

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["first_parameters"]

_EMBEDDING = 0.5
_LAST = 0.1


def first_parameters(network: Network, chance: Chance) -> dict[str, Tensor]:
    """Parameters by name: weights uniform with variance 2 / inputs (He et al., 2015), biases 0, scales 1.

    The last layer's weights are a tenth of that, so that at first all answers are about equally probable.
    """
    import torch

    shapes = parameter_shapes(network)
    last = max(int(name.split(".")[1]) for name in shapes if name.startswith("head."))
    found: dict[str, Tensor] = {}
    for name, shape in shapes.items():
        what = name.rpartition(".")[2]
        if what in ("bias", "shift", "attention"):
            found[name] = torch.zeros(shape)
        elif what == "scale":
            found[name] = torch.ones(shape)
        elif what == "embedding":
            found[name] = (chance.normal(shape) * _EMBEDDING).cpu()
        else:
            reach = math.sqrt(6 / math.prod(shape[1:])) * (_LAST if name == f"head.{last}.weight" else 1)
            found[name] = ((2 * chance.uniform(shape) - 1) * reach).cpu()
    return found
