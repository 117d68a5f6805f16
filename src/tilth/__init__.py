"""Tilth: the whole loop of machine learning in production in one package.

The names below are resolved when they are first used, so that `import tilth` takes milliseconds.

Example:
    >>> import tilth
    >>> tilth.profile({"age": [31, 45, 28]}).columns["age"].max
    45
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tilth.errors import TilthError
    from tilth.evaluation import Evaluation, evaluate
    from tilth.features import Transform
    from tilth.profiles import Profile, profile
    from tilth.projects import Project
    from tilth.schemas import Schema
    from tilth.tables import Table, join_as_of, open_table, split
    from tilth.validation import Anomaly, Comparison, compare, infer_schema, validate

__version__ = "0.1.0"

__all__ = [
    "Anomaly",
    "Comparison",
    "Evaluation",
    "Profile",
    "Project",
    "Schema",
    "Table",
    "TilthError",
    "Transform",
    "compare",
    "evaluate",
    "infer_schema",
    "join_as_of",
    "open_table",
    "profile",
    "split",
    "validate",
]

_ROOMS = {
    "tilth.errors": ["TilthError"],
    "tilth.evaluation": ["Evaluation", "evaluate"],
    "tilth.features": ["Transform"],
    "tilth.profiles": ["Profile", "profile"],
    "tilth.projects": ["Project"],
    "tilth.schemas": ["Schema"],
    "tilth.tables": ["Table", "join_as_of", "open_table", "split"],
    "tilth.validation": ["Anomaly", "Comparison", "compare", "infer_schema", "validate"],
}


def __getattr__(name: str) -> object:
    for room, names in _ROOMS.items():
        if name in names:
            value: object = getattr(importlib.import_module(room), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'tilth' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
