"""The version of the code that does the work: Tilth's own source, and the libraries that compute for it."""

from __future__ import annotations

import contextlib
import hashlib
from functools import cache
from importlib import metadata
from pathlib import Path

import tilth

__all__ = ["COMPUTING_LIBRARIES", "code_version"]

COMPUTING_LIBRARIES = (
    "lightgbm",
    "numpy",
    "onnx",
    "onnxruntime",
    "polars",
    "pyarrow",
    "scikit-learn",
    "scipy",
    "skl2onnx",
    "torch",
    "xgboost",
    "xgboost-cpu",
)
"""The libraries whose results an execution depends on, as far as they are installed."""


@cache
def code_version() -> str:
    """The version of Tilth, with a digest of its source and of the versions of what computes for it.

    Changed code, ours or a library's, is never taken for unchanged.
    """
    root = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    for library in COMPUTING_LIBRARIES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            digest.update(f"{library} {metadata.version(library)}\0".encode())
    return f"{tilth.__version__}+{digest.hexdigest()[:12]}"
