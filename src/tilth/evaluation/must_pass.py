"""Must-pass sets: rows that matter so much that a model must get each of them right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tilth.errors import DataError
from tilth.evaluation.scored import ScoredRows
from tilth.metrics import Estimate, label_text
from tilth.types import JSONObject, JSONValue

__all__ = ["Failing", "MustPass", "must_pass"]

_MOST_FAILING = 50


@dataclass(frozen=True)
class Failing:
    """A row that a model got wrong.

    Args:
        row: its number in the set, from 1.
        label: what is true.
        answer: what the model says.
    """

    row: int
    label: JSONValue
    answer: JSONValue

    def to_json(self) -> JSONObject:
        """The row as JSON values."""
        return {"row": self.row, "label": self.label, "answer": self.answer}


@dataclass(frozen=True)
class MustPass:
    """How a model does on a must-pass set.

    Args:
        name: what the set is called.
        rows: how many rows it has.
        failed: how many of them the model got wrong.
        failing: the first of these.
    """

    name: str
    rows: int
    failed: int
    failing: tuple[Failing, ...]

    @property
    def metric(self) -> str:
        """The name under which checks bound the share that is right."""
        return f"must_pass.{self.name}"

    @property
    def share(self) -> Estimate:
        """The share that is right, of these very rows, so without an interval; undefined without rows."""
        return Estimate(1 - self.failed / self.rows if self.rows else None)

    def to_json(self) -> JSONObject:
        """The outcome as JSON values. It holds no columns of the rows, since these may be about people."""
        return {
            "name": self.name,
            "rows": self.rows,
            "failed": self.failed,
            "share": self.share.to_json(),
            "failing": [each.to_json() for each in self.failing],
        }

    def __str__(self) -> str:
        if not self.failed:
            return f"{self.name}: all {self.rows:,} rows right" if self.rows else f"{self.name}: no rows"
        shown = "; ".join(f"row {each.row}: {_shown(each)}" for each in self.failing[:5])
        more = "; ..." if self.failed > 5 else ""
        return f"{self.name}: {self.failed:,} of {self.rows:,} rows wrong ({shown}{more})"


def must_pass(name: str, rows: ScoredRows, tolerance: npt.NDArray[np.float64] | None = None) -> MustPass:
    """How a model does on rows that it must get right.

    Args:
        name: what the set is called.
        rows: n rows with what the model answers.
        tolerance: for numbers (n,), by how much each answer may be off.

    Raises:
        DataError: numbers without a tolerance, or with one that is none.

    Example:
        >>> from tilth.evaluation.scored import Scored
        >>> data = {"y": ["no", "yes", "yes"], "said": ["no", "no", "yes"]}
        >>> print(must_pass("loyal", Scored.of(data, label="y", prediction="said").rows()))
        loyal: 1 of 3 rows wrong (row 2: no, which is yes)
    """
    if not rows.encoding.is_number:
        wrong = rows.wrong
    elif tolerance is None or not np.all(tolerance >= 0):
        raise DataError(
            "answers that are numbers need a tolerance",
            where=name,
            expected="a number of at least 0 in the column 'tolerance' of every row",
        )
    else:
        wrong = np.asarray(rows.losses > tolerance, bool)
    positions = np.flatnonzero(wrong)
    failing = tuple(_failing(rows, int(at)) for at in positions[:_MOST_FAILING])
    return MustPass(name, len(rows), len(positions), failing)


def _failing(rows: ScoredRows, at: int) -> Failing:
    return Failing(
        at + 1, *(_value(rows, each[at]) for each in (rows.answered.truth, rows.answered.predictions))
    )


def _value(rows: ScoredRows, found: np.generic | npt.NDArray[np.generic]) -> JSONValue:
    """A label or an answer in its own words."""
    if rows.encoding.is_number:
        return float(found)
    if rows.encoding.task == "multilabel":
        return [
            name for name, said in zip(rows.encoding.names, np.asarray(found).tolist(), strict=True) if said
        ]
    return label_text(rows.encoding.classes[int(found)])


def _shown(failing: Failing) -> str:
    said, true = (
        " ".join(map(str, each)) or "none"
        if isinstance(each, list)
        else f"{each:.6g}"
        if isinstance(each, float)
        else each
        for each in (failing.answer, failing.label)
    )
    return f"{said}, which is {true}"
