"""Metrics of a project's own: the functions of a Python file, and what the file is made of."""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from tilth.errors import ProjectError, TilthError, UsageError
from tilth.metrics import CustomMetric
from tilth.projects import Project
from tilth.training.function_errors import code_failed
from tilth.training.local_code import importable, load_file, local_digests
from tilth.types import JSONObject

__all__ = ["custom_digests", "load_metrics", "project_metrics"]

_EXPECTED = "functions of the counts: def cost(counts): return 5 * counts.fn + counts.fp"


def project_metrics(project: Project) -> dict[str, CustomMetric]:
    """The functions of the file that [evaluate] metrics names; often none.

    Raises:
        ProjectError: the file is not there, or not in the project.
        UsageError: it has no function, or one that does not take counts.
        TrainingError: its code fails.
    """
    file = project.configuration.evaluate.metrics
    return {} if file is None else load_metrics(_declared(project, file), project.directory)


def custom_digests(project: Project) -> JSONObject:
    """The digests of all files that these metrics are made of, as a parameter of the step that evaluates.

    Raises:
        ProjectError: the file is not there, or not in the project.
    """
    file = project.configuration.evaluate.metrics
    if file is None:
        return {}
    return {"metrics": dict(local_digests(_declared(project, file), project.directory.resolve()))}


def load_metrics(file: str, directory: Path) -> dict[str, CustomMetric]:
    """All public functions that a Python file defines, by name, in alphabetical order.

    Args:
        file: its path within the folder.
        directory: the folder, from which it may import other files.

    Raises:
        UsageError: it defines no public function, or one that does not take one argument.
        TrainingError: its code fails.
    """
    folder = directory.resolve()
    digests = local_digests(file, folder)
    with importable(folder, digests), contextlib.redirect_stdout(sys.stderr):
        try:
            found = vars(load_file(file, folder, digests))
        except TilthError:
            raise
        except (Exception, SystemExit) as error:
            raise code_failed(error, file, folder) from error
    own = {name: value for name, value in sorted(found.items()) if _is_own(name, value, found)}
    if not own:
        raise UsageError(f"{file} defines no metric", where=str(folder / file), expected=_EXPECTED)
    for name, function in own.items():
        _check(name, function, file)
    return own


def _is_own(name: str, value: object, found: Mapping[str, object]) -> bool:
    own = inspect.isfunction(value) and value.__module__ == found["__name__"]
    return own and not name.startswith("_")


def _check(name: str, function: CustomMetric, file: str) -> None:
    try:
        inspect.signature(function).bind(None)
    except TypeError as error:
        raise UsageError(
            f"{name}() cannot be called with the counts: {error}",
            where=f"{file}, {name}()",
            expected=_EXPECTED,
            mend="begin the name of what is no metric with an underscore",
        ) from error


def _declared(project: Project, file: str) -> str:
    path = PurePosixPath(file)
    inside = not path.is_absolute() and ".." not in path.parts and path.suffix == ".py"
    if inside and (project.directory / file).is_file():
        return file
    raise ProjectError(
        f"there is no {file} here" if inside else f"'{file}' is no Python file of the project",
        where="tilth.toml, [evaluate] metrics",
        expected="the path of a Python file within the project's folder, such as metrics.py",
        mend="write it, or correct metrics in tilth.toml",
    )
