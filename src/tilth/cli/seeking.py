"""What `tilth evaluate` is asked of slices: where the model is worse, and how another does on these rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tilth.errors import UsageError

if TYPE_CHECKING:
    from tilth.evaluation import Comparison, ScoredRows
    from tilth.types import JSONObject

__all__ = ["NOTHING_SOUGHT", "Seeking"]


@Parameter(name="*")
@dataclass(frozen=True)
class Seeking:
    """What is sought.

    Args:
        discover: Find the slices on which the model is worse than elsewhere.
        columns: With --discover, the columns to slice by, joined by commas; default: all that hold data.
        against: The column of another model's predictions, to be held against these.
        against_score: The column of the other model's probability of the positive class.
        flips: With --against, write the rows that only one of the models gets right to this file.
        minimum_rows: A slice with fewer rows is marked as small, and none is discovered.
    """

    discover: Annotated[bool, Parameter(negative="")] = False
    columns: Annotated[list[str] | None, Parameter(negative="")] = None
    against: str | None = None
    against_score: str | None = None
    flips: Path | None = None
    minimum_rows: int = 30

    def check(self, *, data: bool = True) -> None:
        """Refuse what would do nothing.

        Args:
            data: there is data beside a registered model.

        Raises:
            UsageError: an option that needs another, or data.
        """
        if self.minimum_rows < 1:
            raise UsageError(f"--minimum-rows {self.minimum_rows} marks nothing", expected="1 at least")
        if self.columns and not self.discover:
            raise UsageError("--columns are what --discover slices by", mend="add --discover")
        if self.flips is not None and not self._is_against:
            raise UsageError("--flips are between two models", mend="name the other's column with --against")
        if not data and (self.discover or self._is_against):
            raise UsageError(
                "rows are needed, and a model's record has none",
                expected="DATA beside --model",
                mend="leave these options out: what the run discovered is told anyway",
            )

    @property
    def _is_against(self) -> bool:
        return self.against is not None or self.against_score is not None

    def find(
        self, read: Callable[[], ScoredRows], slices: Sequence[Sequence[str]]
    ) -> tuple[JSONObject, list[str]]:
        """What is found, as JSON for the evaluation's document, and as texts for people.

        Args:
            read: gives the rows with the model's answers.
            slices: on which two models are compared.
        """
        document: JSONObject = {}
        told: list[str] = []
        if not self.discover and not self._is_against:
            return document, told
        from tilth.evaluation import discover

        rows = read()
        others = tuple(name for name in (self.against, self.against_score) if name is not None)
        rows = replace(rows, roles=(*rows.roles, *others))
        if self.discover:
            columns = None if self.columns is None else [n for each in self.columns for n in each.split(",")]
            discovery = discover(rows, columns, minimum_rows=self.minimum_rows)
            document |= discovery.to_json()
            told.append(discovery.report())
        if self._is_against:
            comparison = self._compared(rows, slices)
            document["against"] = comparison.to_json()
            told.append(comparison.report())
        return document, told

    def _compared(self, rows: ScoredRows, slices: Sequence[Sequence[str]]) -> Comparison:
        from tilth.evaluation import Scored, compare
        from tilth.tables import write_table

        other = Scored.of(
            rows.table,
            label=rows.label,
            prediction=self.against,
            score=self.against_score,
            encoding=rows.encoding,
        ).rows()
        name = self.against or self.against_score or ""
        found = compare(rows, other, slices, against=name, minimum_rows=self.minimum_rows)
        if self.flips is not None:
            write_table(found.flips(rows.table), self.flips)
        return found


NOTHING_SOUGHT = Seeking()
"""Metrics alone."""
