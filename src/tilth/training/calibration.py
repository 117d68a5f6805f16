"""Calibration: probabilities corrected so that of rows told 0.8, 80 in 100 are positive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from tilth.errors import TrainingError
from tilth.training.rows import Labels
from tilth.types import JSONObject

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

__all__ = ["Calibration", "fit_calibration"]


class Calibration(Protocol):
    """A correction of probabilities that NumPy and a graph compute alike."""

    def apply(self, scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The corrected probabilities (n, classes) of probabilities (n, classes)."""

    def nodes(self, scores: str, output: str) -> tuple[list[NodeProto], list[TensorProto]]:
        """The nodes from the tensor `scores`, double (n, classes), to the tensor `output` like it."""

    def to_json(self) -> JSONObject:
        """Its kind and its constants as JSON values."""


def fit_calibration(
    kind: str,
    scores: npt.NDArray[np.float64],
    y: Labels,
    weights: npt.NDArray[np.float64] | None = None,
) -> Calibration | None:
    """A calibration learned from the probabilities (n, classes) and the codes (n,) of some rows."""
    raise TrainingError(f"no calibration '{kind}'", where="[train] calibration")
