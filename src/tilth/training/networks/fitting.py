"""Fitting: a network's parameters learned by AdamW from batches of rows, the best epoch on dev kept."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from tilth.errors import TrainingError
from tilth.training.boosting import Watch
from tilth.training.networks.architecture import Network, row_cells
from tilth.training.networks.augmenting import Augmenter
from tilth.training.networks.chance import Chance
from tilth.training.networks.forward import run_network
from tilth.training.networks.library import repeatable
from tilth.training.networks.parameters import first_parameters
from tilth.training.networks.standards import standards

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

__all__ = ["Examples", "Fitted", "Loss", "Settings", "fit_network", "outputs_on_rows"]

Loss = Literal["classes", "labels", "numbers"]
"""Cross-entropy of a softmax, mean cross-entropy of logistic outputs, or squared error."""

_EPOCHS = 30
_LEAST_BATCHES = 300
"""Few rows are gone through more often, unless it is said how often."""

_WARM_UP = 0.05
_LONGEST_STEP = 1.0
_CELLS_AT_ONCE = 1 << 21


@dataclass(frozen=True)
class Examples:
    """Features and what shall come of them.

    Args:
        X: (n, f) float32.
        targets: (n,) int64 codes, (n, classes) float32, or (n,) float32 standardized numbers.
        weights: (n,) float32 or None.
    """

    X: npt.NDArray[np.floating]
    targets: npt.NDArray[np.generic]
    weights: npt.NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Settings:
    """How a network is fitted; see `NetworkClassifier`."""

    loss: Loss
    epochs: int | None
    batch_size: int
    learning_rate: float
    weight_decay: float
    augment: tuple[str, ...]
    device: str
    threads: int
    seed: int
    early_stopping_rounds: int
    unit: float = 1.0
    """What a squared error's root is multiplied with to be in the label's unit."""


@dataclass
class Fitted:
    """What comes out.

    Args:
        values: parameters and constants by name.
        curves: part -> metric -> its value after each epoch.
        best: the epoch whose parameters were kept, from 0.
    """

    values: dict[str, npt.NDArray[np.float32]]
    curves: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    best: int = 0


def fit_network(
    network: Network, train: Examples, dev: Examples | None, settings: Settings, watch: Watch | None = None
) -> Fitted:
    """Learn a network's parameters.

    AdamW (Loshchilov and Hutter, 2019) with a learning rate that rises over the first twentieth of the
    batches and falls to 0 as a cosine; gradients longer than 1 are shortened. With dev rows the parameters
    of the epoch with the least dev loss are kept.

    Args:
        network: what is fitted.
        train: the examples to learn from, in an order that does not depend on how they were stored.
        dev: others.
        settings: how.
        watch: is told the metrics after each epoch.

    Raises:
        TrainingError: the loss is not a number any more.
    """
    with repeatable(settings.threads, settings.device):
        chance = Chance(settings.seed, settings.device)
        first = first_parameters(network, chance)
        known = standards(network, train.X)
        return _Fitting(network, first, known, settings, chance).run(train, dev, watch)


class _Fitting:
    def __init__(
        self,
        network: Network,
        first: Mapping[str, Tensor],
        known: Mapping[str, npt.NDArray[np.float32]],
        settings: Settings,
        chance: Chance,
    ) -> None:
        import torch

        self._network, self._settings, self._chance = network, settings, chance
        self._learned = {name: value.to(settings.device).requires_grad_() for name, value in first.items()}
        self._constants = {name: torch.from_numpy(v).to(settings.device) for name, v in known.items()}
        self._augmenter = Augmenter(settings.augment) if settings.augment else None
        self._metric = "rmse" if settings.loss == "numbers" else "log_loss"

    def run(self, train: Examples, dev: Examples | None, watch: Watch | None) -> Fitted:
        """All epochs."""
        settings = self._settings
        batches = math.ceil(len(train.X) / settings.batch_size)
        epochs = settings.epochs or max(_EPOCHS, math.ceil(_LEAST_BATCHES / batches))
        optimizer, rates = self._optimizer(epochs * batches)
        curves: dict[str, dict[str, list[float]]] = {"train": {self._metric: []}}
        if dev is not None:
            curves["dev"] = {self._metric: []}
        best, least, kept = 0, math.inf, self._values()
        for epoch in range(epochs):
            losses = {"train": self._epoch(train, optimizer, rates)}
            if dev is not None:
                losses["dev"] = self._loss_on(dev)
            told = self._told(losses, epoch)
            for part, value in told.items():
                curves[part][self._metric].append(value)
            if watch is not None:
                watch(epoch, {f"{part}.{self._metric}": value for part, value in told.items()})
            rounds = settings.early_stopping_rounds
            if not rounds or "dev" not in losses or losses["dev"] < least:
                best, least, kept = epoch, losses.get("dev", math.inf), self._values()
            elif epoch - best >= rounds:
                break
        return Fitted(kept, curves, best)

    def _optimizer(self, steps: int) -> tuple[Optimizer, Iterator[float]]:
        import torch

        settings = self._settings
        # What is not multiplied with anything is not drawn to 0.
        groups = [
            {
                "params": [p for p in self._learned.values() if p.dim() > 1],
                "weight_decay": settings.weight_decay,
            },
            {"params": [p for p in self._learned.values() if p.dim() == 1], "weight_decay": 0.0},
        ]
        made = torch.optim.AdamW([group for group in groups if group["params"]], lr=settings.learning_rate)
        return made, _rates(settings.learning_rate, steps)

    def _epoch(self, train: Examples, optimizer: Optimizer, rates: Iterator[float]) -> float:
        """One pass over the rows; the mean loss on the way."""
        import torch

        order = self._chance.order(len(train.X)).numpy()
        total = weight = 0.0
        for start in range(0, len(order), self._settings.batch_size):
            places = order[start : start + self._settings.batch_size]
            rate = next(rates)
            for group in optimizer.param_groups:
                group["lr"] = rate
            losses, weights = self._losses(train, places, self._chance)
            mean = (losses * weights).sum() / len(places)
            optimizer.zero_grad()
            torch.autograd.backward([mean])
            torch.nn.utils.clip_grad_norm_(list(self._learned.values()), _LONGEST_STEP)
            optimizer.step()
            total += float((losses.detach().double() * weights).sum())
            weight += float(weights.double().sum())
        return total / weight if weight else math.nan

    def _loss_on(self, examples: Examples) -> float:
        """The mean loss, nothing being drawn at random."""
        import torch

        total = weight = 0.0
        with torch.no_grad():
            for places in _pieces(len(examples.X), self._network):
                losses, weights = self._losses(examples, places, None)
                total += float((losses.double() * weights).sum())
                weight += float(weights.double().sum())
        return total / weight if weight else math.nan

    def _losses(
        self, examples: Examples, places: npt.NDArray[np.int64], chance: Chance | None
    ) -> tuple[Tensor, Tensor]:
        """The loss of each row, and its weight."""
        import torch
        from torch.nn import functional

        device = self._settings.device
        X = torch.from_numpy(examples.X[places].astype(np.float32, copy=False)).to(device)
        targets = torch.from_numpy(examples.targets[places]).to(device)
        outputs = run_network(
            self._network,
            {**self._learned, **self._constants},
            X,
            chance,
            self._augmenter if chance is not None else None,
        )
        if self._settings.loss == "classes":
            losses = functional.cross_entropy(outputs, targets, reduction="none")
        elif self._settings.loss == "labels":
            losses = functional.binary_cross_entropy_with_logits(outputs, targets, reduction="none").mean(1)
        else:
            losses = (outputs[:, 0] - targets).square()
        if examples.weights is None:
            return losses, torch.ones_like(losses)
        return losses, torch.from_numpy(examples.weights[places]).to(device)

    def _told(self, losses: Mapping[str, float], epoch: int) -> dict[str, float]:
        """The metric of each part.

        Raises:
            TrainingError: a loss is not a number.
        """
        if not math.isfinite(losses["train"]):
            raise TrainingError(
                f"the network's loss is not a number any more in epoch {epoch + 1}",
                where="[train.parameters]",
                mend=f"lower learning_rate, which is {self._settings.learning_rate:g}",
            )
        if self._settings.loss == "numbers":
            return {part: math.sqrt(loss) * self._settings.unit for part, loss in losses.items()}
        return dict(losses)

    def _values(self) -> dict[str, npt.NDArray[np.float32]]:
        everything = {**self._learned, **self._constants}
        return {name: value.detach().cpu().numpy().copy() for name, value in everything.items()}


def outputs_on_rows(
    network: Network,
    values: Mapping[str, npt.NDArray[np.float32]],
    X: npt.NDArray[np.floating],
    threads: int = 1,
) -> npt.NDArray[np.float64]:
    """The outputs (n, outputs) of a fitted network for features (n, f), on the processor."""
    import torch

    tensors = {name: torch.from_numpy(value) for name, value in values.items()}
    with repeatable(threads), torch.no_grad():
        parts = [
            run_network(
                network,
                tensors,
                torch.from_numpy(X[places].astype(np.float32, copy=False)),
                precise=True,
            ).numpy()
            for places in _pieces(len(X), network)
        ]
    return np.concatenate(parts) if parts else np.empty((0, network.outputs))


def _rates(highest: float, steps: int) -> Iterator[float]:
    """The learning rate of each step."""
    warm = max(1, round(_WARM_UP * steps))
    for step in range(steps):
        rising = min(1.0, (step + 1) / warm)
        yield highest * rising * 0.5 * (1 + math.cos(math.pi * step / steps))


def _pieces(rows: int, network: Network) -> Iterator[npt.NDArray[np.int64]]:
    """Positions of rows that can be computed at once in little memory."""
    at_once = max(1, min(4096, _CELLS_AT_ONCE // row_cells(network)))
    for start in range(0, rows, at_once):
        yield np.arange(start, min(rows, start + at_once))
