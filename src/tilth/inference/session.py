"""The seam to onnxruntime: opening a session, and its failures as GraphError."""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tilth.errors import GraphError

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Session", "open_session"]


@dataclass(frozen=True)
class Session:
    """A loaded graph, as the runtime describes it.

    Args:
        inputs: input names with the runtime's type, such as "tensor(double)".
        shapes: the inputs' shapes; what is not a number may be anything.
        outputs: output names.
        types: the outputs' types.
        width: how many columns all outputs have together, as far as that is known.
        metadata: what the model says of itself.
    """

    inputs: dict[str, str]
    shapes: dict[str, tuple[object, ...]]
    outputs: tuple[str, ...]
    types: tuple[str, ...]
    width: int
    metadata: dict[str, str]
    _run: Callable[..., list[np.ndarray]]

    def run(self, outputs: Sequence[str], feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Compute some outputs.

        Raises:
            GraphError: the runtime refuses.
        """
        try:
            answers = self._run(outputs, feeds, None)
        except _failures() as error:
            raise GraphError(f"the graph failed: {_first_line(error)}") from error
        return answers


def open_session(model: bytes, threads: int) -> Session:
    """Load a model.

    Raises:
        GraphError: the bytes are not a model that the runtime can run.
    """
    runtime = _runtime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # Batches of different sizes would each keep their memory plan, and waiting threads would burn a core.
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except _failures() as error:
        raise GraphError(
            f"not a graph that can be run: {_first_line(error)}",
            expected="an ONNX model",
        ) from error
    return Session(
        inputs={node.name: node.type for node in session.get_inputs()},
        shapes={node.name: tuple(node.shape) for node in session.get_inputs()},
        outputs=tuple(node.name for node in session.get_outputs()),
        types=tuple(node.type for node in session.get_outputs()),
        width=sum(_columns(node.shape) for node in session.get_outputs()),
        metadata=dict(session.get_modelmeta().custom_metadata_map),
        _run=_quick_run(session),
    )


def _quick_run(session: Any) -> Callable[..., list[np.ndarray]]:
    """The run of the session beneath the public one, which checks again what this room has checked.

    Its checks cost a request of one row a tenth of its time. Where a version of the runtime has no such
    thing, the public one serves.
    """
    inner = getattr(session, "_sess", None)
    run: Callable[..., list[np.ndarray]] = getattr(inner, "run", session.run)
    return run


def _columns(shape: Sequence[object]) -> int:
    return math.prod(size for size in shape[1:] if isinstance(size, int))


@functools.cache
def _runtime() -> Any:
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    return onnxruntime


@functools.cache
def _failures() -> tuple[type[Exception], ...]:
    """Everything that the runtime raises; its exceptions share no base class of their own."""
    _runtime()
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    own = [kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    return (*own, RuntimeError, ValueError, TypeError)


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0].removeprefix("[ONNXRuntimeError] : ")
