"""Which columns are personal: by the schema of a model version, and by schema.toml as it is now."""

from __future__ import annotations

import logging
from dataclasses import replace

import msgspec

from tilth.errors import TilthError
from tilth.projects.project import Project
from tilth.schemas import Schema
from tilth.tables import Prediction, personal_columns, statistic_columns

__all__ = ["as_private_as_now", "unknowable_columns", "without_personal"]

_log = logging.getLogger("tilth.projects")


def as_private_as_now(schema: Schema, project: Project) -> Schema:
    """The schema of a version; what is personal by now, in schema.toml, is personal in it too.

    A schema.toml that cannot be read, since somebody is writing it, changes nothing.
    """
    if not project.schema_path.exists():
        return schema
    try:
        now = personal_columns(project.schema())
    except TilthError as error:
        _log.warning("schema.toml is broken, so the model version's says what is personal: %s", error)
        return schema
    columns = (replace(column, personal=now.get(column.name, column.personal)) for column in schema.columns)
    return replace(schema, columns=tuple(columns))


def unknowable_columns(schema: Schema) -> frozenset[str]:
    """The columns of which the log says nothing that could be compared or learned from.

    Example:
        >>> from tilth.schemas import Column
        >>> unknowable_columns(Schema((Column("age", "int"), Column("name", "string", personal="hash"))))
        frozenset({'name'})
    """
    personal = personal_columns(schema)
    types = {column.name: column.type for column in schema.columns if column.name in personal}
    return frozenset(personal) | frozenset(statistic_columns(types))


def without_personal(made: Prediction, hidden: frozenset[str]) -> Prediction:
    """A logged prediction without what stands for the values of these columns.

    Example:
        >>> from tilth.types import utc_now
        >>> made = Prediction("a-0", utc_now(), "m", 1, "live", {"x": 1, "name": "5e"}, "yes", None, 0.001)
        >>> without_personal(made, frozenset({"name"})).inputs
        {'x': 1}
    """
    if not hidden:
        return made
    inputs = {name: value for name, value in made.inputs.items() if name not in hidden}
    return msgspec.structs.replace(made, inputs=inputs)
