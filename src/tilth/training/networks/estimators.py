"""Networks as estimators of scikit-learn's kind."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from tilth.errors import TrainingError
from tilth.features.blocks import Block
from tilth.training.boosting import Watch
from tilth.training.conversion import Conversion, link_nodes
from tilth.training.networks.architecture import Network, design, row_cells
from tilth.training.networks.fitting import Examples, Fitted, Loss, Settings, fit_network, outputs_on_rows
from tilth.training.networks.library import check_torch, find_device
from tilth.training.networks.nodes import NodeWriter, write_network
from tilth.training.networks.settings import check_settings
from tilth.training.rows import Floats, Labels, Rows

__all__ = ["MultilabelNetwork", "NetworkClassifier", "NetworkRegressor"]

_LEAST_DEV_ROWS = 50


class _NetworkEstimator(BaseEstimator, ABC):  # type: ignore[misc] # scikit-learn ships no types
    """What all networks have in common; `NetworkClassifier` says what the parameters are."""

    _loss: Loss = "classes"

    def __init__(
        self,
        epochs: int | None = None,
        batch_size: int = 64,
        learning_rate: float = 0.003,
        width: int = 16,
        depth: int = 3,
        dropout: float = 0.2,
        weight_decay: float = 0.01,
        augment: Sequence[str] = (),
        device: str = "auto",
        threads: int = 1,
        random_state: int = 0,
        blocks: Sequence[Block] = (),
    ) -> None:
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.width = width
        self.depth = depth
        self.dropout = dropout
        self.weight_decay = weight_decay
        self.augment = augment
        self.device = device
        self.threads = threads
        self.random_state = random_state
        self.blocks = blocks

    def fit(
        self,
        X: Floats,
        y: Labels,
        sample_weight: npt.NDArray[np.floating] | None = None,
        *,
        eval_set: tuple[Floats, Labels] | None = None,
        early_stopping_rounds: int = 25,
        watch: Watch | None = None,
    ) -> Self:
        """Learn from rows; with `eval_set` the epoch that is best on these is kept.

        Args:
            X: (n, f), features; NaN counts as the mean.
            y: (n,) codes or numbers, or (n, classes) of 0 and 1.
            sample_weight: (n,), how much each row counts.
            eval_set: features and labels of other rows.
            early_stopping_rounds: epochs without a better score on these before it ends; 0: it does not,
                and the last epoch is kept.
            watch: is told the metrics after each epoch.

        Raises:
            TrainingError: PyTorch is not there, a bad parameter, or the loss is not a number any more.
        """
        dev = None if eval_set is None else Rows(*eval_set)
        weights = None if sample_weight is None else np.asarray(sample_weight, np.float64)
        self.fit_rows(
            Rows(np.asarray(X), y, weights),
            dev,
            early_stopping_rounds=early_stopping_rounds,
            watch=watch,
        )
        return self

    def fit_rows(
        self, train: Rows, dev: Rows | None, *, early_stopping_rounds: int, watch: Watch | None
    ) -> None:
        """Learn from rows in canonical order; dev rows count where there are at least 50."""
        check_torch()
        check_settings(self.get_params())
        outputs = self._learn_labels(train)
        network = design(
            train.X.shape[1],
            self.blocks,
            outputs,
            width=self.width,
            depth=self.depth,
            dropout=float(self.dropout),
        )
        known = self._known(dev)
        fitted = fit_network(
            network,
            self._examples(train),
            None if known is None else self._examples(known),
            self._settings(early_stopping_rounds),
            watch,
        )
        self._keep(network, fitted)

    def conversion(self, opset: int) -> Conversion:
        """The nodes that compute what this network predicts.

        Args:
            opset: of the graph that they become part of.

        Raises:
            TrainingError: it is not fitted, or the graph is of before opset 13.
        """
        if opset < 13:
            raise TrainingError(f"a network needs a graph of opset 13 or later, not {opset}")
        writer, network = NodeWriter(), self._fitted_network()
        raw = write_network(writer, network, self.values_)
        nodes, constants = self._link(writer, raw)
        return Conversion(
            (*writer.nodes, *nodes), (*writer.constants, *constants), row_cells=row_cells(network)
        )

    def _link(self, writer: NodeWriter, raw: str) -> tuple[list[Any], list[Any]]:
        return link_nodes("softmax", writer.as_single(raw))

    @abstractmethod
    def _learn_labels(self, train: Rows) -> int:
        """Learn what the labels are; how many outputs they need."""

    @abstractmethod
    def _targets(self, y: Labels) -> npt.NDArray[np.generic]:
        """What the loss compares the outputs with."""

    def _known(self, dev: Rows | None) -> Rows | None:
        """The dev rows that can be scored, in an order of their own; None where they are too few."""
        if dev is None or len(dev) < _LEAST_DEV_ROWS:
            return None
        return dev.take(dev.order())

    def _examples(self, rows: Rows) -> Examples:
        weights = None
        if rows.weights is not None:
            mean = float(np.mean(rows.weights))
            if not mean > 0:
                raise TrainingError("no row has a weight above 0", where="[train] weight")
            weights = (rows.weights / mean).astype(np.float32)
        return Examples(rows.X, self._targets(rows.y), weights)

    def _settings(self, early_stopping_rounds: int) -> Settings:
        return Settings(
            loss=self._loss,
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=float(self.learning_rate),
            weight_decay=float(self.weight_decay),
            augment=tuple(self.augment),
            device=find_device(self.device),
            threads=self.threads,
            seed=self.random_state,
            early_stopping_rounds=early_stopping_rounds,
            unit=getattr(self, "scale_", 1.0),
        )

    def _keep(self, network: Network, fitted: Fitted) -> None:
        self.network_: Network = network
        self.values_ = fitted.values
        self.curves_ = fitted.curves
        self.best_iteration_ = fitted.best
        self.n_features_in_ = network.features

    def _fitted_network(self) -> Network:
        if not hasattr(self, "network_"):
            raise TrainingError("the network is not fitted yet", mend="call fit first")
        return self.network_

    def _outputs(self, X: Floats) -> npt.NDArray[np.float64]:
        return outputs_on_rows(self._fitted_network(), self.values_, np.asarray(X), self.threads)


class NetworkClassifier(ClassifierMixin, _NetworkEstimator):  # type: ignore[misc] # scikit-learn ships no types
    """A network for two or more classes, by cross-entropy.

    `classes_` are those met in training, `curves_` the loss by epoch, `best_iteration_` the epoch kept.

    Args:
        epochs: passes through the training rows; None: 30, or as many as make 300 batches.
        batch_size: rows a step.
        learning_rate: the greatest; it rises at first and falls to 0 at the end.
        width: channels of an image's first convolution, half of those of frames, a quarter of a token's
            vector, an eighth of a hidden layer's size.
        depth: how many convolutions after each other, or layers of numbers.
        dropout: the share of values dropped before each layer of the head.
        weight_decay: AdamW's.
        augment: how rows are varied, some of "flip", "mask", "noise", "shift"; see `AUGMENTATIONS`.
        device: "auto" (a GPU if there is one), "cpu" or "cuda".
        threads: of the processor. Their number changes the last bits.
        random_state: for all that is drawn at random.
        blocks: which features belong together; the others are plain numbers.

    Example:
        >>> import pytest
        >>> torch = pytest.importorskip("torch")
        >>> X = np.linspace(-1, 1, 200, dtype=np.float32).reshape(-1, 1)
        >>> model = NetworkClassifier(width=2).fit(X, (X.ravel() > 0).astype(np.int64))
        >>> model.predict(np.array([[-0.5], [0.5]], np.float32)).tolist()
        [0, 1]
    """

    def predict(self, X: Floats) -> npt.NDArray[np.generic]:
        """The most probable class (n,) of each row."""
        codes = self.predict_proba(X).argmax(axis=1)
        found: npt.NDArray[np.generic] = self.classes_[codes]
        return found

    def predict_proba(self, X: Floats) -> npt.NDArray[np.float32]:
        """Probabilities (n, classes)."""
        # To single precision first, as in the graph: the runtime's exponentials are exact to that only.
        raw = self._outputs(X).astype(np.float32)
        shares = np.exp(raw - raw.max(axis=1, keepdims=True, initial=-math.inf))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True), np.float32)

    def _learn_labels(self, train: Rows) -> int:
        self.classes_ = np.unique(train.y)
        return len(self.classes_)

    def _targets(self, y: Labels) -> npt.NDArray[np.generic]:
        return np.searchsorted(self.classes_, y).astype(np.int64)

    def _known(self, dev: Rows | None) -> Rows | None:
        return super()._known(None if dev is None else dev.take(np.isin(dev.y, self.classes_)))


class MultilabelNetwork(ClassifierMixin, _NetworkEstimator):  # type: ignore[misc] # scikit-learn ships no types
    """A network for several labels a row, by the cross-entropy of each; see `NetworkClassifier`."""

    _loss: Loss = "labels"

    def predict(self, X: Floats) -> npt.NDArray[np.int8]:
        """Which labels a row has: (n, classes), 1 where a probability is above one half."""
        return (self.predict_proba(X) > 0.5).astype(np.int8)

    def predict_proba(self, X: Floats) -> npt.NDArray[np.float32]:
        """The probability of each label (n, classes)."""
        return np.asarray(1 / (1 + np.exp(-np.clip(self._outputs(X), -80, 80))), np.float32)

    def _link(self, writer: NodeWriter, raw: str) -> tuple[list[Any], list[Any]]:
        return link_nodes("identity", writer.node("Sigmoid", writer.as_single(raw)))

    def _learn_labels(self, train: Rows) -> int:
        self.classes_ = np.arange(train.y.shape[1])
        return len(self.classes_)

    def _targets(self, y: Labels) -> npt.NDArray[np.generic]:
        return y.astype(np.float32)


class NetworkRegressor(RegressorMixin, _NetworkEstimator):  # type: ignore[misc] # scikit-learn ships no types
    """A network for numbers, by squared error; also for ranking, a score for each row.

    See `NetworkClassifier`.
    """

    _loss: Loss = "numbers"

    def predict(self, X: Floats) -> npt.NDArray[np.float64]:
        """A number (n,) for each row."""
        return self._outputs(X)[:, 0] * self.scale_ + self.mean_

    def _link(self, writer: NodeWriter, raw: str) -> tuple[list[Any], list[Any]]:
        scaled = writer.node("Mul", raw, writer.constant(np.array(self.scale_, np.float64)))
        return link_nodes("identity", writer.node("Add", scaled, writer.constant(np.array(self.mean_))))

    def _learn_labels(self, train: Rows) -> int:
        self.mean_ = float(np.average(train.y, weights=train.weights))
        spread = float(np.sqrt(np.average((train.y - self.mean_) ** 2, weights=train.weights)))
        self.scale_ = spread if spread > 1e-12 * abs(self.mean_) else 1.0
        return 1

    def _targets(self, y: Labels) -> npt.NDArray[np.generic]:
        return ((y - self.mean_) / self.scale_).astype(np.float32)
