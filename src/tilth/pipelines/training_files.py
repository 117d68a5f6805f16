"""The code that an estimator of a project's own is made of: part of every key, kept with what it trained."""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from tilth.projects import Project
from tilth.training.estimators import FUNCTION
from tilth.training.local_code import local_digests, local_files
from tilth.types import JSONObject

__all__ = ["digests_of", "source_digests", "training_directory", "training_files"]

_KNOWN = ("lightgbm", "sklearn", "xgboost")
"""Libraries whose versions are part of every key already."""


def source_digests(project: Project) -> JSONObject:
    """What the code of the project's estimator is, as a parameter of the steps that train; often nothing.

    Raises:
        TrainingError: the file of the training function is not there.
    """
    found = digests_of(project.configuration.train.estimator, project.directory)
    return {"sources": dict(found)} if found else {}


def digests_of(estimator: str, directory: Path) -> dict[str, str]:
    """The SHA-256 of each file of a training function, or of the package that a dotted path names.

    Args:
        estimator: its name, as in tilth.toml.
        directory: the project's folder.

    Example:
        >>> digests_of("lightgbm", Path())
        {}
    """
    if FUNCTION.fullmatch(estimator):
        return local_digests(estimator.partition(":")[0], directory.resolve())
    package = estimator.partition(".")[0]
    if "." not in estimator or package in _KNOWN:
        return {}
    digest = _package_digest(package)
    return {package: digest} if digest else {}


def training_files(project: Project) -> dict[str, Path]:
    """The files of the project's training function by their names in the project; often none.

    Raises:
        TrainingError: the file is not there.
    """
    estimator = project.configuration.train.estimator
    if not FUNCTION.fullmatch(estimator):
        return {}
    return local_files(estimator.partition(":")[0], project.directory.resolve())


def training_directory(project: Project, sources: Mapping[str, str]) -> Path:
    """The folder with a training function's files as they were recorded.

    That is the project's own, if nothing changed since; else one that goes when this process does.

    Args:
        project: the project.
        sources: what `source_digests` gave then.
    """
    estimator = project.configuration.train.estimator
    names = {name: digest for name, digest in sources.items() if name.endswith(".py")}
    artifacts = project.artifacts()
    changed = any(not _is_file_of(project.directory / name, digest) for name, digest in names.items())
    kept = all(artifacts.holds(digest, ".py") for digest in names.values())
    if not FUNCTION.fullmatch(estimator) or not names or not changed or not kept:
        return project.directory
    folder = Path(tempfile.mkdtemp(prefix="tilth-train-")).resolve()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name, digest in names.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(artifacts.path(digest, ".py"), folder / name)
    return folder


def _is_file_of(path: Path, digest: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == digest


def _package_digest(package: str) -> str | None:
    """One digest of a module's text, or of all texts in a package and the sizes of what else lies there."""
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        return None  # said when it is imported
    if spec is None:
        return None
    digest = hashlib.sha256()
    folders = [Path(place) for place in spec.submodule_search_locations or ()]
    if not folders and spec.has_location and spec.origin:
        return hashlib.sha256(Path(spec.origin).read_bytes()).hexdigest()
    for folder in folders:
        for path in sorted(_files(folder)):
            told = path.read_bytes() if path.suffix == ".py" else str(path.stat().st_size).encode()
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + told + b"\0")
    return digest.hexdigest()


def _files(folder: Path) -> list[Path]:
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__"]
        found += [Path(place) / name for name in names if not name.endswith(".pyc")]
    return found
