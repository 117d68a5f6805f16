"""What `tilth evaluate` is asked beside metrics: how groups fare, and what was said that must not be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from tilth.cli.inputs import groups, read_text
from tilth.errors import UsageError

if TYPE_CHECKING:
    from tilth.evaluation import Evaluation
    from tilth.evaluation.word_lists import Never
    from tilth.tables import Table
    from tilth.types import JSONObject

__all__ = ["NOTHING_OWED", "Owing"]


@Parameter(name="*")
@dataclass(frozen=True)
class Owing:
    """What a model owes.

    Args:
        protected: A protected attribute, as for --slice: how its groups fare, and the gaps between them;
            repeatable.
        never: A list of words that must not be said, one a line; found ones end with 1; repeatable.
        output: The column of texts in which such words are looked for; default: the predictions.
    """

    protected: Annotated[list[str] | None, Parameter(negative="")] = None
    never: Annotated[list[Path] | None, Parameter(negative="")] = None
    output: str | None = None

    @property
    def attributes(self) -> list[list[str]]:
        """What the groups of each protected attribute are made by."""
        return groups(self.protected)

    def slices(self, slices: list[list[str]]) -> list[list[str]]:
        """These slices, and those by the protected attributes, each once."""
        return [list(keys) for keys in dict.fromkeys(map(tuple, [*slices, *self.attributes]))]

    def with_gaps(self, found: Evaluation, minimum_rows: int) -> tuple[Evaluation, JSONObject, list[str]]:
        """The evaluation with the gaps among its metrics, its "fairness" as JSON, and as text for people."""
        from tilth.evaluation.fairness import fairness_of, with_figures

        if not self.protected:
            return found, {}, []
        fair = fairness_of(found, self.attributes, minimum_rows)
        return with_figures(found, fair.metrics()), {"fairness": fair.to_json()}, [fair.report()]

    @property
    def is_of_words_alone(self) -> bool:
        """Whether only words are looked for, which needs no labels."""
        return bool(self.never) and self.output is not None and not self.protected

    def refuse_without_data(self) -> None:
        """What was recorded of a model has what tilth.toml asked for then."""
        if self.protected or self.never or self.output is not None:
            raise UsageError(
                "groups and words are looked at in data",
                expected="DATA beside --model",
                mend="or protected and never under [evaluate], and tilth run",
            )

    def search(self, table: Table | None, prediction: str | None) -> Words:
        """What is found of the word lists.

        Raises:
            UsageError: no column to look in, or a column and no list.
            ColumnNotFoundError: there is no such column.
            DataError: a list without words, or a column without texts.
        """
        column = self.output or prediction
        if not self.never or table is None:
            if self.output is not None:
                raise UsageError("--output names where words are looked for, and no --never says which")
            return Words()
        if column is None:
            raise UsageError("which texts may not hold these words?", mend="name their column with --output")
        return Words(tuple(self._searched(table, column, self.never)))

    def _searched(self, table: Table, column: str, files: list[Path]) -> Iterator[Never]:
        from tilth.evaluation.word_lists import WordList, WordSearch

        text = "a text with one word or phrase a line"
        lists = [WordList.from_text(path.stem, read_text(path, text), where=str(path)) for path in files]
        searches = [WordSearch(words) for words in lists]
        for batch in table.select([column]).batches():
            for search in searches:
                search.update(batch.column(0))
        yield from (search.result() for search in searches)


@dataclass(frozen=True)
class Words:
    """What was found of word lists."""

    lists: tuple[Never, ...] = ()

    @property
    def found(self) -> bool:
        """Whether a row holds a word that must not be said."""
        return any(each.hits for each in self.lists)

    def to_json(self) -> JSONObject:
        """Under "never" what was found; nothing without a list."""
        return {"never": [each.to_json() for each in self.lists]} if self.lists else {}

    def report(self) -> list[str]:
        """The same for people."""
        return ["\n".join(map(str, self.lists))] if self.lists else []


NOTHING_OWED = Owing()
"""Nothing is asked beside metrics."""
