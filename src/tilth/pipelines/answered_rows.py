"""The rows of a part with a model's answers, each known by the hash of its data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tilth.errors import NotFoundError, UsageError
from tilth.evaluation import ScoredRows
from tilth.pipelines.mistake_words import answer_confidences, answer_texts
from tilth.tables import Table, row_hashes
from tilth.types import ColumnType

__all__ = ["AnsweredRows", "Mask"]

Mask = npt.NDArray[np.bool_]


class AnsweredRows:
    """What is known of n rows that a model answered; computed when it is asked for.

    Attributes:
        scored: the rows and what the model says of them.
        answer_columns: columns of the rows that no data are: another model's predictions and scores.
    """

    scored: ScoredRows
    answer_columns: tuple[str, ...]

    @property
    def table(self) -> Table:
        """All n rows."""
        return self.scored.table

    @cached_property
    def columns(self) -> dict[str, ColumnType]:
        """The columns of data and their types: not those of Tilth, nor of another model's answers."""
        own = self.table.columns.items()
        return {
            name: kind
            for name, kind in own
            if not name.startswith("tilth.") and name not in self.answer_columns
        }

    @cached_property
    def wrong(self) -> Mask:
        """Which rows the model gets wrong, (n,)."""
        return self.scored.wrong

    @cached_property
    def losses(self) -> npt.NDArray[np.float64]:
        """How wrong the model is on each row, (n,)."""
        return self.scored.losses

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The classes as text; empty where the label is a number."""
        return self.scored.encoding.names

    @cached_property
    def _hashes(self) -> npt.NDArray[np.uint64]:
        names = list(self.columns)
        parts = [row_hashes(batch) for batch in self.table.select(names).batches()]
        return np.concatenate(parts) if parts else np.zeros(0, np.uint64)

    @cached_property
    def ids(self) -> list[str]:
        """What each row is known by, in order."""
        return [f"{number:016x}" for number in self._hashes.tolist()]

    @cached_property
    def places(self) -> dict[str, list[int]]:
        """Where the rows of each hash stand."""
        found: dict[str, list[int]] = {}
        for at, row in enumerate(self.ids):
            found.setdefault(row, []).append(at)
        return found

    @cached_property
    def order(self) -> npt.NDArray[np.int64]:
        """All rows, the most wrong first; of equally wrong ones in the order of their hashes."""
        return np.asarray(np.lexsort((self._hashes, -self.losses)), np.int64)

    @cached_property
    def answers(self) -> npt.NDArray[np.object_]:
        """What the model says of each row, as text, (n,)."""
        return answer_texts(self.scored.answered.predictions, self.scored.encoding)

    @cached_property
    def truths(self) -> npt.NDArray[np.object_]:
        """What is true of each row, as text, (n,)."""
        return answer_texts(self.scored.answered.truth, self.scored.encoding)

    @cached_property
    def confidences(self) -> npt.NDArray[np.float64] | None:
        """The probability that the model gives to each answer, (n,); None where it gives none."""
        return answer_confidences(self.scored.answered, self.scored.encoding)

    def has(self, row: str) -> bool:
        """Whether a hash is that of a row."""
        return row in self.places

    def known(self, row: str) -> str:
        """The hash of a row that is named by it, or by its first digits.

        Raises:
            NotFoundError: there is no such row.
            UsageError: there are several.
        """
        digits = row.strip().lower().removeprefix("r")
        if digits in self.places:
            return digits
        found = [each for each in self.places if each.startswith(digits)] if len(digits) >= 4 else []
        if not found:
            raise NotFoundError(
                f"there is no row '{row}' here",
                expected=f"one of {len(self.places):,} rows by its name, or 4 of its first digits or more",
                mend="tilth errors list shows them; rows of another part need --part, of other data DATA",
            )
        if len(found) > 1:
            raise UsageError(f"{len(found)} rows begin with '{row}'", mend="give more digits")
        return found[0]

    def positions(self, row: str) -> Sequence[int]:
        """Where the rows of a hash stand; equal rows share it.

        Raises:
            NotFoundError: there is none.
        """
        found = self.places.get(row)
        if found is None:
            raise NotFoundError(f"there is no row '{row}' here")
        return found

    def cell(self, row: str, column: str) -> object:
        """One value of a row as Python; images and recordings as their bytes.

        Raises:
            NotFoundError: there is no such row.
            ColumnNotFoundError: no such column.
        """
        chosen = np.zeros(len(self.wrong), bool)
        chosen[self.positions(row)[0]] = True
        value: object = self.table.select([column]).filter(chosen).to_arrow().column(0)[0].as_py()
        return value

    def values(self, chosen: Mask, names: Sequence[str]) -> Iterator[dict[str, object]]:
        """The values of some columns, row by row, in order."""
        if not names:
            yield from ({} for _ in range(int(chosen.sum())))
            return
        for batch in self.table.select(names).filter(chosen).batches():
            yield from batch.to_pylist()
