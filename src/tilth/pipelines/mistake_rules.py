"""RowRules: which rows the rules of tags hold for."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tilth.errors import ColumnNotFoundError, TilthError, UsageError
from tilth.evaluation import ScoredRows
from tilth.pipelines.mistake_words import answer_confidences
from tilth.store import Remark
from tilth.tables import Table
from tilth.tables.slicings import slicing_of

__all__ = ["RowRules"]

Mask = npt.NDArray[np.bool_]

_OWN = re.compile(r"""('(?:[^']|'')*'|"(?:[^"]|"")*")|\btilth\.(label|score)\b""")


class RowRules:
    """The rules of tags on some rows; each is computed once.

    Args:
        rows: the n rows with a model's answers.
        columns: those of the data.
    """

    def __init__(self, rows: ScoredRows, columns: Sequence[str]) -> None:
        self._rows = rows
        self._columns = tuple(columns)
        self._masks: dict[str, Mask] = {}
        self._wrong: dict[str, TilthError] = {}

    @staticmethod
    def normal(where: str) -> str:
        """An expression as it is kept: `tilth.label` and `tilth.score` in quotes, as SQL needs them.

        Example:
            >>> print(RowRules.normal("tilth.score > 0.9 and city = 'tilth.label'"))
            "tilth.score" > 0.9 and city = 'tilth.label'
        """
        return _OWN.sub(lambda found: found[1] or f'"tilth.{found[2]}"', where.strip())

    def checked(self, where: str) -> str:
        """The same of an expression that can be used here.

        Raises:
            ColumnNotFoundError: a column that the data do not have.
            UsageError: no expression that is true or false for each row.
        """
        rule = self.normal(where)
        self._masks[rule] = self._compute(rule)
        return rule

    def mask(self, rule: str) -> Mask:
        """For which rows a rule is true, (n,); for none where it cannot be used on these columns."""
        if rule not in self._masks:
            try:
                self._masks[rule] = self._compute(rule)
            except TilthError as error:
                self._wrong[rule] = error
                self._masks[rule] = np.zeros(len(self._rows), bool)
        return self._masks[rule]

    def holds(self, rule: str, at: int) -> bool:
        """Whether a rule is true of a row."""
        return bool(self.mask(rule)[at])

    def notes(self, rules: Sequence[Remark]) -> tuple[str, ...]:
        """Which rules cannot be used on these rows, in words."""
        for rule in rules:
            self.mask(rule.name)
        unused = [rule for rule in rules if rule.name in self._wrong]
        return tuple(
            f"the tag '{rule.subject}' has no rows by its rule {rule.name!r}: {self._wrong[rule.name].what}"
            for rule in unused
        )

    def _compute(self, rule: str) -> Mask:
        table = self._with_answers(rule)
        slicing = slicing_of(table, [[rule]], where="the rule of a tag")
        found = np.zeros(len(self._rows), bool)
        start = 0
        for batch in table.select(list(slicing.sources)).batches(262_144):
            columns = {name: batch.column(name) for name in slicing.sources}
            values = slicing.of(columns)[rule]
            found[start : start + batch.num_rows] = _truths(values, rule)
            start += batch.num_rows
        return found

    def _with_answers(self, rule: str) -> Table:
        """The data with what the model says of it, where the rule speaks of that."""
        table = self._rows.table.select(self._columns)
        encoding, answered = self._rows.encoding, self._rows.answered
        if '"tilth.label"' in rule:
            said = answered.predictions
            if encoding.task == "multilabel":
                column = encoding.label_column(said)
            elif encoding.is_number:
                column = pa.array(said)
            else:
                column = pa.array(encoding.decode(said.astype(np.int64)))
            table = table.with_column("tilth.label", column)
        if '"tilth.score"' in rule:
            confidence = answer_confidences(answered, encoding)
            if confidence is None:
                raise ColumnNotFoundError("tilth.score", self._columns, where="what the model says")
            table = table.with_column("tilth.score", confidence)
        return table


def _truths(values: pa.Array, rule: str) -> Mask:
    if not pa.types.is_boolean(values.type):
        raise UsageError(
            f"the rule {rule!r} is {values.type}, not true or false",
            expected="such as: age > 60 and sex = 'f'",
        )
    return np.asarray(pc.fill_null(values, False).to_numpy(zero_copy_only=False), bool)
