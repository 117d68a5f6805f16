"""RowExplanation: why a model says what it says of one row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from tilth.evaluation.explanation.asking import Said
from tilth.evaluation.explanation.attribution import Attributions
from tilth.metrics import LabelEncoding
from tilth.tables.slicing import slice_text
from tilth.types import JSONObject
from tilth.wording import aligned

__all__ = ["Contribution", "RowExplanation", "rows_explained"]

_LONGEST = 40
_Z = 1.959963984540054


@dataclass(frozen=True)
class Contribution:
    """What one column, or some together, add to an answer.

    Args:
        columns: raw columns.
        values: what the row has there, as text.
        amount: what they add, in the explanation's scale.
        low: the lower end of the 95 % interval of an amount that was drawn; None for exact ones.
        high: the upper end.
    """

    columns: tuple[str, ...]
    values: tuple[str, ...]
    amount: float
    low: float | None = None
    high: float | None = None

    @property
    def name(self) -> str:
        """The columns in words."""
        return " x ".join(self.columns)

    def to_json(self) -> JSONObject:
        """The contribution as JSON values."""
        return {
            "columns": list(self.columns),
            "values": list(self.values),
            "amount": self.amount,
            "low": self.low,
            "high": self.high,
        }


@dataclass(frozen=True)
class RowExplanation:
    """Base and contributions add up to the value.

    Args:
        row: its number among the rows, from 1.
        id: its hash, "r" and 16 hex digits.
        said: what the model says, as text.
        of: the class whose score is explained; of numbers "prediction".
        probability: of this class; None for numbers.
        explained: what is explained, such as "log-odds of yes".
        base: what is said of the background rows on average.
        value: what is said of this row.
        contributions: the greatest first.
    """

    row: int
    id: str
    said: str
    of: str
    probability: float | None
    explained: str
    base: float
    value: float
    contributions: tuple[Contribution, ...]

    def to_json(self) -> JSONObject:
        """The explanation as JSON values."""
        return {
            "row": self.row,
            "id": self.id,
            "said": self.said,
            "of": self.of,
            "probability": self.probability,
            "explained": self.explained,
            "base": self.base,
            "value": self.value,
            "contributions": [each.to_json() for each in self.contributions],
        }

    def report(self, most: int = 12) -> str:
        """The explanation for people: so many contributions, and the rest together."""
        shown, rest = self.contributions[:most], self.contributions[most:]
        likely = "" if self.probability is None else f" (probability of {self.of} {self.probability:.4f})"
        head = f"row {self.row} ({self.id}): {self.said}{likely}"
        lines = [("", "value", self.explained), ("on average", "", f"{self.base:.4f}")]
        lines += [(each.name, ", ".join(each.values), _signed(each)) for each in shown]
        if rest:
            others = sum(each.amount for each in rest)
            lines.append((f"{len(rest)} others", "", f"{others:+.4f}"))
        lines.append(("together", "", f"{self.value:.4f}"))
        return "\n".join([head, *(f"  {line}" for line in aligned(lines))])


def _signed(each: Contribution) -> str:
    around = "" if each.low is None or each.high is None else f" [{each.low:+.4f}, {each.high:+.4f}]"
    return f"{each.amount:+.4f}{around}"


def rows_explained(
    found: Attributions,
    rows: pa.Table,
    said: Said,
    encoding: LabelEncoding,
    names: Sequence[tuple[int, str]],
) -> tuple[RowExplanation, ...]:
    """The attributions of n rows one by one.

    Args:
        found: of these rows.
        rows: n rows.
        said: what the model says of them.
        encoding: the task and its classes.
        names: (n,), the rows' numbers and hashes.
    """
    words = _said(said, encoding)
    return tuple(
        RowExplanation(
            number,
            identity,
            words[at],
            found.of[int(found.outputs[at])],
            _probability(said, encoding, int(found.outputs[at]), at),
            found.told(at),
            _rounded(found.base[at]),
            _rounded(found.values[at]),
            _contributions(found, rows, at),
        )
        for at, (number, identity) in enumerate(names)
    )


def _contributions(found: Attributions, rows: pa.Table, at: int) -> tuple[Contribution, ...]:
    made = []
    for player, columns in enumerate(found.players):
        amount = _rounded(found.amounts[at, player])
        error = np.nan if found.errors is None else float(found.errors[at, player])
        ends = [None, None] if np.isnan(error) else [amount - _Z * error, amount + _Z * error]
        values = tuple(_cell(rows.column(name)[at].as_py()) for name in columns)
        made.append(Contribution(columns, values, amount, *ends))
    return tuple(sorted(made, key=lambda each: (-abs(each.amount), each.columns)))


def _cell(value: Any) -> str:
    if isinstance(value, bytes):
        return f"({len(value):,} bytes)"
    text = f"{value:.6g}" if isinstance(value, float) and value == value else slice_text(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _said(said: Said, encoding: LabelEncoding) -> list[str]:
    if encoding.is_number:
        return [f"{value:.6g}" for value in np.asarray(said.predictions, np.float64)]
    if encoding.task == "multilabel":
        return [", ".join(labels) or "none" for labels in encoding.labels_of(said.predictions)]
    return [encoding.names[code] for code in np.asarray(said.predictions, np.int64)]


def _probability(said: Said, encoding: LabelEncoding, output: int, at: int) -> float | None:
    if said.scores is None:
        return None
    column = output + 1 if encoding.task == "binary" else output
    return float(said.scores[at, column])


def _rounded(value: float) -> float:
    """Without the last digits, which depend on the rows beside it."""
    return float(f"{value:.10g}")
