"""`tilth explain`: what a model goes by, and why it says what it says of single rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.errors import NotFoundError, UsageError
from tilth.evaluation.explanation import (
    Explanation,
    Limits,
    Method,
    RowExplanation,
    SliceOf,
    attribute,
    explain,
    rows_explained,
    some_groups,
    some_rows,
    table_hashes,
    taken,
)
from tilth.inference import Graph
from tilth.metrics import Answered
from tilth.pipelines.explained_material import Material, data_material, part_material
from tilth.pipelines.scoring import column, groups_of
from tilth.projects import Project
from tilth.tables import Table
from tilth.tables.arrow_types import MEDIA_TYPES
from tilth.tables.slicing import groups, slice_order
from tilth.tables.slicings import slicing_of
from tilth.types import JSONObject, Progress

__all__ = ["Asked", "ModelExplanation", "explain_model"]

MOST_ROWS = 5_000
_LEAST_ROWS = 200
_MOST_CELLS = 2_000_000_000
_MEDIA_COST = 50
"""How many rows of numbers an image or a recording costs, about."""

_HASH_DIGITS = 16
_HASH = re.compile(r"(?:r(?=[0-9a-f]{6})|(?=[0-9a-f]{16}$))([0-9a-f]{6,16})")


@dataclass(frozen=True)
class Asked:
    """What is to be explained, and how.

    Args:
        rows: single rows: numbers from 1, or hashes such as r9626e651; none: the model as a whole.
        slices: on which it is explained too; what `tilth.tables.slicings.slicing_of` takes.
        columns: which columns are looked at; default: all.
        metric: what importance is measured by; default: the chief metric of the task.
        of: which class's score is explained.
        method: how contributions are found; default: the exact way where there is one.
        repeats: how often each column is shuffled.
        most_rows: how many rows are looked at, at most.
        seed: of all that is drawn.
    """

    rows: Sequence[str] = ()
    slices: Sequence[Sequence[str]] = ()
    columns: Sequence[str] = ()
    metric: str | None = None
    of: str | None = None
    method: Method | None = None
    repeats: int = 5
    most_rows: int = MOST_ROWS
    seed: int = 0


@dataclass(frozen=True)
class ModelExplanation:
    """The explanation of a model as a whole, or of single rows.

    Args:
        model: which, such as "census@3" or "run:4".
        data: whose rows, in words.
        whole: what it goes by; None where single rows were asked for.
        rows: the rows that were asked for.
        notes: what else must be known, in sentences.
    """

    model: str
    data: str
    whole: Explanation | None
    rows: tuple[RowExplanation, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> JSONObject:
        """The explanation as JSON values; undefined numbers are null."""
        head: JSONObject = {"model": self.model, "data": self.data, "notes": list(self.notes)}
        if self.whole is None:
            return {**head, "rows": [row.to_json() for row in self.rows]}
        return {**head, "whole": self.whole.to_json()}

    def report(self) -> str:
        """The explanation for people."""
        parts = [f"{self.model}, {self.data}"]
        parts += [row.report() for row in self.rows]
        if self.whole is not None:
            parts.append(self.whole.report())
        if self.notes:
            parts.append("\n".join(f"note: {note}" for note in self.notes))
        return "\n\n".join(parts)


def explain_model(
    project: Project,
    reference: str | None = None,
    asked: Asked | None = None,
    *,
    data: str | None = None,
    part: str = "dev",
    progress: Progress | None = None,
) -> ModelExplanation:
    """What a model goes by on a part of its run's data, or on a table.

    Args:
        project: whose model.
        reference: a run or a model version; default: the newest run whose model was evaluated, with `data`
            the champion.
        asked: what is explained, and how.
        data: a table with the model's columns; importance is told where it has labels.
        part: "train", "dev" or "test", where there is no table.
        progress: told after each column.

    Raises:
        NotFoundError: no such version, run or row.
        ColumnNotFoundError: a column that is needed or named and not there.
        DataError: the data cannot be read, or have no rows.
        UsageError: a metric, class, method or row that cannot be used.
    """
    wanted = asked or Asked()
    material = (
        data_material(project, data, reference)
        if data is not None
        else part_material(project, reference, part)
    )
    material.check(wanted.columns)
    if not 0 <= wanted.seed < 2**63:
        raise UsageError(f"the seed is {wanted.seed}", expected="a number from 0 to 2^63 - 1")
    if wanted.rows:
        return _single(material, wanted)
    return _whole(material, wanted, progress)


def _whole(material: Material, asked: Asked, progress: Progress | None) -> ModelExplanation:
    model, hashes = material.model, table_hashes(material.table)
    limits = _limits(material.graph)
    grouped = None if material.truth is None else groups_of(material.table, material.encoding)
    most = _most_rows(material.graph, asked, limits)
    positions = (
        some_rows(hashes, most, asked.seed)
        if grouped is None
        else some_groups(grouped, hashes, most, asked.seed)
    )
    rows, background = material.with_background(taken(material.table, positions), asked.seed)
    answered = None
    if material.truth is not None:
        said = model.ask(rows)
        own = None if grouped is None else grouped[positions]
        answered = Answered(material.truth[positions], said.predictions, said.scores, own)
    found = explain(
        model,
        rows,
        background,
        answered,
        slices=_slices(material.table, asked.slices, positions),
        columns=asked.columns,
        metric=asked.metric,
        of=asked.of,
        method=asked.method,
        repeats=asked.repeats,
        seed=asked.seed,
        limits=limits,
        progress=progress,
    )
    notes = list(material.notes)
    if len(positions) < len(hashes):
        notes.append(f"{len(positions):,} of the rows were looked at")
    if answered is None:
        notes.append(f"no importance: not every row has a label in '{material.label}'")
    return ModelExplanation(
        material.name, material.told, replace(found, rows=len(hashes)), notes=tuple(notes)
    )


def _single(material: Material, asked: Asked) -> ModelExplanation:
    if asked.slices:
        raise UsageError("single rows are explained, or slices", mend="leave --row or --slice out")
    hashes = table_hashes(material.table)
    positions = np.array([_position(text, hashes) for text in asked.rows], np.int64)
    rows, background = material.with_background(taken(material.table, positions), asked.seed)
    model = material.model
    found = attribute(
        model,
        rows,
        background,
        of=asked.of,
        method=asked.method,
        seed=asked.seed,
        answers=_limits(material.graph).answers,
    )
    names = [(int(at) + 1, f"r{int(hashes[at]):016x}") for at in positions]
    made = rows_explained(found, rows, model.ask(rows), material.encoding, names)
    return ModelExplanation(material.name, material.told, None, made, (*material.notes, *found.notes))


def _position(text: str, hashes: npt.NDArray[np.uint64]) -> int:
    """Where a row is that a number from 1, or a hash as `tilth errors list` shows it, names.

    Raises:
        NotFoundError: there is none, or several rows have a hash that begins so.
    """
    if text.isdecimal() and len(text) < _HASH_DIGITS and 1 <= int(text) <= len(hashes):
        return int(text) - 1
    found = _HASH.fullmatch(text)
    if found is not None:
        shift = np.uint64(4 * (_HASH_DIGITS - len(found[1])))
        places = np.flatnonzero(hashes >> shift == np.uint64(int(found[1], 16)))
        if len(np.unique(hashes[places])) == 1:  # equal rows have one explanation
            return int(places[0])
    raise NotFoundError(
        f"there is no row '{text}'",
        expected=f"a number from 1 to {len(hashes):,}, or a row's hash, such as r9626e651",
    )


def _limits(graph: Graph) -> Limits:
    usual = Limits()
    if not set(MEDIA_TYPES) & set(graph.inputs.values()):
        return usual
    return replace(
        usual,
        answers=usual.answers // _MEDIA_COST,
        influence_rows=usual.influence_rows // 3,
        slice_rows=usual.slice_rows // 3,
    )


def _most_rows(graph: Graph, asked: Asked, limits: Limits) -> int:
    """How many rows can be looked at, so that the cost stays bounded.

    Raises:
        UsageError: too few, or so many columns that even a few rows take hours.
    """
    shuffled = (len(asked.columns) or min(len(graph.inputs), limits.shuffled)) * max(1, asked.repeats)
    if asked.most_rows < 2:
        raise UsageError(f"{asked.most_rows} rows tell nothing", expected="--rows 2 or more")
    if shuffled * len(graph.inputs) * _LEAST_ROWS > _MOST_CELLS:
        raise UsageError(
            f"{len(graph.inputs):,} columns are too many to shuffle each",
            mend="name those to look at: --columns a,b,c",
        )
    most = min(limits.answers, _MOST_CELLS // max(1, len(graph.inputs))) // max(1, shuffled)
    return min(asked.most_rows, max(_LEAST_ROWS, most))


def _slices(table: Table, slices: Sequence[Sequence[str]], positions: npt.NDArray[np.int64]) -> list[SliceOf]:
    """The slices of the rows that are looked at, by their places among these."""
    cut = slicing_of(table, slices, where="--slice")
    known = cut.of({name: column(table, name) for name in cut.sources})
    sampled: Mapping[str, pa.Array] = {name: each.take(pa.array(positions)) for name, each in known.items()}
    found: list[SliceOf] = []
    for names in cut.slices:
        parts = sorted(groups(sampled, names), key=lambda part: [*map(slice_order, part[0])])
        found += [(dict(zip(names, values, strict=True)), rows) for values, rows in parts]
    return found
