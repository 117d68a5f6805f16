"""The worst mistakes of a model with what it was asked: pictures to look at, recordings to listen to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tilth.evaluation import ScoredRows
from tilth.metrics import LabelEncoding
from tilth.profiles.page_figures import Label, figure, label, share
from tilth.tables import Table, row_hashes
from tilth.tables.thumbnails import preview, thumbnail
from tilth.types import MEDIA_TYPES

__all__ = ["Medium", "Mistake", "Mistakes", "cards", "mistakes_of", "probabilities_of"]

_MOST = 30
_MOST_COLUMNS = 60
_SIDE = 160
_MOST_MEDIA_BYTES = 3 << 20
_LONGEST = 400


@dataclass(frozen=True)
class Medium:
    """A picture or a recording of a row.

    Args:
        name: its column.
        kind: "image" or "audio".
        address: a `data:` address; None where it cannot be shown.
        reason: why not.
    """

    name: str
    kind: str
    address: str | None
    reason: str = ""


@dataclass(frozen=True)
class Mistake:
    """One row that the model got wrong.

    Args:
        row: its place among the rows, from 1.
        key: the hash of its content, by which `tilth errors tag` names it.
        truth: the label.
        said: what the model says.
        confidence: how sure it is of that, in words; "" where it gives no probability.
        loss: how wrong it is, in words.
        inputs: column and value, without media.
        media: its pictures and recordings.
        tags: what people have tagged it with.
    """

    row: int
    key: str
    truth: Label
    said: Label
    confidence: str
    loss: str
    inputs: tuple[tuple[str, Label], ...]
    media: tuple[Medium, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mistakes:
    """The mistakes of a part.

    Args:
        part: of which rows, in words.
        rows: how many rows were answered.
        wrong: how many of them wrongly.
        shown: the worst of them.
        hidden: columns whose values are left out.
        is_number: whether numbers are predicted, of which hardly one is right.
        left_out: how many columns are not shown.
    """

    part: str
    rows: int
    wrong: int
    shown: tuple[Mistake, ...]
    hidden: tuple[str, ...] = ()
    is_number: bool = False
    left_out: int = 0


def mistakes_of(
    rows: ScoredRows,
    part: str,
    *,
    hidden: Collection[str] = (),
    known: Collection[str] = (),
    tags: Callable[[str], Sequence[str]] | None = None,
    most: int = _MOST,
) -> Mistakes | None:
    """The worst mistakes among some rows; None where no row alone is right or wrong (rankings).

    Args:
        rows: with the model's answers.
        part: which they are, in words.
        hidden: columns whose values are not to be shown.
        known: columns that are shown otherwise or are no inputs, such as the prediction's.
        tags: gives the tags of the row that a hash names.
        most: how many are shown.

    Example:
        >>> from tilth.evaluation import Scored
        >>> data = {"y": ["a", "b", "a"], "said": ["a", "a", "b"], "city": ["x", "y", "z"]}
        >>> rows = Scored.of(data, label="y", prediction="said").rows()
        >>> found = mistakes_of(rows, "all rows", known=["said"])
        >>> found.wrong, sorted((each.row, each.truth.text, each.inputs[0][1].text) for each in found.shown)
        (2, [(2, 'b', 'y'), (3, 'a', 'z')])
    """
    if rows.encoding.task == "ranking":
        return None
    wrong = rows.losses > 0 if rows.encoding.is_number else rows.wrong
    shown, left_out = cards(rows, wrong, hidden=hidden, known=known, tags=tags, most=most)
    gone = tuple(name for name in rows.table.columns if name in hidden)
    count = int(wrong.sum())
    return Mistakes(part, len(rows), count, shown, gone, rows.encoding.is_number, left_out)


def cards(
    rows: ScoredRows,
    among: npt.NDArray[np.bool_],
    *,
    hidden: Collection[str] = (),
    known: Collection[str] = (),
    tags: Callable[[str], Sequence[str]] | None = None,
    most: int = _MOST,
) -> tuple[tuple[Mistake, ...], int]:
    """The worst of some rows as the page shows them, and how many columns are left out.

    Args:
        rows: n rows with the model's answers.
        among: (n,), which of them.
        hidden: columns whose values are not to be shown.
        known: columns that are no inputs.
        tags: gives the tags of the row that a hash names.
        most: how many are shown.
    """
    losses = rows.losses
    at, keys = _worst(rows, losses, np.flatnonzero(among), most)
    names = [name for name in _data(rows) if name not in {*hidden, *known, rows.label}]
    media = [name for name in names if rows.table.columns[name] in MEDIA_TYPES]
    plain = [name for name in names if name not in media]
    values = _values(rows.table, at, [*media, *plain[:_MOST_COLUMNS]])
    room, sure = _MOST_MEDIA_BYTES, probabilities_of(rows)
    found = []
    for place, row in enumerate(at.tolist()):
        said, looked = rows.answered.predictions[row], []
        for name in media:
            medium = _medium(name, rows.table.columns[name], values[name][place], room)
            room -= len(medium.address or "")
            looked.append(medium)
        found.append(
            Mistake(
                row + 1,
                keys[place],
                _said(rows.encoding, rows.answered.truth[row]),
                _said(rows.encoding, said),
                "" if sure is None else f"{share(float(sure[row, int(said)]), 1.0)} sure",
                figure(float(losses[row])),
                tuple((name, _shown(values[name][place])) for name in plain[:_MOST_COLUMNS]),
                tuple(looked),
                tuple(tags(keys[place])) if tags is not None else (),
            )
        )
    return tuple(found), max(0, len(plain) - _MOST_COLUMNS)


def _data(rows: ScoredRows) -> list[str]:
    """The columns that hold data: no answers, and nothing of Tilth's own."""
    return [name for name in rows.table.columns if not name.startswith("tilth.") and name not in rows.roles]


def _worst(
    rows: ScoredRows, losses: npt.NDArray[np.float64], at: npt.NDArray[np.intp], most: int
) -> tuple[npt.NDArray[np.intp], list[str]]:
    """The rows that the model is most wrong about, of equally wrong ones in the order of their hashes."""
    if len(at) > most:
        last = np.partition(losses[at], len(at) - most)[len(at) - most]
        at = at[losses[at] >= last]
    chosen = np.zeros(len(rows), bool)
    chosen[at] = True
    own = _data(rows)
    batches = rows.table.filter(chosen).select(own).batches()
    hashes = np.concatenate([np.zeros(0, np.uint64), *map(row_hashes, batches)])
    order = np.lexsort((hashes, -losses[at]))[:most]
    return at[order], [f"{key:016x}" for key in hashes[order].tolist()]


def _values(table: Table, at: npt.NDArray[np.intp], names: Sequence[str]) -> dict[str, list[Any]]:
    """The values of some rows by column, in the order asked for."""
    chosen = np.zeros(table.rows, bool)
    chosen[at] = True
    values: dict[str, list[Any]] = {name: [] for name in names}
    for batch in table.filter(chosen).select(list(names)).batches() if names else ():
        for name in names:
            values[name] += batch.column(name).to_pylist()
    order = np.argsort(np.argsort(at)).tolist()
    return {name: [found[place] for place in order] for name, found in values.items()}


def _medium(name: str, kind: str, content: bytes | None, room: int) -> Medium:
    if content is None:
        return Medium(name, kind, None, "missing")
    address = thumbnail(content, _SIDE) if kind == "image" else preview(content)
    if address is None:
        return Medium(name, kind, None, "cannot be read")
    if len(address) > room:
        return Medium(name, kind, None, "left out, the page would become too large")
    return Medium(name, kind, address)


def _shown(value: object) -> Label:
    if value is None:
        return Label("missing", is_empty=True)
    if isinstance(value, str):
        return label(value, _LONGEST)
    if isinstance(value, list):
        return label(", ".join(_shown(each).text for each in value[:50]), _LONGEST)
    return Label(figure(value))


def _said(encoding: LabelEncoding, code: Any) -> Label:
    """A label, or a number, in words."""
    if encoding.is_number:
        return Label(figure(float(code)))
    if encoding.task == "multilabel":
        return label(", ".join(encoding.labels_of(np.asarray(code)[None, :])[0]) or "none", 120)
    return label(encoding.names[int(code)], 120)


def probabilities_of(rows: ScoredRows) -> npt.NDArray[np.floating] | None:
    """The probability of each class (n, c); None where the model gives none."""
    scores = rows.answered.scores
    if scores is None or rows.answered.predictions.ndim > 1 or rows.encoding.is_number:
        return None
    return scores if scores.min() >= 0 and scores.max() <= 1 else None
