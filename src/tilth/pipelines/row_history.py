"""How much each row of a project counts: by its column of weights, and by its age."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import CheckFailed, ProjectError
from tilth.pipelines.parts import Parts
from tilth.pipelines.scoring import column
from tilth.projects import Project
from tilth.tables import PARTS, Table
from tilth.training.history import OLDER, Moments, age_weights
from tilth.training.weights import row_weights
from tilth.types import JSONObject

__all__ = ["history_parameters", "weights_of_rows", "without_older"]

_LEARNED = ("train", "dev")
_INSTEAD = ("tilth.time",)
"""When production was asked, which rows from feedback tell, whether or not they have the column of times."""


def without_older(project: Project, table: Table, parts: pa.DictionaryArray) -> pa.DictionaryArray:
    """The parts of rows, "older" for those that are too old to be learned from.

    Rows of the test part stay, so that models that learn from more or fewer rows are held against each other
    on the same ones.

    Args:
        project: the project; without `history = "recent"` nothing changes.
        table: n rows.
        parts: the part of each.

    Raises:
        ProjectError: nothing says which column holds the time, or how recent is recent.
        DataError: rows without a time.
    """
    if project.configuration.train.history != "recent":
        return parts
    span = _setting(project, "recent")
    codes = parts.indices.to_numpy()
    places = {part: code for code, part in enumerate(parts.dictionary.to_pylist())}
    recent = _moments(project, table).is_recent(span, codes == places["train"], "[train] recent")
    old = ~recent & np.isin(codes, [places[part] for part in _LEARNED])
    kept = np.where(old, len(PARTS), codes).astype(np.int8)
    for part in _LEARNED:
        if not (kept == places[part]).any():
            raise CheckFailed(
                f"no row of the {part} part is recent",
                where="[train] recent",
                expected=f"rows at most {span} older than the newest of the train part",
                mend="take a longer time, or deal the rows in another way under [split]",
            )
    return pa.DictionaryArray.from_arrays(pa.array(kept), pa.array([*PARTS, OLDER]))


def weights_of_rows(project: Project, parts: Parts) -> npt.NDArray[np.float64] | None:
    """How much each row counts (n,), by the column of weights and by its age; None: all alike.

    A row from feedback counts 1 where it lacks the column, which nobody sends with a request.

    Raises:
        ProjectError: nothing says which column holds the time, or the half-life.
        DataError: a weight or a time that cannot be used.
    """
    section = project.configuration.train
    found: npt.NDArray[np.float64] | None = None
    if section.weight is not None:
        given = column(parts.table, section.weight)
        given = pc.if_else(pc.and_(pa.array(parts.from_feedback), pc.is_null(given)), _one(given), given)
        found = row_weights(given, section.weight)
    if section.history == "weighted":
        moments = _moments(project, parts.table)
        half_life = moments.span(_setting(project, "half_life"), "[train] half_life")
        by_age = age_weights(moments.ages(parts.names == "train"), half_life)
        found = by_age if found is None else found * by_age
    return found


def history_parameters(project: Project) -> JSONObject:
    """The part of the configuration that changes what `without_older` gives."""
    section = project.configuration.train
    if section.history != "recent":
        return {}
    return {"history": section.history, "time": section.time, "recent": section.recent}


def _moments(project: Project, table: Table) -> Moments:
    return Moments.of(table, _setting(project, "time"), _INSTEAD)


def _setting(project: Project, name: str) -> str:
    """A setting that the history needs.

    Raises:
        ProjectError: tilth.toml does not give it.
    """
    section = project.configuration.train
    given: Mapping[str, str | None] = {
        "time": section.time,
        "half_life": section.half_life,
        "recent": section.recent,
    }
    found = given[name]
    if found is None:
        raise ProjectError(
            f'history = "{section.history}" needs {name}',
            where="tilth.toml, [train]",
            expected='the column of the rows\' times: time = "..."'
            if name == "time"
            else f'a span of time: {name} = "30d"',
        )
    return found


def _one(values: pa.Array) -> pa.Scalar:
    """1 in the type of a column; of texts none, which are refused later."""
    kind = values.type
    numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    return pa.scalar(1, pa.int64()).cast(kind) if numeric else pa.scalar(None, kind)
