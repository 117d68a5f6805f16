"""Forward: what each layer computes, in PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tilth.training.networks.architecture import Branch, Network, branch_name
from tilth.training.networks.augmenting import Augmenter
from tilth.training.networks.chance import Chance
from tilth.training.networks.layers import (
    Convolve,
    Dense,
    Drop,
    Halve,
    Layer,
    Normalize,
    ReadTokens,
    Rectify,
    Summarize,
)

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["EPSILON", "FORWARD", "LIMIT", "run_network"]

EPSILON = 1e-5
"""Added to variances."""

LIMIT = 10.0
"""Standardized numbers are kept from -10 to 10."""

Tensors = Mapping[str, "Tensor"]


def run_network(
    network: Network,
    values: Tensors,
    X: Tensor,
    chance: Chance | None = None,
    augmenter: Augmenter | None = None,
    *,
    precise: bool = False,
) -> Tensor:
    """The outputs (n, outputs) for features (n, f), before any link.

    Args:
        network: what is computed.
        values: parameters and constants by name.
        X: float32 features.
        chance: in training, what is drawn at random; None otherwise.
        augmenter: in training, how rows are varied.
        precise: numbers and the head are computed in double precision, as the graph does: differences by
            rounding then stay far below what a probability is told to, however sure the network is.
    """
    import torch

    vectors: list[Tensor] = []
    for place, branch in enumerate(network.branches):
        name = branch_name(network, place)
        x = read_columns(branch, name, values, X.double() if precise and branch.kind == "numbers" else X)
        if augmenter is not None and chance is not None:
            x = augmenter(branch.kind, x, chance)
        vector = _through(branch.layers, name, values, x, chance)
        vectors.append(vector.double() if precise else vector)
    together = vectors[0] if len(vectors) == 1 else torch.cat(vectors, 1)
    return _through(network.head, "head", values, together, chance)


def read_columns(branch: Branch, name: str, values: Tensors, X: Tensor) -> Tensor:
    """The columns of a branch, channels first: standardized, with 0 for missing; tokens as numbers."""
    import torch

    parts = [X[:, start:stop] for start, stop in branch.spans]
    x = (parts[0] if len(parts) == 1 else torch.cat(parts, 1)).reshape(-1, *branch.shape)
    if branch.kind == "tokens":
        assert isinstance(branch.layers[0], ReadTokens)
        return x.nan_to_num(0.0).clamp(0, branch.layers[0].size - 1).long()
    x = (x - values[f"{name}.mean"]) * values[f"{name}.factor"]
    x = torch.where(x.isnan(), torch.zeros_like(x), x).clamp(-LIMIT, LIMIT)
    return x.movedim(-1, 1)


def _through(layers: Sequence[Layer], name: str, values: Tensors, x: Tensor, chance: Chance | None) -> Tensor:
    for place, layer in enumerate(layers):
        own = {key: values[f"{name}.{place}.{key}"] for key in layer.shapes()}
        if x.is_floating_point():
            own = {key: value.to(x.dtype) for key, value in own.items()}
        x = FORWARD[type(layer)](layer, own, x, chance)
    return x


def _dense(_: Dense, values: Tensors, x: Tensor, __: Chance | None) -> Tensor:
    return x @ values["weight"].T + values["bias"]


def _convolve(layer: Convolve, values: Tensors, x: Tensor, _: Chance | None) -> Tensor:
    from torch.nn import functional

    convolve: Any = functional.conv2d if len(layer.kernel) == 2 else functional.conv1d
    around = tuple(side // 2 for side in layer.kernel)
    found: Tensor = convolve(x, values["weight"], values["bias"], padding=around)
    return found


def _normalize(_: Normalize, values: Tensors, x: Tensor, __: Chance | None) -> Tensor:
    from torch.nn import functional

    return functional.group_norm(x, 1, values["scale"], values["shift"], EPSILON)


def _rectify(_: Rectify, __: Tensors, x: Tensor, ___: Chance | None) -> Tensor:
    return x.relu()


def _halve(layer: Halve, _: Tensors, x: Tensor, __: Chance | None) -> Tensor:
    from torch.nn import functional

    pool: Any = functional.max_pool2d if layer.axes == 2 else functional.max_pool1d
    found: Tensor = pool(x, 2)
    return found


def _summarize(_: Summarize, __: Tensors, x: Tensor, ___: Chance | None) -> Tensor:
    import torch

    places = x.flatten(2)
    return torch.cat([places.mean(2), places.amax(2)], 1)


def _drop(layer: Drop, _: Tensors, x: Tensor, chance: Chance | None) -> Tensor:
    if chance is None:
        return x
    kept = (chance.uniform(x.shape) >= layer.share).to(x.dtype)
    return x * kept / (1 - layer.share)


def _read_tokens(layer: ReadTokens, values: Tensors, x: Tensor, _: Chance | None) -> Tensor:
    import torch
    from torch.nn import functional

    there = (x > 0).to(torch.float32)[:, None]  # (n, 1, length)
    vectors = functional.embedding(x, values["embedding"]).movedim(-1, 1) * there
    found = functional.conv1d(vectors, values["weight"], values["bias"], padding=layer.kernel // 2)
    found = found.relu() * there
    looked = (found * values["attention"]).sum(1, keepdim=True) - (1 - there) * ABSENT
    attended = (found * looked.softmax(2)).sum(2)
    return torch.cat([attended, found.amax(2)], 1)


ABSENT = 1e4
"""Taken from the attention that a place without a token gets: its share is then 0."""

FORWARD: dict[type[Layer], Callable[[Any, Tensors, Tensor, Chance | None], Tensor]] = {
    Dense: _dense,
    Convolve: _convolve,
    Normalize: _normalize,
    Rectify: _rectify,
    Halve: _halve,
    Summarize: _summarize,
    Drop: _drop,
    ReadTokens: _read_tokens,
}
