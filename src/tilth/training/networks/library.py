"""PyTorch as networks use it: found or missed with a plain word, and set so that it repeats itself."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager

from tilth.errors import TrainingError

__all__ = ["check_torch", "find_device", "repeatable"]


def check_torch() -> None:
    """Raise a TrainingError that says how to install PyTorch, where it is not."""
    if importlib.util.find_spec("torch") is None:
        raise TrainingError(
            "torch is not installed, and networks are trained with it",
            where="[train] estimator",
            mend="pip install 'tilth[torch]'",
        )


def find_device(wanted: str) -> str:
    """Where to train: "cpu" or "cuda"; "auto" is a GPU if there is one.

    Raises:
        TrainingError: another name, or a GPU that is not there.
    """
    import torch

    if wanted not in ("auto", "cpu", "cuda"):
        raise TrainingError(
            f"networks cannot be trained on '{wanted}'",
            where="[train.parameters] device",
            expected='"auto", "cpu" or "cuda"',
        )
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise TrainingError(
            "there is no GPU that this torch can use",
            where="[train.parameters] device",
            mend='say device = "auto", or install a torch for your GPU',
        )
    return "cuda" if there and wanted != "cpu" else "cpu"


@contextmanager
def repeatable(threads: int, device: str = "cpu") -> Iterator[None]:
    """PyTorch set so that the same computation gives the same bits; as it was afterwards.

    Sums over several threads differ with their number in the last digits, so their number is given.
    """
    import torch

    if device == "cuda":
        # NVIDIA's condition for matrix products that repeat, read when the library starts.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = (
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.backends.cudnn.benchmark,
        torch.backends.cudnn.allow_tf32,
    )
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])
        torch.backends.cudnn.benchmark, torch.backends.cudnn.allow_tf32 = before[2:]
