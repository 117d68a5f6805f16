"""From data to what is chosen on: the rows, the candidates, and what is left out and why."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from tilth.errors import DataError, counted
from tilth.features import Features, default_features, load_features
from tilth.metrics import LabelValue
from tilth.profiles import Profile, profile
from tilth.schemas import Schema
from tilth.tables import Table, open_table
from tilth.training.selection.candidates import Candidates
from tilth.training.selection.sample import Sample, read_sample
from tilth.types import SCALAR_TYPES, ColumnType, Task
from tilth.validation import infer_schema

__all__ = ["Prepared", "fitting_folds", "prepare"]

_MOST_CELLS = 20_000_000
_LEAST_DRAWN = 100
_MOST_CATEGORIES = 51
_LEAST_OF_CLASS = 4
_NAMED = 4
_REASON = re.compile(r" *# (.+?) is left out: (.+)")


@dataclass(frozen=True)
class Prepared:
    """What columns are chosen on.

    Args:
        sample: the rows.
        candidates: what can be kept.
        left_out: column -> why it cannot.
        notes: what looks as if it was read otherwise than meant, in sentences.
    """

    sample: Sample
    candidates: Candidates
    left_out: Mapping[str, str]
    notes: tuple[str, ...] = ()


def prepare(
    data: object,
    label: str,
    *,
    features: Features | str | None = None,
    where: str = "features.py",
    forbidden: Mapping[str, str] | None = None,
    rows: int,
    seed: int = 0,
    task: Task | None = None,
    positive: LabelValue | None = None,
) -> Prepared:
    """Read the rows and find the candidates.

    Args:
        data: anything that `tilth.tables.open_table` takes.
        label: the column to predict.
        features: the text of a features.py, or its function; default: that of `default_features`.
        where: the path of that text, for messages.
        forbidden: column -> why it may not be a feature; the label is forbidden in any case.
        rows: the most rows to look at; fewer of a table with very many features.
        seed: another seed draws other rows.
        task: what is predicted; default: told from the labels.
        positive: the positive class of two.
    """
    table = open_table(data)
    banned = {**(forbidden or {}), label: "it is the label, which is not known when the model is asked"}
    if features is None:
        sample = read_sample(table, label, rows=rows, seed=seed, task=task, positive=positive)
        return _with_default_features(table, sample, label, banned)
    function = load_features(features, where) if isinstance(features, str) else features
    candidates = Candidates(function, table.columns, banned)
    sample = read_sample(
        table, label, rows=rows, seed=seed, task=task, positive=positive, columns=candidates.columns
    )
    unused = {name for name in table.columns if name not in {*candidates.columns, label}}
    return Prepared(sample, candidates, dict.fromkeys(sorted(unused), f"{where} does not use it"))


def _with_default_features(
    table: Table, sample: Sample, label: str, forbidden: Mapping[str, str]
) -> Prepared:
    left_out = {name: reason for name, reason in forbidden.items() if name in table.columns and name != label}
    for name, kind in table.columns.items():
        if name != label and kind not in SCALAR_TYPES:
            left_out.setdefault(name, "it does not hold one value a row")
    notes: list[str] = []
    there = [name for name in sample.table.column_names if name not in left_out]
    if there:
        rows = sample.table.select(there)
        found = profile(rows)
        notes += _missing_texts(found)
        schema = infer_schema(found)
        if len(sample.labels) < sample.rows:
            schema = _with_identifiers(schema, table, found)
        text = default_features(schema, label)
        left_out |= _reasons(text)
    types = {name: kind for name, kind in table.columns.items() if name in there and name not in left_out}
    if not types:
        shown = "; ".join(f"'{name}': {reason}" for name, reason in list(left_out.items())[:5])
        raise DataError(
            "there is no column to choose from",
            where=table.name,
            expected="columns of numbers, categories or dates" + (f" ({shown})" if shown else ""),
            mend="make features of texts and other columns, and give them with --features features.py",
        )
    width = sum(_width(found.columns[name].distinct, kind) for name, kind in types.items())
    candidates = Candidates(load_features(text), types)
    first = sample.first(max(_LEAST_DRAWN, _MOST_CELLS // width))
    return Prepared(first, candidates, left_out, tuple(notes))


def _with_identifiers(schema: Schema, table: Table, found: Profile) -> Schema:
    """The schema of drawn rows with the row numbers that only all rows show: drawn ones have gaps."""
    names = [n for n, seen in found.columns.items() if seen.type == "int" and seen.distinct == found.rows]
    if not names:
        return schema
    whole = profile(table.select(names))
    given = {name for name in names if whole[name].kind == "identifier"}
    columns = (replace(c, kind="identifier") if c.name in given else c for c in schema.columns)
    return replace(schema, columns=tuple(columns))


def _missing_texts(found: Profile) -> list[str]:
    """Texts that may stand for missing values: they make a category of a column of numbers."""
    columns: dict[str, list[str]] = {}
    for name, column in found.columns.items():
        for hint in column.hints:
            if hint.kind == "sentinel" and isinstance(hint.values[0], str):
                columns.setdefault(hint.values[0], []).append(name)
    return [
        f"'{text}' was read as a text, but may stand for a missing value ({_listed(names)}): if so, ask "
        f"again with --missing {shlex.quote(text)}"
        for text, names in columns.items()
    ]


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _reasons(text: str) -> dict[str, str]:
    """The columns that a features.py of `default_features` leaves out, with the reasons that it gives."""
    found = (_REASON.fullmatch(line) for line in text.splitlines())
    return {str(ast.literal_eval(match[1])): match[2] for match in found if match}


def _width(distinct: int, kind: ColumnType) -> int:
    """About how many features a column becomes."""
    return min(distinct, _MOST_CATEGORIES) + 1 if kind == "string" else 4 if kind == "datetime" else 2


def fitting_folds(folds: int, sample: Sample, label: str) -> int:
    """How many folds the rarest class allows; equal rows count once, since they share a fold.

    Raises:
        DataError: a class of two that has too few rows, or no two classes that have enough.
    """
    if sample.encoding.task == "regression":
        return min(folds, len(np.unique(sample.hashes)))
    sizes = sorted(
        (len(np.unique(sample.hashes[sample.labels == code])), code)
        for code in range(len(sample.encoding.classes))
    )
    size, code = sizes[-2]
    if size < _LEAST_OF_CLASS:
        raise DataError(
            f"the class '{sample.encoding.names[code]}' has {counted(size, 'different row')}",
            where=f"column '{label}'",
            expected=f"{_LEAST_OF_CLASS} or more rows of two classes at least, so that folds can have both",
            mend="choose another label, or more data",
        )
    return min(folds, size)
