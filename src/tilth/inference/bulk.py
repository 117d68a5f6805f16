"""Bulk: one model applied to many rows, its work on texts done once for each distinct text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tilth.inference.codes import CodedNumbers, code_numbers, combine
from tilth.inference.dictionaries import CodedTexts, Results, TextDictionary, in_pieces, text_rows
from tilth.inference.feeds import arrow_feed, arrow_texts
from tilth.inference.partition import Partition, partition
from tilth.inference.session import Session

__all__ = ["Bulk", "NotByRowsError"]

_ROWS_A_VALUE = 2
"""Fewer rows than this for each combination of values, and it is run on the rows."""
_PAUSE = 15

Open = Callable[[bytes], Session]
Take = tuple[str, str, np.dtype]
"""An input of the model, the column that it takes, and as what."""


class NotByRowsError(Exception):
    """The model has a tensor that cannot be computed of distinct values."""


class Bulk:
    """A model in parts: what is made of texts, and the rest.

    What it gives is what the model gives, to the last bit: the parts have the nodes of the model.

    Args:
        cuts: where to cut it.
        takes: the model's inputs.
        open_part: loads a part.
        rows_at_once: rows that the rest is run on at once.
    """

    def __init__(self, cuts: Partition, takes: Sequence[Take], open_part: Open, rows_at_once: int) -> None:
        self._takes = takes
        self._rows_at_once = rows_at_once
        types: dict[str, str] = {}
        self._head = open_part(cuts.part({}, cuts.numbers)) if cuts.numbers else None
        if self._head is not None:
            types |= zip(self._head.outputs, self._head.types, strict=True)
        numbers = dict(types)
        self._parts: list[_Part] = []
        for sources, tensors in cuts.cuts.items():
            session = open_part(cuts.part(numbers, tensors))
            types |= zip(session.outputs, session.types, strict=True)
            self._parts.append(_Part(session, sources))
        self._outputs = cuts.outputs
        rest = [name for name in cuts.outputs if name not in types]
        self._rest = open_part(cuts.part(types, rest)) if rest else None
        self._columns = self._dictionaries(set(cuts.sources) - set(cuts.numbers))

    @classmethod
    def of(cls, model: bytes, takes: Sequence[Take], open_part: Open, rows_at_once: int) -> Bulk | None:
        """The parts of a model; None where nothing in it can be done on distinct texts."""
        found = partition(model)
        return cls(found, takes, open_part, rows_at_once) if found is not None else None

    def run(self, columns: Mapping[str, pa.Array], rows: int) -> Iterator[dict[str, np.ndarray]]:
        """The model's outputs for some rows, a few thousand rows at a time.

        Args:
            columns: the columns that the model takes, each of `rows` values; texts may be coded.
            rows: how many there are, 1 or more.

        Raises:
            GraphError: values of the wrong type.
            NotByRowsError: the model has to be run as a whole.
        """
        numbers = {
            name: arrow_feed(column, columns[column], dtype)
            for name, column, dtype in self._takes
            if dtype.kind != "O"
        }
        texts = {
            name: arrow_texts(column, columns[column])
            for name, column, dtype in self._takes
            if dtype.kind == "O"
        }
        numbers |= self._head_of(numbers, rows)
        coded = self._coded(texts, numbers)
        plain = self._needed_on_rows(coded) & texts.keys()
        for start in range(0, rows, self._rows_at_once):
            stop = min(rows, start + self._rows_at_once)
            known = {name: values[start:stop] for name, values in numbers.items()}
            known |= {name: text_rows(texts[name].slice(start, stop - start)) for name in plain}
            for part in self._parts:
                found = coded.get(part.sources)
                results = part.run(known) if found is None else found.rows(start, stop)
                known |= zip(part.outputs, results, strict=True)
            if self._rest is not None:
                known |= zip(self._rest.outputs, _run(self._rest, known), strict=True)
            yield {name: known[name] for name in self._outputs}

    def _dictionaries(self, sources: set[str]) -> dict[str, TextDictionary]:
        """For each text column its dictionary, which computes what follows from that column alone."""
        alone = {part.sources[0]: part for part in self._parts if len(part.sources) == 1}
        found: dict[str, TextDictionary] = {}
        for source in sorted(sources):
            part = alone.get(source)
            found[source] = TextDictionary(part.run_alone if part is not None else lambda _: ())
        return found

    def _head_of(self, numbers: Mapping[str, np.ndarray], rows: int) -> dict[str, np.ndarray]:
        """The numbers that are written as texts."""
        if self._head is None:
            return {}
        found = []
        for start in range(0, rows, self._rows_at_once):
            stop = min(rows, start + self._rows_at_once)
            found.append(_run(self._head, {name: values[start:stop] for name, values in numbers.items()}))
        joined = (np.concatenate(pieces) for pieces in zip(*found, strict=True))
        return dict(zip(self._head.outputs, joined, strict=True))

    def _coded(
        self, texts: Mapping[str, pa.Array], numbers: Mapping[str, np.ndarray]
    ) -> dict[tuple[str, ...], _Gathered]:
        """What was computed of distinct values, by its sources; not there where that does not pay."""
        columns: dict[str, CodedTexts | CodedNumbers] = {}
        for part in self._parts:
            for source in part.sources:
                if source in columns:
                    continue
                found = (
                    self._columns[source].code(texts[source])
                    if source in self._columns
                    else code_numbers(numbers[source])
                )
                if found is not None:
                    columns[source] = found
        coded: dict[tuple[str, ...], _Gathered] = {}
        for part in self._parts:
            first = columns.get(part.sources[0])
            if len(part.sources) == 1 and isinstance(first, CodedTexts):
                coded[part.sources] = _Gathered(first.results, first.codes.codes)
            elif columns.keys() >= set(part.sources):
                together = part.combined([columns[source] for source in part.sources])
                if together is not None:
                    coded[part.sources] = together
        return coded

    def _needed_on_rows(self, coded: Mapping[tuple[str, ...], object]) -> set[str]:
        """The tensors that must be there for every row."""
        needed = set(self._rest.inputs) if self._rest is not None else set()
        for part in self._parts:
            if part.sources not in coded:
                needed |= set(part.sources)
        return needed


@dataclass(frozen=True)
class _Gathered:
    """What was computed of distinct values, and which of them each row has."""

    results: Results
    codes: np.ndarray

    def rows(self, start: int, stop: int) -> Results:
        codes = self.codes[start:stop]
        return tuple(result.take(codes, axis=0) for result in self.results)


class _Part:
    """What is made of one set of sources."""

    def __init__(self, session: Session, sources: tuple[str, ...]) -> None:
        self.sources = sources
        self.outputs = session.outputs
        self._session = session
        self._pause = 0

    def run(self, feeds: Mapping[str, np.ndarray]) -> Results:
        """Its tensors for some rows or distinct values."""
        found = tuple(_run(self._session, feeds))
        rows = len(feeds[self.sources[0]])
        if any(result.ndim == 0 or len(result) != rows for result in found):
            raise NotByRowsError
        return found

    def run_alone(self, values: np.ndarray) -> Results:
        """Its tensors for some values of its only source."""
        return self.run({self.sources[0]: values})

    def combined(self, columns: Sequence[CodedTexts | CodedNumbers]) -> _Gathered | None:
        """Its tensors for the distinct combinations of several columns; None where these hardly repeat."""
        if self._pause:
            self._pause -= 1
            return None
        rows, codes = combine([column.codes for column in columns]).distinct()

        def piece(start: int, stop: int) -> Results:
            named = zip(self.sources, columns, strict=True)
            return self.run({name: column.rows(rows[start:stop]) for name, column in named})

        pays = len(rows) * _ROWS_A_VALUE <= len(codes)
        results = in_pieces(piece, len(rows)) if pays else None
        if results is None:
            self._pause = _PAUSE
            return None
        return _Gathered(results, codes)


def _run(session: Session, known: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    return session.run(session.outputs, {name: known[name] for name in session.inputs})
