"""PyTorch modules of a project's own, as ONNX."""

from __future__ import annotations

import contextlib
import copy
import importlib.util
import io
import logging
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from tilth.errors import TrainingError

__all__ = ["TorchModule", "is_torch_module"]

_OPSET = 20
_ROWS = 8_192


def is_torch_module(found: object) -> bool:
    """Whether something is a `torch.nn.Module`; without PyTorch nothing is."""
    torch: Any = sys.modules.get("torch")
    return torch is not None and isinstance(found, torch.nn.Module)


class TorchModule:
    """A trained module that takes features, float32 (n, f), and gives raw scores (n, columns).

    Args:
        module: the module; a copy of it on the processor, in evaluation mode, is used.
        features: how many features it takes.

    Raises:
        TrainingError: it fails on such features.
    """

    def __init__(self, module: Any, features: int) -> None:
        self._module = copy.deepcopy(module).to("cpu").eval()
        self._features = features

    def raw(self, X: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Its output (n, columns) for features (n, f)."""
        import torch

        parts = []
        with torch.inference_mode():
            for start in range(0, len(X), _ROWS):
                piece = torch.from_numpy(np.array(X[start : start + _ROWS], np.float32))
                found = self._module(piece)
                if (
                    not isinstance(found, torch.Tensor)
                    or found.ndim not in (1, 2)
                    or len(found) != len(piece)
                ):
                    shape = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
                    raise TrainingError(
                        f"the module gives {shape} for features {tuple(piece.shape)}",
                        expected="a tensor (n,) or (n, columns)",
                    )
                parts.append(found.reshape(len(piece), -1).double().numpy())
        return np.concatenate(parts)

    def to_onnx(self) -> bytes:
        """The same as ONNX: from `features` to `scores`.

        Raises:
            TrainingError: PyTorch cannot write it.
        """
        sample = np.zeros((2, self._features), np.float32)
        try:
            with _quiet():
                return self._newer(sample) if importlib.util.find_spec("onnxscript") else self._older(sample)
        except Exception as error:  # PyTorch raises whatever its parts raise
            raise TrainingError(
                f"the module {type(self._module).__name__} cannot be written as ONNX: "
                f"{str(error).strip().splitlines()[0][:300]}",
                mend="use operations that do not depend on the values of the rows, or return ONNX bytes",
            ) from error

    def _newer(self, sample: npt.NDArray[np.float32]) -> bytes:
        import torch

        program = torch.onnx.export(
            self._module,
            (torch.from_numpy(sample),),
            dynamo=True,
            input_names=["features"],
            output_names=["scores"],
            dynamic_shapes=({0: torch.export.Dim("n")},),
            opset_version=_OPSET,
            verbose=False,
        )
        assert program is not None
        return bytes(program.model_proto.SerializeToString())

    def _older(self, sample: npt.NDArray[np.float32]) -> bytes:
        """With the exporter of earlier years, which needs no other package."""
        import torch

        written = io.BytesIO()
        torch.onnx.export(
            self._module,
            (torch.from_numpy(sample),),
            written,  # type: ignore[arg-type] # a file too, which its annotation does not tell
            dynamo=False,
            input_names=["features"],
            output_names=["scores"],
            dynamic_axes={"features": {0: "n"}, "scores": {0: "n"}},
            opset_version=_OPSET,
        )
        return written.getvalue()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter says of itself."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.__trace")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
