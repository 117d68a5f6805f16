"""What every method chooses on some training rows, and how the estimator then does on the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tilth.metrics import LabelEncoding
from tilth.sketches.hashing import Words
from tilth.training.selection.candidates import Candidates, FeatureBlock
from tilth.training.selection.counts import candidate_counts, fewest_within_one_error
from tilth.training.selection.folds import deal_folds
from tilth.training.selection.judging import judged
from tilth.training.selection.methods import Ranking, Tools, promising, rank
from tilth.training.selection.models import losses
from tilth.training.selection.sample import Sample, label_values
from tilth.training.selection.training import INNER_FOLDS, TrainingRows

__all__ = ["ALL", "Choice", "Rules", "all_rows", "choose"]

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]

ALL = "all"
"""The name under which all columns are shown."""

_INNER_ROWS = 3_000


@dataclass(frozen=True)
class Rules:
    """How columns are to be chosen.

    Args:
        candidates: what can be kept.
        methods: the names of the methods.
        tools: the estimator, and what else methods use.
        count: how many to keep; None to find it out.
        seed: for all that is drawn.
    """

    candidates: Candidates
    methods: tuple[str, ...]
    tools: Tools
    count: int | None
    seed: int


@dataclass(frozen=True)
class Choice:
    """What one method chose on some training rows.

    Args:
        kept: positions of candidates, the best first.
        scores: (c,), what the method ordered them by; None where it has none.
        metrics: how the estimator does with them on the rows that were not looked at; empty without any.
    """

    kept: tuple[int, ...]
    scores: Floats | None
    metrics: dict[str, float | None]


def choose(
    sample: Sample,
    train: Booleans,
    block: FeatureBlock,
    rules: Rules,
    told: Callable[[], None] = lambda: None,
) -> dict[str, Choice]:
    """The choice of every method, and that of all columns under "all".

    Of more than 200 candidates all methods look at no more than 200, the first by F and by mutual information
    on the training rows in turn.

    Args:
        sample: the rows.
        train: (n,), which of them to look at; the others are only predicted in the end.
        block: the features, fitted on the training rows.
        rules: how to choose.
        told: called after each method.
    """
    seen = _Rows(sample.table, sample.labels, sample.hashes, sample.strata).only(train)
    whole = _training_rows(block, seen, sample.encoding, rules)
    looked_at = promising(whole)
    rows = whole if looked_at is None else _training_rows(block.only(looked_at), seen, sample.encoding, rules)
    inner = _Inner(seen, looked_at, sample.encoding, rules)
    found = {
        ALL: _judged(Ranking(tuple(whole.usable)), len(whole.usable), whole, block, sample, train, rules)
    }
    told()
    for name in rules.methods:
        ranking = rank(name, rows, rules.tools)
        count = _count(name, ranking, inner, rules)
        found[name] = _judged(ranking, count, whole, block, sample, train, rules)
        told()
    return found


def all_rows(sample: Sample, block: FeatureBlock, rules: Rules) -> TrainingRows:
    """All rows as methods see them; the features are fitted on all."""
    rows = _Rows(sample.table, sample.labels, sample.hashes, sample.strata)
    return _training_rows(block, rows, sample.encoding, rules)


def _judged(
    ranking: Ranking,
    count: int,
    rows: TrainingRows,
    block: FeatureBlock,
    sample: Sample,
    train: Booleans,
    rules: Rules,
) -> Choice:
    """The first `count` candidates of a ranking, and how the estimator does with them on the other rows."""
    kept, metrics = ranking.order[:count], {}
    if len(block.test) and kept:
        fitted = rules.tools.learner.fit(block.train, rows.labels, rows.features_of(list(kept)))
        metrics = judged(fitted.outputs(block.test), sample.labels[~train], sample.encoding)
    return Choice(kept, ranking.scores, metrics)


def _training_rows(block: FeatureBlock, rows: _Rows, encoding: LabelEncoding, rules: Rules) -> TrainingRows:
    return TrainingRows(
        block,
        rows.labels,
        rows.hashes,
        rows.strata,
        task=encoding.task,
        classes=len(encoding.classes),
        candidates=len(rules.candidates.items),
        seed=rules.seed,
    )


def _count(name: str, ranking: Ranking, inner: _Inner, rules: Rules) -> int:
    if rules.count is not None:
        return rules.count
    return len(ranking.order) if ranking.is_set else inner.count(name, len(ranking.order))


@dataclass(frozen=True)
class _Rows:
    """Rows with what is known of them, all of one length."""

    table: pa.Table
    labels: npt.NDArray[np.number]
    hashes: Words
    strata: npt.NDArray[np.int64]

    def only(self, which: Booleans) -> _Rows:
        """Some of the rows, in their order."""
        table = self.table.filter(pa.array(which))
        return _Rows(table, self.labels[which], self.hashes[which], self.strata[which])


class _Inner:
    """The training rows dealt once more, to find out how many columns to keep.

    Everything is done again on each of these smaller training sets: the constants of the features, the
    ranking and the fit. At most the first 3,000 rows are used.
    """

    def __init__(
        self, rows: _Rows, looked_at: list[int] | None, encoding: LabelEncoding, rules: Rules
    ) -> None:
        self._looked_at = looked_at
        first = np.arange(len(rows.labels)) < _INNER_ROWS
        self._rows = rows.only(first)
        self._encoding = encoding
        self._rules = rules
        self._folds: list[tuple[FeatureBlock, TrainingRows, npt.NDArray[np.number]]] = []
        self._known: dict[tuple[int, frozenset[int]], Floats] = {}

    def count(self, name: str, most: int) -> int:
        """How many of the `most` columns that a method ranks to keep."""
        if most < 2:
            return most
        rankings = [rank(name, rows, self._rules.tools).order for _, rows, _ in self._dealt()]

        def held_out(count: int) -> Floats:
            return np.concatenate([self._losses(at, order[:count]) for at, order in enumerate(rankings)])

        return fewest_within_one_error(candidate_counts(most), held_out)

    def _losses(self, fold: int, kept: Sequence[int]) -> Floats:
        """The losses of the rows of a fold with some candidates; what is asked for twice is kept."""
        key = fold, frozenset(kept)
        if key not in self._known:
            block, rows, labels = self._dealt()[fold]
            fitted = self._rules.tools.learner.fit(block.train, rows.labels, rows.features_of(list(kept)))
            self._known[key] = losses(fitted.outputs(block.test), labels, self._encoding.task)
        return self._known[key]

    def _dealt(self) -> list[tuple[FeatureBlock, TrainingRows, npt.NDArray[np.number]]]:
        if not self._folds:
            rows = self._rows
            dealt = deal_folds(rows.hashes, rows.strata, INNER_FOLDS, seed=self._rules.seed + 2)
            for fold in range(INNER_FOLDS):
                train = dealt != fold
                values = label_values(rows.labels, self._encoding)
                block = self._rules.candidates.fit(rows.table, train, values, self._looked_at)
                seen = _training_rows(block, rows.only(train), self._encoding, self._rules)
                self._folds.append((block, seen, rows.labels[~train]))
        return self._folds
